/**
 * Serves ranges of the chain. A response holds whole tipsets only, never more than the network's limit of bytes; what
 * does not fit is left out and the response says that it is partial. Source: lotus chain/exchange/server.go.
 */
import type { Connection, Stream } from "@libp2p/interface";
import { isFilError } from "../base/errors.ts";
import type { Tipset } from "../types/block-header.ts";
import { type CidKey, cidKey, cidOfBlock } from "../types/cid.ts";
import { encodeMessage, encodeSignedMessage, type Message, type SignedMessage } from "../types/message.ts";
import type { ChainSource } from "./chain-source.ts";
import type { Host } from "./host.ts";
import type { OwnTime } from "./own-time.ts";
import { type Deadlines, PEER_LIMITS } from "./params.ts";
import type { Offence } from "./peer-book.ts";
import { RateLimiter } from "./rate-limit.ts";
import {
  type CompactedMessages,
  decodeExchangeRequest,
  EXCHANGE_LIMITS,
  EXCHANGE_PROTOCOL,
  EXCHANGE_STATUS,
  type ExchangeRequest,
  encodeExchangeResponse,
  encodeExchangeTipset,
} from "./wire/exchange.ts";
import { frameStream } from "./wire/frames.ts";

export type ExchangeServerParts = {
  readonly host: Host;
  readonly chain: ChainSource;
  readonly deadlines: Deadlines;
  readonly time: OwnTime;
  readonly now: () => number;
  readonly onOffence: (peer: string, offence: Offence) => void;
};

/** Tipsets of an answer after which the thread is given to others: some milliseconds of work. */
const PAUSE_EVERY = 64;
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

export class ExchangeServer {
  private readonly parts: ExchangeServerParts;
  private readonly rate: RateLimiter;
  /** Bytes of responses that are being built or sent. */
  private inFlight = 0;

  constructor(parts: ExchangeServerParts) {
    this.parts = parts;
    this.rate = new RateLimiter(
      { burst: PEER_LIMITS.exchangeBurst, perSecond: PEER_LIMITS.exchangePerSecond },
      parts.now,
      () => parts.time.late,
    );
  }

  async start(): Promise<void> {
    await this.parts.host.handle(EXCHANGE_PROTOCOL, (stream, connection) => this.answer(stream, connection), {
      maxInboundStreams: PEER_LIMITS.inboundStreams,
      maxOutboundStreams: PEER_LIMITS.outboundStreams,
    });
  }

  async stop(): Promise<void> {
    await this.parts.host.unhandle(EXCHANGE_PROTOCOL);
  }

  private async answer(stream: Stream, connection: Connection): Promise<void> {
    const { onOffence, time, deadlines } = this.parts;
    const peer = connection.remotePeer.toString();
    const reading = time.patience(deadlines.exchangeRead, "the request comes too slowly");
    const taken = { bytes: 0 };
    try {
      const frames = frameStream(stream);
      const request = decodeExchangeRequest(await frames.read(EXCHANGE_LIMITS.requestBytes, reading.signal));
      reading.end();
      const writing = AbortSignal.timeout(deadlines.exchangeWrite);
      await frames.write(await this.respond(peer, request, taken), writing);
      await stream.close({ signal: writing });
    } catch (error) {
      stream.abort(error as Error);
      if (isFilError(error) && error.code !== "STREAM_ENDED")
        onOffence(peer, error.code === "FRAME_TOO_LARGE" ? "tooLarge" : "badFrame");
      else if (reading.isOver) onOffence(peer, "tooSlow");
    } finally {
      reading.end();
      this.inFlight -= taken.bytes;
    }
  }

  private async respond(peer: string, request: ExchangeRequest, taken: { bytes: number }): Promise<Uint8Array> {
    if (!this.rate.allow(peer)) {
      this.parts.onOffence(peer, "tooManyRequests");
      return encodeExchangeResponse(EXCHANGE_STATUS.goAway, "too many requests", []);
    }
    const refusal = refuse(request);
    if (refusal !== null) return encodeExchangeResponse(EXCHANGE_STATUS.badRequest, refusal, []);
    try {
      return await answerRequest(this.parts.chain, request, (bytes) => this.takes(bytes, taken), pause);
    } catch {
      return encodeExchangeResponse(EXCHANGE_STATUS.internalError, "the chain could not be read", []);
    }
  }

  private takes(bytes: number, taken: { bytes: number }): boolean {
    const isFull =
      taken.bytes + bytes > EXCHANGE_LIMITS.responseBytes || this.inFlight + bytes > PEER_LIMITS.exchangeBytesInFlight;
    if (isFull) return false;
    taken.bytes += bytes;
    this.inFlight += bytes;
    return true;
  }
}

/**
 * The answer to a request from a chain: as many tipsets as `takes` agrees to, which hears the bytes of each in
 * turn. One without a tipset never calls itself good: whoever asks would take it for a lie. `pause` is awaited now and
 * then, for whoever has other things to do on this thread.
 */
export async function answerRequest(
  chain: ChainSource,
  request: ExchangeRequest,
  takes: (bytes: number) => boolean,
  pause: () => Promise<void> = async () => undefined,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let next = await chain.tipset(request.head);
  if (next === null) return encodeExchangeResponse(EXCHANGE_STATUS.notFound, "tipset not found", []);
  while (next !== null) {
    const messages = request.messages ? await compactMessages(chain, next) : null;
    if (request.messages && messages === null) {
      if (parts.length > 0) break;
      return encodeExchangeResponse(EXCHANGE_STATUS.notFound, "messages not found", []);
    }
    const bytes = encodeExchangeTipset({ blocks: request.headers ? next.blocks : [], messages });
    if (!takes(bytes.length)) {
      if (parts.length > 0) break;
      return encodeExchangeResponse(EXCHANGE_STATUS.goAway, "too much to send", []);
    }
    parts.push(bytes);
    if (next.height === 0 || parts.length === request.length)
      return encodeExchangeResponse(EXCHANGE_STATUS.ok, "", parts);
    if (parts.length % PAUSE_EVERY === 0) await pause();
    next = await chain.tipset(next.blocks[0]?.parents ?? []);
  }
  return encodeExchangeResponse(EXCHANGE_STATUS.partial, "not all of it is here", parts);
}

/** What is wrong with a request, or null. */
function refuse({ head, length, headers, messages }: ExchangeRequest): string | null {
  if (head.length === 0) return "no tipset named";
  if (length === 0) return "no tipset asked for";
  if (length > EXCHANGE_LIMITS.tipsets) return `more than ${EXCHANGE_LIMITS.tipsets} tipsets asked for`;
  return headers || messages ? null : "neither headers nor messages asked for";
}

/** Messages of a tipset, each once; null if some are not here. */
export async function compactMessages(chain: ChainSource, tipset: Tipset): Promise<CompactedMessages | null> {
  const bls = indexer<Message>(encodeMessage);
  const secp = indexer<SignedMessage>(encodeSignedMessage);
  for (const header of tipset.blocks) {
    const own = await chain.blockMessages(header);
    if (own === null) return null;
    bls.block(own.bls);
    secp.block(own.secp);
  }
  return { bls: bls.all, blsIncludes: bls.includes, secp: secp.all, secpIncludes: secp.includes };
}

function indexer<T>(encode: (message: T) => Uint8Array) {
  const at = new Map<CidKey, number>();
  const all: T[] = [];
  const includes: number[][] = [];
  return {
    all,
    includes,
    block(messages: readonly T[]): void {
      includes.push(
        messages.map((message) => {
          const key = cidKey(cidOfBlock(encode(message)));
          const known = at.get(key);
          if (known !== undefined) return known;
          at.set(key, all.length);
          return all.push(message) - 1;
        }),
      );
    },
  };
}
