/**
 * The optimal ate pairing e: G1 x G2 -> Fp12 of BLS12-381, and products of pairings with one final exponentiation.
 *
 * Miller's loop runs over the bits of |X|; T = (X : Y : Z) walks on the twist in homogeneous coordinates, and the line
 * through its steps is evaluated at P = (x, y). Untwisting is (x/w^2, y/w^3) with w^6 = 1 + u; scaled by w^3 and by
 * factors of Fp2, which the final exponentiation removes, a line is l0 + l1 w^2 + l4 w^3:
 *   tangent  l0 = Y^2 - 3b Z^2,  l1 = -3 X^2 x,  l4 = 2 Y Z y
 *   chord through Q, t = Y - yQ Z, d = X - xQ Z:  l0 = t xQ - d yQ,  l1 = -t x,  l4 = d y
 * X is negative, so the value is conjugated at the end.
 *
 * Final exponent: (p^6 - 1)(p^2 + 1) and then 3 (p^4 - p^2 + 1)/r = (X - 1)^2 (X + p)(X^2 + p^2 - 1) + 3. The factor 3
 * is customary (blst, bellperson and RFC drafts' libraries carry it too): values compare equal across them.
 * Sources: Costello, Lange and Naehrig 2010 (doubling); Hayashida, Hayasaka and Teruya, eprint 2020/875 (exponent).
 */
import { FP_ONE } from "../field/fp.gen";
import { fp2Mul, fp2Sqr } from "../field/fp2.gen";
import {
  fp2Add, fp2AddLoose, fp2Copy, fp2Double, fp2MinusTriple, fp2MulFp, fp2MulTripleB, fp2Neg, fp2Quadruple, fp2Sub,
  fp2SubTwelvefold, fp2SubTwo, fp2Triple,
} from "../field/fp2";
import {
  fp12Conjugate, fp12CyclotomicPow, fp12Frobenius, fp12Inverse, fp12IsOne, fp12Mul, fp12MulLine, fp12One,
  fp12CyclotomicSqr, fp12Sqr,
} from "../field/fp12";

/** Bytes of a pair: P affine (112), Q affine (224), and room for the walking point (336). */
export const PAIR_SIZE: usize = 672;
const Q: usize = 112;
const WALK: usize = 336;

const PARAMETER: u64 = 0xd201000000010000;

const A: usize = memory.data(112, 8);
const B: usize = memory.data(112, 8);
const C: usize = memory.data(112, 8);
const D: usize = memory.data(112, 8);
const E: usize = memory.data(112, 8);
const G: usize = memory.data(112, 8);
const H: usize = memory.data(112, 8);
const L0: usize = memory.data(112, 8);
const L1: usize = memory.data(112, 8);
const L4: usize = memory.data(112, 8);
const F0: usize = memory.data(672, 8);
const F1: usize = memory.data(672, 8);
const F2: usize = memory.data(672, 8);
const F3: usize = memory.data(672, 8);

/** T = 2T, and the tangent's line in L0, L1, L4 but for the factors of P. */
function doubleStep(t: usize): void {
  const x = t, y = t + 112, z = t + 224;
  fp2Mul(A, x, y);
  fp2Double(A, A);
  fp2Sqr(B, y);
  fp2Sqr(C, z);
  fp2MulTripleB(E, C);
  fp2AddLoose(H, y, z);
  fp2Sqr(H, H);
  fp2SubTwo(H, H, B, C);
  fp2Sqr(D, x);
  fp2MinusTriple(L1, D);
  fp2Sub(L0, B, E);
  fp2Copy(L4, H);
  // X = 2 x y (B - 3E), Y = (B + 3E)^2 - 12 E^2, Z = 4 B H
  fp2Triple(G, E);
  fp2Sub(D, B, G);
  fp2Mul(x, A, D);
  fp2Add(D, B, G);
  fp2Sqr(D, D);
  fp2Sqr(E, E);
  fp2SubTwelvefold(y, D, E);
  fp2Mul(z, B, H);
  fp2Quadruple(z, z);
}

/** T = T + Q, and the chord's line but for the factors of P. */
function addStep(t: usize, q: usize): void {
  const x = t, y = t + 112, z = t + 224, xq = q, yq = q + 112;
  fp2Mul(A, yq, z);
  fp2Sub(A, y, A);
  fp2Mul(B, xq, z);
  fp2Sub(B, x, B);
  fp2Mul(L0, A, xq);
  fp2Mul(C, B, yq);
  fp2Sub(L0, L0, C);
  fp2Neg(L1, A);
  fp2Copy(L4, B);
  // C = t^2, D = d^2, E = d^3, G = x d^2, H = E + z C - 2G
  fp2Sqr(C, A);
  fp2Sqr(D, B);
  fp2Mul(E, D, B);
  fp2Mul(G, x, D);
  fp2Mul(H, z, C);
  fp2Add(H, H, E);
  fp2SubTwo(H, H, G, G);
  fp2Mul(x, B, H);
  fp2Sub(G, G, H);
  fp2Mul(G, G, A);
  fp2Mul(D, E, y);
  fp2Sub(y, G, D);
  fp2Mul(z, z, E);
}

/** f = f times the line at P. */
function multiplyLine(f: usize, p: usize): void {
  fp2MulFp(L1, L1, p);
  fp2MulFp(L4, L4, p + 56);
  fp12MulLine(f, f, L0, L1, L4);
}

/**
 * r = the product of Miller's values of `count` pairs (layout: PAIR_SIZE each; no neutral points), not yet raised to the
 * final exponent. The squarings are shared by all pairs.
 */
export function millerLoop(r: usize, pairs: usize, count: i32): void {
  const end = pairs + <usize>count * PAIR_SIZE;
  for (let pair = pairs; pair < end; pair += PAIR_SIZE) {
    memory.copy(pair + WALK, pair + Q, 224);
    memory.fill(pair + WALK + 224, 0, 112);
    memory.copy(pair + WALK + 224, FP_ONE, 56);
  }
  fp12One(r);
  for (let i = 62; i >= 0; i--) {
    if (i != 62) fp12Sqr(r, r);
    for (let pair = pairs; pair < end; pair += PAIR_SIZE) {
      doubleStep(pair + WALK);
      multiplyLine(r, pair);
    }
    if (((PARAMETER >> i) & 1) == 0) continue;
    for (let pair = pairs; pair < end; pair += PAIR_SIZE) {
      addStep(pair + WALK, pair + Q);
      multiplyLine(r, pair);
    }
  }
  fp12Conjugate(r, r);
}

/** r = a^X in the cyclotomic subgroup. r must not be a. */
function powParameter(r: usize, a: usize): void {
  fp12CyclotomicPow(r, a, PARAMETER);
  fp12Conjugate(r, r);
}

/** r = a to the final exponent. a must not be 0. r may be a. */
export function finalExponentiation(r: usize, a: usize): void {
  // Easy part: f = a^((p^6 - 1)(p^2 + 1)).
  fp12Inverse(F0, a);
  fp12Conjugate(F1, a);
  fp12Mul(F0, F0, F1);
  fp12Frobenius(F1, F0);
  fp12Frobenius(F1, F1);
  fp12Mul(F0, F0, F1);
  // F1 = f^((X - 1)^2)
  powParameter(F1, F0);
  fp12Conjugate(F2, F0);
  fp12Mul(F1, F1, F2);
  powParameter(F2, F1);
  fp12Conjugate(F1, F1);
  fp12Mul(F1, F1, F2);
  // F2 = F1^(X + p)
  powParameter(F2, F1);
  fp12Frobenius(F1, F1);
  fp12Mul(F2, F2, F1);
  // F1 = F2^(X^2 + p^2 - 1)
  powParameter(F3, F2);
  powParameter(F1, F3);
  fp12Frobenius(F3, F2);
  fp12Frobenius(F3, F3);
  fp12Mul(F1, F1, F3);
  fp12Conjugate(F3, F2);
  fp12Mul(F1, F1, F3);
  // times f^3
  fp12CyclotomicSqr(F2, F0);
  fp12Mul(F2, F2, F0);
  fp12Mul(r, F1, F2);
}

/** r = e(P, Q): the pair's P and Q; its walking room is used. */
export function pairing(r: usize, pair: usize): void {
  millerLoop(r, pair, 1);
  finalExponentiation(r, r);
}

/** Whether the product of the pairings is 1. */
export function pairingProductIsOne(pairs: usize, count: i32): bool {
  millerLoop(F3, pairs, count);
  finalExponentiation(F3, F3);
  return fp12IsOne(F3);
}
