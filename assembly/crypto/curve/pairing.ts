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
  fp12Conjugate, fp12Frobenius, fp12Inverse, fp12IsOne, fp12Mul, fp12MulLine, fp12One,
  fp12CyclotomicSqr, fp12Sqr,
} from "../field/fp12";
import { powParameter } from "./cyclotomic";

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

/** f = f times the line (l0, l1, l4), still without the factors of P, at P. */
function multiplyLine(f: usize, p: usize, l0: usize, l1: usize, l4: usize): void {
  fp2MulFp(L1, l1, p);
  fp2MulFp(L4, l4, p + 56);
  fp12MulLine(f, f, l0, L1, L4);
}

/** Bytes of the lines of a fixed point of G2: 63 tangents and 5 chords of three coefficients. */
export const LINES_SIZE: usize = 68 * 336;

/** Writes the lines that Miller's loop draws through the affine point q, for pairings with many points of G1. */
export function prepareLines(lines: usize, q: usize): void {
  startWalk(FIXED_WALK, q);
  let to = lines;
  for (let i = 62; i >= 0; i--) {
    doubleStep(FIXED_WALK);
    to = keepLine(to);
    if (((PARAMETER >> i) & 1) == 0) continue;
    addStep(FIXED_WALK, q);
    to = keepLine(to);
  }
}
const FIXED_WALK: usize = memory.data(336, 8);

function keepLine(to: usize): usize {
  fp2Copy(to, L0);
  fp2Copy(to + 112, L1);
  fp2Copy(to + 224, L4);
  return to + 336;
}

/** walk = the affine point q, homogeneous. */
function startWalk(walk: usize, q: usize): void {
  memory.copy(walk, q, 224);
  memory.fill(walk + 224, 0, 112);
  memory.copy(walk + 224, FP_ONE, 56);
}

/**
 * r = the product of Miller's values of `count` pairs (layout: PAIR_SIZE each; no neutral points), not yet raised to the
 * final exponent. The squarings are shared by all pairs.
 */
export function millerLoop(r: usize, pairs: usize, count: i32): void {
  millerLoopFixed(r, pairs, count, 0, 0);
}

/**
 * millerLoop with `fixedCount` more pairs whose point of G2 is known beforehand: fixed holds for each the address of the
 * affine P and that of the point's prepared lines, u32 each.
 */
export function millerLoopFixed(r: usize, pairs: usize, count: i32, fixed: usize, fixedCount: i32): void {
  const end = pairs + <usize>count * PAIR_SIZE;
  const fixedEnd = fixed + 8 * <usize>fixedCount;
  for (let pair = pairs; pair < end; pair += PAIR_SIZE) startWalk(pair + WALK, pair + Q);
  fp12One(r);
  let line: usize = 0;
  for (let i = 62; i >= 0; i--) {
    if (i != 62) fp12Sqr(r, r);
    for (let pair = pairs; pair < end; pair += PAIR_SIZE) {
      doubleStep(pair + WALK);
      multiplyLine(r, pair, L0, L1, L4);
    }
    line = multiplyFixed(r, fixed, fixedEnd, line);
    if (((PARAMETER >> i) & 1) == 0) continue;
    for (let pair = pairs; pair < end; pair += PAIR_SIZE) {
      addStep(pair + WALK, pair + Q);
      multiplyLine(r, pair, L0, L1, L4);
    }
    line = multiplyFixed(r, fixed, fixedEnd, line);
  }
  fp12Conjugate(r, r);
}

/** Multiplies the fixed pairs' lines at the offset `line` into r; returns the next offset. */
function multiplyFixed(r: usize, fixed: usize, end: usize, line: usize): usize {
  for (let at = fixed; at < end; at += 8) {
    const lines = <usize>load<u32>(at, 4) + line;
    multiplyLine(r, <usize>load<u32>(at), lines, lines + 112, lines + 224);
  }
  return line + 336;
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
