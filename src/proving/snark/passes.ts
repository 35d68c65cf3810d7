/**
 * The passes of the quotient's transforms (see `assembly/proofs/prove/quotient.ts`), and the steps of a window, which a worker
 * takes. A transform of 2^k is cut into passes of at most 11 stages; who gathers windows is `quotient.ts`.
 */
import type { Proofs } from "../../core/proofs.ts";
import type { QuotientJob, QuotientWindowJob, WindowStep } from "./jobs.ts";
import { ELEMENT_BYTES as ELEMENT } from "./kernel.ts";

/** Stages of a pass at most, as `FFT_STAGES` of the core. */
export const MOST_STAGES = 11;

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
export type ColumnPass = { readonly stages: number; readonly before: number; readonly after: number };

export function columnPasses(bits: number, most?: number): { columns: ColumnPass[]; rows: number } {
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
export type Round =
  | {
      readonly over: ColumnPass;
      readonly vectors: "rows" | "h" | "join";
      readonly steps: (columns: number, first: number, block: number) => WindowStep[];
    }
  | { readonly over: "rows"; readonly vectors: "rows" | "h"; readonly step: "rows" | "end" };

export function rounds(columns: readonly ColumnPass[]): Round[] {
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
