/**
 * The quotient's coefficients from the rows' values, by windows (see `assembly/proofs/prove/quotient.ts`).
 *
 * A transform of 2^k is cut into passes of at most 11 stages. A window is some columns of a pass, or some blocks of the last
 * one; it is gathered, sent to a worker with the steps to take on it, and what comes back is put in its place. Up to 2^16
 * rows one worker does it all in one go.
 */

import { Slices } from "../../base/slices.ts";
import type { Proofs } from "../../core/proofs.ts";
import type { Scheduler } from "../scheduler.ts";
import { copySliced, newBytes } from "./circuit.ts";
import type { QuotientJob, QuotientWindowJob, WindowStep } from "./jobs.ts";
import { memoryLimit } from "./kernel.ts";

const ELEMENT = 32;
/** Stages of a pass at most, as `FFT_STAGES` of the core. */
const MOST_STAGES = 11;
/** log2 of the elements of a window, of each vector. */
const WINDOW_BITS = 16;

/** Stages of each pass: as few passes as possible, as even as possible. */
export function passStages(bits: number, most: number = MOST_STAGES): number[] {
  const passes = Math.max(1, Math.ceil(bits / most));
  return Array.from({ length: passes }, (_, i) => Math.floor(bits / passes) + (i < bits % passes ? 1 : 0));
}

export function reverseBits(x: number, bits: number): number {
  let r = 0;
  for (let i = 0; i < bits; i++) r = 2 * r + ((x >>> i) & 1);
  return r;
}

/** One pass over columns: where its windows are, and the steps of one. */
type ColumnPass = { readonly stages: number; readonly before: number; readonly after: number };

function columnPasses(bits: number, most?: number): { columns: ColumnPass[]; rows: number } {
  const all = passStages(bits, most);
  let before = 0;
  const passes = all.map((stages) => {
    const pass = { stages, before, after: bits - before - stages };
    before += stages;
    return pass;
  });
  return { columns: passes.slice(0, -1), rows: all.at(-1) as number };
}

const down = ({ stages, before }: ColumnPass, columns: number, block: number): WindowStep => ({
  step: "pass",
  columns,
  stages,
  extra: before,
  first: reverseBits(block, before),
  up: false,
  inverse: true,
});

const up = ({ stages, after }: ColumnPass, columns: number, first: number): WindowStep => ({
  step: "pass",
  columns,
  stages,
  extra: after,
  first,
  up: true,
  inverse: false,
});

/** The rounds of passes, in order: over which vectors, and the steps of the window of `columns` columns from `first` on in a block. */
type Round =
  | {
      readonly over: ColumnPass;
      readonly vectors: "rows" | "h" | "join";
      readonly steps: (columns: number, first: number, block: number) => WindowStep[];
    }
  | { readonly over: "rows"; readonly vectors: "rows" | "h"; readonly step: "rows" | "end" };

function rounds(columns: readonly ColumnPass[]): Round[] {
  const list: Round[] = [];
  for (const pass of columns)
    list.push({ over: pass, vectors: "rows", steps: (n, _, block) => [down(pass, n, block)] });
  list.push({ over: "rows", vectors: "rows", step: "rows" });
  for (const pass of columns.slice(1).reverse())
    list.push({ over: pass, vectors: "rows", steps: (n, first) => [up(pass, n, first)] });
  const [top] = columns;
  if (top !== undefined)
    list.push({
      over: top,
      vectors: "join",
      steps: (n, first, block) => [up(top, n, first), { step: "join" }, down(top, n, block)],
    });
  for (const pass of columns.slice(1))
    list.push({ over: pass, vectors: "h", steps: (n, _, block) => [down(pass, n, block)] });
  list.push({ over: "rows", vectors: "h", step: "end" });
  return list;
}

/** Takes one step on vectors in the module's memory, `apart` bytes from each other, rows of a pass `stride` bytes apart. */
function takeStep(
  { exports }: Proofs,
  step: WindowStep,
  data: number,
  vectors: number,
  apart: number,
  stride: number,
  elements: number,
): void {
  if (step.step === "pass")
    exports.fftPass(
      data,
      vectors,
      apart,
      stride,
      step.columns,
      step.stages,
      step.extra,
      step.first,
      Number(step.up),
      Number(step.inverse),
    );
  else if (step.step === "join") exports.quotientJoin(data, data + apart, data + 2 * apart, data, elements);
  else if (step.step === "rows")
    exports.quotientRows(data, apart, elements >>> step.stages, step.stages, step.extra, step.firstBlock);
  else exports.quotientEnd(data, elements >>> step.stages, step.stages, step.extra, step.firstBlock);
}

/** Runs a window's steps; the job of a worker. */
export function performWindow(module: Proofs, { vectors, steps }: QuotientWindowJob): Uint8Array[] {
  const apart = vectors[0]?.length ?? 0;
  return module.with(vectors.length * apart, (at) => {
    vectors.forEach((vector, i) => {
      module.instance.write(at + i * apart, vector);
    });
    let left = vectors.length;
    for (const step of steps) {
      const stride = step.step === "pass" ? ELEMENT * step.columns : ELEMENT;
      takeStep(module, step, at, left, apart, stride, apart / ELEMENT);
      if (step.step === "join") left = 1;
    }
    return Array.from({ length: left }, (_, i) => module.instance.read(at + i * apart, apart));
  });
}

/** All passes in one instance, without gathering; the job of a worker for domains up to 2^16. */
export function performQuotient(module: Proofs, { bits, rows }: QuotientJob): Uint8Array {
  const { columns, rows: rowStages } = columnPasses(bits);
  const apart = ELEMENT * 2 ** bits;
  return module.with(3 * apart, (at) => {
    module.instance.wipe(at, 3 * apart);
    rows.forEach((vector, i) => {
      module.instance.write(at + i * apart, vector);
    });
    const join = (): void => takeStep(module, { step: "join" }, at, 3, apart, ELEMENT, 2 ** bits);
    for (const round of rounds(columns)) {
      const vectors = round.vectors === "h" ? 1 : 3;
      if (round.over === "rows") {
        const step = round.step;
        if (step === "end" && columns.length === 0) join();
        const whole = { step, stages: rowStages, extra: bits - rowStages, firstBlock: 0 };
        takeStep(module, whole, at, vectors, apart, ELEMENT, 2 ** bits);
        continue;
      }
      const { stages, before, after } = round.over;
      const width = 2 ** after;
      for (let block = 0; block < 2 ** before; block++) {
        let left = vectors;
        for (const step of round.steps(width, 0, block)) {
          // The join is over the whole vector, as the first pass has but one block.
          takeStep(module, step, at + block * width * 2 ** stages * ELEMENT, left, apart, ELEMENT * width, 2 ** bits);
          if (step.step === "join") left = 1;
        }
      }
    }
    return module.instance.read(at, apart);
  });
}

export type QuotientOptions = {
  readonly signal?: AbortSignal;
  readonly onWindow?: (done: number, total: number) => void;
  /** Most bytes that the vectors may take here. Throws `MEMORY_LIMIT`. */
  readonly memoryBytes?: number;
  /** The rows, and what lies behind them up to the domain's length, may be overwritten: then they become its vectors. */
  readonly ownsRows?: boolean;
  /** Cut into windows from this many bits on; for tests of small ones. */
  readonly windowBits?: number;
  /** Most stages of a pass; for tests of many passes. */
  readonly mostStages?: number;
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
  const {
    signal,
    memoryBytes = Number.POSITIVE_INFINITY,
    windowBits = WINDOW_BITS,
    mostStages = MOST_STAGES,
  } = options;
  const inPlace = options.ownsRows === true && haveRoom(rows, bits);
  if (quotientBytes(bits, inPlace) > memoryBytes) throw memoryLimit(quotientBytes(bits, inPlace), memoryBytes);
  const limits = signal === undefined ? {} : { signal };
  if (bits <= Math.max(windowBits, mostStages)) {
    const h = await scheduler.run({ kind: "quotient", bits, rows }, limits);
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
  const { columns, rows: rowStages } = columnPasses(bits, mostStages);
  const list = rounds(columns);
  let done = 0;
  for (const round of list) {
    const held = round.vectors === "h" ? vectors.slice(0, 1) : vectors;
    const windows =
      round.over === "rows"
        ? rowWindows(n, rowStages, bits - rowStages, round.step, windowBits)
        : columnWindows(round.over, round.steps, windowBits);
    async function* jobs(): AsyncGenerator<QuotientWindowJob> {
      const slices = new Slices();
      for (const { place, steps } of windows) {
        const taken: Uint8Array[] = [];
        for (const vector of held) {
          await slices.pause();
          taken.push(takeWindow(vector, place));
        }
        yield { kind: "quotient-window", vectors: taken, steps };
      }
    }
    const put = (index: number, results: Uint8Array[]): void => {
      const { place } = windows[index] as Window;
      results.forEach((bytes, i) => {
        putWindow(vectors[i] as Uint8Array, place, bytes);
      });
    };
    await scheduler.runAll(jobs(), { ...limits, onResult: put });
    options.onWindow?.(++done, list.length);
  }
  return inNaturalOrder(vectors[0] as Uint8Array, bits);
}

/** Rows of a window: `rows` runs of `run` bytes, `stride` bytes apart from `from` on. */
type Place = { readonly from: number; readonly rows: number; readonly run: number; readonly stride: number };
type Window = { readonly place: Place; readonly steps: readonly WindowStep[] };

function columnWindows(
  { stages, before, after }: ColumnPass,
  steps: (columns: number, first: number, block: number) => WindowStep[],
  windowBits: number,
): Window[] {
  const width = 2 ** after;
  const columns = Math.min(width, 2 ** Math.max(0, windowBits - stages));
  const list: Window[] = [];
  for (let block = 0; block < 2 ** before; block++)
    for (let first = 0; first < width; first += columns) {
      const from = ELEMENT * (block * width * 2 ** stages + first);
      const place = { from, rows: 2 ** stages, run: ELEMENT * columns, stride: ELEMENT * width };
      list.push({ place, steps: steps(columns, first, block) });
    }
  return list;
}

function rowWindows(n: number, stages: number, extra: number, step: "rows" | "end", windowBits: number): Window[] {
  const elements = 2 ** Math.max(stages, Math.min(windowBits, stages + extra));
  const list: Window[] = [];
  for (let from = 0; from < n; from += elements)
    list.push({
      place: { from: ELEMENT * from, rows: 1, run: ELEMENT * elements, stride: 0 },
      steps: [{ step, stages, extra, firstBlock: from / 2 ** stages }],
    });
  return list;
}

function takeWindow(vector: Uint8Array, { from, rows, run, stride }: Place): Uint8Array {
  if (rows === 1) return vector.subarray(from, from + run);
  const out = newBytes(rows * run);
  for (let row = 0; row < rows; row++)
    out.set(vector.subarray(from + row * stride, from + row * stride + run), row * run);
  return out;
}

function putWindow(vector: Uint8Array, { from, rows, run, stride }: Place, bytes: Uint8Array): void {
  for (let row = 0; row < rows; row++) vector.set(bytes.subarray(row * run, (row + 1) * run), from + row * stride);
}

/** Elements put in their places between two looks at the time. */
const REORDERED = 2 ** 13;

/** The vector with reversed index bits; others have their turn meanwhile. */
async function inNaturalOrder(vector: Uint8Array, bits: number): Promise<Uint8Array> {
  const slices = new Slices();
  const words = new Uint32Array(vector.buffer, vector.byteOffset, vector.length / 4);
  const out = newBytes(vector.length);
  const to = new Uint32Array(out.buffer);
  const low = bits >> 1;
  const table = Uint32Array.from({ length: 2 ** low }, (_, i) => reverseBits(i, low));
  const high = Uint32Array.from({ length: 2 ** (bits - low) }, (_, i) => reverseBits(i, bits - low));
  const reorder = (first: number, end: number): void => {
    for (let i = first; i < end; i++) {
      const place = 8 * ((table[i & (2 ** low - 1)] as number) * 2 ** (bits - low) + (high[i >>> low] as number));
      for (let word = 0; word < 8; word++) to[place + word] = words[8 * i + word] as number;
    }
  };
  for (let first = 0; first < 2 ** bits; first += REORDERED) {
    await slices.pause();
    reorder(first, Math.min(2 ** bits, first + REORDERED));
  }
  return out;
}
