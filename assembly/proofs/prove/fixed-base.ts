/**
 * Many multiples of one point, for making keys: k[i] P as encoded points.
 *
 * A table holds j 2^(cw) P for every window w of c = 12 bits and 1 <= j <= 2^(c-1); digits are signed, so a multiple is at most
 * 22 entries added up. 512 multiples go together, window by window, in affine form with one inversion for each window.
 * The multipliers are secrets of a setup, but keys are made by whoever may know them: time depends on them.
 */
import { BATCH, beginPairs, flushPairs, queuePair } from "../../crypto/curve/batch-affine";
import { copy, isPrimeField, neg, OverFp, OverFp2, sizeOf } from "../../crypto/curve/coordinate";
import {
  g1FromUncompressed, g1ToUncompressed, g2FromUncompressed, g2ToUncompressed, POINT_OK,
} from "../../crypto/curve/encoding";

/** Bits of a window; 22 of them cover 256 bits and the last carry. */
const BITS: i32 = 12;
const WINDOWS: i32 = 22;
const ENTRIES: usize = 1 << 11;

const SUMS: usize = memory.data(512 * 224, 8);
const NEGATED: usize = memory.data(512 * 224, 8);
const DIGITS: usize = memory.data(512 * 22 * 2, 8);

// @ts-ignore: decorator
@inline
function affineBytes<F>(): usize {
  return 2 * sizeOf<F>();
}

/** Adds the queued pair, if there are `count` of them, and begins again. */
function flushFull<F>(queued: i32, most: i32): i32 {
  if (queued < most) return queued;
  if (queued > 0) flushPairs<F>(queued);
  return 0;
}

/** Fills a table for the encoded point at `bytes`: WINDOWS x ENTRIES affine points. False if the point cannot be read. */
function fillTable<F>(table: usize, bytes: usize): bool {
  const size = affineBytes<F>();
  const code = isPrimeField<F>() ? g1FromUncompressed(table, bytes) : g2FromUncompressed(table, bytes);
  if (code != POINT_OK) return false;
  beginPairs<F>();
  for (let w = 0; w < WINDOWS; w++) {
    const row = table + <usize>w * ENTRIES * size;
    if (w > 0) {
      // The row's first entry is twice the last of the row before: 2 2^(c-1) 2^(c(w-1)).
      queuePair<F>(0, row, row - size, row - size);
      flushPairs<F>(1);
    }
    // Entry j (for the multiple j + 1): from multiples up to 2^l those up to 2^(l+1).
    for (let l = 0; l < BITS - 1; l++) {
      const known: usize = 1 << l;
      let queued = 0;
      for (let j: usize = 0; j < known; j++) {
        queuePair<F>(queued++, row + (known + j) * size, row + (known - 1) * size, row + j * size);
        queued = flushFull<F>(queued, BATCH);
      }
      flushFull<F>(queued, queued);
    }
  }
  return true;
}

/** Signed digits of the scalar, below 2^255: digit of window w at DIGITS[w * 512 + index]. */
function recode(scalar: usize, index: usize): void {
  let carry: i32 = 0;
  for (let w = 0; w < WINDOWS; w++) {
    const bit = w * BITS;
    const byte = <usize>(bit >> 3);
    let digit: i32 = carry;
    if (byte < 32) {
      let word = <i32>load<u8>(scalar + byte);
      if (byte < 31) word |= <i32>load<u8>(scalar + byte + 1) << 8;
      digit += (word >> (bit & 7)) & ((1 << BITS) - 1);
    }
    carry = 0;
    if (digit > 1 << (BITS - 1)) {
      digit -= 1 << BITS;
      carry = 1;
    }
    store<i16>(DIGITS + 2 * (<usize>w * 512 + index), <i16>digit);
  }
}

/** Writes scalars[i] P, uncompressed, one after the other at `out`, for the table's P. Neutral multiples have their flag. */
function multiples<F>(table: usize, scalars: usize, count: i32, out: usize): void {
  const n = sizeOf<F>();
  const size = affineBytes<F>();
  const encoded: usize = isPrimeField<F>() ? 96 : 192;
  beginPairs<F>();
  for (let first: usize = 0; first < <usize>count; first += <usize>BATCH) {
    const some = min<usize>(<usize>BATCH, <usize>count - first);
    memory.fill(SUMS, 0, some * size);
    for (let i: usize = 0; i < some; i++) recode(scalars + 32 * (first + i), i);
    for (let w: usize = 0; w < <usize>WINDOWS; w++) {
      let queued = 0;
      for (let i: usize = 0; i < some; i++) {
        const digit = <i32>load<i16>(DIGITS + 2 * (w * 512 + i));
        if (digit == 0) continue;
        let entry = table + (w * ENTRIES + <usize>(abs(digit) - 1)) * size;
        if (digit < 0) {
          const negated = NEGATED + i * size;
          copy<F>(negated, entry);
          neg<F>(negated + n, entry + n);
          entry = negated;
        }
        const sum = SUMS + i * size;
        queuePair<F>(queued++, sum, sum, entry);
      }
      flushFull<F>(queued, queued);
    }
    for (let i: usize = 0; i < some; i++) {
      const sum = SUMS + i * size, to = out + (first + i) * encoded;
      const neutral = isZeroPoint<F>(sum);
      if (isPrimeField<F>()) g1ToUncompressed(to, sum, neutral);
      else g2ToUncompressed(to, sum, neutral);
    }
  }
}

function isZeroPoint<F>(a: usize): bool {
  for (let i: usize = 0; i < affineBytes<F>(); i += 8) if (load<u64>(a + i) != 0) return false;
  return true;
}

export function g1TableBytes(): usize {
  return <usize>WINDOWS * ENTRIES * affineBytes<OverFp>();
}

export function g2TableBytes(): usize {
  return <usize>WINDOWS * ENTRIES * affineBytes<OverFp2>();
}

export function g1FillTable(table: usize, bytes: usize): bool {
  return fillTable<OverFp>(table, bytes);
}

export function g2FillTable(table: usize, bytes: usize): bool {
  return fillTable<OverFp2>(table, bytes);
}

export function g1Multiples(table: usize, scalars: usize, count: i32, out: usize): void {
  multiples<OverFp>(table, scalars, count, out);
}

export function g2Multiples(table: usize, scalars: usize, count: i32, out: usize): void {
  multiples<OverFp2>(table, scalars, count, out);
}
