/**
 * Sums of many multiples in G1 as `msm.ts` has them, in SIMD: four additions side by side, buckets and their weighted sums both in
 * affine form. For modules that are compiled with SIMD, and dozens of points or more.
 *
 * A scalar is k0 + k1 X^2 with parts below 2^128, and X^2 P = -(beta x, y). A part plus 2^(c-1) in every window but the uppermost has
 * as its windows of c bits the signed digits, each 2^(c-1) too large, so that digits are never stored. The uppermost window's are
 * not negative. Buckets b = 0, 1, 2 ... of digits b + 1 are summed up by segments: R = sum of a segment's buckets and T = sum (b + 1) B[b]
 * within it take two additions a bucket, one step at a time in all segments of all windows, so that inversions are shared there, too.
 */
import { fpFromNarrow, fpToNarrow, laneSet, laneTimes, NARROW_SIZE } from "../field/fp-lanes";
import { isNeutral } from "./batch-affine";
import { BETA } from "./constants.gen";
import { OverFp } from "./coordinate";
import {
  LANE_POINT, laneFlush, lanePairsOver, lanePointIsNeutral, lanePointOf, lanePointZero, laneQueue, laneSumLists,
} from "./lane-pairs";
import { pointAdd, pointAddAffine, pointDouble, pointZero } from "./point";
import { startLists } from "./scalar-groups";
import { splitInTwo } from "./split-scalar";

const PART_BITS: i32 = 128;
/** Buckets of a segment, at most. */
const SEGMENT: i32 = 64;
const POINT: usize = memory.data(112, 8);
const RUNNING: usize = memory.data(336, 8);
const WEIGHTED: usize = memory.data(336, 8);
const IMAGE: usize = memory.data(64, 16);
const BETAS: usize = memory.data(240, 16);
const FROM: usize = memory.data(16, 4);
const TO: usize = memory.data(16, 4);

/** From how many points on these sums are ahead of `msm`. */
export const LANE_LEAST: i32 = 48;

/** Windows of c bits. */
// @ts-ignore: decorator
@inline
function windowsOf(c: i32): i32 {
  return (PART_BITS + c - 1) / c;
}

/** Buckets of the uppermost window, whose digits are not signed. */
// @ts-ignore: decorator
@inline
function lastBuckets(c: i32): i32 {
  return 1 << (PART_BITS - c * (windowsOf(c) - 1));
}

function bucketsOf(c: i32): i32 {
  return ((windowsOf(c) - 1) << (c - 1)) + max(lastBuckets(c), segmentOf(c));
}

function segmentOf(c: i32): i32 {
  return min(SEGMENT, 1 << max(c - 4, 1));
}

/** Window width with the least estimated work: an addition for every part of a point, and two for a bucket. */
function windowBits(count: i32): i32 {
  let best = 4;
  let least: i64 = i64.MAX_VALUE;
  for (let c = 4; c <= 16; c++) {
    const work = <i64>windowsOf(c) * <i64>count * 2 + 2 * <i64>bucketsOf(c);
    if (work < least) {
      least = work;
      best = c;
    }
  }
  return best;
}

/** Bytes of scratch for `count` points. */
export function laneMsmScratch(count: i32): usize {
  const c = windowBits(count);
  const buckets = <usize>bucketsOf(c);
  const most = <usize>max(1 << (c - 1), lastBuckets(c));
  return <usize>count * (NARROW_SIZE + 32 + 8) + 8 * most + buckets * LANE_POINT + (buckets / <usize>segmentOf(c)) * (LANE_POINT + 4) + 64;
}

/**
 * r (homogeneous) = sum of scalars[i] points[i], i < count. points: as `lane-pairs` has them, with room for as many behind them;
 * scalars: 32 bytes each, little-endian, below the group's order. scratch: laneMsmScratch(count) bytes.
 */
export function laneMsm(r: usize, points: usize, scalars: usize, count: i32, scratch: usize): void {
  const c = windowBits(count);
  const windows = windowsOf(c);
  const images = (scratch + 15) & ~15;
  const buckets = images + <usize>count * NARROW_SIZE;
  const total = bucketsOf(c);
  const weighted = buckets + <usize>total * LANE_POINT;
  const parts = weighted + <usize>(total / segmentOf(c)) * LANE_POINT;
  const entries = parts + 32 * <usize>count;
  const starts = entries + 8 * <usize>count;
  const lengths = starts + 4 * <usize>max(1 << (c - 1), lastBuckets(c));
  const live = lengths + 4 * <usize>max(1 << (c - 1), lastBuckets(c));
  imagesOf(images, points, count);
  for (let i: usize = 0; i < <usize>count; i++) {
    splitInTwo(parts + 32 * i, scalars + 32 * i);
    bias(parts + 32 * i, c, windows);
    bias(parts + 32 * i + 16, c, windows);
  }
  lanePairsOver(points, images);
  for (let w = 0; w < windows; w++) {
    const last = w == windows - 1;
    const own = last ? lastBuckets(c) : 1 << (c - 1);
    const row = buckets + (<usize>w << (c - 1)) * LANE_POINT;
    sortByBucket(entries, parts, count, w * c, c, last, starts, lengths, own);
    laneSumLists(entries, starts, lengths, own, <u32>count);
    for (let b: usize = 0; b < <usize>own; b++) {
      if (load<u32>(lengths + 4 * b) == 0) lanePointZero(row + b * LANE_POINT);
      else lanePointOf(row + b * LANE_POINT, load<u32>(entries + 4 * <usize>load<u32>(starts + 4 * b)));
    }
    if (last) for (let b = own; b < segmentOf(c); b++) lanePointZero(row + <usize>b * LANE_POINT);
  }
  weigh(buckets, weighted, live, total, segmentOf(c));
  join(r, buckets, weighted, c);
}

/** laneMsm for points that are not in the form of lanes: affine, 28-bit limbs, zeros for the neutral point. */
export function laneMsmOf(r: usize, points: usize, scalars: usize, count: i32, scratch: usize): void {
  const own = (scratch + 15) & ~15;
  for (let i: usize = 0; i < <usize>count; i++) lanePointInto(own + i * LANE_POINT, points + i * 112);
  laneMsm(r, own, scalars, count, own + 2 * <usize>count * LANE_POINT);
}

export function laneMsmOfScratch(count: i32): usize {
  return 2 * <usize>count * LANE_POINT + laneMsmScratch(count) + 16;
}

/** images[i] = beta x of points[i], with its word for the neutral point. */
function imagesOf(images: usize, points: usize, count: i32): void {
  fpToNarrow(IMAGE, BETA);
  for (let lane = 0; lane < 4; lane++) laneSet(BETAS, lane, IMAGE);
  for (let i = 0; i < count; i += 4) {
    for (let lane = 0; lane < 4; lane++) {
      const number = <usize>min(i + lane, count - 1);
      store<u32>(FROM + 4 * <usize>lane, <u32>(points + number * LANE_POINT));
      store<u32>(TO + 4 * <usize>lane, <u32>(images + number * NARROW_SIZE));
    }
    laneTimes(TO, FROM, BETAS);
  }
  for (let i: usize = 0; i < <usize>count; i++) {
    if (lanePointIsNeutral(points + i * LANE_POINT)) store<u32>(images + i * NARROW_SIZE, 1, 60);
  }
}

/** part += 2^(c-1) (1 + 2^c + ...), in all windows but the uppermost; 128 bits. */
function bias(part: usize, c: i32, windows: i32): void {
  let low = load<u64>(part), high = load<u64>(part, 8);
  for (let w = 0; w < windows - 1; w++) {
    const bit = w * c + c - 1;
    if (bit >= 64) high += <u64>1 << (bit - 64);
    else {
      const sum = low + (<u64>1 << bit);
      if (sum < low) high++;
      low = sum;
    }
  }
  store<u64>(part, low);
  store<u64>(part, high, 8);
}

/** c bits of a part of 128, from bit `from` on. */
// @ts-ignore: decorator
@inline
function bitsOf(part: usize, from: i32, c: i32): i32 {
  const low = load<u64>(part), high = load<u64>(part, 8);
  let value: u64;
  if (from >= 64) value = high >> (from - 64);
  else if (from == 0) value = low;
  else value = (low >> from) | (high << (64 - from));
  return <i32>(value & ((<u64>1 << c) - 1));
}

/** Counting sort: entries of points whose digit is not zero, by its size. starts and lengths: u32 for each bucket. */
function sortByBucket(
  entries: usize, parts: usize, count: i32, from: i32, c: i32, last: bool, starts: usize, lengths: usize, buckets: i32,
): void {
  const half = last ? 0 : 1 << (c - 1);
  const end = <usize>count * 2;
  memory.fill(lengths, 0, 4 * <usize>buckets);
  for (let i: usize = 0; i < end; i++) {
    const digit = bitsOf(parts + 16 * i, from, c) - half;
    if (digit == 0) continue;
    const at = lengths + 4 * <usize>(abs(digit) - 1);
    store<u32>(at, load<u32>(at) + 1);
  }
  startLists(starts, lengths, buckets);
  for (let i: usize = 0; i < end; i++) {
    const digit = bitsOf(parts + 16 * i, from, c) - half;
    if (digit == 0) continue;
    const b = <usize>((abs(digit) - 1) * 4);
    const place = load<u32>(lengths + b);
    store<u32>(lengths + b, place + 1);
    // The image stands for X^2 P with the other sign.
    const image = <u32>i & 1, negative: u32 = digit < 0 ? 1 : 0;
    store<u32>(entries + 4 * <usize>(load<u32>(starts + b) + place), (<u32>(i >> 1) << 2) | (image << 1) | (negative ^ image));
  }
}

/**
 * In every segment of `length` buckets: its first bucket becomes the sum R of all, and its place in `weighted` the sum T of (b + 1) B[b].
 * live: u32 for each segment.
 */
function weigh(buckets: usize, weighted: usize, live: usize, total: i32, length: i32): void {
  const bytes = <usize>length * LANE_POINT;
  let count: usize = 0;
  for (let s = 0; s < total / length; s++) {
    const at = buckets + <usize>s * bytes;
    memory.copy(weighted + <usize>s * LANE_POINT, at + bytes - LANE_POINT, LANE_POINT);
    let any = false;
    for (let b: usize = 0; b < bytes && !any; b += LANE_POINT) any = !lanePointIsNeutral(at + b);
    if (any) store<u32>(live + 4 * (count++), <u32>s);
  }
  // Entries count points from `buckets` on: segments' buckets, then the weighted sums.
  lanePairsOver(buckets, buckets);
  for (let b = length - 2; b >= -1; b--) {
    for (let i: usize = 0; i < count; i++) {
      const s = load<u32>(live + 4 * i);
      const at = <u32>length * s + <u32>b;
      // T takes R as it was before: a bucket above, which stays as it is.
      if (b < length - 2) laneQueue((<u32>total + s) << 2, (at + 1) << 2, weighted + <usize>s * LANE_POINT);
      if (b >= 0) laneQueue(at << 2, (at + 1) << 2, buckets + <usize>at * LANE_POINT);
    }
    laneFlush();
  }
}

/** r = the windows' sums, joined by c doublings. */
function join(r: usize, buckets: usize, weighted: usize, c: i32): void {
  const length = segmentOf(c);
  const bytes = <usize>length * LANE_POINT;
  const windows = windowsOf(c);
  let shift = 0;
  while (1 << shift < length) shift++;
  pointZero<OverFp>(r);
  for (let w = windows - 1; w >= 0; w--) {
    for (let i = 0; i < c; i++) pointDouble<OverFp>(r, r);
    const first = (<usize>w << (c - 1)) / <usize>length;
    const count = max(w == windows - 1 ? lastBuckets(c) : 1 << (c - 1), length) / length;
    pointZero<OverFp>(RUNNING);
    pointZero<OverFp>(WEIGHTED);
    for (let s = first + <usize>count - 1; s > first; s--) {
      addLanePoint(RUNNING, buckets + s * bytes);
      pointAdd<OverFp>(WEIGHTED, WEIGHTED, RUNNING);
    }
    for (let i = 0; i < shift; i++) pointDouble<OverFp>(WEIGHTED, WEIGHTED);
    for (let s = first; s < first + <usize>count; s++) addLanePoint(WEIGHTED, weighted + s * LANE_POINT);
    pointAdd<OverFp>(r, r, WEIGHTED);
  }
}

/** r (homogeneous) += a point as `lane-pairs` has it. */
export function addLanePoint(r: usize, point: usize): void {
  if (!lanePointFrom(POINT, point)) return;
  pointAddAffine<OverFp>(r, r, POINT);
}

/** r (affine, 28-bit limbs) = a point of lanes; false, and r zeros, if it is neutral. */
export function lanePointFrom(r: usize, point: usize): bool {
  if (lanePointIsNeutral(point)) {
    memory.fill(r, 0, 112);
    return false;
  }
  fpFromNarrow(r, point);
  fpFromNarrow(r + 56, point + NARROW_SIZE);
  return true;
}

/** A point of lanes, at r, from an affine one of 28-bit limbs. */
export function lanePointInto(r: usize, point: usize): void {
  if (isNeutral<OverFp>(point)) {
    lanePointZero(r);
    return;
  }
  fpToNarrow(r, point);
  fpToNarrow(r + NARROW_SIZE, point + 56);
}
