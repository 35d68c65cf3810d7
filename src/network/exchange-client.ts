/**
 * Asks peers for ranges of the chain and believes none of them: an answer must begin with the tipset that was asked for,
 * and each tipset must be the parents of the one before it. That messages are those that the headers commit to is for whoever
 * reads them to check. Whoever answers otherwise is reported; the next peer is asked. Source: lotus chain/exchange/client.go.
 */
import type { Stream } from "@libp2p/interface";
import { describeError, FilError, isFilError } from "../base/errors.ts";
import { HeaderError, makeTipset, sameKey, type Tipset } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";
import type { Host } from "./host.ts";
import type { OwnTime } from "./own-time.ts";
import { type Deadlines, MIN_ANSWER_SPEED } from "./params.ts";
import type { Offence } from "./peer-book.ts";
import {
  type CompactedMessages,
  decodeExchangeResponse,
  EXCHANGE_LIMITS,
  EXCHANGE_PROTOCOL,
  EXCHANGE_STATUS,
  type ExchangeRequest,
  type ExchangeResponse,
  encodeExchangeRequest,
} from "./wire/exchange.ts";
import { frameStream } from "./wire/frames.ts";

export type ExchangeErrorData =
  | { readonly code: "NO_PEER" }
  | { readonly code: "NO_ANSWER"; readonly tried: number }
  | { readonly code: "BAD_ANSWER"; readonly peer: string };
export class ExchangeError extends FilError<ExchangeErrorData> {}

export type ExchangeClientParts = {
  readonly host: Host;
  /** Peers to ask, best first. */
  readonly peers: () => readonly string[];
  readonly now: () => number;
  readonly deadlines: Deadlines;
  readonly time: OwnTime;
  readonly onOffence: (peer: string, offence: Offence) => void;
  /** How long an answer took; for the choice of peers. */
  readonly onAnswer: (peer: string, milliseconds: number) => void;
};

/** A tipset of an answer, checked against its key, and who gave it. Its messages are not compared with its headers yet. */
export type FetchedTipset = {
  readonly tipset: Tipset;
  readonly messages: CompactedMessages | null;
  readonly peer: string;
};

/** Peers that are asked before the request is given up. Source: lotus chain/exchange/client.go, ShufflePeersPrefix. */
const MAX_TRIED = 16;
/** Characters of a peer's reason that are told. */
const MAX_WORDS = 200;

export class ExchangeClient {
  /** Bytes of all answers so far. */
  received = 0;
  private readonly parts: ExchangeClientParts;

  constructor(parts: ExchangeClientParts) {
    this.parts = parts;
  }

  /**
   * Tipsets from `head` down to at most `length`, headers and, if wanted, messages. Fewer come back where a peer has
   * fewer or the chain begins. `from` is asked first; `vouched`: it is held to having them. Rejects with `ExchangeError`
   * NO_PEER or NO_ANSWER, or the signal's reason.
   */
  async fetch(
    head: readonly CID[],
    length: number,
    options: {
      readonly messages: boolean;
      readonly signal: AbortSignal;
      readonly from?: string;
      readonly vouched?: boolean;
    },
  ): Promise<readonly FetchedTipset[]> {
    const { messages, signal, from, vouched = false } = options;
    const request = { head, length, headers: true, messages };
    return askInTurn(this.parts.peers(), from, signal, (peer) =>
      this.ask(peer, request, signal, vouched && peer === from),
    );
  }

  /** `promised`: the peer called the chain its own. Who never did, or passed a block on, may not have it. */
  private async ask(
    peer: string,
    request: ExchangeRequest,
    outer: AbortSignal,
    promised: boolean,
  ): Promise<readonly FetchedTipset[]> {
    const { host, now, onOffence, onAnswer, deadlines, time } = this.parts;
    const connection = host.getConnections().find((one) => one.remotePeer.toString() === peer);
    if (connection === undefined) throw new ExchangeError({ code: "NO_PEER" }, `peer ${peer} is not connected`);
    const start = now();
    let bytes = 0;
    const slow = new AbortController();
    const { exchangeRead, exchangeWrite } = deadlines;
    // The peer may think for a while; from then on its answer has to come at some speed.
    const patience = time.patience(exchangeRead + exchangeWrite, "the answer takes too long", (waited) => {
      const expected = ((waited - exchangeRead) / 1000) * MIN_ANSWER_SPEED;
      if (bytes < expected) slow.abort(new Error("the answer comes too slowly"));
    });
    const signal = AbortSignal.any([outer, patience.signal, slow.signal]);
    let stream: Stream | undefined;
    try {
      stream = await connection.newStream(EXCHANGE_PROTOCOL, { signal });
      const frames = frameStream(stream);
      await frames.write(encodeExchangeRequest(request), signal);
      await stream.close({ signal });
      const answer = await frames.read(EXCHANGE_LIMITS.responseBytes, signal, (so) => {
        bytes = so;
      });
      this.received += answer.length;
      const response = decodeExchangeResponse(answer);
      const chain = checkResponse(peer, request, response);
      onAnswer(peer, now() - start);
      return chain;
    } catch (error) {
      stream?.abort(error as Error);
      if (isFilError(error, "BAD_ANSWER")) onOffence(peer, "badChain");
      else if (isFilError(error, "FRAME_TOO_LARGE")) onOffence(peer, "tooLarge");
      else if (isFilError(error, "NO_ANSWER")) {
        if (promised) onOffence(peer, "notFound");
      } else if (error instanceof FilError && error.code !== "STREAM_ENDED") onOffence(peer, "badFrame");
      else if (stream !== undefined && (patience.isOver || slow.signal.aborted) && !outer.aborted) {
        // Others are asked before it from now on.
        onAnswer(peer, now() - start);
        onOffence(peer, "slowAnswer");
      }
      throw error;
    } finally {
      patience.end();
    }
  }
}

/**
 * What the first peer answers that has an answer, `from` before all others. Rejects with `ExchangeError` NO_PEER or
 * NO_ANSWER, which tells what the last one failed of, or the signal's reason.
 */
export async function askInTurn<Answer>(
  all: readonly string[],
  from: string | undefined,
  signal: AbortSignal,
  ask: (peer: string) => Promise<Answer>,
): Promise<Answer> {
  const others = all.filter((peer) => peer !== from);
  const peers = (from === undefined ? others : [from, ...others]).slice(0, MAX_TRIED);
  if (peers.length === 0) throw new ExchangeError({ code: "NO_PEER" }, "no peer to ask for the chain");
  let last: unknown;
  for (const peer of peers) {
    signal.throwIfAborted();
    try {
      return await ask(peer);
    } catch (error) {
      signal.throwIfAborted();
      last = error;
    }
  }
  const why = describeError(last);
  const none =
    peers.length === 1 ? "the one peer at hand did not give the chain" : `none of ${peers.length} peers gave the chain`;
  throw new ExchangeError({ code: "NO_ANSWER", tried: peers.length }, `${none}; the last answer: ${why}`, {
    cause: last,
  });
}

/** A peer's own words, as they may stand in a line of a log. */
function wordsOf(text: string): string {
  const line = text.replace(/\p{Cc}/gu, "\ufffd");
  return `"${line.length > MAX_WORDS ? `${line.slice(0, MAX_WORDS)}…` : line}"`;
}

/** Checks an answer against its question; throws `ExchangeError`. What the headers claim of the state is not looked at. */
export function checkResponse(
  peer: string,
  request: ExchangeRequest,
  { status, errorMessage, chain }: ExchangeResponse,
): readonly FetchedTipset[] {
  const lies = (why: string): never => {
    throw new ExchangeError({ code: "BAD_ANSWER", peer }, `peer ${peer}: ${why}`);
  };
  if (status !== EXCHANGE_STATUS.ok && status !== EXCHANGE_STATUS.partial)
    throw new ExchangeError(
      { code: "NO_ANSWER", tried: 1 },
      `peer ${peer}: status ${status}, ${wordsOf(errorMessage)}`,
    );
  if (chain.length === 0) lies("an empty answer that calls itself good");
  if (chain.length > request.length) lies(`${chain.length} tipsets, ${request.length} asked for`);
  const out: FetchedTipset[] = [];
  let expected = request.head;
  for (const { blocks, messages } of chain) {
    let tipset: Tipset;
    try {
      tipset = makeTipset(blocks);
    } catch (error) {
      if (!(error instanceof HeaderError)) throw error;
      return lies(error.message);
    }
    if (!sameKey(tipset.key, expected)) lies(`tipset ${tipset.key.join()} where ${expected.join()} belongs`);
    const above = out[out.length - 1]?.tipset;
    if (above !== undefined && tipset.height >= above.height) lies("a parent that is not lower");
    if (request.messages) {
      if (messages === null) lies("no messages");
      else if (messages.blsIncludes.length !== blocks.length || messages.secpIncludes.length !== blocks.length)
        lies("messages of another number of blocks");
    }
    out.push({ tipset, messages: request.messages ? messages : null, peer });
    expected = tipset.blocks[0]?.parents ?? [];
    if (tipset.height === 0) break;
  }
  const end = out[out.length - 1] as FetchedTipset;
  if (out.length < chain.length) lies("tipsets below the genesis");
  if (status === EXCHANGE_STATUS.ok && out.length < request.length && end.tipset.height !== 0)
    lies("fewer tipsets than asked for, called complete");
  return out;
}
