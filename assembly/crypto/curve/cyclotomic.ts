/**
 * Powers of the curve's parameter in the cyclotomic subgroup, by compressed squarings.
 *
 * An element with coefficients z0, z1 (of w^0, w^3), z2, z3 (w^1, w^4), z4, z5 (w^2, w^5) is squared by
 *   z2 = 2 z2 + 6 xi z4 z5        z3 = 3 (z4^2 + xi z5^2) - 2 z3
 *   z4 = 3 (z2^2 + xi z3^2) - 2 z4        z5 = 2 z5 + 6 z2 z3
 * without z0 and z1: four products a squaring instead of nine squares. Left out, they come back as
 *   z1 = (xi z5^2 + 3 z4^2 - 2 z3) / 4 z2,   z0 = xi (2 z1^2 + z2 z5 - 3 z3 z4) + 1,
 * the divisions of all the powers of two that are needed sharing one inversion.
 * Source: Karabina, "Squaring in cyclotomic subgroups", 2010; Aranha and others, eprint 2010/526.
 */
import { FP2_ONE } from "./constants.gen";
import {
  fp2Add, fp2AddLoose, fp2Copy, fp2Double, fp2Inverse, fp2IsZero, fp2MulXi, fp2Quadruple, fp2Sub, fp2Triple,
} from "../field/fp2";
import { fp2Mul, fp2Sqr } from "../field/fp2.gen";
import {
  fpCompressedImaginary, fpCompressedReal, fpTwiceAddSixfold, fpTwiceAddSixfoldDifference, fpTwiceAddSixfoldSum,
} from "../field/fp.gen";
import { fp12Conjugate, fp12CyclotomicPow, fp12Mul } from "../field/fp12";

/** |X|, and how many ones it has. */
const PARAMETER: u64 = 0xd201000000010000;
const ONES: i32 = 6;

const Z3: usize = 112;
const Z4: usize = 224;
const Z5: usize = 336;
const IM: usize = 56;
/** Bytes of z2 to z5. */
const COMPRESSED: usize = 448;

const STATE: usize = memory.data(448, 8);
const KEPT: usize = memory.data(6 * 448, 8);
const PREFIXES: usize = memory.data(6 * 112, 8);
const A: usize = memory.data(112, 8);
const B: usize = memory.data(112, 8);
const S: usize = memory.data(112, 8);
const T: usize = memory.data(112, 8);
const U: usize = memory.data(112, 8);
const FULL: usize = memory.data(672, 8);
const RESULT: usize = memory.data(672, 8);

/** T = (x + y)(x + xi y). */
function mixed(x: usize, y: usize): void {
  fp2MulXi(S, y);
  fp2AddLoose(S, S, x);
  fp2AddLoose(T, x, y);
  fp2Mul(T, T, S);
}

/** r = 3 (T - p - xi p) - 2r, for p = x y of T. */
function finish(r: usize, p: usize): void {
  fpCompressedReal(r, T, p, p + IM, r);
  fpCompressedImaginary(r + IM, T + IM, p, p + IM, r + IM);
}

/** c = c^2. */
function squareCompressed(c: usize): void {
  fp2Mul(A, c + Z4, c + Z5);
  fp2Mul(B, c, c + Z3);
  mixed(c + Z4, c + Z5);
  fp2Copy(U, T);
  mixed(c, c + Z3);
  finish(c + Z4, B);
  fp2Copy(T, U);
  finish(c + Z3, A);
  fpTwiceAddSixfoldDifference(c, c, A, A + IM);
  fpTwiceAddSixfoldSum(c + IM, c + IM, A, A + IM);
  fpTwiceAddSixfold(c + Z5, c + Z5, B);
  fpTwiceAddSixfold(c + Z5 + IM, c + Z5 + IM, B + IM);
}

/** r = the element of c; quotient = 1 / (4 z2). */
function decompress(r: usize, c: usize, quotient: usize): void {
  const z0 = r, z1 = r + 448;
  fp2Sqr(A, c + Z5);
  fp2MulXi(A, A);
  fp2Sqr(B, c + Z4);
  fp2Triple(B, B);
  fp2Add(A, A, B);
  fp2Double(B, c + Z3);
  fp2Sub(A, A, B);
  fp2Mul(z1, A, quotient);
  fp2Sqr(A, z1);
  fp2Double(A, A);
  fp2Mul(B, c, c + Z5);
  fp2Add(A, A, B);
  fp2Mul(B, c + Z3, c + Z4);
  fp2Triple(B, B);
  fp2Sub(A, A, B);
  fp2MulXi(A, A);
  fp2Add(z0, A, FP2_ONE);
  fp2Copy(r + 336, c);
  fp2Copy(r + 224, c + Z3);
  fp2Copy(r + 112, c + Z4);
  fp2Copy(r + 560, c + Z5);
}

/** r = a^X for a in the cyclotomic subgroup. r may be a. */
export function powParameter(r: usize, a: usize): void {
  fp2Copy(STATE, a + 336);
  fp2Copy(STATE + Z3, a + 224);
  fp2Copy(STATE + Z4, a + 112);
  fp2Copy(STATE + Z5, a + 560);
  let kept = 0;
  let lost = false;
  for (let i = 1; i < 64; i++) {
    squareCompressed(STATE);
    if (((PARAMETER >> i) & 1) == 0) continue;
    const place = KEPT + <usize>kept * COMPRESSED;
    kept++;
    memory.copy(place, STATE, COMPRESSED);
    lost = lost || fp2IsZero(place);
  }
  if (lost) {
    // z2 = 0: 1 and few others. Squared in full.
    fp12CyclotomicPow(RESULT, a, PARAMETER);
    fp12Conjugate(r, RESULT);
    return;
  }
  fp2Copy(T, FP2_ONE);
  for (let i: usize = 0; i < <usize>ONES; i++) {
    fp2Copy(PREFIXES + i * 112, T);
    fp2Quadruple(S, KEPT + i * COMPRESSED);
    fp2Mul(T, T, S);
  }
  fp2Inverse(T, T);
  for (let i: usize = <usize>ONES; i > 0; i--) {
    const c = KEPT + (i - 1) * COMPRESSED;
    fp2Mul(U, T, PREFIXES + (i - 1) * 112);
    fp2Quadruple(S, c);
    fp2Mul(T, T, S);
    if (i == <usize>ONES) {
      decompress(RESULT, c, U);
      continue;
    }
    decompress(FULL, c, U);
    fp12Mul(RESULT, RESULT, FULL);
  }
  fp12Conjugate(r, RESULT);
}
