/**
 * Fast arithmetic in the group of secp256k1 for public values: u1 G + u2 Q in about 128 doublings.
 *
 * A point is Jacobian, (X, Y, Z) with x = X/Z^2, y = Y/Z^3, three field elements (240 bytes). Both scalars are split by
 * the endomorphism lambda (x, y) = (beta x, y) into halves of 128 bits, the four halves written in non-adjacent form
 * with windows, and added up from the top with shared doublings from tables of odd multiples.
 *
 * The tables of Q need no inversion. On the isomorphic curve y^2 = x^3 + 7 g^6, reached by (x, y) -> (x g^2, y g^3), a
 * point whose Jacobian Z is g is affine; the formulas do not see the 7. All multiples of Q are brought to one common Z
 * = g and the sum is done over there; points of the base table, which are affine here, are carried over inside the
 * addition.
 *
 * The formulas are incomplete: adding equal or opposite points gives Z = 0. Once zero, Z stays zero through every later
 * step, so one test at the end finds all such cases and the caller turns to the plain code (see `doubleMultiply`).
 *
 * Magnitudes of a point's coordinates are at most X 9, Y 8, Z 2 after a doubling, X 3, Y 1, Z 1 after an addition; the
 * ranges in the comments use that products have no negative limbs to speak of.
 */
import {
  FIELD_BYTES,
  fieldFromWords,
  fieldInversePublic,
  fieldIsZero,
  fieldNegate,
  fieldOne,
  fieldScale,
  fieldToWords,
} from "../field/secp256k1";
import { fieldAdd, fieldMul, fieldSquare, fieldSub } from "../field/secp256k1-kernel.gen";
import {
  BETA_LIMBS,
  GX_LIMBS,
  GY_LIMBS,
  LAMBDA_WORDS,
  N_HALF_WORDS,
  N_WORDS,
  SPLIT_C1_WORDS,
  SPLIT_C2_WORDS,
  SPLIT_G1_WORDS,
  SPLIT_G2_WORDS,
} from "../field/secp256k1-constants.gen";
import { modAdd, modMul, modNegate, modSub, wordsBelow, wordsMul } from "../field/words256";
import { plainDoubleMultiply, plainToAffine } from "./secp256k1-plain";
import { addAbscissa, addDifferences, doubleAbscissa, doubleOrdinate } from "./secp256k1-steps.gen";

export const JACOBIAN_BYTES: usize = 240;

const Y: usize = 80;
const Z: usize = 160;

/** Windows of the two scalars' halves, bits: tables of 2^(w-2) odd multiples. */
const BASE_WINDOW: i32 = 10;
const POINT_WINDOW: i32 = 5;
const BASE_ENTRIES: i32 = 1 << (BASE_WINDOW - 2);
const POINT_ENTRIES: i32 = 1 << (POINT_WINDOW - 2);
/** A table's entry: x, y, beta x. */
const ENTRY: usize = 240;
const BETA_X: usize = 160;
/** Digits of a half: 128 bits, a carry, and room for the last window. */
const DIGITS: usize = 144;

/** p = 2 p: with A = X^2, M = X Y^2, X' = 9 A^2 - 8 M, Y' = 3 A (4 M - X') - 8 Y^4, Z' = 2 Y Z. */
export function pointDouble(p: usize): void {
  const a = memory.data(80, 8);
  const b = memory.data(80, 8);
  const c = memory.data(80, 8);
  const m = memory.data(80, 8);
  fieldSquare(a, p);
  fieldSquare(b, p + Y);
  fieldSquare(c, b);
  fieldMul(m, p, b);
  fieldMul(p + Z, p + Y, p + Z);
  fieldSquare(b, a);
  doubleAbscissa(p, m, b, m); // X' within -8 … 9; 4 M - X' within -9 … 12
  fieldMul(b, a, m);
  doubleOrdinate(p + Y, p + Z, b, c); // Y' within -8 … 3
}

/**
 * p = p + (x2, y2), or p - (x2, y2) if `minus`. Wrong, with Z = 0, if the two are equal or opposite.
 * `scale`: 0, or the g of the isomorphic curve that p is on while (x2, y2) is not.
 * `ratio`: 0, or where to write the factor that Z grew by.
 */
export function pointAddAffine(p: usize, x2: usize, y2: usize, minus: bool, scale: usize, ratio: usize): void {
  const z = memory.data(80, 8);
  const zz = memory.data(80, 8);
  const h = memory.data(80, 8);
  const r = memory.data(80, 8);
  const v = memory.data(80, 8);
  const t = memory.data(80, 8);
  let z1 = p + Z;
  if (scale != 0) {
    fieldMul(z, z1, scale);
    z1 = z;
  }
  fieldSquare(zz, z1);
  fieldMul(h, x2, zz);
  fieldMul(zz, z1, zz);
  fieldMul(r, y2, zz);
  addDifferences(h, r, p, p + Y, minus ? -1 : 0); // H = x2 Z^2 - X, R = ±y2 Z^3 - Y: both within -9 … 9
  if (ratio != 0) memory.copy(ratio, h, FIELD_BYTES);
  fieldSquare(t, h);
  fieldMul(v, p, t); // V = X H^2
  fieldMul(t, h, t); // H^3
  fieldMul(p + Z, p + Z, h);
  fieldMul(h, p + Y, t); // Y H^3
  fieldSquare(zz, r);
  addAbscissa(p, v, zz, t); // X' = R^2 - H^3 - 2 V within -3 … 1, V - X' within -1 … 4
  fieldMul(t, r, v);
  fieldSub(p + Y, t, h); // Y' = R (V - X') - Y H^3
}

/**
 * The odd multiples p, 3 p, 5 p, … of a Jacobian point, seen on the curve where 2 p is affine: X and Y into the
 * entries' x and y, Z (relative to that curve) into `zs`, and the factors by which Z grew into `ratios` unless that is
 * 0. Returns with 2 p's own Z, which every Z is still to be multiplied by, at `common`. `p` is used up.
 */
export function oddMultiples(
  p: usize, count: i32, table: usize, stride: usize, zs: usize, ratios: usize, common: usize,
): void {
  const sum = memory.data(240, 8);
  const c = memory.data(80, 8);
  const cc = memory.data(80, 8);
  // p itself, moved over: Z of 2 p is 2 Y times Z of p
  fieldAdd(c, p + Y, p + Y);
  fieldScale(c, c, 1);
  fieldSquare(cc, c);
  fieldMul(sum, p, cc);
  fieldMul(cc, cc, c);
  fieldMul(sum + Y, p + Y, cc);
  fieldOne(sum + Z);
  pointDouble(p);
  memory.copy(common, p + Z, FIELD_BYTES);
  for (let i: i32 = 0; i < count; i++) {
    if (i > 0) pointAddAffine(sum, p, p + Y, false, 0, ratios != 0 ? ratios + <usize>i * FIELD_BYTES : 0);
    memory.copy(table + <usize>i * stride, sum, 2 * FIELD_BYTES);
    memory.copy(zs + <usize>i * FIELD_BYTES, sum + Z, FIELD_BYTES);
  }
}

/** (x, y) of an entry = (X s^2, Y s^3). */
function rescale(entry: usize, s: usize): void {
  const t = memory.data(80, 8);
  fieldSquare(t, s);
  fieldMul(entry, entry, t);
  fieldMul(t, t, s);
  fieldMul(entry + Y, entry + Y, t);
}

/**
 * Entries with Jacobian Z in `zs`, made affine with a single inversion; `zs` is used up, `products` is scratch alike.
 */
export function makeAffine(table: usize, stride: usize, count: i32, zs: usize, products: usize): void {
  const inverse = memory.data(80, 8);
  const t = memory.data(80, 8);
  memory.copy(products, zs, FIELD_BYTES);
  for (let i: usize = 1; i < <usize>count; i++)
    fieldMul(products + i * FIELD_BYTES, products + (i - 1) * FIELD_BYTES, zs + i * FIELD_BYTES);
  fieldInversePublic(inverse, products + <usize>(count - 1) * FIELD_BYTES);
  for (let i = <usize>(count - 1); i > 0; i--) {
    fieldMul(t, inverse, products + (i - 1) * FIELD_BYTES);
    fieldMul(inverse, inverse, zs + i * FIELD_BYTES);
    rescale(table + i * stride, t);
  }
  rescale(table, inverse);
}

/** Whether the base point's table has been made; the table never changes afterwards. */
let baseReady: bool = false;

function baseTable(): usize {
  const table = memory.data(256 * 240, 8);
  if (baseReady) return table;
  const zs = memory.data(256 * 80, 8);
  const products = memory.data(256 * 80, 8);
  const p = memory.data(240, 8);
  const common = memory.data(80, 8);
  memory.copy(p, changetype<usize>(GX_LIMBS), FIELD_BYTES);
  memory.copy(p + Y, changetype<usize>(GY_LIMBS), FIELD_BYTES);
  fieldOne(p + Z);
  oddMultiples(p, BASE_ENTRIES, table, ENTRY, zs, 0, common);
  for (let i: usize = 0; i < <usize>BASE_ENTRIES; i++) fieldMul(zs + i * FIELD_BYTES, zs + i * FIELD_BYTES, common);
  makeAffine(table, ENTRY, BASE_ENTRIES, zs, products);
  addBetas(table, BASE_ENTRIES);
  baseReady = true;
  return table;
}

function addBetas(table: usize, count: i32): void {
  for (let entry = table; entry < table + <usize>count * ENTRY; entry += ENTRY)
    fieldMul(entry + BETA_X, entry, changetype<usize>(BETA_LIMBS));
}

/** The odd multiples of the affine point q on the curve where they are affine; its g at `scale`. */
function pointTable(table: usize, q: usize, scale: usize): void {
  const zs = memory.data(8 * 80, 8);
  const ratios = memory.data(8 * 80, 8);
  const p = memory.data(240, 8);
  const s = memory.data(80, 8);
  memory.copy(p, q, 2 * FIELD_BYTES);
  fieldOne(p + Z);
  oddMultiples(p, POINT_ENTRIES, table, ENTRY, zs, ratios, scale);
  fieldMul(scale, scale, zs + <usize>(POINT_ENTRIES - 1) * FIELD_BYTES);
  memory.copy(s, ratios + <usize>(POINT_ENTRIES - 1) * FIELD_BYTES, FIELD_BYTES);
  for (let i: i32 = POINT_ENTRIES - 2; i >= 0; i--) {
    rescale(table + <usize>i * ENTRY, s);
    if (i > 0) fieldMul(s, s, ratios + <usize>i * FIELD_BYTES);
  }
  addBetas(table, POINT_ENTRIES);
}

/** out = round(a b / 2^384). */
function mulShift384(out: usize, a: usize, b: usize): void {
  const wide = memory.data(64, 8);
  wordsMul(wide, a, b);
  memory.fill(out, 0, 32);
  let carry: u64 = load<u32>(wide, 44) >>> 31;
  for (let i: usize = 0; i < 16; i += 4) {
    carry += <u64>load<u32>(wide + 48 + i);
    store<u32>(out + i, <u32>carry);
    carry >>= 32;
  }
}

/** If k is above n/2, makes it n - k and returns true. */
function takeSign(k: usize): bool {
  if (!wordsBelow(changetype<usize>(N_HALF_WORDS), k)) return false;
  modNegate(k, k, changetype<usize>(N_WORDS));
  return true;
}

/**
 * Splits k = k1 + lambda k2 (mod n) with |k1|, |k2| < 2^128: absolute values into `k1` and `k2` (eight words each).
 * Returns bit 0: k1 is negative, bit 1: k2 is.
 * Source: Guide to Elliptic Curve Cryptography, algorithm 3.74; the rounded quotients are off by one at most.
 */
export function splitScalar(k1: usize, k2: usize, k: usize): u32 {
  const n = changetype<usize>(N_WORDS);
  const c = memory.data(32, 8);
  mulShift384(c, k, changetype<usize>(SPLIT_G1_WORDS));
  modMul(k2, c, changetype<usize>(SPLIT_C1_WORDS), n);
  mulShift384(c, k, changetype<usize>(SPLIT_G2_WORDS));
  modMul(c, c, changetype<usize>(SPLIT_C2_WORDS), n);
  modAdd(k2, k2, c, n);
  modMul(c, k2, changetype<usize>(LAMBDA_WORDS), n);
  modSub(k1, k, c, n);
  return <u32>takeSign(k1) | (<u32>takeSign(k2) << 1);
}

/** Digits of |k| < 2^129 in window-w non-adjacent form: each zero, or odd and within ±2^(w-1); `DIGITS` of i16. */
function writeDigits(digits: usize, k: usize, window: i32): void {
  memory.fill(digits, 0, 2 * DIGITS);
  let carry: i32 = 0;
  for (let at: i32 = 0; at < 130; ) {
    const bits = <i32>(load<u64>(k + <usize>((at >> 5) << 2)) >> <u64>(at & 31));
    if ((bits & 1) == carry) {
      at++;
      continue;
    }
    const digit = (bits & ((1 << window) - 1)) + carry;
    carry = digit >> (window - 1);
    store<i16>(digits + 2 * <usize>at, <i16>(digit - (carry << window)));
    at += window;
  }
}

/** p = p + digit times the table's point; a first point is copied, moved to the other curve if `scale` says so. */
function addDigit(p: usize, started: bool, digit: i32, negative: bool, table: usize, x: usize, scale: usize): void {
  const minus = digit < 0 != negative;
  const entry = table + <usize>(abs(digit) >> 1) * ENTRY;
  if (started) {
    pointAddAffine(p, entry + x, entry + Y, minus, scale, 0);
    return;
  }
  memory.copy(p, entry + x, FIELD_BYTES);
  memory.copy(p + Y, entry + Y, FIELD_BYTES);
  fieldOne(p + Z);
  if (scale != 0) rescale(p, scale);
  if (minus) fieldNegate(p + Y, p + Y);
}

/**
 * p = u1 G + u2 q for scalars below n (eight words each) and q affine, not infinity. Public values only.
 * Returns false if no digit was set; Z = 0 means that the incomplete formulas met an exception.
 */
function sumOfMultiples(p: usize, u1: usize, u2: usize, q: usize): bool {
  const halves = memory.data(4 * 32, 8);
  const digits = memory.data(4 * 288, 8);
  const table = memory.data(8 * 240, 8);
  const scale = memory.data(80, 8);
  const base = baseTable();
  pointTable(table, q, scale);
  const baseSigns = splitScalar(halves, halves + 32, u1);
  const pointSigns = splitScalar(halves + 64, halves + 96, u2);
  writeDigits(digits, halves, BASE_WINDOW);
  writeDigits(digits + 288, halves + 32, BASE_WINDOW);
  writeDigits(digits + 576, halves + 64, POINT_WINDOW);
  writeDigits(digits + 864, halves + 96, POINT_WINDOW);
  let started = false;
  for (let at = digits + 2 * <usize>(DIGITS - 1); at >= digits; at -= 2) {
    if (started) pointDouble(p);
    const b1 = <i32>load<i16>(at);
    const b2 = <i32>load<i16>(at, 288);
    const p1 = <i32>load<i16>(at, 576);
    const p2 = <i32>load<i16>(at, 864);
    if (p1 != 0) {
      addDigit(p, started, p1, (pointSigns & 1) != 0, table, 0, 0);
      started = true;
    }
    if (p2 != 0) {
      addDigit(p, started, p2, (pointSigns & 2) != 0, table, BETA_X, 0);
      started = true;
    }
    if (b1 != 0) {
      addDigit(p, started, b1, (baseSigns & 1) != 0, base, 0, scale);
      started = true;
    }
    if (b2 != 0) {
      addDigit(p, started, b2, (baseSigns & 2) != 0, base, BETA_X, scale);
      started = true;
    }
  }
  if (started) fieldMul(p + Z, p + Z, scale);
  return started;
}

/**
 * u1 G + u2 q as words of x and y at `out` (64 bytes); false if the sum is infinity.
 * u1, u2: eight words each, below n. q: words of x and y of a point of the curve. Public values only.
 */
export function doubleMultiply(out: usize, u1: usize, u2: usize, q: usize): bool {
  const p = memory.data(240, 8);
  const t = memory.data(160, 8);
  fieldFromWords(t, q);
  fieldFromWords(t + Y, q + 32);
  if (!sumOfMultiples(p, u1, u2, t)) return false;
  if (fieldIsZero(p + Z)) {
    // Infinity, or a sum that met two equal or opposite points on the way: only found by looking for it.
    const plain = memory.data(96, 8);
    plainDoubleMultiply(plain, u1, u2, q);
    return plainToAffine(out, plain);
  }
  const inverse = memory.data(80, 8);
  fieldInversePublic(inverse, p + Z);
  rescale(p, inverse);
  fieldToWords(out, p);
  fieldToWords(out + 32, p + Y);
  return true;
}
