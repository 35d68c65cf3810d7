/** Questions to a provider: what it asks for a DAG, and over what it serves; and the answers to those of others. */
import { multiaddr } from "@multiformats/multiaddr";
import { describeError, isFilError } from "../../base/errors.ts";
import type { PeerStreams } from "../../network/peer-streams.ts";
import { RateLimiter } from "../../network/rate-limit.ts";
import { frameStream } from "../../network/wire/frames.ts";
import type { CID } from "../../types/cid.ts";
import { answerWithin, askPeerWithin, type Question } from "../wire/question.ts";
import { RetrievalError } from "./errors.ts";
import {
  decodeQuery,
  decodeQueryResponse,
  decodeTransports,
  encodeQuery,
  encodeQueryResponse,
  encodeTransports,
  MAX_QUERY,
  MAX_TRANSPORTS,
  QUERY_PROTOCOL,
  type Query,
  type QueryResponse,
  TRANSPORTS_PROTOCOL,
  type Transport,
} from "./messages.ts";

/** Milliseconds that a question and its answer may take. */
const ANSWER_MS = 30_000;
/** Questions that a peer may ask at once, and each second afterwards: an answer may walk a DAG. */
const RATE = { burst: 32, perSecond: 2 } as const;

export type QueryServerParts = {
  readonly streams: PeerStreams;
  readonly answer: (query: Query, peer: string) => Promise<QueryResponse>;
  readonly transports: () => Promise<readonly Transport[]>;
  readonly now: () => number;
};

export class QueryServer {
  private readonly parts: QueryServerParts;
  private readonly rate: RateLimiter;

  constructor(parts: QueryServerParts) {
    this.parts = parts;
    this.rate = new RateLimiter(RATE, parts.now);
  }

  async start(): Promise<void> {
    const { streams, answer, transports } = this.parts;
    const within = (peer: string, work: (signal: AbortSignal) => Promise<void>): Promise<void> =>
      answerWithin(streams, peer, this.rate, ANSWER_MS, work);
    await streams.handle(QUERY_PROTOCOL, (stream, peer) =>
      within(peer, async (signal) => {
        const frames = frameStream(stream);
        const query = decodeQuery(await frames.read(MAX_QUERY, signal));
        await frames.write(encodeQueryResponse(await answer(query, peer)), signal);
      }),
    );
    await streams.handle(TRANSPORTS_PROTOCOL, (stream, peer) =>
      within(peer, async (signal) => frameStream(stream).write(encodeTransports(await transports()), signal)),
    );
  }

  async stop(): Promise<void> {
    await this.parts.streams.unhandle(QUERY_PROTOCOL);
    await this.parts.streams.unhandle(TRANSPORTS_PROTOCOL);
  }
}

/** What a provider asks for a DAG. Rejects with `RetrievalError` NO_ANSWER. */
export async function askQuery(
  streams: PeerStreams,
  peer: string,
  payload: CID,
  piece: CID | null,
  signal: AbortSignal,
): Promise<QueryResponse> {
  const question = { protocol: QUERY_PROTOCOL, bytes: encodeQuery({ payload, piece }), most: MAX_QUERY };
  const bytes = await ask(streams, peer, question, signal);
  return readAnswer(streams, peer, () => decodeQueryResponse(bytes));
}

/** Over what a provider serves; addresses as text. Rejects with `RetrievalError` NO_ANSWER. */
export async function askTransports(
  streams: PeerStreams,
  peer: string,
  signal: AbortSignal,
): Promise<readonly { readonly name: string; readonly addresses: readonly string[] }[]> {
  const question = { protocol: TRANSPORTS_PROTOCOL, bytes: null, most: MAX_TRANSPORTS };
  const bytes = await ask(streams, peer, question, signal);
  return readAnswer(streams, peer, () =>
    decodeTransports(bytes).map(({ name, addresses }) => ({ name, addresses: addresses.map(addressText) })),
  );
}

function addressText(bytes: Uint8Array): string {
  try {
    return multiaddr(bytes).toString();
  } catch {
    return "(no multiaddr)";
  }
}

async function ask(streams: PeerStreams, peer: string, question: Question, signal: AbortSignal): Promise<Uint8Array> {
  try {
    return await askPeerWithin(streams, peer, question, ANSWER_MS, signal);
  } catch (cause) {
    signal.throwIfAborted();
    throw noAnswer(peer, cause);
  }
}

function readAnswer<Answer>(streams: PeerStreams, peer: string, read: () => Answer): Answer {
  try {
    return read();
  } catch (cause) {
    if (isFilError(cause)) streams.report(peer, "badFrame");
    throw noAnswer(peer, cause);
  }
}

function noAnswer(peer: string, cause: unknown): RetrievalError {
  const why = `peer ${peer} does not answer questions about retrievals: ${describeError(cause)}`;
  return new RetrievalError({ code: "NO_ANSWER", peer }, why, { cause });
}
