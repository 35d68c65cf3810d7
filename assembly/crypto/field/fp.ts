/**
 * Square roots and signs in Fp of BLS12-381. p = 3 mod 4, so a^((p-3)/4) is 1/sqrt(a) for squares, and for
 * non-squares the same power gives 1/sqrt(-a) up to sign: one exponentiation answers root, inverse and squareness.
 */
import { HALF_MODULUS, ROOT_EXPONENT } from "../curve/constants.gen";
import { FP_SIZE, fpEqual, fpFromMontgomery, fpIsZero, fpMul, fpPow, fpSqr } from "./fp.gen";

const T: usize = memory.data(56, 8);
const PLAIN: usize = memory.data(56, 8);
const CANDIDATE: usize = memory.data(56, 8);

/** r = a^((p-3)/4): the inverse of a root of a, or of -a if a is no square; 0 for 0. Time does not depend on a. */
export function fpInverseRoot(r: usize, a: usize): void {
  fpPow(r, a, ROOT_EXPONENT);
}

/** r = a root of a and true; false, r undefined, if a is no square. */
export function fpSqrt(r: usize, a: usize): bool {
  fpInverseRoot(CANDIDATE, a);
  fpMul(CANDIDATE, CANDIDATE, a);
  fpSqr(T, CANDIDATE);
  const square = fpEqual(T, a);
  memory.copy(r, CANDIDATE, FP_SIZE);
  return square;
}

/** The parity of the plain number: sgn0 of RFC 9380 for prime fields. */
export function fpSign(a: usize): u32 {
  fpFromMontgomery(PLAIN, a);
  return load<u32>(PLAIN) & 1;
}

/** Whether the plain number is above (p - 1)/2: the larger of a and -a, as the sign bit of compressed points says. */
export function fpIsLarger(a: usize): bool {
  fpFromMontgomery(PLAIN, a);
  let c: i64 = 0;
  for (let j: usize = 0; j < 56; j += 4) c = (c >> 28) + <i64>load<u32>(HALF_MODULUS + j) - <i64>load<u32>(PLAIN + j);
  return c < 0;
}

/** sgn0 of RFC 9380 for a0 + a1 u: the parity of a0, or of a1 if a0 is zero. */
export function fp2Sign(a: usize): u32 {
  const zero = fpIsZero(a) ? <u32>1 : <u32>0;
  return fpSign(a) | (zero & fpSign(a + FP_SIZE));
}

/** Which of a and -a is larger, comparing a1 first and a0 only if a1 is zero. */
export function fp2IsLarger(a: usize): bool {
  return fpIsZero(a + FP_SIZE) ? fpIsLarger(a) : fpIsLarger(a + FP_SIZE);
}
