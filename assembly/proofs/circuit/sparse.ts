/**
 * The matrices of Poseidon's partial rounds in the factored form that the official circuit has in its coefficients.
 *
 * Let M be the matrix. From the last partial round back, a matrix X = M' · X'' is split, with v its first row, w its first
 * column, N the rest:
 *
 *        | 1  0 |          | m  v |
 *   M' = | 0  N |    X'' = | N⁻¹w  I |      X of the round before = M · M'
 *
 * What is left in front is the dense matrix before the partial rounds. Hashing itself does not use this form
 * (`crypto/poseidon/constants.ts` has a faster one), circuits must.
 *
 * Source: neptune src/mds.rs, src/preprocessing.rs.
 */
import { FR_SIZE, frCopy, frDot, frInverse, frMul, frSub } from "../../crypto/field/fr.gen";
import { matrixOffset, partialRounds, poseidonSet } from "../../crypto/poseidon/constants";

/** A set: dense matrix, t·t by columns; for each partial round, first to last: column (m, N⁻¹w), t; row v, t - 1. */
const SET_2: usize = memory.data(11360, 8);
const SET_4: usize = memory.data(21160, 8);
const SET_8: usize = memory.data(42000, 8);
const SET_11: usize = memory.data(58200, 8);
const READY: usize = memory.data(16, 8);

const WORK: usize = memory.data(5760, 8);
const SYSTEM: usize = memory.data(5760, 8);
const NEXT: usize = memory.data(5760, 8);
const FACTOR: usize = memory.data(40, 8);
const PRODUCT: usize = memory.data(40, 8);
const ROW: usize = memory.data(480, 8);

// @ts-ignore: decorator
@inline
function at(base: usize, index: i32): usize {
  return base + <usize>index * FR_SIZE;
}

/** Address of the set for `arity` (2, 4, 8 or 11). */
export function sparseSet(arity: i32): usize {
  const set = arity == 2 ? SET_2 : arity == 4 ? SET_4 : arity == 8 ? SET_8 : SET_11;
  if (load<u8>(READY + <usize>arity) == 0) {
    fill(set, arity);
    store<u8>(READY + <usize>arity, 1);
  }
  return set;
}

/** Offset of partial round r in a set of width t. */
export function sparseOffset(t: i32, r: i32): usize {
  return <usize>(t * t + r * (2 * t - 1)) * FR_SIZE;
}

function fill(set: usize, arity: i32): void {
  const t = arity + 1;
  const partial = partialRounds(arity);
  const matrix = poseidonSet(arity) + matrixOffset(t, partial);
  memory.copy(WORK, matrix, <usize>(t * t) * FR_SIZE); // X by rows
  for (let r = partial - 1; r >= 0; r--) {
    const round = set + sparseOffset(t, r);
    frCopy(round, WORK);
    for (let i = 1; i < t; i++) frCopy(at(round, t + i - 1), at(WORK, i));
    solve(at(round, 1), t);
    multiplyByRest(matrix, t);
  }
  for (let i = 0; i < t; i++) {
    for (let j = 0; j < t; j++) frCopy(at(set, j * t + i), at(WORK, i * t + j));
  }
}

/** out = N⁻¹w for the matrix at WORK, by elimination; every pivot is non-zero, as N's minors are. */
function solve(out: usize, t: i32): void {
  const n = t - 1;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) frCopy(at(SYSTEM, i * t + j), at(WORK, (i + 1) * t + j + 1));
    frCopy(at(SYSTEM, i * t + n), at(WORK, (i + 1) * t));
  }
  for (let p = 0; p < n; p++) {
    frInverse(FACTOR, at(SYSTEM, p * t + p));
    for (let j = p; j <= n; j++) frMul(at(SYSTEM, p * t + j), at(SYSTEM, p * t + j), FACTOR);
    for (let i = 0; i < n; i++) {
      if (i == p) continue;
      frCopy(FACTOR, at(SYSTEM, i * t + p));
      for (let j = p; j <= n; j++) {
        frMul(PRODUCT, FACTOR, at(SYSTEM, p * t + j));
        frSub(at(SYSTEM, i * t + j), at(SYSTEM, i * t + j), PRODUCT);
      }
    }
  }
  for (let i = 0; i < n; i++) frCopy(at(out, i), at(SYSTEM, i * t + n));
}

/** WORK = M · (1, N) for the N of WORK. `matrix` is symmetric. */
function multiplyByRest(matrix: usize, t: i32): void {
  for (let j = 0; j < t; j++) {
    // Column j of (1, N).
    for (let k = 0; k < t; k++) {
      if (j == 0 || k == 0) memory.fill(at(ROW, k), 0, FR_SIZE);
      else frCopy(at(ROW, k), at(WORK, k * t + j));
    }
    for (let i = 0; i < t; i++) {
      if (j == 0) frCopy(at(NEXT, i * t), at(matrix, i * t));
      else frDot(at(NEXT, i * t + j), at(matrix, i * t), ROW, t);
    }
  }
  memory.copy(WORK, NEXT, <usize>(t * t) * FR_SIZE);
}
