/**
 * Sums of pairs of affine points that share one inversion: six products an addition instead of eleven.
 *
 * Pairs are queued, up to `BATCH` of them, and added together by `flushPairs`; the denominators' product is inverted once
 * (Montgomery's trick). Every case is covered: doublings, opposite points, and the neutral point, which stands as zeros.
 * Points must be public: time depends on them.
 */
import { add, copy, equal, inverse, isZero, mul, one, sizeOf, sqr, sub, subTwo } from "./coordinate";

/** Pairs that share an inversion. */
export const BATCH: i32 = 512;
const PAIR_BYTES: usize = 16;

const DENOMINATORS: usize = memory.data(512 * 112, 8);
const PREFIXES: usize = memory.data(512 * 112, 8);
const PAIRS: usize = memory.data(512 * 16, 8);
const ACC: usize = memory.data(112, 8);
const SLOPE: usize = memory.data(112, 8);
const X3: usize = memory.data(112, 8);
const T: usize = memory.data(112, 8);

/** Before the first pair of a series: `flushPairs` leaves this state, too. */
export function beginPairs<F>(): void {
  copy<F>(ACC, one<F>());
}

// @ts-ignore: decorator
@inline
export function isNeutral<F>(a: usize): bool {
  // y = 0 has no solution in groups of odd order, so a zero y marks the neutral point.
  const y = a + sizeOf<F>();
  let or: u64 = 0;
  for (let i: usize = 0; i < sizeOf<F>(); i += 8) or |= load<u64>(y + i);
  return or == 0;
}

/** Whether a difference may be zero, by its lowest limb: 0 or p's. Differences are below 1.001 p. */
// @ts-ignore: decorator
@inline
function mayBeZero(a: usize): bool {
  const low = load<u32>(a);
  return low == 0 || low == 0xfffaaab;
}

const PLAIN: u32 = 0;
const DOUBLE: u32 = 1;
const TAKE_FIRST: u32 = 2;
const TAKE_SECOND: u32 = 3;
const CANCEL: u32 = 4;

/** Pair `index` of the batch: out = a + b; its denominator is stored and multiplied into ACC. */
export function queuePair<F>(index: i32, out: usize, a: usize, b: usize): void {
  const n = sizeOf<F>();
  const pair = PAIRS + <usize>index * PAIR_BYTES;
  const d = DENOMINATORS + <usize>index * n;
  store<u32>(pair, <u32>out);
  store<u32>(pair, <u32>a, 4);
  store<u32>(pair, <u32>b, 8);
  let kind = PLAIN;
  if (isNeutral<F>(a)) kind = TAKE_SECOND;
  else if (isNeutral<F>(b)) kind = TAKE_FIRST;
  else {
    sub<F>(d, b, a);
    if (mayBeZero(d) && isZero<F>(d)) {
      kind = equal<F>(a + n, b + n) ? DOUBLE : CANCEL;
      if (kind == DOUBLE) add<F>(d, a + n, a + n);
    }
  }
  store<u32>(pair, kind, 12);
  copy<F>(PREFIXES + <usize>index * n, ACC);
  if (kind <= DOUBLE) mul<F>(ACC, ACC, d);
}

/** Entry `index` of the batch: out = a. */
export function queueMove<F>(index: i32, out: usize, a: usize): void {
  const pair = PAIRS + <usize>index * PAIR_BYTES;
  store<u32>(pair, <u32>out);
  store<u32>(pair, <u32>a, 4);
  store<u32>(pair, <u32>a, 8);
  store<u32>(pair, TAKE_FIRST, 12);
}

/** Adds the queued pairs, in their order: sums land where later pairs of their bucket no longer read. */
export function flushPairs<F>(count: i32): void {
  const n = sizeOf<F>();
  inverse<F>(ACC, ACC);
  for (let i = count - 1; i >= 0; i--) {
    if (load<u32>(PAIRS + <usize>i * PAIR_BYTES, 12) > DOUBLE) continue;
    const d = DENOMINATORS + <usize>i * n;
    mul<F>(T, ACC, d);
    mul<F>(d, ACC, PREFIXES + <usize>i * n);
    copy<F>(ACC, T);
  }
  for (let i = 0; i < count; i++) {
    const pair = PAIRS + <usize>i * PAIR_BYTES;
    const out = <usize>load<u32>(pair), a = <usize>load<u32>(pair, 4), b = <usize>load<u32>(pair, 8);
    const kind = load<u32>(pair, 12);
    if (kind > DOUBLE) {
      if (kind == CANCEL) memory.fill(out, 0, 2 * n);
      else memory.copy(out, kind == TAKE_FIRST ? a : b, 2 * n);
      continue;
    }
    if (kind == DOUBLE) {
      sqr<F>(T, a);
      add<F>(SLOPE, T, T);
      add<F>(SLOPE, SLOPE, T);
    } else {
      sub<F>(SLOPE, b + n, a + n);
    }
    mul<F>(SLOPE, SLOPE, DENOMINATORS + <usize>i * n);
    sqr<F>(X3, SLOPE);
    subTwo<F>(X3, X3, a, b);
    sub<F>(T, a, X3);
    mul<F>(T, T, SLOPE);
    sub<F>(out + n, T, a + n);
    copy<F>(out, X3);
  }
  copy<F>(ACC, one<F>());
}

/** Reduces every bucket's run of points to one, pairwise, all buckets in step. starts, lengths: u32 per bucket. */
export function sumBuckets<F>(sorted: usize, starts: usize, lengths: usize, buckets: i32): void {
  const size: usize = 2 * sizeOf<F>();
  copy<F>(ACC, one<F>());
  let more = true;
  while (more) {
    more = false;
    let queued = 0;
    for (let b: usize = 0; b < <usize>buckets; b++) {
      const length = load<u32>(lengths + 4 * b);
      if (length < 2) continue;
      const base = sorted + <usize>load<u32>(starts + 4 * b) * size;
      const half = length >> 1;
      for (let i: u32 = 0; i < half; i++) {
        queuePair<F>(queued++, base + <usize>i * size, base + <usize>(2 * i) * size, base + <usize>(2 * i + 1) * size);
        if (queued == BATCH) {
          flushPairs<F>(queued);
          queued = 0;
        }
      }
      // An odd point moves up behind the sums, in its turn: until then its new place is still read by a pair.
      if ((length & 1) != 0) {
        queueMove<F>(queued++, base + <usize>half * size, base + <usize>(length - 1) * size);
        if (queued == BATCH) {
          flushPairs<F>(queued);
          queued = 0;
        }
      }
      store<u32>(lengths + 4 * b, half + (length & 1));
      if (half + (length & 1) > 1) more = true;
    }
    if (queued > 0) flushPairs<F>(queued);
  }
}
