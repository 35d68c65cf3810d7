/**
 * Fp12 = Fp6[w] / (w^2 - v), the target of the pairing. An element is c0, c1: 672 bytes; over Fp2 the coefficients of
 * w^0, w^2, w^4, then of w^1, w^3, w^5.
 *
 * The values of pairings lie in the cyclotomic subgroup, where the inverse is the conjugate and a square costs nine
 * squares in Fp2 (Granger and Scott, "Faster squaring in the cyclotomic subgroup", 2010).
 */
import { FROBENIUS } from "../curve/constants.gen";
import { FP_ONE, fpTripleMinusTwice, fpTriplePlusTwice } from "./fp.gen";
import { FP2_SIZE, fp2Mul, fp2Sqr } from "./fp2.gen";
import { fp2Add, fp2AddLoose, fp2Conjugate, fp2Equal, fp2MulXi, fp2SubTwo } from "./fp2";
import {
  FP6_SIZE, fp6Add, fp6Inverse, fp6Mul, fp6MulBy01, fp6MulBy1, fp6MulV, fp6Neg, fp6Sqr, fp6Sub, fp6SubTwo,
} from "./fp6";

export const FP12_SIZE: usize = 672;
const C1: usize = FP6_SIZE;

const A: usize = memory.data(336, 8);
const B: usize = memory.data(336, 8);
const S: usize = memory.data(336, 8);
const T: usize = memory.data(336, 8);
const O: usize = memory.data(112, 8);
const POWER: usize = memory.data(672, 8);

/** Where the coefficient of w^i lies. */
// @ts-ignore: decorator
@inline
function coefficient(a: usize, i: usize): usize {
  return a + (i & 1) * FP6_SIZE + (i >> 1) * FP2_SIZE;
}

// @ts-ignore: decorator
@inline
export function fp12Copy(r: usize, a: usize): void {
  memory.copy(r, a, FP12_SIZE);
}

export function fp12One(r: usize): void {
  memory.fill(r, 0, FP12_SIZE);
  memory.copy(r, FP_ONE, 56);
}

export function fp12Equal(a: usize, b: usize): bool {
  let same = true;
  for (let i: usize = 0; i < 6; i++) same = fp2Equal(a + i * FP2_SIZE, b + i * FP2_SIZE) && same;
  return same;
}

export function fp12IsOne(a: usize): bool {
  fp12One(POWER);
  return fp12Equal(a, POWER);
}

/** r = a b. r may be a or b. */
export function fp12Mul(r: usize, a: usize, b: usize): void {
  fp6Mul(A, a, b);
  fp6Mul(B, a + C1, b + C1);
  fp6Add(S, a, a + C1);
  fp6Add(T, b, b + C1);
  fp6Mul(S, S, T);
  fp6SubTwo(r + C1, S, A, B);
  fp6MulV(B, B);
  fp6Add(r, A, B);
}

/** r = a a: (c0 + c1)(c0 + v c1) - (1 + v) c0 c1 + 2 c0 c1 w. r may be a. */
export function fp12Sqr(r: usize, a: usize): void {
  fp6Mul(A, a, a + C1);
  fp6Add(S, a, a + C1);
  fp6MulV(T, a + C1);
  fp6Add(T, T, a);
  fp6Mul(S, S, T);
  fp6MulV(T, A);
  fp6SubTwo(r, S, A, T);
  fp6Add(r + C1, A, A);
}

/** r = a (l0 + l1 w^2 + l4 w^3), the shape of a line through points of the twist. r may be a. */
export function fp12MulLine(r: usize, a: usize, l0: usize, l1: usize, l4: usize): void {
  fp6MulBy01(A, a, l0, l1);
  fp6MulBy1(B, a + C1, l4);
  fp6Add(S, a, a + C1);
  fp2Add(O, l1, l4);
  fp6MulBy01(S, S, l0, O);
  fp6SubTwo(r + C1, S, A, B);
  fp6MulV(B, B);
  fp6Add(r, A, B);
}

/** r = c0 - c1 w: the p^6-power map, the inverse in the cyclotomic subgroup. */
export function fp12Conjugate(r: usize, a: usize): void {
  if (r != a) memory.copy(r, a, FP6_SIZE);
  fp6Neg(r + C1, a + C1);
}

/** r = 1/a = conj a / (c0^2 - v c1^2). r may be a. */
export function fp12Inverse(r: usize, a: usize): void {
  fp6Sqr(A, a);
  fp6Sqr(B, a + C1);
  fp6MulV(B, B);
  fp6Sub(A, A, B);
  fp6Inverse(A, A);
  fp6Mul(r, a, A);
  fp6Mul(r + C1, a + C1, A);
  fp6Neg(r + C1, r + C1);
}

/** r = a^p. r may be a. */
export function fp12Frobenius(r: usize, a: usize): void {
  fp2Conjugate(r, a);
  for (let i: usize = 1; i < 6; i++) {
    const to = coefficient(r, i);
    fp2Conjugate(to, coefficient(a, i));
    fp2Mul(to, to, FROBENIUS + i * FP2_SIZE);
  }
}

/** (r0, r1) = (x + y s)^2 in Fp4 = Fp2[s] / (s^2 - xi). */
function squareFp4(r0: usize, r1: usize, x: usize, y: usize): void {
  fp2Sqr(A, x);
  fp2Sqr(B, y);
  fp2AddLoose(O, x, y);
  fp2Sqr(O, O);
  fp2SubTwo(r1, O, A, B);
  fp2MulXi(B, B);
  fp2Add(r0, A, B);
}

/** r = 3t - 2z. */
function tripleMinusTwice(r: usize, t: usize, z: usize): void {
  fpTripleMinusTwice(r, t, z);
  fpTripleMinusTwice(r + 56, t + 56, z + 56);
}

/** r = 3t + 2z. */
function triplePlusTwice(r: usize, t: usize, z: usize): void {
  fpTriplePlusTwice(r, t, z);
  fpTriplePlusTwice(r + 56, t + 56, z + 56);
}

/** r = a a for a in the cyclotomic subgroup. r may be a. */
export function fp12CyclotomicSqr(r: usize, a: usize): void {
  const z0 = a, z4 = a + 112, z3 = a + 224, z2 = a + 336, z1 = a + 448, z5 = a + 560;
  const t0 = S, t1 = S + 112, t2 = T, t3 = T + 112;
  squareFp4(t0, t1, z0, z1);
  tripleMinusTwice(r, t0, z0);
  triplePlusTwice(r + 448, t1, z1);
  squareFp4(t0, t1, z2, z3);
  squareFp4(t2, t3, z4, z5);
  tripleMinusTwice(r + 112, t0, z4);
  triplePlusTwice(r + 560, t1, z5);
  fp2MulXi(t3, t3);
  triplePlusTwice(r + 336, t3, z2);
  tripleMinusTwice(r + 224, t2, z3);
}

/** r = a^e for a in the cyclotomic subgroup and a 64-bit e. r may be a. */
export function fp12CyclotomicPow(r: usize, a: usize, e: u64): void {
  if (e == 0) {
    fp12One(r);
    return;
  }
  fp12Copy(POWER, a);
  fp12Copy(r, a);
  for (let i = 62 - <i32>clz<u64>(e); i >= 0; i--) {
    fp12CyclotomicSqr(r, r);
    if (((e >> i) & 1) != 0) fp12Mul(r, r, POWER);
  }
}
