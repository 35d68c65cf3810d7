/**
 * Chain exchange over simulated links: the network's own bytes both ways, the client's own checks of every answer, and the
 * offences that the client of libp2p reports. Only streams and their time limits are this file's.
 */
import { isFilError } from "../base/errors.ts";
import type { ChainSource } from "../network/chain-source.ts";
import { checkResponse, ExchangeError, type FetchedTipset } from "../network/exchange-client.ts";
import { compactMessages } from "../network/exchange-server.ts";
import { DEADLINES } from "../network/params.ts";
import type { Offence } from "../network/peer-book.ts";
import {
  decodeExchangeRequest,
  decodeExchangeResponse,
  EXCHANGE_LIMITS,
  EXCHANGE_STATUS,
  encodeExchangeRequest,
  encodeExchangeResponse,
  encodeExchangeTipset,
} from "../network/wire/exchange.ts";
import type { AskOptions, Sleep } from "../sync/peers.ts";
import type { CID } from "../types/cid.ts";

/** Bytes of an answer, or why there is none. */
export type Answer = (bytes: Uint8Array | null) => void;

export type SimExchangeParts = {
  /** Peers to ask, best first. */
  readonly peers: () => readonly string[];
  readonly sleep: Sleep;
  /** Sends a request; `answer` is called when an answer comes, or with null when the connection breaks. */
  readonly ask: (peer: string, request: Uint8Array, answer: Answer) => void;
  readonly onOffence: (peer: string, offence: Offence) => void;
};

/** Peers that are asked before a request is given up, as the client of libp2p does. */
const MAX_TRIED = 16;

export class SimExchange {
  /** Requests that wait for an answer. */
  open = 0;
  private readonly parts: SimExchangeParts;

  constructor(parts: SimExchangeParts) {
    this.parts = parts;
  }

  async fetch(
    head: readonly CID[],
    length: number,
    options: AskOptions & { readonly messages: boolean },
  ): Promise<readonly FetchedTipset[]> {
    const { messages, signal, from, vouched = false } = options;
    const others = this.parts.peers().filter((peer) => peer !== from);
    const peers = (from === undefined ? others : [from, ...others]).slice(0, MAX_TRIED);
    if (peers.length === 0) throw new ExchangeError({ code: "NO_PEER" }, "no peer to ask for the chain");
    const request = { head, length, headers: true, messages };
    let last: unknown;
    for (const peer of peers) {
      signal.throwIfAborted();
      try {
        const bytes = await this.answerOf(peer, encodeExchangeRequest(request), signal);
        return checkResponse(peer, request, decodeExchangeResponse(bytes));
      } catch (error) {
        signal.throwIfAborted();
        last = error;
        if (isFilError(error, "BAD_ANSWER")) this.parts.onOffence(peer, "badChain");
        else if (isFilError(error, "NO_ANSWER")) {
          if (vouched && peer === from) this.parts.onOffence(peer, "notFound");
        } else if (!isFilError(error, "NO_PEER")) this.parts.onOffence(peer, "badFrame");
      }
    }
    throw new ExchangeError({ code: "NO_ANSWER", tried: peers.length }, `none of ${peers.length} peers had the chain`, {
      cause: last,
    });
  }

  private async answerOf(peer: string, request: Uint8Array, outer: AbortSignal): Promise<Uint8Array> {
    const done = new AbortController();
    const stop = (): void => done.abort(outer.reason);
    outer.addEventListener("abort", stop, { once: true });
    this.open++;
    try {
      return await new Promise<Uint8Array>((resolve, reject) => {
        const broken = new ExchangeError({ code: "NO_PEER" }, `the connection with ${peer} broke`);
        this.parts.ask(peer, request, (bytes) => (bytes === null ? reject(broken) : resolve(bytes)));
        this.parts.sleep(DEADLINES.exchangeRead + DEADLINES.exchangeWrite, done.signal).then(
          () => {
            this.parts.onOffence(peer, "tooSlow");
            reject(new ExchangeError({ code: "NO_PEER" }, `${peer} took too long`));
          },
          () => reject(outer.reason),
        );
      });
    } finally {
      this.open--;
      outer.removeEventListener("abort", stop);
      done.abort(new Error("answered"));
    }
  }
}

/** The answer of a node whose chain is `chain`. */
export async function answerExchange(chain: ChainSource, bytes: Uint8Array): Promise<Uint8Array> {
  const request = decodeExchangeRequest(bytes);
  const parts: Uint8Array[] = [];
  let [size, isWhole] = [0, false];
  let next = await chain.tipset(request.head);
  if (next === null) return encodeExchangeResponse(EXCHANGE_STATUS.notFound, "tipset not found", []);
  while (next !== null && parts.length < request.length) {
    const messages = request.messages ? await compactMessages(chain, next) : null;
    if (request.messages && messages === null) break;
    const one = encodeExchangeTipset({ blocks: request.headers ? next.blocks : [], messages });
    size += one.length;
    if (size > EXCHANGE_LIMITS.responseBytes) break;
    parts.push(one);
    isWhole = next.height === 0 || parts.length === request.length;
    next = isWhole ? null : await chain.tipset(next.blocks[0]?.parents ?? []);
  }
  const status = isWhole ? EXCHANGE_STATUS.ok : EXCHANGE_STATUS.partial;
  return encodeExchangeResponse(status, isWhole ? "" : "not all of it is here", parts);
}
