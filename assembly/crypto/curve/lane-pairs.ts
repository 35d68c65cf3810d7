/**
 * Sums of pairs of affine points of G1 that share one inversion, as `batch-affine.ts` has them, four pairs side by side in SIMD.
 *
 * A point is 128 bytes, 16-aligned: x and y as narrow elements (`field/fp-lanes.ts`), where the free word of x is 1 for the neutral
 * point and 0 otherwise. Pairs name their points by *entries*: number of the point * 4, + 2 for its image (beta x, y), + 1 for the
 * negative. Entries are added up to `PAIRS` at a time: first all denominators are multiplied up, then, backwards, each pair gets its
 * inverse and is added. Every case is covered: doublings, opposite points, the neutral point.
 * Points must be public: time depends on them. Only for modules that are compiled with SIMD.
 */
import {
  LANE_ONE, laneMul, laneReduce, LANES_SIZE,
} from "../field/fp-lanes.gen";
import {
  laneAdd, laneCopy, laneGather, laneGatherDifference, laneGatherSigned, laneGatherSum, laneInverse, laneIsZero, laneMayBeZero,
  laneScatter, laneSet, laneSub, laneTriple, NARROW_SIZE, narrowNegate,
} from "../field/fp-lanes";

/** Bytes of a point. */
export const LANE_POINT: usize = 128;
/** Pairs that share an inversion. */
const PAIRS: i32 = 1024;
const NEUTRAL_WORD: usize = 60;

// Where pairs of each batch are kept: entries, addresses of sums, and kinds of four pairs in the bytes of a word.
const FIRST: usize = memory.data(ASC_FEATURE_SIMD ? 4096 : 16, 16);
const SECOND: usize = memory.data(ASC_FEATURE_SIMD ? 4096 : 16, 16);
const SUMS: usize = memory.data(ASC_FEATURE_SIMD ? 4096 : 16, 16);
const KINDS: usize = memory.data(ASC_FEATURE_SIMD ? 1024 : 16, 16);
const DENOMINATORS: usize = memory.data(ASC_FEATURE_SIMD ? 256 * 240 : 16, 16);
const PREFIXES: usize = memory.data(ASC_FEATURE_SIMD ? 256 * 240 : 16, 16);

/** Addresses of four pairs' coordinates, and their signs: zeros or ones. */
const XA: usize = memory.data(16, 16);
const XB: usize = memory.data(16, 16);
const YA: usize = memory.data(16, 16);
const YB: usize = memory.data(16, 16);
const SA: usize = memory.data(16, 16);
const SB: usize = memory.data(16, 16);
const YOUT: usize = memory.data(16, 16);
/** Elements of four lanes, 256 bytes as a gathering writes them. */
const RAW: usize = memory.data(256, 16);
const RAW2: usize = memory.data(256, 16);
const ACC: usize = memory.data(256, 16);
const INV: usize = memory.data(256, 16);
const SLOPE: usize = memory.data(256, 16);
const X3: usize = memory.data(256, 16);
const Y1: usize = memory.data(256, 16);
const Y3: usize = memory.data(256, 16);
const KEPT: usize = memory.data(4 * 128, 16);
const NOWHERE: usize = memory.data(128, 16);

const PLAIN: u32 = 0;
const DOUBLE: u32 = 1;
const TAKE_FIRST: u32 = 2;
const TAKE_SECOND: u32 = 3;
const CANCEL: u32 = 4;
const UNUSED: u32 = 5;

let points: usize = 0;
let images: usize = 0;
let queued: i32 = 0;

/** Where entries' points are, and the x of their images (64 bytes each). */
export function lanePairsOver(pointsAt: usize, imagesAt: usize): void {
  points = pointsAt;
  images = imagesAt;
}

// @ts-ignore: decorator
@inline
function xOf(entry: u32): usize {
  const number = <usize>(entry >> 2);
  return (entry & 2) != 0 ? images + number * NARROW_SIZE : points + number * LANE_POINT;
}

// @ts-ignore: decorator
@inline
function yOf(entry: u32): usize {
  return points + <usize>(entry >> 2) * LANE_POINT + NARROW_SIZE;
}

export function lanePointIsNeutral(point: usize): bool {
  return load<u32>(point, NEUTRAL_WORD) != 0;
}

export function lanePointZero(point: usize): void {
  memory.fill(point, 0, LANE_POINT);
  store<u32>(point, 1, NEUTRAL_WORD);
}

/** r = the entry's point, which may lie at r. */
export function lanePointOf(r: usize, entry: u32): void {
  const x = xOf(entry), y = yOf(entry);
  if (load<u32>(x, NEUTRAL_WORD) != 0) {
    lanePointZero(r);
    return;
  }
  memory.copy(r, x, NARROW_SIZE);
  if ((entry & 1) != 0) narrowNegate(r + NARROW_SIZE, y);
  else memory.copy(r + NARROW_SIZE, y, NARROW_SIZE);
}

/**
 * The point at `out` becomes the sum of the entries a and b when the batch is flushed. `out` may be where a or b lies, but no other
 * pair of the batch may have it, and none may read it.
 */
export function laneQueue(a: u32, b: u32, out: usize): void {
  const at = <usize>(queued++ * 4);
  store<u32>(FIRST + at, a);
  store<u32>(SECOND + at, b);
  store<u32>(SUMS + at, <u32>out);
  if (queued == PAIRS) laneFlush();
}

/** Adds what is queued. */
export function laneFlush(): void {
  if (queued == 0) return;
  const groups = (queued + 3) >> 2;
  for (let i = queued; i < 4 * groups; i++) {
    store<u32>(FIRST + 4 * <usize>i, load<u32>(FIRST));
    store<u32>(SECOND + 4 * <usize>i, load<u32>(SECOND));
    store<u32>(SUMS + 4 * <usize>i, <u32>NOWHERE);
  }
  for (let lane = 0; lane < 4; lane++) laneSet(ACC, lane, LANE_ONE);
  for (let g = 0; g < groups; g++) denominatorsOf(<usize>g);
  queued = 0;
  laneInverse(ACC);
  for (let g = groups - 1; g >= 0; g--) sumsOf(<usize>g);
}

/** Notes where the coordinates of group g lie. */
function locate(g: usize): void {
  for (let at: usize = 0; at < 16; at += 4) {
    const a = load<u32>(FIRST + 16 * g + at), b = load<u32>(SECOND + 16 * g + at);
    store<u32>(XA + at, <u32>xOf(a));
    store<u32>(YA + at, <u32>yOf(a));
    store<u32>(SA + at, 0 - (a & 1));
    store<u32>(XB + at, <u32>xOf(b));
    store<u32>(YB + at, <u32>yOf(b));
    store<u32>(SB + at, 0 - (b & 1));
  }
}

function neutralWord(from: usize, lane: usize): u32 {
  return load<u32>(<usize>load<u32>(from + 4 * lane), NEUTRAL_WORD);
}

/** The denominators of group g, multiplied to what came before. */
function denominatorsOf(g: usize): void {
  const d = DENOMINATORS + g * LANES_SIZE;
  locate(g);
  laneGatherDifference(RAW, XB, XA);
  laneReduce(d, RAW);
  let kinds: u32 = 0;
  let neutral: u32 = 0;
  for (let lane: usize = 0; lane < 4; lane++) neutral |= neutralWord(XA, lane) | neutralWord(XB, lane);
  if (neutral != 0 || laneMayBeZero(d) || 4 * <i32>g + 4 > queued) kinds = specialDenominators(g, d);
  store<u32>(KINDS + 4 * g, kinds);
  memory.copy(PREFIXES + g * LANES_SIZE, ACC, LANES_SIZE);
  laneMul(ACC, ACC, d);
}

/** Kinds of group g, where some pair is not plain; its denominators become 2 y or 1. */
function specialDenominators(g: usize, d: usize): u32 {
  laneGatherSigned(Y1, YA, SA);
  laneGatherSigned(RAW2, YB, SB);
  // y of the two are equal or opposite where x are: the difference tells which.
  laneSub(RAW, RAW2, Y1);
  laneReduce(RAW, RAW);
  laneAdd(Y1, Y1, Y1);
  laneReduce(Y1, Y1);
  let kinds: u32 = 0;
  for (let lane: usize = 0; lane < 4; lane++) {
    let kind = PLAIN;
    if (4 * <i32>g + <i32>lane >= queued) kind = UNUSED;
    else if (neutralWord(XA, lane) != 0) kind = TAKE_SECOND;
    else if (neutralWord(XB, lane) != 0) kind = TAKE_FIRST;
    else if (laneIsZero(d, <i32>lane)) kind = laneIsZero(RAW, <i32>lane) ? DOUBLE : CANCEL;
    if (kind == DOUBLE) laneCopy(d, Y1, <i32>lane);
    else if (kind != PLAIN) laneSet(d, <i32>lane, LANE_ONE);
    kinds |= kind << (<u32>lane << 3);
  }
  return kinds;
}

/** Adds the pairs of group g; ACC is the inverse of the product of its denominators and of all before, and then without its own. */
function sumsOf(g: usize): void {
  const kinds = load<u32>(KINDS + 4 * g);
  locate(g);
  laneMul(INV, ACC, PREFIXES + g * LANES_SIZE);
  laneMul(ACC, ACC, DENOMINATORS + g * LANES_SIZE);
  laneGatherSigned(Y1, YA, SA);
  laneGatherSigned(RAW, YB, SB);
  laneSub(RAW, RAW, Y1);
  laneReduce(SLOPE, RAW);
  if (kinds != 0) specialSlopes(kinds);
  laneMul(SLOPE, SLOPE, INV);
  laneMul(X3, SLOPE, SLOPE);
  laneGatherSum(RAW, XA, XB);
  laneSub(X3, X3, RAW);
  laneReduce(X3, X3);
  laneGather(RAW, XA);
  laneSub(RAW, RAW, X3);
  laneReduce(RAW, RAW);
  laneMul(Y3, RAW, SLOPE);
  laneSub(Y3, Y3, Y1);
  laneReduce(Y3, Y3);
  const out = SUMS + 16 * g;
  if (kinds != 0) keepSpecial(g, kinds);
  for (let at: usize = 0; at < 16; at += 4) store<u32>(YOUT + at, load<u32>(out + at) + <u32>NARROW_SIZE);
  laneScatter(out, X3);
  laneScatter(YOUT, Y3);
  if (kinds != 0) putSpecial(out, kinds);
}

/** Slopes' numerators of doublings: 3 x^2. */
function specialSlopes(kinds: u32): void {
  laneGather(RAW, XA);
  laneMul(RAW, RAW, RAW);
  laneTriple(RAW, RAW);
  laneReduce(RAW, RAW);
  for (let lane = 0; lane < 4; lane++) {
    if (((kinds >> (<u32>lane << 3)) & 255) == DOUBLE) laneCopy(SLOPE, RAW, lane);
  }
}

/** Keeps points that are taken as they are, before a sum is written where they lie. */
function keepSpecial(g: usize, kinds: u32): void {
  for (let lane: usize = 0; lane < 4; lane++) {
    const kind = (kinds >> (<u32>lane << 3)) & 255;
    const kept = KEPT + lane * LANE_POINT;
    if (kind == TAKE_FIRST) lanePointOf(kept, load<u32>(FIRST + 16 * g + 4 * lane));
    else if (kind == TAKE_SECOND) lanePointOf(kept, load<u32>(SECOND + 16 * g + 4 * lane));
    else if (kind == CANCEL) lanePointZero(kept);
  }
}

function putSpecial(out: usize, kinds: u32): void {
  for (let lane: usize = 0; lane < 4; lane++) {
    const kind = (kinds >> (<u32>lane << 3)) & 255;
    if (kind < TAKE_FIRST || kind == UNUSED) continue;
    memory.copy(<usize>load<u32>(out + 4 * lane), KEPT + lane * LANE_POINT, LANE_POINT);
  }
}

/**
 * Adds up every list of entries, pairwise, all lists in step; of each that is not empty one entry is left, its first. `lengths` (u32
 * per list) becomes 0 or 1, `starts` (u32 per list) count in entries. Sums are kept in the points from number `free` on, at most
 * half as many as there are entries. No point may be named by two entries if its number is `free` or above.
 */
export function laneSumLists(entries: usize, starts: usize, lengths: usize, lists: i32, free: u32): void {
  let next = free, more = true;
  while (more) {
    more = false;
    for (let l: usize = 0; l < <usize>lists; l++) {
      const length = load<u32>(lengths + 4 * l);
      if (length < 2) continue;
      const list = entries + 4 * <usize>load<u32>(starts + 4 * l);
      const half = length >> 1;
      for (let i: usize = 0; i < <usize>half; i++) {
        const a = load<u32>(list + 8 * i), b = load<u32>(list + 8 * i, 4);
        // A sum takes the place of one that it takes in.
        const place = a >> 2 >= free ? a >> 2 : b >> 2 >= free ? b >> 2 : next++;
        store<u32>(list + 4 * i, place << 2);
        laneQueue(a, b, points + <usize>place * LANE_POINT);
      }
      if ((length & 1) != 0) store<u32>(list + 4 * <usize>half, load<u32>(list + 4 * <usize>(length - 1)));
      store<u32>(lengths + 4 * l, half + (length & 1));
      if (half + (length & 1) > 1) more = true;
    }
    laneFlush();
  }
}
