/**
 * CBOR items back to back on a stream: how hello and chain exchange speak. No length goes before an item.
 */
import type { MessageStream } from "@libp2p/interface";
import { concat } from "../../base/bytes.ts";
import { ItemScanner, WireError } from "./cbor.ts";

export type FrameStream = {
  /** Bytes of the next item. Rejects with `WireError`, the stream's error, or the signal's reason. */
  read(limit: number, signal: AbortSignal): Promise<Uint8Array>;
  write(bytes: Uint8Array, signal: AbortSignal): Promise<void>;
};

/** Bytes that wait unread before the other side is held back. */
const READ_AHEAD = 1 << 20;
/** Bytes that are handed to the stream at once. */
const WRITE_CHUNK = 256 << 10;

export function frameStream(stream: MessageStream): FrameStream {
  const queue: Uint8Array[] = [];
  let queued = 0;
  let paused = false;
  let ended = false;
  let failure: Error | undefined;
  let wake: () => void = () => undefined;
  stream.addEventListener("message", ({ data }) => {
    const bytes = data instanceof Uint8Array ? data : data.subarray();
    queue.push(bytes);
    queued += bytes.length;
    if (queued > READ_AHEAD && !paused) {
      paused = true;
      stream.pause();
    }
    wake();
  });
  stream.addEventListener("remoteCloseWrite", () => {
    ended = true;
    wake();
  });
  stream.addEventListener("close", ({ error }) => {
    ended = true;
    failure = error;
    wake();
  });

  async function nextChunk(signal: AbortSignal): Promise<Uint8Array> {
    for (;;) {
      const chunk = queue.shift();
      if (chunk !== undefined) {
        queued -= chunk.length;
        if (paused && queued <= READ_AHEAD && !ended) {
          paused = false;
          stream.resume();
        }
        return chunk;
      }
      if (failure !== undefined) throw failure;
      if (ended) throw new WireError({ code: "STREAM_ENDED" }, "the stream ended inside a message");
      await woken(signal, (resolve) => {
        wake = resolve;
      });
    }
  }

  return {
    async read(limit, signal) {
      signal.throwIfAborted();
      const scanner = new ItemScanner(limit);
      const parts: Uint8Array[] = [];
      for (;;) {
        const chunk = await nextChunk(signal);
        const end = scanner.take(chunk);
        parts.push(end < 0 ? chunk : chunk.subarray(0, end));
        if (end < 0) continue;
        if (end < chunk.length) {
          queue.unshift(chunk.subarray(end));
          queued += chunk.length - end;
        }
        return concat(...parts);
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
