/**
 * The field of secp256k1, integers modulo p = 2^256 - 2^32 - 977.
 *
 * An element is ten signed limbs of 26 bits, each in an i64 (80 bytes), least significant first:
 *
 *   value = sum of limb[i] 2^(26 i)  (mod p)
 *
 * It has magnitude m when |limb[i]| <= 17/16 m 2^26 for all i. Multiplication and squaring take any two magnitudes
 * whose product is at most 128 (ten products of limbs then stay below 2^63) and give magnitude 1, with limbs no lower
 * than -2^22; addition, subtraction and small multiples work limb by limb without carries and add up magnitudes. A
 * point formula therefore never carries: its comments count magnitudes instead. Only `fieldNormalize` makes the
 * representation unique.
 *
 * No function's time depends on values, except those that say so.
 */
import { inversePublic, inverseSecret } from "./inverse256";
import { P_LIMBS, P_WORDS } from "./secp256k1-constants.gen";
import { fieldMul, fieldSquare, fieldSub } from "./secp256k1-kernel.gen";

export const FIELD_BYTES: usize = 80;

const MASK: i64 = 0x3ffffff;
const TOP_MASK: i64 = 0x3fffff;

/** out = 1. */
export function fieldOne(out: usize): void {
  memory.fill(out, 0, FIELD_BYTES);
  store<i64>(out, 1);
}

/** out = -a. */
export function fieldNegate(out: usize, a: usize): void {
  for (let i: usize = 0; i < FIELD_BYTES; i += 8) store<i64>(out + i, -load<i64>(a + i));
}

/** out = small a, carried to magnitude 1. Pre: small times magnitude(a) < 2^30. */
export function fieldScale(out: usize, a: usize, small: i64): void {
  let carry: i64 = 0;
  for (let i: usize = 0; i < FIELD_BYTES - 8; i += 8) {
    carry += load<i64>(a + i) * small;
    store<i64>(out + i, carry & MASK);
    carry >>= 26;
  }
  carry += load<i64>(a, 72) * small;
  store<i64>(out, carry & TOP_MASK, 72);
  carry >>= 22;
  // 2^256 = 977 + 2^6 2^26; what is folded has at most 36 bits, so one carry more is enough
  const low = load<i64>(out) + carry * 977;
  store<i64>(out, low & MASK);
  const next = load<i64>(out, 8) + (carry << 6) + (low >> 26);
  store<i64>(out, next & MASK, 8);
  store<i64>(out, load<i64>(out, 16) + (next >> 26), 16);
}

/** The unique limbs of a: non-negative, 26 bits (the last 22), value below p. Pre: magnitude(a) < 2^30. */
export function fieldNormalize(out: usize, a: usize): void {
  fieldScale(out, a, 1);
  fieldScale(out, out, 1);
  fieldScale(out, out, 1);
  // Now 0 <= value < 2^256 with proper limbs. Subtract p if that leaves no borrow.
  const less = memory.data(80, 8);
  let borrow: i64 = 0;
  for (let i: usize = 0; i < FIELD_BYTES; i += 8) {
    borrow += load<i64>(out + i) - unchecked(P_LIMBS[<i32>(i >> 3)]);
    store<i64>(less + i, borrow & MASK);
    borrow >>= 26;
  }
  for (let i: usize = 0; i < FIELD_BYTES; i += 8)
    store<i64>(out + i, (load<i64>(out + i) & borrow) | (load<i64>(less + i) & ~borrow));
}

/** Whether a = 0 (mod p). */
export function fieldIsZero(a: usize): bool {
  const unique = memory.data(80, 8);
  fieldNormalize(unique, a);
  let any: i64 = 0;
  for (let i: usize = 0; i < FIELD_BYTES; i += 8) any |= load<i64>(unique + i);
  return any == 0;
}

/** Whether a = b (mod p). */
export function fieldEqual(a: usize, b: usize): bool {
  const difference = memory.data(80, 8);
  fieldSub(difference, a, b);
  return fieldIsZero(difference);
}

/** The lowest bit of the value below p. */
export function fieldIsOdd(a: usize): bool {
  const unique = memory.data(80, 8);
  fieldNormalize(unique, a);
  return (load<i64>(unique) & 1) != 0;
}

/** Reads eight 32-bit words, least significant first, of a value below 2^256. */
export function fieldFromWords(out: usize, words: usize): void {
  let held: u64 = 0;
  let bits: u64 = 0;
  let at = words;
  for (let i: usize = 0; i < FIELD_BYTES; i += 8) {
    if (bits < 26 && at < words + 32) {
      held |= <u64>load<u32>(at) << bits;
      at += 4;
      bits += 32;
    }
    store<u64>(out + i, held & <u64>MASK);
    held >>= 26;
    bits -= 26;
  }
}

/** Writes the value below p as eight words. */
export function fieldToWords(words: usize, a: usize): void {
  const unique = memory.data(80, 8);
  fieldNormalize(unique, a);
  let held: u64 = 0;
  let bits: u64 = 0;
  let at = words;
  for (let i: usize = 0; i < FIELD_BYTES; i += 8) {
    held |= load<u64>(unique + i) << bits;
    bits += 26;
    if (bits >= 32) {
      store<u32>(at, <u32>held);
      at += 4;
      held >>= 32;
      bits -= 32;
    }
  }
}

/** out = 1/a, and 0 for 0. Time depends on a. */
export function fieldInversePublic(out: usize, a: usize): void {
  const words = memory.data(32, 8);
  fieldToWords(words, a);
  inversePublic(words, words, changetype<usize>(P_WORDS));
  fieldFromWords(out, words);
}

/** out = 1/a, and 0 for 0. */
export function fieldInverseSecret(out: usize, a: usize): void {
  const words = memory.data(32, 8);
  fieldToWords(words, a);
  inverseSecret(words, words, changetype<usize>(P_WORDS));
  fieldFromWords(out, words);
  memory.fill(words, 0, 32);
}

/** out = a^(2^count). `out` may be `a`. */
function squareTimes(out: usize, a: usize, count: i32): void {
  fieldSquare(out, a);
  for (let i = 1; i < count; i++) fieldSquare(out, out);
}

/**
 * out = a^((p+1)/4), which is a square root of a if a has one; returns whether it has.
 *
 * (p+1)/4 in binary: 223 ones, 0, 22 ones, 0000, 11, 00. Runs of ones are built up by x_(m+n) = x_m^(2^n) x_n.
 */
export function fieldSqrt(out: usize, a: usize): bool {
  const base = memory.data(80, 8);
  const x2 = memory.data(80, 8);
  const x22 = memory.data(80, 8);
  const x88 = memory.data(80, 8);
  const x = memory.data(80, 8);
  const t = memory.data(80, 8);
  memory.copy(base, a, FIELD_BYTES);
  fieldSquare(t, base);
  fieldMul(x2, t, base);
  fieldSquare(t, x2);
  fieldMul(x, t, base); // 3 ones
  squareTimes(t, x, 3);
  fieldMul(t, t, x); // 6
  squareTimes(t, t, 3);
  fieldMul(t, t, x); // 9
  squareTimes(t, t, 2);
  fieldMul(x, t, x2); // 11
  squareTimes(t, x, 11);
  fieldMul(x22, t, x); // 22
  squareTimes(t, x22, 22);
  fieldMul(x, t, x22); // 44
  squareTimes(t, x, 44);
  fieldMul(t, t, x); // 88
  memory.copy(x88, t, FIELD_BYTES);
  squareTimes(t, t, 88);
  fieldMul(t, t, x88); // 176
  squareTimes(t, t, 44);
  fieldMul(t, t, x); // 220
  squareTimes(t, t, 2);
  fieldMul(t, t, x2); // 222
  fieldSquare(t, t);
  fieldMul(t, t, base); // 223
  squareTimes(t, t, 23);
  fieldMul(t, t, x22); // 223 ones, 0, 22 ones
  squareTimes(t, t, 6);
  fieldMul(t, t, x2); // …, 0000, 11
  squareTimes(t, t, 2);
  memory.copy(out, t, FIELD_BYTES);
  fieldSquare(t, t);
  return fieldEqual(t, base);
}
