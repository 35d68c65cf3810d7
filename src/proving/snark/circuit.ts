/**
 * What the prover and the key maker see of a circuit (see `assembly/proofs/circuit/contract.ts`).
 *
 * Elements are packed: 32 bytes, Montgomery form with R = 2^261, little-endian (`frPack`). Rows include one for every input
 * at the end, by which keys bind inputs.
 */
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

/** The packed elements whose bit is set, in order. */
export function gather(elements: Uint8Array, bitmap: Uint8Array): Uint8Array {
  const count = elements.length / 32;
  const from = new Uint32Array(elements.buffer, elements.byteOffset, count * 8);
  const out = newBytes(32 * popcount(bitmap));
  const to = new Uint32Array(out.buffer, out.byteOffset, out.length / 4);
  let next = 0;
  for (let i = 0; i < count; i++) {
    if ((((bitmap[i >> 3] as number) >> (i & 7)) & 1) === 0) continue;
    for (let word = 8 * i; word < 8 * i + 8; word++) to[next++] = from[word] as number;
  }
  return out;
}

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
