/**
 * Rows of a constraint system as lists of terms: their values under an assignment, and their part in a key.
 *
 * Terms come as `proofs/circuit/contract.ts` says (USE_TERMS): u32 words; for each row, for each of A, B, C, the count of
 * terms, then for each its key (input i: i; auxiliary j: 2^31 + j), a code, and, if the code is 0, the coefficient packed in 8
 * words. Code c > 0 stands for 2^(c-1), c < 0 for -2^(-c-1).
 */
import {
  FR_ONE, FR_SIZE, frAdd, frCopy, frFromBytesLE, frInverse, frIsZero, frMul, frNeg, frPack, frSqr, frSub, frToBytesLE, frUnpack,
} from "../../crypto/field/fr.gen";
import { prepareRoots, rootOf } from "./roots";
import { rootPower } from "./fft";

const AUX: u32 = 0x80000000;
/** Highest power of two that a code stands for, and the words of a coefficient. */
const MOST_POWER: i32 = 255;
const COEFFICIENT_WORDS: usize = 8;

/** The words end inside of a row. */
export const TERMS_CUT: i32 = -1;
/** A key beyond the counts, or a code that stands for nothing. */
export const TERMS_BAD: i32 = -2;

const POWERS: usize = memory.data(256 * 40, 8);
const X: usize = memory.data(40, 8);
const SUM: usize = memory.data(40, 8);
const ACC: usize = memory.data(40, 8);
const W: usize = memory.data(40, 8);

let powersReady: bool = false;

function preparePowers(): void {
  if (powersReady) return;
  powersReady = true;
  frCopy(POWERS, FR_ONE);
  for (let i: usize = 1; i < 256; i++) frAdd(POWERS + i * FR_SIZE, POWERS + (i - 1) * FR_SIZE, POWERS + (i - 1) * FR_SIZE);
}

/* The term at hand: set by `readTerm`. */
let termKey: u32 = 0;
let termCode: i32 = 0;
let cursor: usize = 0;

/** Reads the term at `cursor`; its coefficient is at X if the code is 0. */
function readTerm(end: usize): bool {
  if (cursor + 8 > end) return false;
  termKey = load<u32>(cursor);
  termCode = load<i32>(cursor, 4);
  cursor += 8;
  if (termCode != 0) return true;
  if (cursor + 4 * COEFFICIENT_WORDS > end) return false;
  frUnpack(X, cursor);
  cursor += 4 * COEFFICIENT_WORDS;
  return true;
}

/** r = value times the coefficient of the term at hand. r must not be X. */
// @ts-ignore: decorator
@inline
function scaled(r: usize, value: usize): void {
  if (termCode == 1) frCopy(r, value);
  else if (termCode == -1) frNeg(r, value);
  else if (termCode == 0) frMul(r, value, X);
  else {
    frMul(r, value, POWERS + <usize>(abs(termCode) - 1) * FR_SIZE);
    if (termCode < 0) frNeg(r, r);
  }
}

/**
 * Values of `rows` rows: a[i], b[i], c[i] packed. inputs, aux: the assignment, packed, `inputCount` and `auxCount` of them.
 * terms: `bytes` bytes of words. Returns the bytes that were read, or TERMS_CUT, TERMS_BAD.
 */
export function rowValues(
  terms: usize, bytes: usize, rows: i32, inputs: usize, inputCount: u32, aux: usize, auxCount: u32, a: usize, b: usize, c: usize,
): i32 {
  preparePowers();
  cursor = terms;
  const end = terms + bytes;
  for (let i = 0; i < rows; i++) {
    for (let part = 0; part < 3; part++) {
      if (cursor + 4 > end) return TERMS_CUT;
      const count = load<u32>(cursor);
      cursor += 4;
      memory.fill(SUM, 0, FR_SIZE);
      for (let t: u32 = 0; t < count; t++) {
        if (!readTerm(end)) return TERMS_CUT;
        const index = termKey & ~AUX;
        const isAux = (termKey & AUX) != 0;
        if (index >= (isAux ? auxCount : inputCount) || abs(termCode) > MOST_POWER) return TERMS_BAD;
        frUnpack(ACC, (isAux ? aux : inputs) + 32 * <usize>index);
        scaled(W, ACC);
        frAdd(SUM, SUM, W);
      }
      frPack((part == 0 ? a : part == 1 ? b : c) + 32 * <usize>i, SUM);
    }
  }
  return <i32>(cursor - terms);
}

/**
 * Sets bit j of byte j >> 3 in the bitmaps where auxiliary j occurs with a coefficient that is not 0 in some A row, some B row; and
 * the bits of inputs in `inputs`, for B. Returns bytes read, or TERMS_CUT, TERMS_BAD.
 */
export function rowDensities(
  terms: usize, bytes: usize, rows: i32, inputCount: u32, auxCount: u32, inputs: usize, a: usize, b: usize,
): i32 {
  cursor = terms;
  const end = terms + bytes;
  for (let i = 0; i < rows; i++) {
    for (let part = 0; part < 3; part++) {
      if (cursor + 4 > end) return TERMS_CUT;
      const count = load<u32>(cursor);
      cursor += 4;
      for (let t: u32 = 0; t < count; t++) {
        if (!readTerm(end)) return TERMS_CUT;
        const index = termKey & ~AUX;
        const isAux = (termKey & AUX) != 0;
        if (index >= (isAux ? auxCount : inputCount) || abs(termCode) > MOST_POWER) return TERMS_BAD;
        if (part == 2 || (part == 0 && !isAux) || (termCode == 0 && frIsZero(X))) continue;
        const at = (isAux ? (part == 0 ? a : b) : inputs) + <usize>(index >> 3);
        store<u8>(at, <u32>load<u8>(at) | (1 << (index & 7)));
      }
    }
  }
  return <i32>(cursor - terms);
}

/**
 * Values at tau of the domain's Lagrange polynomials `first` to `first + count`: L_i = w^i (tau^m - 1) / (m (tau - w^i)), m = 2^k,
 * 40 bytes each at `out`. tau: an element in Montgomery form outside of the domain. scratch: count elements of 40 bytes.
 */
export function lagrangeValues(tau: usize, k: i32, first: u32, count: i32, out: usize, scratch: usize): void {
  prepareRoots();
  const root = rootOf(k, false);
  // W = w^i, SUM = (tau^m - 1) / m
  rootPower(W, k, first, false);
  frCopy(SUM, tau);
  for (let i = 0; i < k; i++) frSqr(SUM, SUM);
  frSub(SUM, SUM, FR_ONE);
  frCopy(X, FR_ONE);
  for (let i = 0; i < k; i++) frAdd(X, X, X);
  frInverse(X, X);
  frMul(SUM, SUM, X);
  frCopy(ACC, FR_ONE);
  for (let i: usize = 0; i < <usize>count; i++) {
    frCopy(scratch + i * FR_SIZE, ACC);
    frSub(X, tau, W);
    frMul(ACC, ACC, X);
    frMul(W, W, root);
  }
  frInverse(ACC, ACC);
  const back = rootOf(k, true);
  for (let i = <usize>count; i > 0; i--) {
    const to = out + (i - 1) * FR_SIZE;
    frMul(W, W, back);
    frMul(to, ACC, scratch + (i - 1) * FR_SIZE);
    frMul(to, to, W);
    frMul(to, to, SUM);
    frSub(X, tau, W);
    frMul(ACC, ACC, X);
  }
}

/**
 * Adds to at[j], bt[j], ct[j] what `rows` rows give to variable first + j, j < count: coefficient times the row's Lagrange value.
 * Variables are counted with inputs first; at, bt and ct: 40 bytes for each of the `count`. lagrange: of these rows. Returns bytes
 * read, or TERMS_CUT, TERMS_BAD.
 */
export function addRows(
  terms: usize, bytes: usize, rows: i32, inputCount: u32, auxCount: u32, lagrange: usize, first: u32, count: u32, at: usize,
  bt: usize, ct: usize,
): i32 {
  preparePowers();
  cursor = terms;
  const end = terms + bytes;
  for (let i: usize = 0; i < <usize>rows; i++) {
    const value = lagrange + i * FR_SIZE;
    for (let part = 0; part < 3; part++) {
      if (cursor + 4 > end) return TERMS_CUT;
      const termCount = load<u32>(cursor);
      cursor += 4;
      const sums = part == 0 ? at : part == 1 ? bt : ct;
      for (let t: u32 = 0; t < termCount; t++) {
        if (!readTerm(end)) return TERMS_CUT;
        const index = termKey & ~AUX;
        const isAux = (termKey & AUX) != 0;
        if (index >= (isAux ? auxCount : inputCount) || abs(termCode) > MOST_POWER) return TERMS_BAD;
        const place = (isAux ? index + inputCount : index) - first;
        if (place >= count) continue;
        const sum = sums + <usize>place * FR_SIZE;
        scaled(W, value);
        frAdd(sum, sum, W);
      }
    }
  }
  return <i32>(cursor - terms);
}

/** Writes `count` elements of 40 bytes as numbers, zeros left out if `dense`; returns how many were written. */
export function writeNumbers(elements: usize, count: i32, dense: bool, out: usize): i32 {
  let written: usize = 0;
  for (let i: usize = 0; i < <usize>count; i++) {
    const from = elements + i * FR_SIZE;
    if (dense && frIsZero(from)) continue;
    frToBytesLE(out + 32 * written++, from);
  }
  return <i32>written;
}

/** out[i] = (beta at[i] + alpha bt[i] + ct[i]) factor, as numbers. alpha, beta, factor: elements in Montgomery form. */
export function joinNumbers(
  at: usize, bt: usize, ct: usize, count: i32, alpha: usize, beta: usize, factor: usize, out: usize,
): void {
  for (let i: usize = 0; i < <usize>count; i++) {
    frMul(X, at + i * FR_SIZE, beta);
    frMul(W, bt + i * FR_SIZE, alpha);
    frAdd(X, X, W);
    frAdd(X, X, ct + i * FR_SIZE);
    frMul(X, X, factor);
    frToBytesLE(out + 32 * i, X);
  }
}

/** out[i] = factor base^(first + i), as numbers. base and factor in Montgomery form. */
export function powerNumbers(base: usize, factor: usize, first: u32, count: i32, out: usize): void {
  frCopy(X, FR_ONE);
  for (let i = 31; i >= 0; i--) {
    frSqr(X, X);
    if (((first >> i) & 1) != 0) frMul(X, X, base);
  }
  frMul(X, X, factor);
  for (let i: usize = 0; i < <usize>count; i++) {
    frToBytesLE(out + 32 * i, X);
    frMul(X, X, base);
  }
}

/** r (40 bytes) = the number of 32 bytes, little-endian; false if it is not below the modulus. */
export function frSetNumber(r: usize, bytes: usize): bool {
  return frFromBytesLE(r, bytes);
}

/** r = a / b, or 1 / b if a is 0 (no address). */
export function frQuotient(r: usize, a: usize, b: usize): void {
  frInverse(W, b);
  if (a == 0) frCopy(r, W);
  else frMul(r, a, W);
}

/** r = tau^(2^k) - 1, which vanishes on the domain. */
export function frVanishing(r: usize, tau: usize, k: i32): void {
  frCopy(W, tau);
  for (let i = 0; i < k; i++) frSqr(W, W);
  frSub(r, W, FR_ONE);
}
