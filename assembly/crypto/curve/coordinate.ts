/**
 * The field of a point's coordinates, chosen at compile time: curve formulas are written once over a tag `F`, which is
 * `OverFp` for G1 and `OverFp2` for G2. The tags are integer types only so that `sizeof` tells them apart.
 */
import {
  FP_ONE, fpAdd, fpAddLoose, fpCanonical, fpCopy, fpDouble, fpEqual, fpInverse, fpInverseFermat, fpIsZero, fpMul, fpNeg, fpOctuple,
  fpSelect, fpSqr, fpSub, fpSubTwo, fpTriple, fpTwelvefold,
} from "../field/fp.gen";
import { fp2Mul, fp2Sqr } from "../field/fp2.gen";
import {
  fp2Add, fp2AddLoose, fp2Canonical, fp2Copy, fp2Double, fp2Equal, fp2Inverse, fp2InverseFermat, fp2IsZero, fp2MulTripleB, fp2Neg,
  fp2Octuple, fp2Select, fp2Sub, fp2SubTwo, fp2Triple,
} from "../field/fp2";
import { FP2_ONE } from "./constants.gen";

export type OverFp = u32;
export type OverFp2 = u64;

/** Whether `F` is `OverFp`. */
// @ts-ignore: decorator
@inline
export function isPrimeField<F>(): bool {
  return sizeof<F>() == 4;
}

/** Bytes of a coordinate. */
// @ts-ignore: decorator
@inline
export function sizeOf<F>(): usize {
  return sizeof<F>() == 4 ? 56 : 112;
}

// @ts-ignore: decorator
@inline
export function one<F>(): usize {
  return sizeof<F>() == 4 ? FP_ONE : FP2_ONE;
}

// @ts-ignore: decorator
@inline
export function copy<F>(r: usize, a: usize): void {
  if (sizeof<F>() == 4) fpCopy(r, a);
  else fp2Copy(r, a);
}

// @ts-ignore: decorator
@inline
export function add<F>(r: usize, a: usize, b: usize): void {
  if (sizeof<F>() == 4) fpAdd(r, a, b);
  else fp2Add(r, a, b);
}

// @ts-ignore: decorator
@inline
export function addLoose<F>(r: usize, a: usize, b: usize): void {
  if (sizeof<F>() == 4) fpAddLoose(r, a, b);
  else fp2AddLoose(r, a, b);
}

// @ts-ignore: decorator
@inline
export function sub<F>(r: usize, a: usize, b: usize): void {
  if (sizeof<F>() == 4) fpSub(r, a, b);
  else fp2Sub(r, a, b);
}

/** r = a - b - c */
// @ts-ignore: decorator
@inline
export function subTwo<F>(r: usize, a: usize, b: usize, c: usize): void {
  if (sizeof<F>() == 4) fpSubTwo(r, a, b, c);
  else fp2SubTwo(r, a, b, c);
}

// @ts-ignore: decorator
@inline
export function neg<F>(r: usize, a: usize): void {
  if (sizeof<F>() == 4) fpNeg(r, a);
  else fp2Neg(r, a);
}

// @ts-ignore: decorator
@inline
export function double<F>(r: usize, a: usize): void {
  if (sizeof<F>() == 4) fpDouble(r, a);
  else fp2Double(r, a);
}

/** r = 3a */
// @ts-ignore: decorator
@inline
export function triple<F>(r: usize, a: usize): void {
  if (sizeof<F>() == 4) fpTriple(r, a);
  else fp2Triple(r, a);
}

/** r = 8a */
// @ts-ignore: decorator
@inline
export function octuple<F>(r: usize, a: usize): void {
  if (sizeof<F>() == 4) fpOctuple(r, a);
  else fp2Octuple(r, a);
}

// @ts-ignore: decorator
@inline
export function mul<F>(r: usize, a: usize, b: usize): void {
  if (sizeof<F>() == 4) fpMul(r, a, b);
  else fp2Mul(r, a, b);
}

// @ts-ignore: decorator
@inline
export function sqr<F>(r: usize, a: usize): void {
  if (sizeof<F>() == 4) fpSqr(r, a);
  else fp2Sqr(r, a);
}

/** r = 3 b a for the curve's b: 4, or 4 (1 + u) on the twist. */
// @ts-ignore: decorator
@inline
export function mulTripleB<F>(r: usize, a: usize): void {
  if (sizeof<F>() == 4) fpTwelvefold(r, a);
  else fp2MulTripleB(r, a);
}

// @ts-ignore: decorator
@inline
export function isZero<F>(a: usize): bool {
  return sizeof<F>() == 4 ? fpIsZero(a) : fp2IsZero(a);
}

// @ts-ignore: decorator
@inline
export function equal<F>(a: usize, b: usize): bool {
  return sizeof<F>() == 4 ? fpEqual(a, b) : fp2Equal(a, b);
}

// @ts-ignore: decorator
@inline
export function select<F>(r: usize, a: usize, condition: u32): void {
  if (sizeof<F>() == 4) fpSelect(r, a, condition);
  else fp2Select(r, a, condition);
}

// @ts-ignore: decorator
@inline
export function canonical<F>(r: usize, a: usize): void {
  if (sizeof<F>() == 4) fpCanonical(r, a);
  else fp2Canonical(r, a);
}

/** r = 1/a; time depends on a. */
// @ts-ignore: decorator
@inline
export function inverse<F>(r: usize, a: usize): void {
  if (sizeof<F>() == 4) fpInverse(r, a);
  else fp2Inverse(r, a);
}

/** r = 1/a with the same steps for every a. */
// @ts-ignore: decorator
@inline
export function inverseFermat<F>(r: usize, a: usize): void {
  if (sizeof<F>() == 4) fpInverseFermat(r, a);
  else fp2InverseFermat(r, a);
}
