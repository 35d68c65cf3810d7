/**
 * Points as bytes, in the form of Zcash that Filecoin, drand and Ethereum share.
 *
 * Compressed: x, big-endian (over Fp2 the coefficient of u first): 48 bytes for G1, 96 for G2. Uncompressed: x then y,
 * 96 and 192 bytes. A coordinate leaves the three top bits of the first byte free:
 *   0x80  compressed      0x40  the neutral point, all other bits then zero      0x20  y is the larger of y and -y
 * (0x20 only when compressed and not neutral). Every point has exactly one encoding of each kind, and readers refuse
 * any other: coordinates from p on, points off the curve, flags that contradict.
 * Reading does not check the subgroup: see `subgroup.ts`.
 */
import {
  fpFromBytesBE, fpMul, fpNeg, fpSqr, fpToBytesBE, fpAdd, fpEqual,
} from "../field/fp.gen";
import { fp2Mul, fp2Sqr } from "../field/fp2.gen";
import { fp2Add, fp2Equal, fp2FromBytes, fp2Neg, fp2Sqrt, fp2ToBytes } from "../field/fp2";
import { fp2IsLarger, fpIsLarger, fpSqrt } from "../field/fp";
import { FP_FOUR } from "./constants.gen";

export const G1_COMPRESSED_BYTES: i32 = 48;
export const G2_COMPRESSED_BYTES: i32 = 96;

/** What reading a point can end with. */
export const POINT_OK: i32 = 0;
/** The encoding of the neutral point, correct. */
export const POINT_NEUTRAL: i32 = 1;
/** Flags that contradict each other or the length, or a coordinate that is not below p. */
export const POINT_MALFORMED: i32 = -1;
export const POINT_OFF_CURVE: i32 = -2;
/** On the curve, but outside of the group of prime order. */
export const POINT_OUTSIDE_GROUP: i32 = -3;

const COMPRESSED: u32 = 0x80;
const NEUTRAL: u32 = 0x40;
const LARGER: u32 = 0x20;

const BUFFER: usize = memory.data(192);
const T: usize = memory.data(112, 8);
const U: usize = memory.data(112, 8);

/** r = x^3 + 4. */
function rightSide1(r: usize, x: usize): void {
  fpSqr(U, x);
  fpMul(r, U, x);
  fpAdd(r, r, FP_FOUR);
}

/** r = x^3 + 4 (1 + u). */
function rightSide2(r: usize, x: usize): void {
  fp2Sqr(U, x);
  fp2Mul(r, U, x);
  fpAdd(r, r, FP_FOUR);
  fpAdd(r + 56, r + 56, FP_FOUR);
}

/** Copies the encoding to BUFFER without its flags and returns them; -1 if they cannot stand for `compressed` form. */
function takeFlags(bytes: usize, length: usize, compressed: bool): i32 {
  const first = <u32>load<u8>(bytes);
  const flags = first & 0xe0;
  if (((flags & COMPRESSED) != 0) != compressed) return -1;
  if ((flags & LARGER) != 0 && (!compressed || (flags & NEUTRAL) != 0)) return -1;
  memory.copy(BUFFER, bytes, length);
  store<u8>(BUFFER, first & 0x1f);
  if ((flags & NEUTRAL) == 0) return flags;
  for (let i: usize = 0; i < length; i++) if (load<u8>(BUFFER + i) != 0) return -1;
  return flags;
}

/** Affine G1 point from its 48-byte form; r all zero for the neutral point. */
export function g1Decompress(r: usize, bytes: usize): i32 {
  const flags = takeFlags(bytes, 48, true);
  if (flags < 0) return POINT_MALFORMED;
  memory.fill(r, 0, 112);
  if ((<u32>flags & NEUTRAL) != 0) return POINT_NEUTRAL;
  if (!fpFromBytesBE(r, BUFFER)) return POINT_MALFORMED;
  rightSide1(T, r);
  if (!fpSqrt(r + 56, T)) return POINT_OFF_CURVE;
  if (fpIsLarger(r + 56) != ((<u32>flags & LARGER) != 0)) fpNeg(r + 56, r + 56);
  return POINT_OK;
}

/** Affine G2 point from its 96-byte form; r all zero for the neutral point. */
export function g2Decompress(r: usize, bytes: usize): i32 {
  const flags = takeFlags(bytes, 96, true);
  if (flags < 0) return POINT_MALFORMED;
  memory.fill(r, 0, 224);
  if ((<u32>flags & NEUTRAL) != 0) return POINT_NEUTRAL;
  if (!fp2FromBytes(r, BUFFER)) return POINT_MALFORMED;
  rightSide2(T, r);
  if (!fp2Sqrt(r + 112, T)) return POINT_OFF_CURVE;
  if (fp2IsLarger(r + 112) != ((<u32>flags & LARGER) != 0)) fp2Neg(r + 112, r + 112);
  return POINT_OK;
}

/** Affine G1 point from its 96-byte form. */
export function g1FromUncompressed(r: usize, bytes: usize): i32 {
  const flags = takeFlags(bytes, 96, false);
  if (flags < 0) return POINT_MALFORMED;
  memory.fill(r, 0, 112);
  if ((<u32>flags & NEUTRAL) != 0) return POINT_NEUTRAL;
  if (!fpFromBytesBE(r, BUFFER) || !fpFromBytesBE(r + 56, BUFFER + 48)) return POINT_MALFORMED;
  return g1IsOnCurve(r) ? POINT_OK : POINT_OFF_CURVE;
}

/** Affine G2 point from its 192-byte form. */
export function g2FromUncompressed(r: usize, bytes: usize): i32 {
  const flags = takeFlags(bytes, 192, false);
  if (flags < 0) return POINT_MALFORMED;
  memory.fill(r, 0, 224);
  if ((<u32>flags & NEUTRAL) != 0) return POINT_NEUTRAL;
  if (!fp2FromBytes(r, BUFFER) || !fp2FromBytes(r + 112, BUFFER + 96)) return POINT_MALFORMED;
  return g2IsOnCurve(r) ? POINT_OK : POINT_OFF_CURVE;
}

/** Whether y^2 = x^3 + 4 for the affine point a. */
export function g1IsOnCurve(a: usize): bool {
  rightSide1(T, a);
  fpSqr(U, a + 56);
  return fpEqual(T, U);
}

/** Whether y^2 = x^3 + 4 (1 + u) for the affine point a. */
export function g2IsOnCurve(a: usize): bool {
  rightSide2(T, a);
  fp2Sqr(U, a + 112);
  return fp2Equal(T, U);
}

/** Writes the 48-byte form of an affine point, or of the neutral point. */
export function g1Compress(bytes: usize, a: usize, neutral: bool): void {
  if (neutral) {
    memory.fill(bytes, 0, 48);
    store<u8>(bytes, COMPRESSED | NEUTRAL);
    return;
  }
  fpToBytesBE(bytes, a);
  store<u8>(bytes, <u32>load<u8>(bytes) | COMPRESSED | (fpIsLarger(a + 56) ? LARGER : 0));
}

/** Writes the 96-byte form of an affine point, or of the neutral point. */
export function g2Compress(bytes: usize, a: usize, neutral: bool): void {
  if (neutral) {
    memory.fill(bytes, 0, 96);
    store<u8>(bytes, COMPRESSED | NEUTRAL);
    return;
  }
  fp2ToBytes(bytes, a);
  store<u8>(bytes, <u32>load<u8>(bytes) | COMPRESSED | (fp2IsLarger(a + 112) ? LARGER : 0));
}

/** Writes the 96-byte form of an affine G1 point, or of the neutral point. */
export function g1ToUncompressed(bytes: usize, a: usize, neutral: bool): void {
  memory.fill(bytes, 0, 96);
  if (neutral) {
    store<u8>(bytes, NEUTRAL);
    return;
  }
  fpToBytesBE(bytes, a);
  fpToBytesBE(bytes + 48, a + 56);
}

/** Writes the 192-byte form of an affine G2 point, or of the neutral point. */
export function g2ToUncompressed(bytes: usize, a: usize, neutral: bool): void {
  memory.fill(bytes, 0, 192);
  if (neutral) {
    store<u8>(bytes, NEUTRAL);
    return;
  }
  fp2ToBytes(bytes, a);
  fp2ToBytes(bytes + 96, a + 112);
}
