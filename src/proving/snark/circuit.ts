/**
 * What the prover and the key maker see of a circuit (see `assembly/proofs/circuit/contract.ts`).
 *
 * Elements are packed: 32 bytes, Montgomery form with R = 2^261, little-endian (`frPack`). Rows include one for every input
 * at the end, by which keys bind inputs.
 */
import { Slices } from "../../base/slices.ts";

export type Counts = {
  /** Public inputs and the constant 1. */
  readonly inputs: number;
  readonly aux: number;
  readonly rows: number;
};

/** Which variables occur where. Bit j of a bitmap is bit j & 7 of byte j >> 3. */
export type Shape = Counts & {
  /** Auxiliaries in A rows, in B rows. */
  readonly aAux: Uint8Array;
  readonly bAux: Uint8Array;
  /** Inputs in B rows; in A rows all occur. */
  readonly bInputs: Uint8Array;
};

/** Rows as lists of terms, `USE_TERMS` of the contract. */
export type Terms = { readonly rows: number; readonly bytes: Uint8Array };

/** An assignment and the values of all rows under it; all packed. */
export type Witness = {
  readonly inputs: Uint8Array;
  readonly aux: Uint8Array;
  readonly a: Uint8Array;
  readonly b: Uint8Array;
  readonly c: Uint8Array;
};

/** A circuit's rows, and its counts. */
export type CircuitRows = { readonly counts: Counts; readonly blocks: AsyncIterable<Terms> | Iterable<Terms> };

/** A circuit given by its rows; for small ones, and other people's. */
export type PlainCircuit = { readonly kind: "plain"; readonly counts: Counts; readonly terms: readonly Terms[] };

/** One of the network's circuits: kind and sector bytes, as "winning-2048". */
export type OfficialCircuit = { readonly kind: "official"; readonly name: string };

export type CircuitName = PlainCircuit | OfficialCircuit;

/** log2 of the domain: the smallest power of two that is not below the rows. */
export function domainBits(rows: number): number {
  let bits = 0;
  while (2 ** bits < rows) bits++;
  return bits;
}

export function popcount(bitmap: Uint8Array): number {
  let sum = 0;
  for (const byte of bitmap) for (let x = byte; x !== 0; x &= x - 1) sum++;
  return sum;
}

/** Copies `bytes` to the beginning of `to`; others have their turn meanwhile. */
export async function copySliced(to: Uint8Array, bytes: Uint8Array): Promise<void> {
  const slices = new Slices();
  for (let at = 0; at < bytes.length; at += COPIED) {
    await slices.pause();
    to.set(bytes.subarray(at, at + COPIED), at);
  }
}

/** Bytes copied between two looks at the time. */
const COPIED = 2 ** 20;

/**
 * Bytes `[from, to)` for a job: a view where memory is shared. Elsewhere a copy, since a view would take all of its memory
 * along into the worker.
 */
export function partOf(bytes: Uint8Array, from: number, to: number): Uint8Array {
  const isShared = typeof SharedArrayBuffer !== "undefined" && bytes.buffer instanceof SharedArrayBuffer;
  return isShared ? bytes.subarray(from, to) : bytes.slice(from, to);
}

/** Zeroed bytes that workers on this machine can read without a copy, where the engine has shared memory. */
export function newBytes(length: number): Uint8Array {
  return new Uint8Array(
    typeof SharedArrayBuffer === "undefined" ? new ArrayBuffer(length) : new SharedArrayBuffer(length),
  );
}
