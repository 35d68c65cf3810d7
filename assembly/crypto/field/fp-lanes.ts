/**
 * Between the forms of Fp: single elements of 28-bit limbs (`fp.gen.ts`), single elements as lanes hold them ("narrow": 16 words
 * of two 13-bit limbs, 64 bytes, 16-aligned, the last word free for its owner), and four of those side by side (`fp-lanes.gen.ts`).
 *
 * Only for modules that are compiled with SIMD.
 */
import { FP_SIZE, fpInverse, fpMul } from "./fp.gen";
import { FROM_LANES, INVERSE_IN_LANES, LANE_MODULUS, laneMul, LANES_SIZE, TO_LANES } from "./fp-lanes.gen";

/** Bytes of a narrow element. */
export const NARROW_SIZE: usize = 64;
/** Words of two limbs. */
const WORDS: i32 = 15;
const WORD_BITS: i32 = 26;
const FP_BITS: i32 = 28;

const RAISED: usize = memory.data(4 * 56, 8);
const PREFIX: usize = memory.data(4 * 56, 8);
const T: usize = memory.data(56, 8);

/** Four vectors of rows, stored as columns at `to`. */
// @ts-ignore: decorator
@inline
function transpose(to: usize, a: v128, b: v128, c: v128, d: v128): void {
  const ab = i8x16.shuffle(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
  const AB = i8x16.shuffle(a, b, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
  const cd = i8x16.shuffle(c, d, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
  const CD = i8x16.shuffle(c, d, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
  v128.store(to, i8x16.shuffle(ab, cd, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23), 0);
  v128.store(to, i8x16.shuffle(ab, cd, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31), 16);
  v128.store(to, i8x16.shuffle(AB, CD, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23), 32);
  v128.store(to, i8x16.shuffle(AB, CD, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31), 48);
}

/** r (256 bytes: 15 vectors and a free one) = four narrow elements, whose addresses stand at `from` (u32 each). */
export function laneGather(r: usize, from: usize): void {
  const a = <usize>load<u32>(from), b = <usize>load<u32>(from, 4), c = <usize>load<u32>(from, 8), d = <usize>load<u32>(from, 12);
  for (let i: usize = 0; i < NARROW_SIZE; i += 16) {
    transpose(r + 4 * i, v128.load(a + i), v128.load(b + i), v128.load(c + i), v128.load(d + i));
  }
}

/** r = a +- b limb by limb, of four narrow elements each; see laneGather. Signed limbs, for laneReduce. */
export function laneGatherSum(r: usize, from: usize, other: usize): void {
  const a = <usize>load<u32>(from), b = <usize>load<u32>(from, 4), c = <usize>load<u32>(from, 8), d = <usize>load<u32>(from, 12);
  const e = <usize>load<u32>(other), f = <usize>load<u32>(other, 4), g = <usize>load<u32>(other, 8), h = <usize>load<u32>(other, 12);
  for (let i: usize = 0; i < NARROW_SIZE; i += 16) {
    transpose(
      r + 4 * i,
      i16x8.add(v128.load(a + i), v128.load(e + i)), i16x8.add(v128.load(b + i), v128.load(f + i)),
      i16x8.add(v128.load(c + i), v128.load(g + i)), i16x8.add(v128.load(d + i), v128.load(h + i)),
    );
  }
}

export function laneGatherDifference(r: usize, from: usize, other: usize): void {
  const a = <usize>load<u32>(from), b = <usize>load<u32>(from, 4), c = <usize>load<u32>(from, 8), d = <usize>load<u32>(from, 12);
  const e = <usize>load<u32>(other), f = <usize>load<u32>(other, 4), g = <usize>load<u32>(other, 8), h = <usize>load<u32>(other, 12);
  for (let i: usize = 0; i < NARROW_SIZE; i += 16) {
    transpose(
      r + 4 * i,
      i16x8.sub(v128.load(a + i), v128.load(e + i)), i16x8.sub(v128.load(b + i), v128.load(f + i)),
      i16x8.sub(v128.load(c + i), v128.load(g + i)), i16x8.sub(v128.load(d + i), v128.load(h + i)),
    );
  }
}

/** r = four narrow elements, each negated limb by limb where its word at `signs` is all ones (it is zeros otherwise). */
export function laneGatherSigned(r: usize, from: usize, signs: usize): void {
  laneGather(r, from);
  const sign = v128.load(signs);
  for (let i: usize = 0; i < LANES_SIZE; i += 16) {
    v128.store(r + i, i16x8.sub(v128.xor(v128.load(r + i), sign), sign));
  }
}

/** r = a + b, or a - b, or 3 a, limb by limb: for laneReduce. */
export function laneAdd(r: usize, a: usize, b: usize): void {
  for (let i: usize = 0; i < LANES_SIZE; i += 16) v128.store(r + i, i16x8.add(v128.load(a + i), v128.load(b + i)));
}

export function laneSub(r: usize, a: usize, b: usize): void {
  for (let i: usize = 0; i < LANES_SIZE; i += 16) v128.store(r + i, i16x8.sub(v128.load(a + i), v128.load(b + i)));
}

export function laneTriple(r: usize, a: usize): void {
  for (let i: usize = 0; i < LANES_SIZE; i += 16) {
    const v = v128.load(a + i);
    v128.store(r + i, i16x8.add(i16x8.add(v, v), v));
  }
}

/** Four narrow elements, at the addresses that stand at `to`, from lanes; their free words become zero. */
export function laneScatter(to: usize, a: usize): void {
  const o = <usize>load<u32>(to), p = <usize>load<u32>(to, 4), q = <usize>load<u32>(to, 8), r = <usize>load<u32>(to, 12);
  for (let i: usize = 0; i < NARROW_SIZE; i += 16) {
    const from = a + 4 * i;
    transpose(
      SQUARE, v128.load(from), v128.load(from, 16), v128.load(from, 32), i < 48 ? v128.load(from, 48) : i32x4.splat(0),
    );
    v128.store(o + i, v128.load(SQUARE));
    v128.store(p + i, v128.load(SQUARE, 16));
    v128.store(q + i, v128.load(SQUARE, 32));
    v128.store(r + i, v128.load(SQUARE, 48));
  }
}
const SQUARE: usize = memory.data(64, 16);

/** Four narrow elements, their addresses at `to`, are four others, at `from`, times `factor`. */
export function laneTimes(to: usize, from: usize, factor: usize): void {
  laneGather(PRODUCT, from);
  laneMul(PRODUCT, PRODUCT, factor);
  laneScatter(to, PRODUCT);
}
const PRODUCT: usize = memory.data(256, 16);

/** Whether an element of some lane begins with the lowest word of 0 or p; if not, none is zero. a: at most 1.01p. */
export function laneMayBeZero(a: usize): bool {
  const v = v128.load(a);
  const zero = i32x4.eq(v, i32x4.splat(0));
  return v128.any_true(v128.or(zero, i32x4.eq(v, i32x4.splat(load<u32>(LANE_MODULUS)))));
}

/** Whether the element of a lane is 0 or p. */
export function laneIsZero(a: usize, lane: i32): bool {
  let zero: u32 = 0, modulus: u32 = 0;
  for (let i: usize = 0; i < <usize>WORDS; i++) {
    const word = load<u32>(a + 16 * i + 4 * <usize>lane);
    zero |= word;
    modulus |= word ^ load<u32>(LANE_MODULUS + 4 * i);
  }
  return zero == 0 || modulus == 0;
}

/** Sets one lane to a narrow element. */
export function laneSet(r: usize, lane: i32, narrow: usize): void {
  for (let i: usize = 0; i < <usize>WORDS; i++) store<u32>(r + 16 * i + 4 * <usize>lane, load<u32>(narrow + 4 * i));
}

/** Copies one lane. */
export function laneCopy(r: usize, a: usize, lane: i32): void {
  for (let i: usize = 0; i < LANES_SIZE; i += 16) {
    store<u32>(r + i + 4 * <usize>lane, load<u32>(a + i + 4 * <usize>lane));
  }
}

/** r = 4p - a, narrow. a: not zero, below 4p. */
export function narrowNegate(r: usize, a: usize): void {
  let c: i32 = 0;
  for (let i: usize = 0; i < <usize>WORDS; i++) {
    const modulus = load<u32>(LANE_MODULUS + 4 * i), word = load<u32>(a + 4 * i);
    c += <i32>((modulus & 0xffff) << 2) - <i32>(word & 0xffff);
    const low = <u32>c & 0x1fff;
    c = (c >> 13) + <i32>((modulus >> 16) << 2) - <i32>(word >> 16);
    // The topmost limb keeps what is above.
    const high = i == 14 ? <u32>c : <u32>c & 0x1fff;
    c >>= 13;
    store<u32>(r + 4 * i, low | (high << 16));
  }
  store<u32>(r, 0, 60);
}

/** Limbs of 28 bits from the words of an element, which lie `step` bytes apart. Only the limbs change. */
function widen(r: usize, a: usize, step: usize): void {
  let bits: u64 = 0, count = 0, from = a;
  for (let i: usize = 0; i < FP_SIZE; i += 4) {
    while (count < FP_BITS && from < a + <usize>WORDS * step) {
      const word = load<u32>(from);
      bits |= (<u64>(word & 0xffff) | (<u64>(word >> 16) << 13)) << count;
      count += WORD_BITS;
      from += step;
    }
    store<u32>(r + i, i == FP_SIZE - 4 ? <u32>bits : <u32>(bits & 0xfffffff));
    bits >>= FP_BITS;
    count -= FP_BITS;
  }
}

/** Words of 13-bit limbs from 28-bit limbs. Only the limbs change. */
function narrow(r: usize, a: usize): void {
  let bits: u64 = 0, count = 0, from = a;
  for (let i: usize = 0; i < <usize>WORDS; i++) {
    while (count < WORD_BITS && from < a + FP_SIZE) {
      bits |= <u64>load<u32>(from) << count;
      count += FP_BITS;
      from += 4;
    }
    store<u32>(r + 4 * i, <u32>(bits & 0x1fff) | (<u32>((bits >> 13) & 0x1fff) << 16));
    bits >>= WORD_BITS;
    count -= WORD_BITS;
  }
  store<u32>(r, 0, 60);
}

/** r (28-bit limbs) = the narrow element a, below 4p. */
export function fpFromNarrow(r: usize, a: usize): void {
  widen(r, a, 4);
  fpMul(r, r, FROM_LANES);
}

/** r (narrow) = a. */
export function fpToNarrow(r: usize, a: usize): void {
  fpMul(T, a, TO_LANES);
  narrow(r, T);
}

/**
 * r (narrow) = the number of 48 bytes at `bytes`, big-endian, as it is: not in Montgomery form, and p or more where it is so.
 */
export function narrowFromBytes(r: usize, bytes: usize): void {
  let bits: u64 = 0, count = 0, from = bytes + 48;
  for (let i: usize = 0; i < <usize>WORDS; i++) {
    if (count < WORD_BITS && from > bytes) {
      from -= 4;
      bits |= <u64>bswap<u32>(load<u32>(from)) << count;
      count += 32;
    }
    store<u32>(r + 4 * i, <u32>(bits & 0x1fff) | (<u32>((bits >> 13) & 0x1fff) << 16));
    bits >>= WORD_BITS;
    count -= WORD_BITS;
  }
  store<u32>(r, 0, 60);
}

/** Whether a narrow element whose limbs are all below 2^13 is below p. */
export function narrowIsBelowModulus(a: usize): bool {
  for (let i = WORDS - 1; i >= 0; i--) {
    const word = load<u32>(a + 4 * <usize>i), limit = load<u32>(LANE_MODULUS + 4 * <usize>i);
    if (word != limit) return word < limit;
  }
  return false;
}

/** a = 1/a in every lane; none is zero. Time depends on a. */
export function laneInverse(a: usize): void {
  for (let lane: usize = 0; lane < 4; lane++) {
    const at = lane * FP_SIZE;
    widen(RAISED + at, a + 4 * lane, 16);
    if (lane == 0) memory.copy(PREFIX, RAISED, FP_SIZE);
    else fpMul(PREFIX + at, PREFIX + at - FP_SIZE, RAISED + at);
  }
  // Products of lanes' limbs are powers of R off; every inverse comes out as that of one lane's limbs.
  fpInverse(T, PREFIX + 3 * FP_SIZE);
  for (let lane = 3; lane >= 0; lane--) {
    const at = <usize>lane * FP_SIZE;
    const inverse = PREFIX + at;
    if (lane == 0) memory.copy(inverse, T, FP_SIZE);
    else {
      fpMul(inverse, T, PREFIX + at - FP_SIZE);
      fpMul(T, T, RAISED + at);
    }
    fpMul(inverse, inverse, INVERSE_IN_LANES);
    narrow(NARROW, inverse);
    laneSet(a, lane, NARROW);
  }
}
const NARROW: usize = memory.data(64, 16);
