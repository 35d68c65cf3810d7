/**
 * Fp2 = Fp[u] / (u^2 + 1): everything but the products, which `fp2.gen.ts` holds. An element is a0, a1: 112 bytes.
 *
 * Root of a = a0 + a1 u by the norm: s = sqrt(a0^2 + a1^2), t = (a0 + s)/2, root = sqrt(t) + a1 / (2 sqrt(t)) u. With
 * e = t^((p-3)/4): if t is a square, te is its root and e the inverse; if not, te is a root of -t, and (a0 - s)/2, which
 * is then a square, has the root a1 e / 2: the answer is the same with its parts exchanged. Two exponentiations in all.
 */
import { FP_HALF } from "../curve/constants.gen";
import { fpInverseRoot } from "./fp";
import {
  FP_SIZE, fpAdd, fpAddLoose, fpCanonical, fpDouble, fpEqual, fpFromBytesBE, fpInverse, fpInverseFermat, fpIsZero,
  fpMinusTriple, fpMul, fpNeg, fpOctuple, fpQuadruple, fpSelect, fpSqr, fpSub, fpSubTwelvefold, fpSubTwo, fpToBytesBE,
  fpTriple, fpTwelvefoldDifference, fpTwelvefoldSum, fpCopy,
} from "./fp.gen";
import { fpMulAddMul } from "./fp2.gen";

const T: usize = memory.data(112, 8);
const ROOT: usize = memory.data(112, 8);

// @ts-ignore: decorator
@inline
export function fp2Copy(r: usize, a: usize): void {
  fpCopy(r, a);
  fpCopy(r + FP_SIZE, a + FP_SIZE);
}

export function fp2Add(r: usize, a: usize, b: usize): void {
  fpAdd(r, a, b);
  fpAdd(r + FP_SIZE, a + FP_SIZE, b + FP_SIZE);
}

/** r = a + b, neither carried nor reduced: only as an operand of products. */
export function fp2AddLoose(r: usize, a: usize, b: usize): void {
  fpAddLoose(r, a, b);
  fpAddLoose(r + FP_SIZE, a + FP_SIZE, b + FP_SIZE);
}

export function fp2Sub(r: usize, a: usize, b: usize): void {
  fpSub(r, a, b);
  fpSub(r + FP_SIZE, a + FP_SIZE, b + FP_SIZE);
}

/** r = a - b - c */
export function fp2SubTwo(r: usize, a: usize, b: usize, c: usize): void {
  fpSubTwo(r, a, b, c);
  fpSubTwo(r + FP_SIZE, a + FP_SIZE, b + FP_SIZE, c + FP_SIZE);
}

export function fp2Neg(r: usize, a: usize): void {
  fpNeg(r, a);
  fpNeg(r + FP_SIZE, a + FP_SIZE);
}

export function fp2Double(r: usize, a: usize): void {
  fpDouble(r, a);
  fpDouble(r + FP_SIZE, a + FP_SIZE);
}

/** r = 3a */
export function fp2Triple(r: usize, a: usize): void {
  fpTriple(r, a);
  fpTriple(r + FP_SIZE, a + FP_SIZE);
}

/** r = -3a */
export function fp2MinusTriple(r: usize, a: usize): void {
  fpMinusTriple(r, a);
  fpMinusTriple(r + FP_SIZE, a + FP_SIZE);
}

/** r = 4a */
export function fp2Quadruple(r: usize, a: usize): void {
  fpQuadruple(r, a);
  fpQuadruple(r + FP_SIZE, a + FP_SIZE);
}

/** r = 8a */
export function fp2Octuple(r: usize, a: usize): void {
  fpOctuple(r, a);
  fpOctuple(r + FP_SIZE, a + FP_SIZE);
}

/** r = a - 12b */
export function fp2SubTwelvefold(r: usize, a: usize, b: usize): void {
  fpSubTwelvefold(r, a, b);
  fpSubTwelvefold(r + FP_SIZE, a + FP_SIZE, b + FP_SIZE);
}

/** r = a0 - a1 u: the p-power map. */
export function fp2Conjugate(r: usize, a: usize): void {
  if (r != a) fpCopy(r, a);
  fpNeg(r + FP_SIZE, a + FP_SIZE);
}

/** r = (1 + u) a, the non-residue of the next floor. */
export function fp2MulXi(r: usize, a: usize): void {
  fpSub(T, a, a + FP_SIZE);
  fpAdd(r + FP_SIZE, a, a + FP_SIZE);
  fpCopy(r, T);
}

/** r = 12 (1 + u) a: three times the b of the twist. */
export function fp2MulTripleB(r: usize, a: usize): void {
  fpTwelvefoldDifference(T, a, a + FP_SIZE);
  fpTwelvefoldSum(r + FP_SIZE, a, a + FP_SIZE);
  fpCopy(r, T);
}

/** r = a k for k in Fp. */
export function fp2MulFp(r: usize, a: usize, k: usize): void {
  fpMul(r, a, k);
  fpMul(r + FP_SIZE, a + FP_SIZE, k);
}

export function fp2IsZero(a: usize): bool {
  return fpIsZero(a) && fpIsZero(a + FP_SIZE);
}

export function fp2Equal(a: usize, b: usize): bool {
  return fpEqual(a, b) && fpEqual(a + FP_SIZE, b + FP_SIZE);
}

export function fp2Select(r: usize, a: usize, condition: u32): void {
  fpSelect(r, a, condition);
  fpSelect(r + FP_SIZE, a + FP_SIZE, condition);
}

export function fp2Canonical(r: usize, a: usize): void {
  fpCanonical(r, a);
  fpCanonical(r + FP_SIZE, a + FP_SIZE);
}

/** r = a0^2 + a1^2, in Fp. */
export function fp2Norm(r: usize, a: usize): void {
  fpMulAddMul(r, a, a, a + FP_SIZE, a + FP_SIZE);
}

/** r = 1/a = conj a / norm a; 0 for 0. Time depends on a. */
export function fp2Inverse(r: usize, a: usize): void {
  fp2Norm(T, a);
  fpInverse(T, T);
  fp2MulFp(r, a, T);
  fpNeg(r + FP_SIZE, r + FP_SIZE);
}

/** r = 1/a with the same steps for every a. */
export function fp2InverseFermat(r: usize, a: usize): void {
  fp2Norm(T, a);
  fpInverseFermat(T, T);
  fp2MulFp(r, a, T);
  fpNeg(r + FP_SIZE, r + FP_SIZE);
}

/** s = a root of norm(a) and true, or of -norm(a) and false: a is a square in Fp2 exactly if its norm is one in Fp. */
export function fp2NormRoot(s: usize, a: usize): bool {
  fp2Norm(T, a);
  fpInverseRoot(s, T);
  fpMul(s, s, T);
  fpSqr(T + FP_SIZE, s);
  return fpEqual(T, T + FP_SIZE);
}

/** r = a root of a, given s = a root of a's norm. r may be a. */
export function fp2RootFromNorm(r: usize, a: usize, s: usize): void {
  const t = ROOT, e = ROOT + FP_SIZE;
  fpAdd(t, a, s);
  fpMul(t, t, FP_HALF);
  // a1 = 0 and s = -a0: a itself serves as t.
  if (fpIsZero(t)) fpCopy(t, a);
  fpInverseRoot(e, t);
  fpMul(T, t, e);
  fpSqr(T + FP_SIZE, T);
  const square = fpEqual(T + FP_SIZE, t);
  fpMul(e, e, a + FP_SIZE);
  fpMul(e, e, FP_HALF);
  if (square) {
    fpCopy(r, T);
    fpCopy(r + FP_SIZE, e);
  } else {
    fpCopy(r, e);
    fpNeg(r + FP_SIZE, T);
  }
}

/** r = a root of a and true; false, r undefined, if a is no square. */
export function fp2Sqrt(r: usize, a: usize): bool {
  const s = NORM_ROOT;
  if (!fp2NormRoot(s, a)) return false;
  fp2RootFromNorm(r, a, s);
  return true;
}
const NORM_ROOT: usize = memory.data(56, 8);

/** Reads 96 bytes, a1 first, each big-endian; false unless both are below p. */
export function fp2FromBytes(r: usize, bytes: usize): bool {
  return fpFromBytesBE(r + FP_SIZE, bytes) && fpFromBytesBE(r, bytes + 48);
}

/** Writes 96 bytes, a1 first, each big-endian. */
export function fp2ToBytes(bytes: usize, a: usize): void {
  fpToBytesBE(bytes, a + FP_SIZE);
  fpToBytesBE(bytes + 48, a);
}
