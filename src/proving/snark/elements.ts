/**
 * Elements by ranges, whether they lie in memory or in a file: a witness's and the quotient's, 32 bytes each.
 */
import { Slices } from "../../base/slices.ts";
import type { SectorStore } from "../../sector/store.ts";
import { newBytes, partOf } from "./circuit.ts";

export type Elements = {
  /** Bytes. */
  readonly length: number;
  /** Bytes `[from, to)`, for a job. */
  part(from: number, to: number): Uint8Array | Promise<Uint8Array>;
};

/** A witness by ranges. */
export type WitnessElements = {
  readonly inputs: Uint8Array;
  readonly aux: Elements;
  readonly a: Elements;
  readonly b: Elements;
  readonly c: Elements;
};

export function heldElements(bytes: Uint8Array): Elements {
  return { length: bytes.length, part: (from, to) => partOf(bytes, from, to) };
}

export function storedElements(store: SectorStore, name: string, length: number): Elements {
  const part = async (from: number, to: number): Promise<Uint8Array> => {
    const bytes = await store.read(name, from, to - from);
    // A view would take all of its memory along into a worker.
    return bytes.length === bytes.buffer.byteLength ? bytes : bytes.slice();
  };
  return { length, part };
}

/** Windows of so many elements, the last one shorter. */
export async function* windowsOf(elements: Elements, window: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < elements.length; from += 32 * window)
    yield await elements.part(from, Math.min(elements.length, from + 32 * window));
}

/** Elements between two looks at the time, and of one reading. */
const SLICE = 2 ** 13;
const READING = 2 ** 16;

/**
 * Windows of the elements whose bits are set (bit j is bit j & 7 of byte j >> 3), of each pair in order and one pair behind the
 * other; others have their turn meanwhile.
 */
export async function* gatherWindows(
  parts: readonly { readonly elements: Elements; readonly bitmap: Uint8Array }[],
  window: number,
): AsyncGenerator<Uint8Array> {
  const slices = new Slices();
  let out = newWords(window);
  let next = 0;
  for (const { elements, bitmap } of parts)
    for (let at = 0; at < elements.length; at += 32 * READING) {
      const bytes = await elements.part(at, Math.min(elements.length, at + 32 * READING));
      const from = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
      const count = bytes.length / 32;
      for (let i = 0; i < count; i++) {
        if (i % SLICE === 0) await slices.pause();
        const bit = at / 32 + i;
        if ((((bitmap[bit >>> 3] as number) >> (bit & 7)) & 1) === 0) continue;
        for (let word = 8 * i; word < 8 * i + 8; word++) out[next++] = from[word] as number;
        if (next < out.length) continue;
        yield new Uint8Array(out.buffer);
        out = newWords(window);
        next = 0;
      }
    }
  if (next > 0) yield new Uint8Array(out.buffer, 0, 4 * next);
}

function newWords(window: number): Uint32Array {
  const { buffer } = newBytes(32 * window);
  return new Uint32Array(buffer);
}
