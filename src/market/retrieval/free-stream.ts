/**
 * The free stream of 2019: a piece of data in chunks over one libp2p stream, for nothing; off unless its user turns it on. A file
 * is named by its root and comes as its bytes, a piece by its CID and comes as the bytes that are committed to. Nothing of it can
 * be verified before all of it is here.
 *
 * Messages are DAG-CBOR maps behind their length as a varint: {pieceRef}, {status, errorMessage} with 1 for no and 2 for yes, then
 * {data} of at most 64 KiB each until the stream ends.
 * Source: filecoin-project/specs network-protocols.md ("Retrieve Piece for Free"); go-filecoin protocol/retrieval of 2019 for the
 * spelling of the messages.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { describeError, isFilError } from "../../base/errors.ts";
import type { PeerStreams } from "../../network/peer-streams.ts";
import { RateLimiter } from "../../network/rate-limit.ts";
import { type FrameStream, frameStream, LengthScanner, withLength, withoutLength } from "../../network/wire/frames.ts";
import { commitmentOfCidV1 } from "../../sector/piece/cid.ts";
import { CID } from "../../types/cid.ts";
import type { ClientStore } from "../data/client-store.ts";
import { pieceBytes } from "../data/commit-car.ts";
import { exportUnixfs } from "../data/unixfs.ts";
import { RetrievalError } from "./errors.ts";

export const FREE_PROTOCOL = "/fil/retrieval/free/0.0.0";

const STATUS = { no: 1, yes: 2 } as const;
/** Most bytes of a chunk. */
const CHUNK = 64 << 10;
/** Longest message that is read; go-filecoin reads no longer one. */
const MAX_MESSAGE = 256 << 10;
/** Bytes that chunks come to on average, but for some of them: each may take as long as a message, and imports wait for it. */
const LEAST_CHUNK = 4096;
const FEW_MESSAGES = 64;
const MAX_TEXT = 1000;
/** Bytes of a lent piece that are read at a time. */
const WINDOW = 1 << 20;
/** Milliseconds that each message may take, and streams that are served at once, in all and to a peer. */
const MESSAGE_MS = 30_000;
const MAX_STREAMS = 16;
const MAX_OF_PEER = 4;
const RATE = { burst: 8, perSecond: 0.5 } as const;

export type FreeStreamParts = {
  readonly streams: PeerStreams;
  readonly store: () => Promise<ClientStore>;
  readonly now: () => number;
};

/** Serves the stream from `start` to `stop`. */
export class FreeStreamServer {
  private readonly parts: FreeStreamParts;
  private readonly rate: RateLimiter;
  /** Streams that are served, by peer. */
  private readonly open: string[] = [];

  constructor(parts: FreeStreamParts) {
    this.parts = parts;
    this.rate = new RateLimiter(RATE, parts.now);
  }

  async start(): Promise<void> {
    const { streams } = this.parts;
    await streams.handle(FREE_PROTOCOL, async (stream, peer) => {
      const own = this.open.filter((one) => one === peer).length;
      if (!this.rate.allow(peer) || own >= MAX_OF_PEER || this.open.length >= MAX_STREAMS)
        throw new RetrievalError({ code: "BUSY" }, "too many streams");
      const frames = frameStream(stream, (limit) => new LengthScanner(limit));
      this.open.push(peer);
      try {
        await this.serve(frames);
      } catch (error) {
        if (isFilError(error, "FRAME_TOO_LARGE")) streams.report(peer, "tooLarge");
        if (isFilError(error, "BAD_FRAME")) streams.report(peer, "badFrame");
        throw error;
      } finally {
        this.open.splice(this.open.indexOf(peer), 1);
      }
    });
  }

  stop(): Promise<void> {
    return this.parts.streams.unhandle(FREE_PROTOCOL);
  }

  private async serve(frames: FrameStream): Promise<void> {
    const { streams, store } = this.parts;
    const { pieceRef } = await read(streams, frames);
    const ref = CID.asCID(pieceRef);
    if (ref === null) throw new RetrievalError({ code: "BAD_FRAME" }, "a request names a CID");
    const stopping = new AbortController();
    try {
      const bytes = contentOf(await store(), ref, stopping.signal)[Symbol.asyncIterator]();
      // The answer is no if not even the beginning is here.
      let next = await bytes.next().catch((error: unknown) => describeError(error).slice(0, MAX_TEXT));
      if (typeof next === "string") return await write(streams, frames, { status: STATUS.no, errorMessage: next });
      await write(streams, frames, { status: STATUS.yes, errorMessage: "" });
      for (; next.done !== true; next = await bytes.next())
        for (let at = 0; at < next.value.length; at += CHUNK)
          await write(streams, frames, { data: next.value.subarray(at, at + CHUNK) });
    } finally {
      stopping.abort();
    }
  }
}

/** Bytes of a file, by its root, or of a piece, by its CID. */
async function* contentOf(store: ClientStore, ref: CID, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const commP = commitmentOfCidV1(ref);
  if (commP === null) {
    for await (const entry of exportUnixfs(store, ref, signal)) {
      if (entry.kind !== "file") throw new RetrievalError({ code: "BAD_DATA" }, `${ref} is no file`);
      yield* entry.content();
      return;
    }
    return;
  }
  const own = await store.heldPiece(commP);
  if (own !== null) {
    yield* pieceBytes(store, own.root, own.form, signal);
    return;
  }
  const lent = await store.lentPiece(commP);
  if (lent === null) throw new RetrievalError({ code: "BAD_DATA" }, `piece ${ref} is not here`);
  for (let at = 0; at < lent.size; at += WINDOW) {
    const bytes = await lent.read(at, Math.min(WINDOW, lent.size - at));
    if (bytes === null) throw new RetrievalError({ code: "BAD_DATA" }, `piece ${ref} is not here any more`);
    yield bytes;
  }
}

/** What a peer sends for a CID, a chunk at a time and `most` bytes: nobody has verified it. Throws `RetrievalError`. */
export async function* freeStream(
  streams: PeerStreams,
  peer: string,
  ref: CID,
  most: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let came = 0;
  let messages = 0;
  let failure: Error | null = new Error("given up");
  const stream = await streams.open(peer, FREE_PROTOCOL, signal).catch((cause: unknown) => {
    signal.throwIfAborted();
    const why = `peer ${peer} serves no free stream: ${describeError(cause)}`;
    throw new RetrievalError({ code: "NO_ANSWER", peer }, why, { cause });
  });
  const aborted = (): void => stream.abort(new Error("given up"));
  signal.addEventListener("abort", aborted, { once: true });
  try {
    const frames = frameStream(stream, (limit) => new LengthScanner(limit));
    await write(streams, frames, { pieceRef: ref });
    const { status, errorMessage } = await read(streams, frames);
    if (status !== STATUS.yes)
      throw new RetrievalError(
        { code: "UNAVAILABLE", peer },
        `peer ${peer} does not give ${ref}: ${`${errorMessage}`.slice(0, MAX_TEXT)}`,
      );
    for (;;) {
      signal.throwIfAborted();
      const message = await read(streams, frames).catch((error: unknown) => {
        if (isFilError(error, "STREAM_ENDED")) return null;
        throw error;
      });
      if (message === null) break;
      const { data } = message;
      if (!(data instanceof Uint8Array) || data.length === 0)
        throw new RetrievalError({ code: "BAD_FRAME" }, `peer ${peer} sends a chunk of no bytes`);
      came += data.length;
      if (++messages > FEW_MESSAGES + came / LEAST_CHUNK)
        throw new RetrievalError({ code: "BAD_DATA" }, `peer ${peer} sends chunks of few bytes`);
      if (came > most) throw new RetrievalError({ code: "BAD_DATA" }, `peer ${peer} sends more than ${most} bytes`);
      yield data;
    }
    failure = null;
    stream.close().catch(() => undefined);
  } catch (error) {
    failure = error instanceof Error ? error : new Error(`${error}`);
    throw error;
  } finally {
    signal.removeEventListener("abort", aborted);
    // Also one that is read no further.
    if (failure !== null) stream.abort(failure);
  }
}

async function read(streams: PeerStreams, frames: FrameStream): Promise<Record<string, unknown>> {
  const patience = streams.patience(MESSAGE_MS, "no message in time");
  try {
    const frame = withoutLength(await frames.read(MAX_MESSAGE, patience.signal));
    let message: unknown = null;
    try {
      message = dagCbor.decode(frame);
    } catch (cause) {
      throw new RetrievalError({ code: "BAD_FRAME" }, "a message is no DAG-CBOR", { cause });
    }
    if (typeof message === "object" && message !== null && !Array.isArray(message))
      return message as Record<string, unknown>;
    throw new RetrievalError({ code: "BAD_FRAME" }, "a message is a map");
  } finally {
    patience.end();
  }
}

async function write(streams: PeerStreams, frames: FrameStream, message: object): Promise<void> {
  const patience = streams.patience(MESSAGE_MS, "the message is not taken");
  try {
    await frames.write(withLength(dagCbor.encode(message)), patience.signal);
  } finally {
    patience.end();
  }
}
