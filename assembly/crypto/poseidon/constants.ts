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
 * Optimised form. Additions move behind the S-boxes and through the linear layers; in a partial round only lane 0 then
 * has a constant. Each partial round's matrix is factored, from the last to the first, into M = M' · M'' with
 *
 *        | 1  0 … 0 |          | m00    v      |
 *   M' = | 0        |    M'' = | w'     I      |      w' = M̂⁻¹ w, M̂ = M without row and column 0, w = column 0
 *        | .   M̂    |          |               |
 *
 * M'' stays; M · M' is the matrix of the round before. What is left over at the front is the pre-sparse matrix, used in
 * the last of the first four full rounds. A row vector is multiplied from the left: new[j] = Σ state[i] · M[i][j].
 *
 * Sources: Poseidon paper (eprint 2019/458), appendix B and F; Filecoin spec, "Poseidon"; neptune src/mds.rs,
 * src/preprocessing.rs, src/round_numbers.rs.
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

export const FULL_ROUNDS: i32 = 8;
/** Largest width of the sets kept here: arity 11. */
export const MAX_WIDTH: i32 = 12;
const FIELD_BITS: i32 = 255;

/** Partial rounds by arity, with the network's security margin; 0 where there is no such set. */
export function partialRounds(arity: i32): i32 {
  return arity == 2 ? 55 : arity == 4 ? 56 : arity == 8 || arity == 11 ? 57 : 0;
}

// A set in memory, in elements of FR_SIZE bytes:
//   constants, optimised: 8·t + R_P   |  M, by columns: t·t  |  pre-sparse, by columns: t·t
//   per partial round: first column of M'' (t), then v (t - 1)   |  plain round constants: (8 + R_P)·t
const SET_2: usize = memory.data(22440, 8);
const SET_4: usize = memory.data(38800, 8);
const SET_8: usize = memory.data(73800, 8);
const SET_11: usize = memory.data(101280, 8);
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

/** M by columns, after the optimised constants. */
// @ts-ignore: decorator
@inline
export function matrixOffset(t: i32, partial: i32): usize {
  return <usize>(FULL_ROUNDS * t + partial) * FR_SIZE;
}

/** The pre-sparse matrix, by columns. */
// @ts-ignore: decorator
@inline
export function preSparseOffset(t: i32, partial: i32): usize {
  return matrixOffset(t, partial) + <usize>(t * t) * FR_SIZE;
}

/** The sparse matrices: 2t - 1 elements each. */
// @ts-ignore: decorator
@inline
export function sparseOffset(t: i32, partial: i32): usize {
  return preSparseOffset(t, partial) + <usize>(t * t) * FR_SIZE;
}

/** The plain round constants, round after round. */
// @ts-ignore: decorator
@inline
export function plainOffset(t: i32, partial: i32): usize {
  return sparseOffset(t, partial) + <usize>(partial * (2 * t - 1)) * FR_SIZE;
}

/** Elements of a set. */
export function setElements(arity: i32): i32 {
  const t = arity + 1;
  const partial = partialRounds(arity);
  return <i32>(plainOffset(t, partial) / FR_SIZE) + (FULL_ROUNDS + partial) * t;
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
  factorMatrices(set, matrix, t, partial);
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

function fillRoundConstants(out: usize, t: i32, partial: i32): void {
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

function fillMatrix(matrix: usize, t: i32): void {
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

/** The pre-sparse matrix (by columns) and the sparse ones, from the last partial round to the first. */
function factorMatrices(set: usize, matrix: usize, t: i32, partial: i32): void {
  const current = memory.data(5760, 8);
  const minor = memory.data(4840, 8);
  const inverse = memory.data(4840, 8);
  const column = memory.data(480, 8);
  const n = t - 1;
  memory.copy(current, matrix, <usize>(t * t) * FR_SIZE);
  for (let r = partial - 1; r >= 0; r--) {
    const sparse = at(set + sparseOffset(t, partial), r * (2 * t - 1));
    for (let i = 0; i < n; i++) {
      memory.copy(at(minor, i * n), at(current, (i + 1) * t + 1), <usize>n * FR_SIZE);
      frCopy(at(column, i), at(current, (i + 1) * t));
    }
    invert(minor, inverse, n);
    frCopy(sparse, current);
    for (let i = 0; i < n; i++) {
      frDot(at(sparse, 1 + i), at(inverse, i * n), column, n);
      frCopy(at(sparse, t + i), at(current, 1 + i));
    }
    // current = M · M': M' has the first row and column of the identity and the minor of `current`.
    for (let i = 0; i < n; i++) memory.copy(at(minor, i * n), at(current, (i + 1) * t + 1), <usize>n * FR_SIZE);
    for (let j = 0; j < n; j++) {
      for (let k = 0; k < n; k++) frCopy(at(column, k), at(minor, k * n + j));
      for (let i = 0; i < t; i++) frDot(at(current, i * t + 1 + j), at(matrix, i * t + 1), column, n);
    }
    for (let i = 0; i < t; i++) frCopy(at(current, i * t), at(matrix, i * t));
  }
  const out = set + preSparseOffset(t, partial);
  for (let i = 0; i < t; i++) {
    for (let j = 0; j < t; j++) frCopy(at(out, j * t + i), at(current, i * t + j));
  }
}
