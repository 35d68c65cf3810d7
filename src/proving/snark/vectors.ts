/**
 * Vectors of a transform, in memory or in a file: windows taken and put back, and the order of reversed index bits undone.
 */
import { Slices } from "../../base/slices.ts";
import type { SectorStore } from "../../sector/store.ts";
import { newBytes } from "./circuit.ts";
import { ELEMENT_BYTES as ELEMENT } from "./kernel.ts";
import { reverseBits } from "./passes.ts";

/** Rows of a window: `rows` runs of `run` bytes, `stride` bytes apart from `from` on. */
export type Place = { readonly from: number; readonly rows: number; readonly run: number; readonly stride: number };

export type Vector = {
  take(place: Place): Promise<Uint8Array>;
  put(place: Place, bytes: Uint8Array): void | Promise<void>;
};

export function heldVector(vector: Uint8Array): Vector {
  const slices = new Slices();
  return {
    async take({ from, rows, run, stride }) {
      await slices.pause();
      if (rows === 1) return vector.subarray(from, from + run);
      const out = newBytes(rows * run);
      for (let row = 0; row < rows; row++)
        out.set(vector.subarray(from + row * stride, from + row * stride + run), row * run);
      return out;
    },
    put({ from, rows, run, stride }, bytes) {
      for (let row = 0; row < rows; row++) vector.set(bytes.subarray(row * run, (row + 1) * run), from + row * stride);
    },
  };
}

/** Runs read or written at a time: more do not make a disk faster, and each is a file that is open. */
const RUNS_AT_ONCE = 16;

async function inTurns(count: number, work: (index: number) => Promise<void>): Promise<void> {
  for (let first = 0; first < count; first += RUNS_AT_ONCE) {
    const some = Array.from({ length: Math.min(RUNS_AT_ONCE, count - first) }, (_, i) => work(first + i));
    // All of them end before an error is told: nothing of this is at work any more when files are removed.
    for (const result of await Promise.allSettled(some)) if (result.status === "rejected") throw result.reason;
  }
}

export function storedVector(store: SectorStore, name: string): Vector {
  return {
    async take({ from, rows, run, stride }) {
      const out = newBytes(rows * run);
      await inTurns(rows, async (row) => out.set(await store.read(name, from + row * stride, run), row * run));
      return out;
    },
    put: ({ from, rows, run, stride }, bytes) =>
      inTurns(rows, (row) => store.write(name, from + row * stride, bytes.subarray(row * run, (row + 1) * run))),
  };
}

/** Elements put in their places between two looks at the time. */
const REORDERED = 2 ** 13;

/** Copies element i of `words` to the element whose index has i's bits reversed. */
function reorder(words: Uint32Array, to: Uint32Array, bits: number): (first: number, end: number) => void {
  const low = bits >> 1;
  const table = Uint32Array.from({ length: 2 ** low }, (_, i) => reverseBits(i, low));
  const high = Uint32Array.from({ length: 2 ** (bits - low) }, (_, i) => reverseBits(i, bits - low));
  return (first, end) => {
    for (let i = first; i < end; i++) {
      const place = 8 * ((table[i & (2 ** low - 1)] as number) * 2 ** (bits - low) + (high[i >>> low] as number));
      for (let word = 0; word < 8; word++) to[place + word] = words[8 * i + word] as number;
    }
  };
}

/** The vector with reversed index bits; others have their turn meanwhile. */
export async function inNaturalOrder(vector: Uint8Array, bits: number): Promise<Uint8Array> {
  const slices = new Slices();
  const out = newBytes(vector.length);
  const words = new Uint32Array(vector.buffer, vector.byteOffset, vector.length / 4);
  const put = reorder(words, new Uint32Array(out.buffer), bits);
  for (let first = 0; first < 2 ** bits; first += REORDERED) {
    await slices.pause();
    put(first, Math.min(2 ** bits, first + REORDERED));
  }
  return out;
}

/** Most bits of a tile's side: runs of 2^10 elements are 32 KiB. */
const TILE_BITS = 10;

/**
 * The same from one file of a store to another, by tiles. An index is (high, middle, low) with t bits in high and low; elements
 * of one middle go to those of the reversed middle, as a square whose sides change places.
 */
export async function storedInNaturalOrder(
  store: SectorStore,
  source: string,
  target: string,
  bits: number,
  memoryBytes: number,
  signal?: AbortSignal,
): Promise<void> {
  const side = Math.min(TILE_BITS, bits >> 1, Math.max(0, Math.floor(Math.log2(memoryBytes / (2 * ELEMENT)) / 2)));
  const middle = bits - 2 * side;
  const [from, to] = [storedVector(store, source), storedVector(store, target)];
  const tile = (index: number): Place => ({
    from: index * ELEMENT * 2 ** side,
    rows: 2 ** side,
    run: ELEMENT * 2 ** side,
    stride: ELEMENT * 2 ** (bits - side),
  });
  for (let m = 0; m < 2 ** middle; m++) {
    signal?.throwIfAborted();
    // A tile's own index is (high, low): reversed, it is where the tile's element goes.
    await to.put(tile(reverseBits(m, middle)), await inNaturalOrder(await from.take(tile(m)), 2 * side));
  }
}
