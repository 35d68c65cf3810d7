/**
 * Decompressing Zstandard that anybody may have made: what it costs is looked up first, in the heads of frames and blocks, which name all sizes
 * but the decompressed ones.
 *
 * The decompressor moves its whole window at every block, so that a few hundred kilobytes of small blocks under a large window would take hours.
 * Source: RFC 8878, 3.1 (frames, blocks, windows; 8 MiB is the least window that a decoder should take, and 128 MiB what `zstd -d` takes).
 */
import { Decompress } from "fzstd";
import { ByteQueue, GrowingBytes } from "../base/byte-queue.ts";
import { FilError } from "../base/errors.ts";

export type ZstdErrorData = {
  /** TOO_COSTLY: it may be sound, and would take more memory or time than is given to it. */
  readonly code: "BAD_ZSTD" | "TOO_COSTLY";
};
export class ZstdError extends FilError<ZstdErrorData> {}

const FRAME = 0xfd2fb528;
/** Of 16 kinds of frames that are passed over, without the last four bits. */
const SKIPPABLE = 0x184d2a50;
const LARGEST_WINDOW = 128 << 20;
/** Bytes of windows that are moved: some half a minute. Blocks have up to 128 KiB, so that 512 MiB under a window of 32 MiB take half of it. */
const MOST_MOVED = 2 ** 38;

function bad(why: string, cause?: unknown): never {
  throw new ZstdError({ code: "BAD_ZSTD" }, `it does not decompress: ${why}`, { cause });
}

function costly(why: string): never {
  throw new ZstdError({ code: "TOO_COSTLY" }, `it is not decompressed: ${why}`);
}

/** Whether bytes begin as a frame does. */
export function isZstd(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && viewOf(bytes).getUint32(0, true) === FRAME;
}

/** Bytes of a file that are decompressed at a time: in a pack of actors one CAR takes most of it, and the others, which are much like it, a few thousand each. */
const STEP = 4096;

/** The bytes that a file of frames stands for, at most so many, part by part: decompressed as far as they are asked for. Throws `ZstdError`. */
export function* zstdParts(file: Uint8Array, most: number): Generator<Uint8Array> {
  checkCost(file);
  let size = 0;
  // The decompressor's own parts may be a byte each, or none.
  const parts = new ByteQueue();
  const stream = new Decompress((bytes) => {
    size += bytes.length;
    if (size > most) costly(`it has more than ${most >> 20} MiB`);
    parts.push(bytes);
  });
  for (let at = 0; at === 0 || at < file.length; at += STEP) {
    try {
      stream.push(file.subarray(at, at + STEP), at + STEP >= file.length);
    } catch (error) {
      if (error instanceof ZstdError) throw error;
      bad("it is damaged", error);
    }
    while (parts.size > 0) yield parts.shift() as Uint8Array;
  }
}

/** The same in one. */
export function unpackZstd(file: Uint8Array, most: number): Uint8Array {
  const all = new GrowingBytes();
  for (const part of zstdParts(file, most)) all.add(part);
  return all.take();
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Throws `ZstdError` for frames that cost too much, or that end within themselves. */
function checkCost(file: Uint8Array): void {
  const view = viewOf(file);
  let moved = 0;
  for (let at = 0; at < file.length; ) {
    if (at + 8 > file.length) bad("it is cut short");
    const magic = view.getUint32(at, true);
    if (magic >>> 4 === SKIPPABLE >>> 4) {
      at += 8 + view.getUint32(at + 4, true);
      continue;
    }
    if (magic !== FRAME) bad(`no frame begins at byte ${at}`);
    const frame = frameAt(view, at);
    if (frame.window > LARGEST_WINDOW)
      costly(
        `its window is of ${Math.ceil(frame.window / 2 ** 20)} MiB, and at most ${LARGEST_WINDOW >> 20} are taken`,
      );
    moved += frame.window;
    for (at = frame.blocksAt; ; ) {
      if (at + 3 > file.length) bad("it is cut short");
      const head = view.getUint8(at) + 256 * view.getUint16(at + 1, true);
      // One byte stands for all of a block of the second kind.
      at += 3 + (((head >> 1) & 3) === 1 ? 1 : head >> 3);
      moved += frame.window;
      if (moved > MOST_MOVED) costly(`it has very many blocks for its window of ${frame.window} bytes`);
      if ((head & 1) === 1) break;
    }
    if (frame.hasChecksum) at += 4;
  }
}

type Frame = { readonly window: number; readonly blocksAt: number; readonly hasChecksum: boolean };

function frameAt(view: DataView, at: number): Frame {
  const descriptor = view.getUint8(at + 4);
  const isSingle = (descriptor & 0x20) !== 0;
  const dictionary = [0, 1, 2, 4][descriptor & 3] as number;
  const flag = descriptor >> 6;
  const size = flag === 0 ? Number(isSingle) : 1 << flag;
  const sizeAt = at + 5 + Number(!isSingle) + dictionary;
  const blocksAt = sizeAt + size;
  if (blocksAt > view.byteLength) bad("it is cut short");
  const common = { blocksAt, hasChecksum: (descriptor & 4) !== 0 };
  if (!isSingle) {
    const exponent = view.getUint8(at + 5);
    const base = 2 ** (10 + (exponent >> 3));
    return { ...common, window: base + (base / 8) * (exponent & 7) };
  }
  if (size === 8) return { ...common, window: Number(view.getBigUint64(sizeAt, true)) };
  if (size === 4) return { ...common, window: view.getUint32(sizeAt, true) };
  return { ...common, window: size === 2 ? view.getUint16(sizeAt, true) + 256 : view.getUint8(sizeAt) };
}
