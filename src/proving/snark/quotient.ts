/**
 * The quotient's coefficients from the rows' values, by windows: some columns of a pass, or some blocks of the last one, are
 * gathered, sent to a worker with the steps to take on them (`passes.ts`), and what comes back is put in its place. The vectors
 * lie in memory or in files (`quotient-vectors.ts`). Up to 2^16 rows one worker does it all in one go.
 */
import type { SectorStore } from "../../sector/store.ts";
import type { Scheduler } from "../scheduler.ts";
import { copySliced, newBytes } from "./circuit.ts";
import { type Elements, storedElements } from "./elements.ts";
import type { QuotientWindowJob, WindowStep } from "./jobs.ts";
import { ELEMENT_BYTES as ELEMENT, memoryLimit } from "./kernel.ts";
import { type ColumnPass, columnPasses, MOST_STAGES, passStages, rounds } from "./passes.ts";
import { heldVector, inNaturalOrder, type Place, storedInNaturalOrder, storedVector, type Vector } from "./vectors.ts";

/** log2 of the elements of a window, of each vector in memory; and the most of one in a file. */
const WINDOW_BITS = 16;
const PAGED_WINDOW_BITS = 20;
/** Bytes of rows that are copied to a file at a time. */
const COPIED = 2 ** 22;

type CommonOptions = {
  readonly signal?: AbortSignal;
  readonly onWindow?: (done: number, total: number) => void;
  /** Most stages of a pass; for tests of many passes. */
  readonly mostStages?: number;
};

export type QuotientOptions = CommonOptions & {
  /** Most bytes that the vectors may take here. Throws `MEMORY_LIMIT`. */
  readonly memoryBytes?: number;
  /** The rows, and what lies behind them up to the domain's length, may be overwritten: then they become its vectors. */
  readonly ownsRows?: boolean;
  /** Cut into windows from this many bits on; for tests of small ones. */
  readonly windowBits?: number;
};

/** Bytes that `quotient` holds besides its arguments; `inPlace`: those become its vectors. */
export function quotientBytes(bits: number, inPlace = false): number {
  return bits <= WINDOW_BITS || inPlace ? ELEMENT * 2 ** bits : 4 * ELEMENT * 2 ** bits;
}

/** Whether rows have room for the domain's vectors, from their own first byte on. */
export function haveRoom(rows: readonly Uint8Array[], bits: number): boolean {
  return rows.every((row) => row.buffer.byteLength - row.byteOffset >= ELEMENT * 2 ** bits);
}

/**
 * Coefficients of h in natural order, 2^bits numbers of 32 bytes, little-endian; the last is zero. rows: values of A, B, C,
 * packed, at most 2^bits of each. Errors: `MEMORY_LIMIT`, those of jobs.
 */
export async function quotient(
  scheduler: Scheduler,
  rows: readonly [Uint8Array, Uint8Array, Uint8Array],
  bits: number,
  options: QuotientOptions = {},
): Promise<Uint8Array> {
  const { signal, memoryBytes = Number.POSITIVE_INFINITY, windowBits = WINDOW_BITS } = options;
  const inPlace = options.ownsRows === true && haveRoom(rows, bits);
  if (quotientBytes(bits, inPlace) > memoryBytes) throw memoryLimit(quotientBytes(bits, inPlace), memoryBytes);
  if (bits <= Math.max(windowBits, options.mostStages ?? MOST_STAGES)) {
    const h = await scheduler.run({ kind: "quotient", bits, rows }, signal === undefined ? {} : { signal });
    return inNaturalOrder(h, bits);
  }
  const n = 2 ** bits;
  const vectors: Uint8Array[] = [];
  for (const row of rows) {
    const vector = inPlace ? new Uint8Array(row.buffer, row.byteOffset, ELEMENT * n) : newBytes(ELEMENT * n);
    if (inPlace) vector.fill(0, row.length);
    else await copySliced(vector, row);
    vectors.push(vector);
  }
  await transform(scheduler, vectors.map(heldVector), bits, windowBits, options);
  return inNaturalOrder(vectors[0] as Uint8Array, bits);
}

/** Files that the paged quotient takes; those of the rows may be there already. */
export const ROW_FILES = ["a", "b", "c"] as const;
const H_FILE = "h";

/** Most bytes of the files at a time: two of the three vectors are gone when the coefficients are put in order. */
export function pagedQuotientDisk(bits: number): number {
  return 3 * ELEMENT * 2 ** bits;
}

/** log2 of the elements of a vector's window so that all jobs in hand, and their results, stay below the limit. */
function pagedWindowBits(scheduler: Scheduler, memoryBytes: number): number {
  return Math.min(PAGED_WINDOW_BITS, Math.floor(Math.log2(memoryBytes / (jobsInHand(scheduler) * 6 * ELEMENT))));
}

/** Most jobs that a scheduler has in hand. */
export function jobsInHand(scheduler: Scheduler): number {
  return 2 * scheduler.size;
}

/** Stages of a paged transform's pass: it has two passes at least, between which windows change. */
const pagedStages = (bits: number, mostStages = MOST_STAGES): number => Math.max(1, Math.min(mostStages, bits - 1));

/** Fewest bytes with which the paged quotient does its work. */
export function leastPagedBytes(scheduler: Scheduler, bits: number, mostStages?: number): number {
  return jobsInHand(scheduler) * 6 * ELEMENT * 2 ** Math.max(...passStages(bits, pagedStages(bits, mostStages)));
}

/**
 * The same with its vectors in a store: a file of 2^bits elements for each, and one for the coefficients. rows: the values, or
 * null where the files `ROW_FILES` hold them already. bits: 2 or more. The bytes are those of `quotient`. Errors: `MEMORY_LIMIT`, those of jobs
 * and of the store.
 */
export async function pagedQuotient(
  scheduler: Scheduler,
  store: SectorStore,
  rows: readonly [Uint8Array, Uint8Array, Uint8Array] | null,
  bits: number,
  options: CommonOptions & { readonly memoryBytes: number },
): Promise<Elements> {
  const { memoryBytes } = options;
  const mostStages = pagedStages(bits, options.mostStages);
  const least = leastPagedBytes(scheduler, bits, mostStages);
  if (least > memoryBytes) throw memoryLimit(least, memoryBytes);
  const bytes = ELEMENT * 2 ** bits;
  for (const [i, name] of ROW_FILES.entries()) {
    const row = rows?.[i];
    for (let from = 0; row !== undefined && from < row.length; from += COPIED) {
      options.signal?.throwIfAborted();
      await store.write(name, from, row.subarray(from, from + COPIED));
    }
    // Zeros up to the domain's length.
    if (((await store.size(name)) ?? 0) < bytes) await store.write(name, bytes - 1, new Uint8Array(1));
  }
  const vectors = ROW_FILES.map((name) => storedVector(store, name));
  await transform(scheduler, vectors, bits, pagedWindowBits(scheduler, memoryBytes), { ...options, mostStages });
  for (const name of ROW_FILES.slice(1)) await store.remove(name);
  await storedInNaturalOrder(store, ROW_FILES[0], H_FILE, bits, memoryBytes, options.signal);
  await store.remove(ROW_FILES[0]);
  return storedElements(store, H_FILE, bytes);
}

/** All rounds on the vectors of rows; the first one then holds h in reversed order. */
async function transform(
  scheduler: Scheduler,
  vectors: readonly Vector[],
  bits: number,
  windowBits: number,
  { signal, onWindow, mostStages = MOST_STAGES }: CommonOptions,
): Promise<void> {
  const { columns, rows: rowStages } = columnPasses(bits, mostStages);
  const list = rounds(columns);
  let done = 0;
  for (const round of list) {
    const held = round.vectors === "h" ? vectors.slice(0, 1) : vectors;
    const windows =
      round.over === "rows"
        ? rowWindows(2 ** bits, rowStages, bits - rowStages, round.step, windowBits)
        : columnWindows(round.over, round.steps, windowBits);
    // Windows whose jobs are in hand; results come in any order.
    const places = new Map<number, Place>();
    async function* jobs(): AsyncGenerator<QuotientWindowJob> {
      let index = 0;
      for (const { place, steps } of windows) {
        const taken: Uint8Array[] = [];
        for (const vector of held) taken.push(await vector.take(place));
        places.set(index++, place);
        yield { kind: "quotient-window", vectors: taken, steps };
      }
    }
    const onResult = async (index: number, results: Uint8Array[]): Promise<void> => {
      const place = places.get(index) as Place;
      places.delete(index);
      for (const [i, bytes] of results.entries()) await (vectors[i] as Vector).put(place, bytes);
    };
    await scheduler.runAll(jobs(), { ...(signal === undefined ? {} : { signal }), onResult });
    onWindow?.(++done, list.length);
  }
}

type Window = { readonly place: Place; readonly steps: readonly WindowStep[] };

function* columnWindows(
  { stages, before, after }: ColumnPass,
  steps: (columns: number, first: number, block: number) => WindowStep[],
  windowBits: number,
): Generator<Window> {
  const width = 2 ** after;
  const columns = Math.min(width, 2 ** Math.max(0, windowBits - stages));
  for (let block = 0; block < 2 ** before; block++)
    for (let first = 0; first < width; first += columns) {
      const from = ELEMENT * (block * width * 2 ** stages + first);
      const place = { from, rows: 2 ** stages, run: ELEMENT * columns, stride: ELEMENT * width };
      yield { place, steps: steps(columns, first, block) };
    }
}

function* rowWindows(
  n: number,
  stages: number,
  extra: number,
  step: "rows" | "end",
  windowBits: number,
): Generator<Window> {
  const elements = 2 ** Math.max(stages, Math.min(windowBits, stages + extra));
  for (let from = 0; from < n; from += elements)
    yield {
      place: { from: ELEMENT * from, rows: 1, run: ELEMENT * elements, stride: 0 },
      steps: [{ step, stages, extra, firstBlock: from / 2 ** stages }],
    };
}
