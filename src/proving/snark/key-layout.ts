/**
 * Where the points of a key stand in its file, as pieces that are made one by one: see `params-file.ts` for the file. A circuit's
 * variables come in ranges; each range gives a run of every query that has a point for a variable.
 */
import { type Counts, domainBits, type Shape } from "./circuit.ts";
import type { KeyNumbers, Numbers, VariableRange } from "./jobs.ts";
import { ELEMENT_BYTES, type Group, pointBytes } from "./kernel.ts";
import type { Setup } from "./setup.ts";

/** A run of the file: `count` multiples of a generator, of numbers that the range's evaluation gives. */
export type Piece = {
  readonly from: number;
  readonly group: Group;
  readonly count: number;
  readonly numbers: (key: KeyNumbers) => Numbers;
};

/** Points that a range of variables has in each query. */
export type KeySizes = { readonly ic: number; readonly l: number; readonly a: number; readonly b: number };

const NONE: KeySizes = { ic: 0, l: 0, a: 0, b: 0 };
/** Points of the verifying key, before its ic. */
const HEADS = 6;
const HEAD_BYTES = 864;

export function rangesOf({ inputs, aux }: Counts, most: number): VariableRange[] {
  const ranges: VariableRange[] = [];
  for (let first = 0; first < inputs + aux; first += most)
    ranges.push({ first, count: Math.min(most, inputs + aux - first) });
  return ranges;
}

export function sizesOf({ ic, l, a, b }: KeyNumbers): KeySizes {
  const count = (numbers: Uint8Array): number => numbers.length / ELEMENT_BYTES;
  return { ic: count(ic), l: count(l), a: count(a), b: count(b) };
}

/** The same by where a circuit's variables occur, before it was evaluated. */
export function shapeSizes(shape: Shape, { first, count }: VariableRange): KeySizes {
  const { inputs } = shape;
  const end = first + count;
  const [inputEnd, auxFrom, auxEnd] = [Math.min(end, inputs), Math.max(0, first - inputs), Math.max(0, end - inputs)];
  const ic = Math.max(0, inputEnd - first);
  return {
    ic,
    l: auxEnd - auxFrom,
    a: ic + bitsOf(shape.aAux, auxFrom, auxEnd),
    b: bitsOf(shape.bInputs, Math.min(first, inputs), inputEnd) + bitsOf(shape.bAux, auxFrom, auxEnd),
  };
}

/** Bits `[from, end)` that are set. */
function bitsOf(bitmap: Uint8Array, from: number, end: number): number {
  let sum = 0;
  for (let i = from; i < end; i++) sum += ((bitmap[i >>> 3] as number) >> (i & 7)) & 1;
  return sum;
}

const added = (x: KeySizes, y: KeySizes): KeySizes => ({
  ic: x.ic + y.ic,
  l: x.l + y.l,
  a: x.a + y.a,
  b: x.b + y.b,
});

/** A file's places: of each query its first point, of each range what stands before its points. */
export type KeyFrame = {
  readonly places: { readonly [Query in "ic" | "h" | "l" | "a" | "b1" | "b2"]: number };
  /** The queries' counts, and where they stand. */
  readonly counted: readonly (readonly [number, Uint8Array])[];
  readonly ranges: readonly { readonly before: KeySizes; readonly sizes: KeySizes }[];
  readonly h: number;
  readonly size: number;
  /** Points of the whole file. */
  readonly points: number;
};

export function frameOf(counts: Counts, sizes: readonly KeySizes[]): KeyFrame {
  const ranges: { before: KeySizes; sizes: KeySizes }[] = [];
  let all = NONE;
  for (const one of sizes) {
    ranges.push({ before: all, sizes: one });
    all = added(all, one);
  }
  const h = 2 ** domainBits(counts.rows) - 1;
  const counted: (readonly [number, Uint8Array])[] = [];
  let at = HEAD_BYTES;
  const query = (count: number, group: Group): number => {
    const word = new Uint8Array(4);
    new DataView(word.buffer).setUint32(0, count);
    counted.push([at, word]);
    const place = at + 4;
    at = place + count * pointBytes(group);
    return place;
  };
  const places = {
    ic: query(all.ic, 1),
    h: query(h, 1),
    l: query(all.l, 1),
    a: query(all.a, 1),
    b1: query(all.b, 1),
    b2: query(all.b, 2),
  };
  const points = HEADS + all.ic + h + all.l + all.a + 2 * all.b;
  return { places, counted, ranges, h, size: at, points };
}

/** The pieces of a range, of at most `window` points each; those that are of no variable come with the first. */
export function piecesOf(frame: KeyFrame, index: number, setup: Setup, window: number): Piece[] {
  const { places, h } = frame;
  const { before, sizes } = frame.ranges[index] as KeyFrame["ranges"][number];
  const { tau } = setup.numbers;
  const pieces: Piece[] = index === 0 ? heads(setup) : [];
  const cut = (
    from: number,
    group: Group,
    total: number,
    numbers: (key: KeyNumbers, run: VariableRange) => Numbers,
  ) => {
    for (let first = 0; first < total; first += window) {
      const run = { first, count: Math.min(window, total - first) };
      const place = from + first * pointBytes(group);
      pieces.push({ from: place, group, count: run.count, numbers: (key) => numbers(key, run) });
    }
  };
  const given = (query: "ic" | "l" | "a" | "b", from: number, group: Group): void =>
    cut(from + before[query] * pointBytes(group), group, sizes[query], (key, { first, count }) => ({
      bytes: key[query].subarray(first * ELEMENT_BYTES, (first + count) * ELEMENT_BYTES),
    }));
  given("ic", places.ic, 1);
  if (index === 0) cut(places.h, 1, h, (key, run) => ({ base: tau, factor: key.hFactor, ...run }));
  given("l", places.l, 1);
  given("a", places.a, 1);
  given("b", places.b1, 1);
  given("b", places.b2, 2);
  return pieces;
}

function heads({ numbers: { alpha, beta, gamma, delta } }: Setup): Piece[] {
  const list: readonly (readonly [number, Group, Uint8Array])[] = [
    [0, 1, alpha],
    [96, 1, beta],
    [192, 2, beta],
    [384, 2, gamma],
    [576, 1, delta],
    [672, 2, delta],
  ];
  return list.map(([from, group, bytes]) => ({ from, group, count: 1, numbers: () => ({ bytes }) }));
}
