/**
 * Roots of unity of Fr: the group of order r - 1 = 2^32 t has roots of every order 2^k, k <= 32.
 *
 * ROOT = 7^t has order 2^32 (7 generates the whole group), and the root of order 2^k is ROOT^(2^(32 - k)). Sources: bellperson
 * domain.rs; blstrs scalar.rs (ROOT_OF_UNITY, GENERATOR).
 */
import { FR_RADIX_SQUARED, FR_SIZE, frCopy, frInverse, frMul, frPow, frSqr } from "../../crypto/field/fr.gen";

const MOST_BITS: i32 = 32;
/** 7, plain limbs. */
const SEVEN: usize = memory.data<u32>([7, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
/** t = (r - 1) / 2^32, big-endian bytes. */
const ODD_PART: usize = memory.data<u8>([
  0, 0, 0, 0, 0x73, 0xed, 0xa7, 0x53, 0x29, 0x9d, 0x7d, 0x48, 0x33, 0x39, 0xd8, 0x08,
  0x09, 0xa1, 0xd8, 0x05, 0x53, 0xbd, 0xa4, 0x02, 0xff, 0xfe, 0x5b, 0xfe, 0xff, 0xff, 0xff, 0xff,
]);

/** 7 and 1/7 in Montgomery form: the coset on which quotients are evaluated is 7 times the domain. */
export const COSET: usize = memory.data(40, 8);
export const COSET_INVERSE: usize = memory.data(40, 8);

const FORWARD: usize = memory.data(33 * 40, 8);
const INVERSE: usize = memory.data(33 * 40, 8);
let ready: bool = false;

/** Computes the constants once. */
export function prepareRoots(): void {
  if (ready) return;
  ready = true;
  frMul(COSET, SEVEN, FR_RADIX_SQUARED);
  frInverse(COSET_INVERSE, COSET);
  frPow(FORWARD + 32 * FR_SIZE, COSET, ODD_PART);
  frInverse(INVERSE + 32 * FR_SIZE, FORWARD + 32 * FR_SIZE);
  for (let bits = MOST_BITS; bits > 0; bits--) {
    frSqr(FORWARD + <usize>(bits - 1) * FR_SIZE, FORWARD + <usize>bits * FR_SIZE);
    frSqr(INVERSE + <usize>(bits - 1) * FR_SIZE, INVERSE + <usize>bits * FR_SIZE);
  }
}

/** Address of the root of order 2^bits, or of its inverse. After `prepareRoots`. */
export function rootOf(bits: i32, inverse: bool): usize {
  return (inverse ? INVERSE : FORWARD) + <usize>bits * FR_SIZE;
}
