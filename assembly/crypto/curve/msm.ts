/**
 * Sums of many multiples: k0 P0 + k1 P1 + ... ("multi-scalar multiplication"), in G1 or G2.
 *
 * Pippenger's buckets: a scalar is cut into windows of c bits with digits from -2^(c-1) to 2^(c-1); in each window the
 * points of equal digit are summed into one of 2^(c-1) buckets (a negative digit adds -P), the buckets b are combined
 * as sum b B[b], and windows are joined by c doublings. On that:
 *   endomorphism   k P = sum of d[i] |X|^i-multiples with short digits: |X|^i P costs a field product or two (psi on G2: four
 *                  digits of 64 bits; beta on G1: two of 128), so there are half or a quarter of the windows
 *   batch affine   points of a bucket are added pairwise in affine form, the divisions of up to 512 pairs sharing one
 *                  inversion: six products an addition instead of eleven
 * Scalars and points must be public: time depends on them. Points must lie in the group of prime order (the endomorphism
 * acts as a multiplication only there); an affine point of zeros stands for the neutral one.
 * Sources: Gallant, Lambert and Vanstone 2001; Galbraith and Scott 2008; Bernstein and others, eprint 2012/549 section 4.
 */
import { fp2Conjugate } from "../field/fp2";
import { fpMul } from "../field/fp.gen";
import { fp2Mul } from "../field/fp2.gen";
import { BETA, PSI } from "./constants.gen";
import { isNeutral, sumBuckets } from "./batch-affine";
import { LANE_LEAST, laneMsmOf, laneMsmOfScratch } from "./lane-msm";
import { copy, isPrimeField, neg, OverFp, OverFp2, sizeOf } from "./coordinate";
import { pointAdd, pointAddAffine, pointCopy, pointDouble, pointFromAffine, pointMul, pointZero } from "./point";
import { groupScalars, startLists, tableSlots } from "./scalar-groups";
import { splitInFour, splitInTwo } from "./split-scalar";

/** Bytes of a scalar: little-endian, below the group's order. */
const SCALAR_BYTES: usize = 32;
const RUNNING: usize = memory.data(336, 8);
const TOTAL: usize = memory.data(336, 8);
const PARTS: usize = memory.data(32, 8);
const REVERSED: usize = memory.data(32);

/** Parts of a scalar, and bits of a part. */
// @ts-ignore: decorator
@inline
function parts<F>(): i32 {
  return isPrimeField<F>() ? 2 : 4;
}

// @ts-ignore: decorator
@inline
function partBits<F>(): i32 {
  return isPrimeField<F>() ? 128 : 64;
}

/** Window width with the least estimated work: points times 6 products, buckets times 24, for every window. */
function windowBits<F>(points: i32): i32 {
  let best = 2;
  let least: i64 = i64.MAX_VALUE;
  for (let c = 2; c <= 15; c++) {
    const windows = partBits<F>() / c + 1;
    const work = <i64>windows * (<i64>points * 6 + (<i64>24 << (c - 1)));
    if (work < least) {
      least = work;
      best = c;
    }
  }
  return best;
}

/** Bytes of scratch for `count` points. */
export function msmScratch<F>(count: i32): usize {
  if (ASC_FEATURE_SIMD) {
    if (isPrimeField<F>()) return max(bucketScratch<F>(count), count < LANE_LEAST ? 0 : laneMsmOfScratch(count));
  }
  return bucketScratch<F>(count);
}

function bucketScratch<F>(count: i32): usize {
  const points = count * parts<F>();
  const c = windowBits<F>(points);
  const windows = partBits<F>() / c + 1;
  const size: usize = 2 * sizeOf<F>();
  return <usize>points * (2 * size + 2 * <usize>windows) + (<usize>8 << (c - 1)) + 64;
}

/**
 * Signed window digits of the parts of `scalar`, i16 each, digit w of part j at digits[w * points + index * parts + j].
 */
function recode<F>(digits: usize, scalar: usize, index: i32, points: i32, c: i32, windows: i32): void {
  const count = parts<F>();
  if (isPrimeField<F>()) splitInTwo(PARTS, scalar);
  else splitInFour(PARTS, scalar);
  for (let j = 0; j < count; j++) {
    const part = PARTS + <usize>(j * (32 / count));
    let low = load<u64>(part);
    let high: u64 = isPrimeField<F>() ? load<u64>(part, 8) : 0;
    let carry: i32 = 0;
    const mask: u64 = ((<u64>1) << c) - 1;
    for (let w = 0; w < windows; w++) {
      let digit = <i32>(low & mask) + carry;
      low = (low >> c) | (high << (64 - c));
      high >>= c;
      carry = 0;
      if (digit > 1 << (c - 1)) {
        digit -= 1 << c;
        carry = 1;
      }
      store<i16>(digits + 2 * (<usize>w * <usize>points + <usize>(index * count + j)), <i16>digit);
    }
  }
}

/** bases[parts * i + j] = (the multiple by the j-th power of the endomorphism's base) of points[i]. */
function spread<F>(bases: usize, points: usize, count: i32): void {
  const n = sizeOf<F>();
  const size: usize = 2 * n;
  for (let i: usize = 0; i < <usize>count; i++) {
    const from = points + i * size;
    let to = bases + i * <usize>parts<F>() * size;
    memory.copy(to, from, size);
    if (isPrimeField<F>()) {
      // X^2 P = -(beta x, y)
      fpMul(to + size, to, BETA);
      copy<F>(to + size + n, to + n);
      if (!isNeutral<F>(to)) neg<F>(to + size + n, to + size + n);
      continue;
    }
    for (let j = 1; j < 4; j++) {
      // |X| P = -psi(P)
      fp2Conjugate(to + size, to);
      fp2Mul(to + size, to + size, PSI);
      fp2Conjugate(to + size + n, to + n);
      fp2Mul(to + size + n, to + size + n, PSI + 112);
      neg<F>(to + size + n, to + size + n);
      if (isNeutral<F>(to)) memory.fill(to + size, 0, size);
      to += size;
    }
  }
}

/**
 * r (homogeneous) = sum of scalars[i] points[i], i < count. points: affine; scalars: 32 bytes each, little-endian, below r.
 * scratch: msmScratch<F>(count) bytes, 8-aligned.
 */
export function msm<F>(r: usize, points: usize, scalars: usize, count: i32, scratch: usize): void {
  if (ASC_FEATURE_SIMD) {
    if (isPrimeField<F>() && count >= LANE_LEAST) {
      laneMsmOf(r, points, scalars, count, scratch);
      return;
    }
  }
  bucketMsm<F>(r, points, scalars, count, scratch);
}

/** The same, in the form for every engine. */
export function bucketMsm<F>(r: usize, points: usize, scalars: usize, count: i32, scratch: usize): void {
  const size: usize = 2 * sizeOf<F>();
  const total = count * parts<F>();
  pointZero<F>(r);
  if (count == 0) return;
  const c = windowBits<F>(total);
  const windows = partBits<F>() / c + 1;
  const buckets = 1 << (c - 1);
  const bases = scratch;
  const sorted = bases + <usize>total * size;
  const digits = sorted + <usize>total * size;
  const starts = (digits + 2 * <usize>total * <usize>windows + 7) & ~7;
  const lengths = starts + 4 * <usize>buckets;
  spread<F>(bases, points, count);
  for (let i = 0; i < count; i++) recode<F>(digits, scalars + <usize>i * SCALAR_BYTES, i, total, c, windows);
  for (let w = windows - 1; w >= 0; w--) {
    const row = digits + 2 * <usize>w * <usize>total;
    sortByBucket<F>(sorted, bases, row, total, starts, lengths, buckets);
    sumBuckets<F>(sorted, starts, lengths, buckets);
    if (w != windows - 1) for (let i = 0; i < c; i++) pointDouble<F>(r, r);
    pointZero<F>(RUNNING);
    pointZero<F>(TOTAL);
    let any = false;
    for (let b = buckets - 1; b >= 0; b--) {
      if (load<u32>(lengths + 4 * <usize>b) != 0) {
        const point = sorted + <usize>load<u32>(starts + 4 * <usize>b) * size;
        if (!isNeutral<F>(point)) {
          pointAddAffine<F>(RUNNING, RUNNING, point);
          any = true;
        }
      }
      if (any) pointAdd<F>(TOTAL, TOTAL, RUNNING);
    }
    pointAdd<F>(r, r, TOTAL);
  }
}

/** Counting sort: points of non-zero digit, negated for negative digits, grouped by |digit| - 1. */
function sortByBucket<F>(
  sorted: usize, bases: usize, row: usize, total: i32, starts: usize, lengths: usize, buckets: i32,
): void {
  const n = sizeOf<F>();
  memory.fill(lengths, 0, 4 * <usize>buckets);
  for (let i: usize = 0; i < <usize>total; i++) {
    const digit = <i32>load<i16>(row + 2 * i);
    if (digit == 0) continue;
    const at = lengths + 4 * <usize>(abs(digit) - 1);
    store<u32>(at, load<u32>(at) + 1);
  }
  startLists(starts, lengths, buckets);
  for (let i: usize = 0; i < <usize>total; i++) {
    const digit = <i32>load<i16>(row + 2 * i);
    if (digit == 0) continue;
    const b = <usize>(abs(digit) - 1);
    const place = load<u32>(lengths + 4 * b);
    store<u32>(lengths + 4 * b, place + 1);
    const to = sorted + <usize>(load<u32>(starts + 4 * b) + place) * 2 * n;
    const from = bases + i * 2 * n;
    memory.copy(to, from, 2 * n);
    if (digit < 0 && !isNeutral<F>(from)) neg<F>(to + n, to + n);
  }
}

/** Bytes of scratch for `count` points of a grouped sum. */
export function groupedMsmScratch<F>(count: i32): usize {
  const size: usize = 2 * sizeOf<F>();
  return <usize>count * (size + 32 + 12) + 4 * <usize>tableSlots(count) + msmScratch<F>(count) + 64;
}

/**
 * msm for scalars of which many may be equal (commitments that a circuit takes once per challenge, rows that pad a
 * partition, hashes of nodes that lie on many paths): points of equal scalars are added first, so each scalar is worked on once; zeros are left out.
 * scratch: groupedMsmScratch<F>(count) bytes, 8-aligned.
 */
export function groupedMsm<F>(r: usize, points: usize, scalars: usize, count: i32, scratch: usize): void {
  const size: usize = 2 * sizeOf<F>();
  const slots = tableSlots(count);
  const sorted = scratch;
  const distinct = sorted + <usize>count * size;
  const group = distinct + 32 * <usize>count;
  const starts = group + 4 * <usize>count;
  const lengths = starts + 4 * <usize>count;
  const table = lengths + 4 * <usize>count;
  const rest = (table + 4 * <usize>slots + 7) & ~7;
  const groups = groupScalars(group, lengths, distinct, table, slots, scalars, count);
  if (groups == count) {
    msm<F>(r, points, scalars, count, rest);
    return;
  }
  startLists(starts, lengths, groups);
  for (let i: usize = 0; i < <usize>count; i++) {
    const g = load<i32>(group + 4 * i);
    if (g < 0) continue;
    const place = load<u32>(lengths + 4 * <usize>g);
    store<u32>(lengths + 4 * <usize>g, place + 1);
    memory.copy(sorted + <usize>(load<u32>(starts + 4 * <usize>g) + place) * size, points + i * size, size);
  }
  sumBuckets<F>(sorted, starts, lengths, groups);
  // Groups stand in ascending order of their beginnings, so their sums can move to the front one after the other.
  for (let g: usize = 0; g < <usize>groups; g++) {
    memory.copy(sorted + g * size, sorted + <usize>load<u32>(starts + 4 * g) * size, size);
  }
  msm<F>(r, sorted, distinct, groups, rest);
}

/** The same sum, one multiple after the other: the reference for tests. */
export function msmPlain<F>(r: usize, points: usize, scalars: usize, count: i32): void {
  const size: usize = 2 * sizeOf<F>();
  pointZero<F>(TOTAL);
  for (let i: usize = 0; i < <usize>count; i++) {
    if (isNeutral<F>(points + i * size)) continue;
    for (let j: usize = 0; j < 32; j++) store<u8>(REVERSED + j, load<u8>(scalars + i * 32 + 31 - j));
    pointFromAffine<F>(RUNNING, points + i * size);
    pointMul<F>(RUNNING, RUNNING, REVERSED, 32);
    pointAdd<F>(TOTAL, TOTAL, RUNNING);
  }
  pointCopy<F>(r, TOTAL);
}

/** The forms of G1 and G2, for callers that hold no type parameter. */
export function g1Msm(r: usize, points: usize, scalars: usize, count: i32, scratch: usize): void {
  msm<OverFp>(r, points, scalars, count, scratch);
}

export function g2Msm(r: usize, points: usize, scalars: usize, count: i32, scratch: usize): void {
  msm<OverFp2>(r, points, scalars, count, scratch);
}

export function g1MsmScratch(count: i32): usize {
  return msmScratch<OverFp>(count);
}

export function g2MsmScratch(count: i32): usize {
  return msmScratch<OverFp2>(count);
}

export function g1GroupedMsm(r: usize, points: usize, scalars: usize, count: i32, scratch: usize): void {
  groupedMsm<OverFp>(r, points, scalars, count, scratch);
}

export function g1GroupedMsmScratch(count: i32): usize {
  return groupedMsmScratch<OverFp>(count);
}

export function g2GroupedMsm(r: usize, points: usize, scalars: usize, count: i32, scratch: usize): void {
  groupedMsm<OverFp2>(r, points, scalars, count, scratch);
}

export function g2GroupedMsmScratch(count: i32): usize {
  return groupedMsmScratch<OverFp2>(count);
}
