/**
 * The quotient polynomial of a Groth16 proof: h = (a b - c) / z, where a, b, c interpolate the rows' values over the domain of
 * m = 2^k roots of unity and z = x^m - 1 vanishes on it.
 *
 * a, b and c are carried to the coset 7 D, on which z is the constant 7^m - 1, multiplied there, and brought back: seven transforms.
 * The passes (see `fft.ts`), each of which can be done window by window:
 *   columns in    a, b, c: the passes down of the inverse transform but the last        quotientColumns
 *   rows          a, b, c: its last pass, times 7^i / m, and the first pass up           quotientRows
 *   columns out   a, b, c: the other passes up; h = a b - c; h's passes down              quotientJoin
 *   rows out      h: its last pass, times 7^-i / (m (7^m - 1)), as plain numbers            quotientEnd
 * h comes out in reversed order. Its last coefficient, of x^(m-1), is zero.
 * Source: bellperson groth16/prover/native.rs, domain.rs.
 */
import {
  FR_ONE, frAdd, frCopy, frFromBytesLE, frInverse, frIsZero, frMul, frPack, frSqr, frSub, frToBytesLE, frUnpack,
} from "../../crypto/field/fr.gen";
import { fftRows } from "./fft";
import { COSET, COSET_INVERSE, prepareRoots } from "./roots";

const X: usize = memory.data(40, 8);
const Y: usize = memory.data(40, 8);
const Z: usize = memory.data(40, 8);
const FACTOR: usize = memory.data(40, 8);

/** r = 2^k in Montgomery form. */
function powerOfTwo(r: usize, k: i32): void {
  frCopy(r, FR_ONE);
  for (let i = 0; i < k; i++) frAdd(r, r, r);
}

/** `blocks` blocks of 2^stages elements from `firstBlock` on, of 2^extra, in three vectors `apart` bytes from each other. */
export function quotientRows(data: usize, apart: usize, blocks: i32, stages: i32, extra: i32, firstBlock: u32): void {
  prepareRoots();
  powerOfTwo(FACTOR, stages + extra);
  frInverse(FACTOR, FACTOR);
  fftRows(data, 3, apart, blocks, stages, extra, firstBlock, COSET, FACTOR, 1);
}

/** The same for h, at the end: coefficients as plain numbers. */
export function quotientEnd(data: usize, blocks: i32, stages: i32, extra: i32, firstBlock: u32): void {
  prepareRoots();
  const k = stages + extra;
  frCopy(Z, COSET);
  for (let i = 0; i < k; i++) frSqr(Z, Z);
  frSub(Z, Z, FR_ONE);
  powerOfTwo(FACTOR, k);
  frMul(FACTOR, FACTOR, Z);
  frInverse(FACTOR, FACTOR);
  fftRows(data, 1, 0, blocks, stages, extra, firstBlock, COSET_INVERSE, FACTOR, 2);
}

/** h[i] = a[i] b[i] - c[i], packed; h may be one of them. */
export function quotientJoin(a: usize, b: usize, c: usize, h: usize, count: i32): void {
  for (let i: usize = 0; i < 32 * <usize>count; i += 32) {
    frUnpack(X, a + i);
    frUnpack(Y, b + i);
    frMul(X, X, Y);
    frUnpack(Y, c + i);
    frSub(X, X, Y);
    frPack(h + i, X);
  }
}

/** The first i with a[i] b[i] != c[i], -1 if there is none. */
export function firstUnsatisfied(a: usize, b: usize, c: usize, count: i32): i32 {
  for (let i = 0; i < count; i++) {
    const at = <usize>i << 5;
    frUnpack(X, a + at);
    frUnpack(Y, b + at);
    frMul(X, X, Y);
    frUnpack(Y, c + at);
    frSub(X, X, Y);
    if (!frIsZero(X)) return i;
  }
  return -1;
}

/** Packed elements as numbers: 32 bytes, little-endian, canonical. out may be input. */
export function unpackElements(input: usize, out: usize, count: i32): void {
  for (let i: usize = 0; i < 32 * <usize>count; i += 32) {
    frUnpack(X, input + i);
    frToBytesLE(out + i, X);
  }
}

/** Numbers as packed elements; returns how many were read before one that is not below the modulus. out may be input. */
export function packElements(input: usize, out: usize, count: i32): i32 {
  for (let i = 0; i < count; i++) {
    if (!frFromBytesLE(X, input + 32 * <usize>i)) return i;
    frPack(out + 32 * <usize>i, X);
  }
  return count;
}
