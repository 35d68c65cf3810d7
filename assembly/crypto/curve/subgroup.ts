/**
 * Membership in the groups of prime order, and the maps into them.
 *
 * Both curves have more points than the group. A point belongs to it exactly if the curve's endomorphism acts as its
 * eigenvalue there (Scott, "A note on group membership tests for G1, G2 and GT on BLS pairing-friendly curves", 2021):
 *   G1:  (beta x, y) = -[X^2] P        G2:  psi(P) = [X] P,  psi(x, y) = (PSI0 conj x, PSI1 conj y)
 * one or two runs over the 64 bits of X instead of 255 bits of r.
 */
import { fpMul, fpNeg } from "../field/fp.gen";
import { fp2Mul } from "../field/fp2.gen";
import { fp2Conjugate } from "../field/fp2";
import { BETA, PSI } from "./constants.gen";
import { OverFp, OverFp2 } from "./coordinate";
import { pointAdd, pointCopy, pointDouble, pointEqual, pointFromAffine, pointMulParameter, pointNeg } from "./point";

const P0: usize = memory.data(336, 8);
const P1: usize = memory.data(336, 8);
const P2: usize = memory.data(336, 8);
const P3: usize = memory.data(336, 8);

/** r = (beta x, y): multiplication by -X^2 on G1. a: homogeneous. r may be a. */
export function g1Endomorphism(r: usize, a: usize): void {
  if (r != a) pointCopy<OverFp>(r, a);
  fpMul(r, a, BETA);
}

/** r = psi(a): multiplication by X on G2. a: homogeneous. r may be a. */
export function g2Psi(r: usize, a: usize): void {
  fp2Conjugate(r, a);
  fp2Mul(r, r, PSI);
  fp2Conjugate(r + 112, a + 112);
  fp2Mul(r + 112, r + 112, PSI + 112);
  fp2Conjugate(r + 224, a + 224);
}

/** Whether an affine point of the curve lies in G1. */
export function g1IsInGroup(a: usize): bool {
  pointFromAffine<OverFp>(P0, a);
  pointMulParameter<OverFp>(P1, P0);
  pointMulParameter<OverFp>(P2, P1);
  fpNeg(P2 + 56, P2 + 56);
  g1Endomorphism(P0, P0);
  return pointEqual<OverFp>(P0, P2);
}

/** Whether an affine point of the twist lies in G2. */
export function g2IsInGroup(a: usize): bool {
  pointFromAffine<OverFp2>(P0, a);
  pointMulParameter<OverFp2>(P1, P0);
  pointNeg<OverFp2>(P1, P1);
  g2Psi(P0, P0);
  return pointEqual<OverFp2>(P0, P1);
}

/** r = [1 - X] a: from the curve into G1, as RFC 9380 section 8.8.1 has it. a: homogeneous. r may be a. */
export function g1ClearCofactor(r: usize, a: usize): void {
  pointMulParameter<OverFp>(P1, a);
  pointAdd<OverFp>(r, a, P1);
}

/**
 * r = [X^2 - X - 1] a + [X - 1] psi(a) + psi^2(2a): from the twist into G2; equal to the h_eff of RFC 9380 section 8.8.2
 * (Budroni and Pintore, eprint 2017/419). a: homogeneous. r may be a.
 */
export function g2ClearCofactor(r: usize, a: usize): void {
  // P1 = [X] a, P2 = psi(a); [X](P1 + P2) - P1 - P2 - a + psi^2(2a)
  pointMulParameter<OverFp2>(P1, a);
  pointNeg<OverFp2>(P1, P1);
  g2Psi(P2, a);
  pointDouble<OverFp2>(P3, a);
  g2Psi(P3, P3);
  g2Psi(P3, P3);
  pointAdd<OverFp2>(P1, P1, P2);
  pointMulParameter<OverFp2>(P2, P1);
  pointAdd<OverFp2>(P2, P2, P1);
  pointNeg<OverFp2>(P2, P2);
  pointAdd<OverFp2>(P2, P2, P3);
  pointNeg<OverFp2>(P0, a);
  pointAdd<OverFp2>(r, P2, P0);
}
