/**
 * Fp6 = Fp2[v] / (v^3 - (1 + u)). An element is c0, c1, c2: 336 bytes.
 *
 * Products by Karatsuba's way: six products in Fp2 for the nine, the sums before them left loose.
 */
import {
  fpSubTwoAdd, fpSubTwoAddAdd, fpSubTwoAddSub, fpSubTwoMinusSubTwoAdd, fpSubTwoPlusSubTwoAdd,
} from "./fp.gen";
import { fp2Mul, fp2Sqr } from "./fp2.gen";
import { fp2Add, fp2AddLoose, fp2Copy, fp2Double, fp2Inverse, fp2MulXi, fp2Neg, fp2Sub, fp2SubTwo } from "./fp2";

export const FP6_SIZE: usize = 336;
/** Offset of an imaginary part. */
const IM: usize = 56;
const C1: usize = 112;
const C2: usize = 224;

const V0: usize = memory.data(112, 8);
const V1: usize = memory.data(112, 8);
const V2: usize = memory.data(112, 8);
const T0: usize = memory.data(112, 8);
const T1: usize = memory.data(112, 8);
const T2: usize = memory.data(112, 8);
const T3: usize = memory.data(112, 8);

export function fp6Add(r: usize, a: usize, b: usize): void {
  fp2Add(r, a, b);
  fp2Add(r + C1, a + C1, b + C1);
  fp2Add(r + C2, a + C2, b + C2);
}

export function fp6Sub(r: usize, a: usize, b: usize): void {
  fp2Sub(r, a, b);
  fp2Sub(r + C1, a + C1, b + C1);
  fp2Sub(r + C2, a + C2, b + C2);
}

export function fp6SubTwo(r: usize, a: usize, b: usize, c: usize): void {
  fp2SubTwo(r, a, b, c);
  fp2SubTwo(r + C1, a + C1, b + C1, c + C1);
  fp2SubTwo(r + C2, a + C2, b + C2, c + C2);
}

export function fp6Neg(r: usize, a: usize): void {
  fp2Neg(r, a);
  fp2Neg(r + C1, a + C1);
  fp2Neg(r + C2, a + C2);
}

/** r = v a */
export function fp6MulV(r: usize, a: usize): void {
  fp2MulXi(T0, a + C2);
  fp2Copy(T1, a);
  fp2Copy(r + C2, a + C1);
  fp2Copy(r + C1, T1);
  fp2Copy(r, T0);
}

/** r = a b; operands tight. r may be a or b. The sums after the products are made in one pass each. */
export function fp6Mul(r: usize, a: usize, b: usize): void {
  fp2Mul(V0, a, b);
  fp2Mul(V1, a + C1, b + C1);
  fp2Mul(V2, a + C2, b + C2);
  fp2AddLoose(T0, a + C1, a + C2);
  fp2AddLoose(T1, b + C1, b + C2);
  fp2Mul(T2, T0, T1);
  fp2AddLoose(T0, a, a + C1);
  fp2AddLoose(T1, b, b + C1);
  fp2Mul(T3, T0, T1);
  fp2AddLoose(T0, a, a + C2);
  fp2AddLoose(T1, b, b + C2);
  fp2Mul(T0, T0, T1);
  // c0 = (T2 - V1 - V2) xi + V0
  fpSubTwoMinusSubTwoAdd(r, T2, V1, V2, T2 + IM, V1 + IM, V2 + IM, V0);
  fpSubTwoPlusSubTwoAdd(r + IM, T2 + IM, V1 + IM, V2 + IM, T2, V1, V2, V0 + IM);
  // c1 = T3 - V0 - V1 + V2 xi
  fpSubTwoAddSub(r + C1, T3, V0, V1, V2, V2 + IM);
  fpSubTwoAddAdd(r + C1 + IM, T3 + IM, V0 + IM, V1 + IM, V2, V2 + IM);
  // c2 = T0 - V0 - V2 + V1
  fpSubTwoAdd(r + C2, T0, V0, V2, V1);
  fpSubTwoAdd(r + C2 + IM, T0 + IM, V0 + IM, V2 + IM, V1 + IM);
}

/** r = a (b0 + b1 v). r may be a. */
export function fp6MulBy01(r: usize, a: usize, b0: usize, b1: usize): void {
  fp2Mul(V0, a, b0);
  fp2Mul(V1, a + C1, b1);
  fp2AddLoose(T0, a + C1, a + C2);
  fp2Mul(T2, T0, b1);
  fp2Sub(T2, T2, V1);
  fp2AddLoose(T0, a, a + C1);
  fp2AddLoose(T1, b0, b1);
  fp2Mul(T3, T0, T1);
  fp2AddLoose(T0, a, a + C2);
  fp2Mul(T0, T0, b0);
  fp2Sub(T0, T0, V0);
  fp2Add(r + C2, T0, V1);
  fp2SubTwo(r + C1, T3, V0, V1);
  fp2MulXi(T2, T2);
  fp2Add(r, T2, V0);
}

/** r = a b1 v. r may be a. */
export function fp6MulBy1(r: usize, a: usize, b1: usize): void {
  fp2Mul(T0, a + C2, b1);
  fp2Mul(T1, a + C1, b1);
  fp2Mul(r + C1, a, b1);
  fp2Copy(r + C2, T1);
  fp2MulXi(r, T0);
}

/** r = a a: Chung and Hasan's second form, three squares and two products. r may be a. */
export function fp6Sqr(r: usize, a: usize): void {
  fp2Sqr(V0, a);
  fp2Mul(V1, a, a + C1);
  fp2Double(V1, V1);
  fp2Sub(T0, a, a + C1);
  fp2Add(T0, T0, a + C2);
  fp2Sqr(V2, T0);
  fp2Mul(T1, a + C1, a + C2);
  fp2Double(T1, T1);
  fp2Sqr(T2, a + C2);
  // c2 = V1 + V2 + T1 - V0 - T2
  fp2Add(T3, V1, V2);
  fp2Add(T3, T3, T1);
  fp2SubTwo(r + C2, T3, V0, T2);
  fp2MulXi(T2, T2);
  fp2Add(r + C1, V1, T2);
  fp2MulXi(T1, T1);
  fp2Add(r, V0, T1);
}

/** r = 1/a; 0 for 0. Time depends on a. */
export function fp6Inverse(r: usize, a: usize): void {
  // A = a0^2 - xi a1 a2, B = xi a2^2 - a0 a1, C = a1^2 - a0 a2; 1/a = (A, B, C) / (a0 A + xi (a2 B + a1 C)).
  fp2Sqr(V0, a);
  fp2Mul(T0, a + C1, a + C2);
  fp2MulXi(T0, T0);
  fp2Sub(V0, V0, T0);
  fp2Sqr(V1, a + C2);
  fp2MulXi(V1, V1);
  fp2Mul(T0, a, a + C1);
  fp2Sub(V1, V1, T0);
  fp2Sqr(V2, a + C1);
  fp2Mul(T0, a, a + C2);
  fp2Sub(V2, V2, T0);
  fp2Mul(T0, a + C2, V1);
  fp2Mul(T1, a + C1, V2);
  fp2Add(T0, T0, T1);
  fp2MulXi(T0, T0);
  fp2Mul(T1, a, V0);
  fp2Add(T0, T0, T1);
  fp2Inverse(T0, T0);
  fp2Mul(r, V0, T0);
  fp2Mul(r + C1, V1, T0);
  fp2Mul(r + C2, V2, T0);
}
