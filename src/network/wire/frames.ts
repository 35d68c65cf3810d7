/**
 * Messages on a stream: CBOR items back to back without a length before them (hello, chain exchange), or with their length
 * in front (bitswap).
 */
import type { Stream } from "@libp2p/interface";
import { ByteQueue, GrowingBytes } from "../../base/byte-queue.ts";
import { concat } from "../../base/bytes.ts";
import { encodeVarint } from "../../base/varint.ts";
import { ItemScanner, tooLarge, WireError } from "./cbor.ts";

/** Finds where a message ends while its bytes arrive. */
export type FrameScanner = {
  /** How many bytes of the chunk belong to the message once it is complete, else -1. Throws `WireError`. */
  take(chunk: Uint8Array): number;
};

export type FrameStream = {
  /**
   * Bytes of the next message. Rejects with `WireError`, the stream's error, or the signal's reason. `onBytes` hears how
   * many have come in all.
   */
  read(limit: number, signal: AbortSignal, onBytes?: (bytes: number) => void): Promise<Uint8Array>;
  write(bytes: Uint8Array, signal: AbortSignal): Promise<void>;
};

/** Bytes that wait unread before the other side is held back. */
const READ_AHEAD = 1 << 20;
/** Bytes that are handed to the stream at once. */
const WRITE_CHUNK = 256 << 10;

/** Messages of at most `limit` bytes with their length in front, an unsigned varint. */
export class LengthScanner implements FrameScanner {
  private readonly limit: number;
  private length = 0;
  private shift = 0;
  /** Bytes still to come; negative while the length is read. */
  private left = -1;

  constructor(limit: number) {
    this.limit = limit;
  }

  take(chunk: Uint8Array): number {
    let at = 0;
    for (; this.left < 0; at++) {
      const byte = chunk[at];
      if (byte === undefined) return -1;
      this.length += (byte & 0x7f) * 2 ** this.shift;
      this.shift += 7;
      if (this.length > this.limit || this.shift > MAX_LENGTH_BITS) throw tooLarge(this.limit);
      if (byte < 0x80) this.left = this.length;
    }
    const step = Math.min(this.left, chunk.length - at);
    this.left -= step;
    return this.left === 0 ? at + step : -1;
  }
}
/** Bits of a length that are looked at. */
const MAX_LENGTH_BITS = 35;

/** A message with its length in front. */
export function withLength(message: Uint8Array): Uint8Array {
  return concat(encodeVarint(message.length), message);
}

/** The message behind the length that `LengthScanner` found. */
export function withoutLength(frame: Uint8Array): Uint8Array {
  return frame.subarray(frame.findIndex((byte) => byte < 0x80) + 1);
}

/** `scannerFor`: what tells messages apart, for a limit in bytes. Default: CBOR items. */
export function frameStream(
  stream: Stream,
  scannerFor: (limit: number) => FrameScanner = (limit) => new ItemScanner(limit),
): FrameStream {
  const queue = new ByteQueue();
  let paused = false;
  let failure: Error | undefined;
  let wake: () => void = () => undefined;
  stream.addEventListener("message", ({ data }) => {
    queue.push(data instanceof Uint8Array ? data : data.subarray());
    if (queue.size > READ_AHEAD && !paused) {
      paused = true;
      stream.pause();
    }
    wake();
  });
  stream.addEventListener("end", () => wake());
  stream.addEventListener("close", ({ error }) => {
    failure = error;
    wake();
  });

  // The other side's close may come while a paused stream still holds bytes, and bytes that were read ahead while the
  // protocol was agreed on are given back after the end.
  const hasEnded = (): boolean => stream.readableEnded && stream.readBufferLength === 0;

  async function nextChunk(signal: AbortSignal): Promise<Uint8Array> {
    for (;;) {
      const chunk = queue.shift();
      if (paused && queue.size <= READ_AHEAD) {
        paused = false;
        if (stream.readStatus === "paused") stream.resume();
      }
      if (chunk !== undefined) return chunk;
      if (failure !== undefined) throw failure;
      if (hasEnded()) throw new WireError({ code: "STREAM_ENDED" }, "the stream ended inside a message");
      await woken(signal, (resolve) => {
        wake = resolve;
      });
    }
  }

  return {
    async read(limit, signal, onBytes) {
      signal.throwIfAborted();
      const scanner = scannerFor(limit);
      const message = new GrowingBytes();
      for (;;) {
        const chunk = await nextChunk(signal);
        const end = scanner.take(chunk);
        message.add(end < 0 ? chunk : chunk.subarray(0, end));
        onBytes?.(message.size);
        if (end < 0) continue;
        queue.unshift(chunk.subarray(end));
        return message.take();
      }
    },
    async write(bytes, signal) {
      for (let at = 0; at < bytes.length; at += WRITE_CHUNK) {
        signal.throwIfAborted();
        if (!stream.send(bytes.subarray(at, at + WRITE_CHUNK))) await stream.onDrain({ signal });
      }
    },
  };
}

/** Resolves when what `listen` was given is called, rejects when the signal aborts. */
function woken(signal: AbortSignal, listen: (resolve: () => void) => void): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    listen(() => {
      signal.removeEventListener("abort", abort);
      resolve();
    });
  });
}
