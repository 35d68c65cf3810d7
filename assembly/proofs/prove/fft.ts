/**
 * Fast Fourier transforms over Fr, by passes of up to 11 stages, each over a window of the vector.
 *
 * A vector of n = 2^k elements lies packed (32 bytes each, see `frPack`), outside of this module's memory if it is large.
 * A transform comes in two directions, so that no vector is ever permuted between two of them:
 *   down   natural order in, reversed out: stages of halves n/2, n/4 ... 1. x^2h - c^2 = (x^h - c)(x^h + c): stage t splits
 *          the polynomial of each of its 2^t blocks, and a block's root depends on its number only
 *   up     reversed order in, natural out: stages of halves 1, 2 ... n/2; a factor depends on the place inside the block
 * "Reversed" is the order of reversed bits of the index. With w of order n both compute X[i] = sum x[j] w^(ij), and with
 * w^-1 the inverse, except for the factor 1/n.
 *
 * A pass of s stages takes 2^s rows that lie `stride` bytes apart, and works column by column. In a pass of the
 * transform of n in which the rows are n / 2^(e + s) elements apart (down) or 2^e apart (up), the factors of a column are those
 * of the transform of 2^s times powers of one root of order 2^(s + e), raised to
 *   down   the reversed bits (e of them) of the block's number
 *   up     the column's place among the 2^e
 */
import { FR_ONE, FR_SIZE, frButterfly, frCopy, frMul, frPack, frSqr, frToBytesLE, frUnpack } from "../../crypto/field/fr.gen";
import { prepareRoots, rootOf } from "./roots";

/** Most stages of a pass: 2^11 elements and their factors stay in a processor's second cache. */
export const FFT_STAGES: i32 = 11;

const COLUMN: usize = memory.data(2048 * 40, 8);
/** Factors of the column at hand: those of stage t from 2^t - 1 on. */
const FACTORS: usize = memory.data(2048 * 40, 8);
const TABLE_BYTES: usize = 1024 * 40;
/** Powers of the root of order 2^s and of its inverse, i < 2^(s - 1): in natural order (up) and by reversed bits (down). */
const POWERS: usize = memory.data(2 * 1024 * 40, 8);
const REVERSED: usize = memory.data(2 * 1024 * 40, 8);
/** Stages that the tables stand for: forward, inverse. */
const TABLE_STAGES: usize = memory.data(8, 8);
const STAGE_FACTORS: usize = memory.data(32 * 40, 8);
/** Factors of a scaling, one for each row; and those of the block at hand. */
const SCALES: usize = memory.data(2048 * 40, 8);
const BLOCK_SCALES: usize = memory.data(2048 * 40, 8);
const STEP: usize = memory.data(40, 8);

/** The low `bits` bits of x in reversed order. */
export function reverseBits(x: u32, bits: i32): u32 {
  let r: u32 = 0;
  for (let i = 0; i < bits; i++) {
    r = (r << 1) | (x & 1);
    x >>= 1;
  }
  return r;
}

/** Fills POWERS and REVERSED for passes of `stages` stages; kept until other ones are asked for. */
function prepareTables(stages: i32, inverse: bool): void {
  const held = TABLE_STAGES + 4 * <usize>inverse;
  if (load<i32>(held) == stages) return;
  store<i32>(held, stages);
  const powers = POWERS + <usize>inverse * TABLE_BYTES, reversed = REVERSED + <usize>inverse * TABLE_BYTES;
  const half: u32 = 1 << (stages - 1);
  const root = rootOf(stages, inverse);
  frCopy(powers, FR_ONE);
  for (let i: usize = 1; i < <usize>half; i++) frMul(powers + i * FR_SIZE, powers + (i - 1) * FR_SIZE, root);
  for (let i: u32 = 0; i < half; i++) {
    frCopy(reversed + <usize>i * FR_SIZE, powers + <usize>reverseBits(i, stages - 1) * FR_SIZE);
  };
}

/** r = root^exponent for the root of order 2^bits. */
export function rootPower(r: usize, bits: i32, exponent: u32, inverse: bool): void {
  frCopy(r, FR_ONE);
  for (let i = 0; i < bits; i++) {
    // root^(2^i) has order 2^(bits - i).
    if (((exponent >> i) & 1) != 0) frMul(r, r, rootOf(bits - i, inverse));
  }
}

/** FACTORS of all stages: the tables' times the powers of the root of order 2^(stages + extra), raised to `exponent`. */
function prepareFactors(stages: i32, extra: i32, exponent: u32, up: bool, inverse: bool): void {
  const table = (up ? POWERS : REVERSED) + <usize>inverse * TABLE_BYTES;
  const plain = exponent == 0;
  if (!plain) {
    rootPower(STAGE_FACTORS + <usize>(stages - 1) * FR_SIZE, stages + extra, exponent, inverse);
    for (let t = stages - 1; t > 0; t--) {
      frSqr(STAGE_FACTORS + <usize>(t - 1) * FR_SIZE, STAGE_FACTORS + <usize>t * FR_SIZE);
    }
  }
  for (let t = 0; t < stages; t++) {
    const count: usize = 1 << t;
    const to = FACTORS + (count - 1) * FR_SIZE;
    // Up, stage t takes every 2^(s - 1 - t)-th power; by reversed bits these stand in front.
    const step: usize = up ? FR_SIZE << (stages - 1 - t) : FR_SIZE;
    const factor = STAGE_FACTORS + <usize>t * FR_SIZE;
    for (let i: usize = 0; i < count; i++) {
      if (plain) frCopy(to + i * FR_SIZE, table + i * step);
      else frMul(to + i * FR_SIZE, table + i * step, factor);
    }
  }
}

/** All stages of COLUMN, downwards. */
function stagesDown(stages: i32): void {
  for (let t = 0; t < stages; t++) {
    const half: usize = FR_SIZE << (stages - 1 - t);
    const factors = FACTORS + ((<usize>1 << t) - 1) * FR_SIZE;
    let at = COLUMN;
    for (let i: usize = 0; i < <usize>1 << t; i++) {
      const w = factors + i * FR_SIZE;
      const end = at + half;
      for (; at < end; at += FR_SIZE) frButterfly(at, at + half, w);
      at += half;
    }
  }
}

/** All stages of COLUMN, upwards. */
function stagesUp(stages: i32): void {
  const all = COLUMN + (FR_SIZE << stages);
  for (let t = 0; t < stages; t++) {
    const half: usize = FR_SIZE << t;
    const factors = FACTORS + ((<usize>1 << t) - 1) * FR_SIZE;
    for (let at = COLUMN; at < all; at += half) {
      let w = factors;
      const end = at + half;
      for (; at < end; at += FR_SIZE) {
        frButterfly(at, at + half, w);
        w += FR_SIZE;
      }
    }
  }
}

function loadColumn(at: usize, stride: usize, rows: usize): void {
  const end = COLUMN + rows * FR_SIZE;
  for (let to = COLUMN; to < end; to += FR_SIZE) {
    frUnpack(to, at);
    at += stride;
  }
}

function storeColumn(at: usize, stride: usize, rows: usize): void {
  const end = COLUMN + rows * FR_SIZE;
  for (let from = COLUMN; from < end; from += FR_SIZE) {
    frPack(at, from);
    at += stride;
  }
}

/**
 * A pass of `stages` stages over `columns` columns of 2^stages rows, in `vectors` vectors that lie `apart` bytes from each
 * other; row i of column j is at data + i stride + 32 j.
 * `extra`: e of the head. Down, `first` is the reversed number of the block that all columns belong to; up, the place of
 * the first column. stages: 1 to 11; stages + extra at most 32.
 */
export function fftPass(
  data: usize, vectors: i32, apart: usize, stride: usize, columns: i32, stages: i32, extra: i32, first: u32, up: bool,
  inverse: bool,
): void {
  prepareRoots();
  prepareTables(stages, inverse);
  const rows: usize = 1 << stages;
  if (!up) prepareFactors(stages, extra, first, false, inverse);
  for (let j: u32 = 0; j < <u32>columns; j++) {
    if (up && (j == 0 || extra > 0)) prepareFactors(stages, extra, first + j, true, inverse);
    for (let v: usize = 0; v < <usize>vectors; v++) {
      const at = data + v * apart + 32 * <usize>j;
      loadColumn(at, stride, rows);
      if (up) stagesUp(stages);
      else stagesDown(stages);
      storeColumn(at, stride, rows);
    }
  }
}

/** SCALES[i] = first step^(reversed bits of i), i < 2^stages. */
function prepareScales(first: usize, step: usize, stages: i32): void {
  frCopy(STEP, step);
  frCopy(SCALES, first);
  // Bit t of the reversed index is bit stages - 1 - t of i: the upper half of each range is the lower one times a power.
  for (let t = 0; t < stages; t++) {
    const from: usize = 1 << (stages - 1 - t);
    for (let i: usize = 0; i < <usize>1 << stages; i += from << 1) {
      frMul(SCALES + (i + from) * FR_SIZE, SCALES + i * FR_SIZE, STEP);
    }
    frSqr(STEP, STEP);
  }
}

/**
 * Whole blocks of the last pass down of an inverse transform, its rows adjacent (stride 32), in `vectors` vectors: all stages, then
 * coefficient i times base^i factor. `blocks` blocks of 2^stages elements from number `firstBlock` on, of 2^extra.
 * `then` says what follows: 0 nothing, 1 the first pass up of a forward transform (onto a coset), 2 plain numbers instead of packed
 * ones (32 bytes, little-endian, canonical).
 */
export function fftRows(
  data: usize, vectors: i32, apart: usize, blocks: i32, stages: i32, extra: i32, firstBlock: u32, base: usize,
  factor: usize, then: i32,
): void {
  prepareRoots();
  prepareTables(stages, true);
  const rows: usize = 1 << stages;
  frCopy(STEP, base);
  for (let i = 0; i < extra; i++) frSqr(STEP, STEP);
  prepareScales(factor, STEP, stages);
  for (let k: u32 = 0; k < <u32>blocks; k++) {
    const block = reverseBits(firstBlock + k, extra);
    power(STEP, base, block);
    for (let i: usize = 0; i < rows; i++) frMul(BLOCK_SCALES + i * FR_SIZE, SCALES + i * FR_SIZE, STEP);
    prepareFactors(stages, extra, block, false, true);
    for (let v: usize = 0; v < <usize>vectors; v++) {
      const at = data + v * apart + 32 * rows * <usize>k;
      loadColumn(at, 32, rows);
      stagesDown(stages);
      for (let i: usize = 0; i < rows; i++) frMul(COLUMN + i * FR_SIZE, COLUMN + i * FR_SIZE, BLOCK_SCALES + i * FR_SIZE);
      if (then == 2) for (let i: usize = 0; i < rows; i++) frToBytesLE(at + 32 * i, COLUMN + i * FR_SIZE);
      else storeColumn(at, 32, rows);
    }
  }
  if (then == 1) {
    for (let v: usize = 0; v < <usize>vectors; v++) {
      for (let k: usize = 0; k < <usize>blocks; k++) {
        fftPass(data + v * apart + 32 * rows * k, 1, 0, 32, 1, stages, 0, 0, true, false);
      }
    }
  }
}

/** r = base^exponent. r must not be base. */
function power(r: usize, base: usize, exponent: u32): void {
  frCopy(r, FR_ONE);
  for (let i = 31 - clz<u32>(exponent | 1); i >= 0; i--) {
    frSqr(r, r);
    if (((exponent >> i) & 1) != 0) frMul(r, r, base);
  }
}
