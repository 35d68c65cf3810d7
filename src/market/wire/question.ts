/** One question and one answer over a stream of their own, CBOR items both: the side that asks, and what the one that answers allows. */
import { isFilError } from "../../base/errors.ts";
import type { PeerStreams } from "../../network/peer-streams.ts";
import type { RateLimiter } from "../../network/rate-limit.ts";
import { frameStream } from "../../network/wire/frames.ts";

/** `bytes`: null where opening the stream is the question. */
export type Question = {
  readonly protocol: string;
  readonly bytes: Uint8Array | null;
  /** Bytes that the answer may have. */
  readonly most: number;
};

/**
 * Asks a peer, by its identity or a multiaddr. Resolves to the answer's bytes; rejects with `WireError`, the stream's error or
 * the signal's reason.
 */
export async function askPeer(
  streams: Pick<PeerStreams, "open">,
  peer: string,
  { protocol, bytes, most }: Question,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const stream = await streams.open(peer, protocol, signal);
  try {
    const frames = frameStream(stream);
    if (bytes !== null) await frames.write(bytes, signal);
    const answer = await frames.read(most, signal);
    stream.close().catch(() => undefined);
    return answer;
  } catch (error) {
    stream.abort(error instanceof Error ? error : new Error(`${error}`));
    throw error;
  }
}

/** As `askPeer`, for `ms` milliseconds of this node's own time at the most. */
export async function askPeerWithin(
  streams: Pick<PeerStreams, "open" | "patience">,
  peer: string,
  question: Question,
  ms: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const patience = streams.patience(ms, `peer ${peer} does not answer`);
  try {
    return await askPeer(streams, peer, question, AbortSignal.any([signal, patience.signal]));
  } finally {
    patience.end();
  }
}

/**
 * Answers a peer, if `rate` allows, in `ms` milliseconds of this node's own time at the most: `work` reads the question and
 * writes the answer. What is no message is an offence of the peer's. Rejects with what ends the stream.
 */
export async function answerWithin(
  streams: Pick<PeerStreams, "patience" | "report">,
  peer: string,
  rate: RateLimiter,
  ms: number,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  if (!rate.allow(peer)) {
    streams.report(peer, "tooManyRequests");
    throw new Error("too many questions");
  }
  const patience = streams.patience(ms, "no question in time");
  try {
    await work(patience.signal);
  } catch (error) {
    if (isFilError(error, "BAD_FRAME")) streams.report(peer, "badFrame");
    if (isFilError(error, "FRAME_TOO_LARGE")) streams.report(peer, "tooLarge");
    throw error;
  } finally {
    patience.end();
  }
}
