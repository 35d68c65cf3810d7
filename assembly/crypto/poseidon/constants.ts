/**
 * Poseidon over BLS12-381's scalar field with Filecoin's parameters: round numbers, round constants, matrices, and their
 * optimised form. Nothing is embedded: a set is computed when it is first asked for (a few milliseconds) and kept.
 *
 * Width t = arity + 1, S-box x^5, 8 full rounds (4 before and 4 after the partial ones).
 *
 *   round constants   Grain LFSR (80 bits): seeded with field 1 (2 bits), S-box 1 (4), field bits 255 (12), t (12), full
 *                     rounds (10), partial rounds (10), thirty ones; the first 160 bits are dropped; of each further
 *                     pair of bits the second is kept if the first is 1; 255 bits, most significant first, make a
 *                     number, which is refused if it is not below the modulus.
 *   matrix            Cauchy: M[i][j] = 1 / (i + t + j); symmetric.
 *
 * Optimised form. Additions move behind the S-boxes and through the linear layers, after which a partial round has one
 * constant, at lane 0. Write the state of a partial round as (s, u): lane 0 before its S-box, and the other n = t - 1
 * lanes, on which nothing but the matrix acts; x = s^5 + constant. With
 *
 *        | m  v |
 *   M =  | w  N |        s' = m·x + u·w        u' = x·v + u·N        (row vectors, multiplied from the left)
 *
 * u is the state of a linear filter with input x and output s. So the outputs obey a recurrence without u, by the
 * relation N^n w = Σ a_i N^(n-i) w, i = 1 … n:
 *
 *   s[r+1] = Σ a_i s[r+1-i] + Σ b_i x[r-i]       one dot product of 2n + 1 terms a round, with one reduction
 *
 * where the factored sparse matrices of other implementations need n + 1 reductions. The first n rounds use the impulse
 * response h_k = v N^k w and the start d_k = u[0] N^k w, for which the matrix before the partial rounds yields
 * (s, d_0 … d_(n-1)); after the last, u follows from the last n outputs and inputs by one n × 2n matrix.
 *
 * Small integers. M is 1/L times an integer matrix K, L = lcm(t … 3t - 2): 420 for t = 3, 35 bits for t = 9, 48 for 12.
 * An S-box takes a common factor of all lanes out as its fifth power, so a full round may compute K·x · 2^(-29 q) with K
 * in q limbs of 29 bits (q = 1 for t = 3 and 5, else 2) instead of M·x, and every later constant is divided by the
 * factor that has gathered: with f the factor before an S-box, it is f^5 after it and f^5 · 2^(29 q) / L after the matrix.
 * The dense matrix at the end of each half (entry matrix, last column) takes the factor out.
 *
 * Sources: Poseidon paper (eprint 2019/458), appendix F, and neptune src/preprocessing.rs, src/round_numbers.rs, for
 * the rounds, the constants and their compression; Filecoin spec, "Poseidon".
 */
import {
  FR_ONE,
  FR_SIZE,
  frAdd,
  frCopy,
  frDot,
  frFromBytesBE,
  frInverse,
  frMul,
  frSub,
} from "../field/fr.gen";
import { fillNarrow } from "./narrow";

export const FULL_ROUNDS: i32 = 8;
/** Largest width of the sets kept here: arity 11. */
export const MAX_WIDTH: i32 = 12;
const FIELD_BITS: i32 = 255;

/** Partial rounds by arity, with the network's security margin; 0 where none are published. Sets are kept up to 11. */
export function partialRounds(arity: i32): i32 {
  if (arity == 2) return 55;
  if (arity == 4) return 56;
  if (arity == 8 || arity == 11) return 57;
  return arity == 16 || arity == 24 ? 59 : arity == 36 ? 60 : 0;
}

// A set in memory, in elements of FR_SIZE bytes, n = t - 1; matrices by columns:
//   constants, optimised: 8·t + R_P  |  M: t·t  |  plain round constants: (8 + R_P)·t  |  entry matrix: t·t
//   impulse: h_(n-1) … h_0, m: n + 1  |  recurrence: b_n, a_n, b_(n-1), …, a_1, b_0: 2n + 1  |  exit matrix: 2n rows, n
//   constants of the full rounds with their factors taken out: 8·t  |  last column, with its factor: t  |  K by columns:
//   t·t × 2 u32 (the integers' limbs)
const SET_2: usize = memory.data(13232, 8);
const SET_4: usize = memory.data(22480, 8);
const SET_8: usize = memory.data(45088, 8);
const SET_11: usize = memory.data(65392, 8);
/** One byte for each arity: 1 once its set is filled. */
const READY: usize = memory.data(16, 8);

/** Address of the set for `arity` (2, 4, 8 or 11), computed now if it is not there yet. Traps on another arity. */
export function poseidonSet(arity: i32): usize {
  const set = arity == 2 ? SET_2 : arity == 4 ? SET_4 : arity == 8 ? SET_8 : arity == 11 ? SET_11 : 0;
  if (set == 0) unreachable();
  if (load<u8>(READY + <usize>arity) == 0) {
    fillSet(set, arity + 1, partialRounds(arity));
    store<u8>(READY + <usize>arity, 1);
  }
  return set;
}

// @ts-ignore: decorator
@inline
export function matrixOffset(t: i32, partial: i32): usize {
  return <usize>(FULL_ROUNDS * t + partial) * FR_SIZE;
}

// @ts-ignore: decorator
@inline
export function plainOffset(t: i32, partial: i32): usize {
  return matrixOffset(t, partial) + <usize>(t * t) * FR_SIZE;
}

// @ts-ignore: decorator
@inline
export function entryOffset(t: i32, partial: i32): usize {
  return plainOffset(t, partial) + <usize>((FULL_ROUNDS + partial) * t) * FR_SIZE;
}

// @ts-ignore: decorator
@inline
export function impulseOffset(t: i32, partial: i32): usize {
  return entryOffset(t, partial) + <usize>(t * t) * FR_SIZE;
}

// @ts-ignore: decorator
@inline
export function recurrenceOffset(t: i32, partial: i32): usize {
  return impulseOffset(t, partial) + <usize>t * FR_SIZE;
}

// @ts-ignore: decorator
@inline
export function exitOffset(t: i32, partial: i32): usize {
  return recurrenceOffset(t, partial) + <usize>(2 * t - 1) * FR_SIZE;
}

// @ts-ignore: decorator
@inline
export function fullOffset(t: i32, partial: i32): usize {
  return exitOffset(t, partial) + <usize>(2 * (t - 1) * (t - 1)) * FR_SIZE;
}

// @ts-ignore: decorator
@inline
export function lastOffset(t: i32, partial: i32): usize {
  return fullOffset(t, partial) + <usize>(FULL_ROUNDS * t) * FR_SIZE;
}

// @ts-ignore: decorator
@inline
export function smallOffset(t: i32, partial: i32): usize {
  return lastOffset(t, partial) + <usize>t * FR_SIZE;
}

/** Limbs of the integers of K. */
// @ts-ignore: decorator
@inline
export function smallLimbs(t: i32): i32 {
  return t <= 5 ? 1 : 2;
}

// @ts-ignore: decorator
@inline
function at(base: usize, index: i32): usize {
  return base + <usize>index * FR_SIZE;
}

function fillSet(set: usize, t: i32, partial: i32): void {
  const plain = set + plainOffset(t, partial);
  const matrix = set + matrixOffset(t, partial);
  fillRoundConstants(plain, t, partial);
  fillMatrix(matrix, t);
  compressConstants(set, plain, matrix, t, partial);
  fillFilter(set, matrix, t, partial);
  fillFull(set, matrix, t, partial);
  if (t == 3) fillNarrow(set + <usize>(5 * t) * FR_SIZE, set + entryOffset(t, partial), set + exitOffset(t, partial));
}

// ---- Grain -------------------------------------------------------------------------------------------------------

/** The 80 bits of the register, oldest in bit 0 of `low`; `high` has 16. */
let low: u64 = 0;
let high: u64 = 0;

function grainBit(): u64 {
  const bit = (low ^ (low >>> 13) ^ (low >>> 23) ^ (low >>> 38) ^ (low >>> 51) ^ (low >>> 62)) & 1;
  low = (low >>> 1) | (high << 63);
  high = (high >>> 1) | (bit << 15);
  return bit;
}

function grainSeed(value: u64, bits: i32, from: i32): i32 {
  for (let i = bits - 1; i >= 0; i--, from++) {
    const bit = (value >>> i) & 1;
    if (from < 64) low |= bit << from;
    else high |= bit << (from - 64);
  }
  return from;
}

/** Writes the (8 + partial) · t plain round constants. */
export function fillRoundConstants(out: usize, t: i32, partial: i32): void {
  low = 0;
  high = 0;
  let from = grainSeed(1, 2, 0);
  from = grainSeed(1, 4, from);
  from = grainSeed(FIELD_BITS, 12, from);
  from = grainSeed(t, 12, from);
  from = grainSeed(FULL_ROUNDS, 10, from);
  from = grainSeed(partial, 10, from);
  grainSeed((1 << 30) - 1, 30, from);
  for (let i = 0; i < 160; i++) grainBit();
  const bytes = memory.data(32, 8);
  for (let i = 0, n = (FULL_ROUNDS + partial) * t; i < n; ) {
    memory.fill(bytes, 0, 32);
    for (let k = 1; k <= FIELD_BITS; ) {
      const keep = grainBit();
      const bit = grainBit();
      if (keep == 0) continue;
      const byte = bytes + <usize>(k >> 3);
      store<u8>(byte, load<u8>(byte) | <u8>(bit << (7 - (k & 7))));
      k++;
    }
    if (frFromBytesBE(at(out, i), bytes)) i++;
  }
}

// ---- matrices ----------------------------------------------------------------------------------------------------
// Matrices are t·t elements by rows. M itself is symmetric, so its rows are also its columns.

/** Writes M. */
export function fillMatrix(matrix: usize, t: i32): void {
  const sum = memory.data(40, 8);
  for (let i = 0; i < t; i++) {
    for (let j = 0; j < t; j++) {
      memory.fill(sum, 0, FR_SIZE);
      for (let k = i + t + j; k > 0; k--) frAdd(sum, sum, FR_ONE);
      frInverse(at(matrix, i * t + j), sum);
    }
  }
}

/** `inverse` = inverse of the n·n matrix `matrix`, by Gauss and Jordan; `matrix` is used up. Pre: invertible. */
function invert(matrix: usize, inverse: usize, n: i32): void {
  const factor = memory.data(40, 8);
  const product = memory.data(40, 8);
  memory.fill(inverse, 0, <usize>(n * n) * FR_SIZE);
  for (let i = 0; i < n; i++) frCopy(at(inverse, i * n + i), FR_ONE);
  for (let column = 0; column < n; column++) {
    // Every leading minor of a Cauchy matrix, and of the products here, is invertible: the pivot is never zero.
    frInverse(factor, at(matrix, column * n + column));
    for (let k = 0; k < n; k++) {
      frMul(at(matrix, column * n + k), at(matrix, column * n + k), factor);
      frMul(at(inverse, column * n + k), at(inverse, column * n + k), factor);
    }
    for (let row = 0; row < n; row++) {
      if (row == column) continue;
      frCopy(factor, at(matrix, row * n + column));
      for (let k = 0; k < n; k++) {
        frMul(product, factor, at(matrix, column * n + k));
        frSub(at(matrix, row * n + k), at(matrix, row * n + k), product);
        frMul(product, factor, at(inverse, column * n + k));
        frSub(at(inverse, row * n + k), at(inverse, row * n + k), product);
      }
    }
  }
}

/** The constants of the optimised form, from the plain ones. */
function compressConstants(out: usize, plain: usize, matrix: usize, t: i32, partial: i32): void {
  const work = memory.data(5760, 8);
  const inverse = memory.data(5760, 8);
  const row = memory.data(480, 8);
  const moved = memory.data(480, 8);
  memory.copy(work, matrix, <usize>(t * t) * FR_SIZE);
  invert(work, inverse, t); // symmetric as M is, so rows serve as columns
  const rowBytes = <usize>t * FR_SIZE;
  const half = FULL_ROUNDS >> 1;
  memory.copy(out, plain, rowBytes);
  for (let r = 1; r < half; r++) {
    const from = at(plain, r * t);
    for (let j = 0; j < t; j++) frDot(at(out, r * t + j), from, at(inverse, j * t), t);
  }
  // Backwards over the partial rounds: what cannot stay at lane 0 moves one round to the front.
  const last = half + partial;
  memory.copy(row, at(plain, last * t), rowBytes);
  const single = at(out, (half + 1) * t);
  for (let i = 0; i < partial; i++) {
    for (let j = 0; j < t; j++) frDot(at(moved, j), row, at(inverse, j * t), t);
    frCopy(at(single, partial - 1 - i), moved);
    memory.fill(moved, 0, FR_SIZE);
    for (let j = 0; j < t; j++) frAdd(at(row, j), at(moved, j), at(plain, (last - i - 1) * t + j));
  }
  for (let j = 0; j < t; j++) frDot(at(out, half * t + j), row, at(inverse, j * t), t);
  for (let r = 1; r < half; r++) {
    const from = at(plain, (last + r) * t);
    for (let j = 0; j < t; j++) {
      frDot(at(single, partial + (r - 1) * t + j), from, at(inverse, j * t), t);
    }
  }
}

/** Entry matrix, impulse response, recurrence and exit matrix of the partial rounds; letters as in the head. */
function fillFilter(set: usize, matrix: usize, t: i32, partial: i32): void {
  const n = t - 1;
  const krylov = memory.data(5280, 8); // rows k = 0 … n: the column N^k w
  const powers = memory.data(5280, 8); // rows k = 0 … n: the row v N^k
  const work = memory.data(4840, 8);
  const inverse = memory.data(4840, 8); // of the matrix W with the columns N^0 w … N^(n-1) w
  const response = memory.data(480, 8); // m, h_0, … h_(n-1)
  const relation = memory.data(480, 8); // a_1 … a_n
  const term = memory.data(40, 8);
  for (let i = 0; i < n; i++) {
    frCopy(at(krylov, i), at(matrix, (i + 1) * t));
    frCopy(at(powers, i), at(matrix, i + 1));
  }
  // N is symmetric as M is: its rows serve as columns.
  for (let k = 1; k <= n; k++) {
    for (let i = 0; i < n; i++) {
      frDot(at(krylov, k * n + i), at(krylov, (k - 1) * n), at(matrix, (i + 1) * t + 1), n);
      frDot(at(powers, k * n + i), at(powers, (k - 1) * n), at(matrix, (i + 1) * t + 1), n);
    }
  }
  frCopy(response, matrix);
  for (let k = 0; k < n; k++) frDot(at(response, k + 1), at(matrix, 1), at(krylov, k * n), n);
  const impulse = set + impulseOffset(t, partial);
  for (let k = 0; k <= n; k++) frCopy(at(impulse, n - k), at(response, k));

  // Entry: columns 0, then for each k the column (M without column 0) · N^k w.
  const entry = set + entryOffset(t, partial);
  for (let i = 0; i < t; i++) {
    frCopy(at(entry, i), at(matrix, i * t));
    for (let k = 0; k < n; k++) frDot(at(entry, (k + 1) * t + i), at(matrix, i * t + 1), at(krylov, k * n), n);
  }

  // Relation: W · (a_n … a_1) = N^n w. `work` is W by rows, `inverse` its inverse by rows.
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) frCopy(at(work, i * n + k), at(krylov, k * n + i));
  }
  invert(work, inverse, n);
  for (let k = 0; k < n; k++) frDot(at(relation, n - 1 - k), at(inverse, k * n), at(krylov, n * n), n);

  // b_0 = m, b_i = h_(i-1) - Σ_(j = 1 … i) a_j g_(i-j), g = m, h_0, h_1 …
  const recurrence = set + recurrenceOffset(t, partial);
  for (let i = 0; i <= n; i++) {
    const b = at(recurrence, 2 * (n - i));
    frCopy(b, at(response, i));
    for (let j = 1; j <= i; j++) {
      frMul(term, at(relation, j - 1), at(response, i - j));
      frSub(b, b, term);
    }
    if (i > 0) frCopy(at(recurrence, 2 * (n - i) + 1), at(relation, i - 1));
  }

  // Exit, over the window x[R-n], s[R-n+1], …, x[R-1], s[R]: u = y W⁻¹ Nⁿ + Σ x[R-n+q] v N^(n-1-q), where
  // y_j = s[R-n+1+j] - Σ_(q ≤ j) g_(j-q) x[R-n+q]. Row j of W⁻¹ Nⁿ, times N once for each of n steps:
  for (let step = 0; step < n; step++) {
    for (let j = 0; j < n; j++) {
      for (let i = 0; i < n; i++) frDot(at(work, j * n + i), at(inverse, j * n), at(matrix, (i + 1) * t + 1), n);
    }
    memory.copy(inverse, work, <usize>(n * n) * FR_SIZE);
  }
  const exit = set + exitOffset(t, partial);
  for (let i = 0; i < n; i++) {
    for (let q = 0; q < n; q++) {
      const ofX = at(exit, i * 2 * n + 2 * q);
      frCopy(at(exit, i * 2 * n + 2 * q + 1), at(inverse, q * n + i));
      frCopy(ofX, at(powers, (n - 1 - q) * n + i));
      for (let j = q; j < n; j++) {
        frMul(term, at(response, j - q), at(inverse, j * n + i));
        frSub(ofX, ofX, term);
      }
    }
  }
}

/** K, and the constants and dense matrices around it with the gathered factors taken out. */
function fillFull(set: usize, matrix: usize, t: i32, partial: i32): void {
  let multiple: u64 = 1;
  for (let i = t; i <= 3 * t - 2; i++) multiple = (multiple / gcd(multiple, i)) * i;
  const small = set + smallOffset(t, partial);
  for (let i = 0; i < t; i++) {
    for (let j = 0; j < t; j++) {
      const entry = multiple / (i + j + t);
      const to = small + (<usize>(j * t + i) << 3);
      store<u32>(to, <u32>(entry & 0x1fffffff));
      store<u32>(to, <u32>(entry >>> 29), 4);
    }
  }
  // gamma = 2^(29 q) / L: what a multiplication by K leaves to be put right.
  const gamma = memory.data(40, 8);
  const factor = memory.data(40, 8);
  const inverse = memory.data(40, 8);
  setInteger(gamma, (<u64>1) << (29 * smallLimbs(t)));
  setInteger(factor, multiple);
  frInverse(factor, factor);
  frMul(gamma, gamma, factor);
  const half = FULL_ROUNDS >> 1;
  const full = set + fullOffset(t, partial);
  const rowBytes = <usize>t * FR_SIZE;
  memory.copy(full, set, rowBytes);
  frCopy(factor, FR_ONE); // after the S-boxes of the round at hand
  for (let r = 1; r <= half; r++) {
    frInverse(inverse, factor);
    for (let i = 0; i < t; i++) frMul(at(full, r * t + i), at(set, r * t + i), inverse);
    if (r < half) nextFactor(factor, gamma);
  }
  const entry = set + entryOffset(t, partial);
  for (let i = 0; i < t * t; i++) frMul(at(entry, i), at(entry, i), factor);
  frCopy(factor, FR_ONE);
  for (let r = 1; r <= half; r++) {
    frInverse(inverse, factor);
    const from = (half + r) * t;
    if (r < half) {
      for (let i = 0; i < t; i++) frMul(at(full, from + i), at(set, from + partial + i), inverse);
      nextFactor(factor, gamma);
    }
  }
  const last = set + lastOffset(t, partial);
  for (let i = 0; i < t; i++) frMul(at(last, i), at(matrix, t + i), factor);
}

/** factor = (factor · gamma)^5: over a matrix and the next S-boxes. */
function nextFactor(factor: usize, gamma: usize): void {
  const base = memory.data(40, 8);
  frMul(base, factor, gamma);
  frMul(factor, base, base);
  frMul(factor, factor, factor);
  frMul(factor, factor, base);
}

function setInteger(out: usize, value: u64): void {
  const bytes = memory.data(32, 8);
  memory.fill(bytes, 0, 32);
  store<u64>(bytes, bswap<u64>(value), 24);
  frFromBytesBE(out, bytes);
}

function gcd(a: u64, b: u64): u64 {
  while (b != 0) {
    const rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}
