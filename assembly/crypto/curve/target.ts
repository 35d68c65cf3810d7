/**
 * The target group: the values of pairings, elements of order r in Fp12.
 *
 * Compressed (288 bytes): an element of the cyclotomic subgroup is (c + w)/(c - w) for one c in Fp6, and c stands for it
 * (Rubin and Silverberg's torus). Six coefficients of 48 bytes, little-endian, c0 to c2, real part first.
 * Plain (576 bytes): twelve such coefficients. Both as blstrs writes them.
 * Membership: g^(p^4) g = g^(p^2) (cyclotomic), and g^p = g^X, which only elements of order r satisfy there (Scott 2021).
 */
import { FP_SIZE, fpFromBytesLE, fpToBytesLE } from "../field/fp.gen";
import {
  fp12Conjugate, fp12Copy, fp12CyclotomicPow, fp12CyclotomicSqr, fp12Equal, fp12Frobenius, fp12Inverse, fp12Mul, fp12One,
  FP12_SIZE,
} from "../field/fp12";
import { FP2_ONE } from "./constants.gen";
import { fp2Neg } from "../field/fp2";

export const TARGET_COMPRESSED_BYTES: usize = 288;
export const TARGET_BYTES: usize = 576;
/** Bytes of scratch per factor of a product of powers. */
export const TARGET_POWER_SCRATCH: usize = 16 * 672;

const A: usize = memory.data(672, 8);
const B: usize = memory.data(672, 8);

/** Whether a (not 0) has order r or is 1. */
export function targetIsInGroup(a: usize): bool {
  fp12Frobenius(A, a);
  fp12Frobenius(A, A);
  fp12Frobenius(B, A);
  fp12Frobenius(B, B);
  fp12Mul(B, B, a);
  if (!fp12Equal(A, B)) return false;
  fp12CyclotomicPow(A, a, 0xd201000000010000);
  fp12Conjugate(A, A);
  fp12Frobenius(B, a);
  return fp12Equal(A, B);
}

/** Reads 288 bytes; false unless the coefficients are below p and the element lies in the group. */
export function targetDecompress(r: usize, bytes: usize): bool {
  memory.fill(A, 0, FP12_SIZE);
  for (let i: usize = 0; i < 6; i++) if (!fpFromBytesLE(A + i * FP_SIZE, bytes + i * 48)) return false;
  fp12Copy(B, A);
  memory.copy(A + 336, FP2_ONE, 112);
  memory.copy(B + 336, FP2_ONE, 112);
  fp2Neg(B + 336, B + 336);
  fp12Inverse(B, B);
  fp12Mul(r, A, B);
  return targetIsInGroup(r);
}

/** Writes 576 bytes. */
export function targetToBytes(bytes: usize, a: usize): void {
  for (let i: usize = 0; i < 12; i++) fpToBytesLE(bytes + i * 48, a + i * FP_SIZE);
}

/**
 * r = the product of bases[i]^exponents[i], i < count, the squarings shared. bases: in the group, 672 bytes each;
 * exponents: 32 bytes each, little-endian. scratch: count x TARGET_POWER_SCRATCH. Time depends on the exponents.
 */
export function targetPowers(r: usize, bases: usize, exponents: usize, count: i32, scratch: usize): void {
  for (let i: usize = 0; i < <usize>count; i++) {
    const table = scratch + i * TARGET_POWER_SCRATCH;
    const base = bases + i * FP12_SIZE;
    fp12Copy(table + FP12_SIZE, base);
    for (let d: usize = 2; d < 16; d++) {
      if ((d & 1) == 0) fp12CyclotomicSqr(table + d * FP12_SIZE, table + (d >> 1) * FP12_SIZE);
      else fp12Mul(table + d * FP12_SIZE, table + (d - 1) * FP12_SIZE, base);
    }
  }
  fp12One(r);
  for (let w = 63; w >= 0; w--) {
    if (w != 63) for (let j = 0; j < 4; j++) fp12CyclotomicSqr(r, r);
    for (let i: usize = 0; i < <usize>count; i++) {
      const byte = <u32>load<u8>(exponents + 32 * i + (<usize>w >> 1));
      const digit = (w & 1) == 0 ? byte & 15 : byte >> 4;
      if (digit != 0) fp12Mul(r, r, scratch + i * TARGET_POWER_SCRATCH + <usize>digit * FP12_SIZE);
    }
  }
}
