/**
 * Hashing to G1 and G2: the suites BLS12381G1_XMD:SHA-256_SSWU_RO_ and BLS12381G2_XMD:SHA-256_SSWU_RO_ of RFC 9380.
 *
 * expand_message_xmd stretches message and domain tag to uniform bytes; 64 of them make a field element (a big-endian
 * number mod p); two elements are mapped to points of an isogenous curve y^2 = x^3 + A'x + B' by the simplified SWU map,
 * carried over by the isogeny, added, and cleared of the cofactor.
 *
 * SSWU with fractions: t = Z u^2, x = n/d with n = B'(t^2 + t + 1), d = -A'(t^2 + t), or d = Z A' where that is 0.
 * If g(x) = U/V is a square, y is its root; else x becomes t x and g(x) gets the factor t^3, and a root of it follows from
 * the failed one. y takes u's sign. All messages are taken to be public.
 */
import { sha256Final, sha256Init, sha256Update } from "../hash/sha256";
import { fp2Sign, fpInverseRoot, fpSign } from "../field/fp";
import {
  FP_ONE, fpAdd, fpEqual, fpFromBytesBE, fpIsZero, fpMul, fpNeg, fpSqr,
} from "../field/fp.gen";
import { fp2Mul, fp2Sqr } from "../field/fp2.gen";
import { fp2Add, fp2Inverse, fp2IsZero, fp2Neg, fp2Norm, fp2NormRoot, fp2RootFromNorm } from "../field/fp2";
import {
  FP2_ONE, ISOGENY_G1_X_DENOMINATOR, ISOGENY_G1_X_NUMERATOR, ISOGENY_G1_Y_DENOMINATOR, ISOGENY_G1_Y_NUMERATOR,
  ISOGENY_G2_X_DENOMINATOR, ISOGENY_G2_X_NUMERATOR, ISOGENY_G2_Y_DENOMINATOR, ISOGENY_G2_Y_NUMERATOR, SSWU_G1, SSWU_G2,
  SSWU_G2_NORM, TWO_256,
} from "./constants.gen";
import { add, copy, mul, one, OverFp, OverFp2, sizeOf } from "./coordinate";
import { pointAdd } from "./point";
import { g1ClearCofactor, g2ClearCofactor } from "./subgroup";

/** Longest domain tag that is taken as it is (RFC 9380 section 5.3.3); longer ones are refused here. */
export const MAX_TAG_BYTES: usize = 255;

const CONTEXT: usize = memory.data(104, 8);
const SMALL: usize = memory.data(4);
const B0: usize = memory.data(32);
const BI: usize = memory.data(32);
const UNIFORM: usize = memory.data(256);
const WIDE: usize = memory.data(96);
const ZEROS: usize = memory.data(64);
const U: usize = memory.data(224, 8);
const P0: usize = memory.data(336, 8);
const P1: usize = memory.data(336, 8);
const A: usize = memory.data(112, 8);
const B: usize = memory.data(112, 8);
const C: usize = memory.data(112, 8);
const D: usize = memory.data(112, 8);
const N: usize = memory.data(112, 8);
const E: usize = memory.data(112, 8);
const V: usize = memory.data(112, 8);
const Y: usize = memory.data(112, 8);

/** expand_message_xmd with SHA-256: `length` (a multiple of 32, at most 256) uniform bytes at out. */
export function expandMessage(
  out: usize, length: usize, message: usize, messageLength: usize, tag: usize, tagLength: usize,
): void {
  // b0 = H(Z_pad || message || length as u16 || 0 || tag || tag length)
  store<u8>(SMALL, <u32>length >> 8);
  store<u8>(SMALL + 1, <u32>length);
  store<u8>(SMALL + 2, 0);
  store<u8>(SMALL + 3, <u32>tagLength);
  sha256Init(CONTEXT);
  sha256Update(CONTEXT, ZEROS, 64);
  sha256Update(CONTEXT, message, messageLength);
  sha256Update(CONTEXT, SMALL, 3);
  sha256Update(CONTEXT, tag, tagLength);
  sha256Update(CONTEXT, SMALL + 3, 1);
  sha256Final(CONTEXT, B0);
  memory.fill(BI, 0, 32);
  for (let i: usize = 0; i < length >> 5; i++) {
    // b(i+1) = H((b0 xor b(i)) || i + 1 || tag || tag length)
    for (let j: usize = 0; j < 32; j += 8) store<u64>(BI + j, load<u64>(BI + j) ^ load<u64>(B0 + j));
    store<u8>(SMALL, <u32>i + 1);
    sha256Init(CONTEXT);
    sha256Update(CONTEXT, BI, 32);
    sha256Update(CONTEXT, SMALL, 1);
    sha256Update(CONTEXT, tag, tagLength);
    sha256Update(CONTEXT, SMALL + 3, 1);
    sha256Final(CONTEXT, BI);
    memory.copy(out + (i << 5), BI, 32);
  }
}

/** r = the 64-byte big-endian number mod p: high 32 bytes times 2^256, plus the low 32. */
function reduceWide(r: usize, bytes: usize): void {
  memory.fill(WIDE, 0, 96);
  memory.copy(WIDE + 16, bytes, 32);
  memory.copy(WIDE + 64, bytes + 32, 32);
  fpFromBytesBE(r, WIDE);
  fpMul(r, r, TWO_256);
  fpFromBytesBE(A, WIDE + 48);
  fpAdd(r, r, A);
}

/** r = a polynomial at n/d, times d^degree: coefficients ascending, the highest power's last. PD: powers of d. */
function horner<F>(r: usize, coefficients: usize, degree: i32, n: usize, powers: usize): void {
  const size = sizeOf<F>();
  copy<F>(r, coefficients + <usize>degree * size);
  for (let i = degree - 1; i >= 0; i--) {
    mul<F>(r, r, n);
    mul<F>(HORNER, coefficients + <usize>i * size, powers + <usize>(degree - i) * size);
    add<F>(r, r, HORNER);
  }
}
const HORNER: usize = memory.data(112, 8);
const POWERS: usize = memory.data(16 * 112, 8);
const XN: usize = memory.data(112, 8);
const XD: usize = memory.data(112, 8);
const YN: usize = memory.data(112, 8);
const YD: usize = memory.data(112, 8);

/**
 * r (homogeneous) = the isogeny's image of (n/d, y). With homogenised polynomials xn, xd, yn, yd of the degrees named,
 * x = xn / (xd d^(kn - kd)) and y likewise.
 */
function isogeny<F>(
  r: usize, n: usize, d: usize, y: usize, xNumerator: usize, xn: i32, xDenominator: usize, xd: i32, yNumerator: usize,
  yDenominator: usize, yy: i32,
): void {
  const size = sizeOf<F>();
  copy<F>(POWERS, one<F>());
  for (let i: usize = 1; i <= 15; i++) mul<F>(POWERS + i * size, POWERS + (i - 1) * size, d);
  horner<F>(XN, xNumerator, xn, n, POWERS);
  horner<F>(XD, xDenominator, xd, n, POWERS);
  horner<F>(YN, yNumerator, yy, n, POWERS);
  horner<F>(YD, yDenominator, yy, n, POWERS);
  // Both x denominators are one degree lower than their numerators.
  mul<F>(XD, XD, d);
  mul<F>(YN, YN, y);
  // (xn yd : yn xd : xd yd)
  mul<F>(r, XN, YD);
  mul<F>(r + size, YN, XD);
  mul<F>(r + 2 * size, XD, YD);
}

/** r (homogeneous, on the curve) = the map of u in Fp. */
function mapToCurve1(r: usize, u: usize): void {
  const a = SSWU_G1, b = SSWU_G1 + 56, z = SSWU_G1 + 112, mend = SSWU_G1 + 168;
  fpSqr(A, u);
  fpMul(A, A, z);
  fpSqr(B, A);
  fpAdd(B, B, A);
  // D = -A' (t^2 + t), or Z A'; N = B' (t^2 + t + 1)
  if (fpIsZero(B)) {
    fpMul(D, a, z);
  } else {
    fpMul(D, B, a);
    fpNeg(D, D);
  }
  fpAdd(N, B, FP_ONE);
  fpMul(N, N, b);
  // E = N^3 + A' N D^2 + B' D^3, V = D^3
  fpSqr(C, D);
  fpMul(V, C, D);
  fpSqr(E, N);
  fpMul(C, C, a);
  fpAdd(E, E, C);
  fpMul(E, E, N);
  fpMul(C, V, b);
  fpAdd(E, E, C);
  // Y = E V (E V^3)^((p-3)/4): a root of E/V, or of -E/V
  fpSqr(C, V);
  fpMul(B, E, V);
  fpMul(C, C, B);
  fpInverseRoot(Y, C);
  fpMul(Y, Y, B);
  fpSqr(C, Y);
  fpMul(C, C, V);
  if (!fpEqual(C, E)) {
    // g(t x) = t^3 E/V; t^3 = Z^3 u^6, so its root is sqrt(-Z^3) u^3 times the root of -E/V.
    fpSqr(C, u);
    fpMul(C, C, u);
    fpMul(C, C, mend);
    fpMul(Y, Y, C);
    fpMul(N, N, A);
  }
  if (fpSign(Y) != fpSign(u)) fpNeg(Y, Y);
  isogeny<OverFp>(
    r, N, D, Y, ISOGENY_G1_X_NUMERATOR, 11, ISOGENY_G1_X_DENOMINATOR, 10, ISOGENY_G1_Y_NUMERATOR,
    ISOGENY_G1_Y_DENOMINATOR, 15,
  );
}

/** r (homogeneous, on the twist) = the map of u in Fp2. */
function mapToCurve2(r: usize, u: usize): void {
  const a = SSWU_G2, b = SSWU_G2 + 112, z = SSWU_G2 + 224;
  fp2Sqr(A, u);
  fp2Mul(A, A, z);
  fp2Sqr(B, A);
  fp2Add(B, B, A);
  if (fp2IsZero(B)) {
    fp2Mul(D, a, z);
  } else {
    fp2Mul(D, B, a);
    fp2Neg(D, D);
  }
  fp2Add(N, B, FP2_ONE);
  fp2Mul(N, N, b);
  fp2Sqr(C, D);
  fp2Mul(V, C, D);
  fp2Sqr(E, N);
  fp2Mul(C, C, a);
  fp2Add(E, E, C);
  fp2Mul(E, E, N);
  fp2Mul(C, V, b);
  fp2Add(E, E, C);
  // E = g(x) = E/V as one element
  fp2Inverse(V, V);
  fp2Mul(E, E, V);
  // S = a root of norm(g), or of -norm(g) when g(x) is no square
  if (!fp2NormRoot(C, E)) {
    // g(t x) = t^3 g(x), whose norm is norm(Z)^3 norm(u)^6 norm(g): its root is sqrt(-norm(Z)^3) norm(u)^3 S.
    fp2Norm(B, u);
    fpSqr(B + 56, B);
    fpMul(B, B, B + 56);
    fpMul(C, C, B);
    fpMul(C, C, SSWU_G2_NORM);
    fp2Sqr(B, A);
    fp2Mul(B, B, A);
    fp2Mul(E, E, B);
    fp2Mul(N, N, A);
  }
  fp2RootFromNorm(Y, E, C);
  if (fp2Sign(Y) != fp2Sign(u)) fp2Neg(Y, Y);
  isogeny<OverFp2>(
    r, N, D, Y, ISOGENY_G2_X_NUMERATOR, 3, ISOGENY_G2_X_DENOMINATOR, 2, ISOGENY_G2_Y_NUMERATOR,
    ISOGENY_G2_Y_DENOMINATOR, 3,
  );
}

/** r (homogeneous, in G1) = the hash of a message under a domain tag of at most 255 bytes. */
export function hashToG1(r: usize, message: usize, messageLength: usize, tag: usize, tagLength: usize): void {
  expandMessage(UNIFORM, 128, message, messageLength, tag, tagLength);
  reduceWide(U, UNIFORM);
  reduceWide(U + 56, UNIFORM + 64);
  mapToCurve1(P0, U);
  mapToCurve1(P1, U + 56);
  pointAdd<OverFp>(P0, P0, P1);
  g1ClearCofactor(r, P0);
}

/** r (homogeneous, in G2) = the hash of a message under a domain tag of at most 255 bytes. */
export function hashToG2(r: usize, message: usize, messageLength: usize, tag: usize, tagLength: usize): void {
  expandMessage(UNIFORM, 256, message, messageLength, tag, tagLength);
  for (let i: usize = 0; i < 4; i++) reduceWide(U + i * 56, UNIFORM + i * 64);
  mapToCurve2(P0, U);
  mapToCurve2(P1, U + 112);
  pointAdd<OverFp2>(P0, P0, P1);
  g2ClearCofactor(r, P0);
}
