/**
 * Linear combinations of the rows, for every use but the witness, and what becomes of them.
 *
 * A side (of a row, or one that gathers for later) is a block of memory:
 *
 *    0            4             8                       64
 *    | u32 count  | u32 one     | term of input 0       | terms …
 *
 * A term is 48 bytes: key, code (`contract.ts`; 0: see the value), value (limbs). Terms of input 0, the constant, are added
 * up in place (`one`: 0 none, 1 code, 2 value), because sums of negated bits are full of them; the others stand as they came
 * until the row is done: then they are ordered by key, equal keys merged, and zeros dropped.
 */
import { sha256Final, sha256Init, sha256Update, SHA256_CONTEXT_BYTES } from "../../crypto/hash/sha256";
import { FR_ONE, FR_SIZE, frAdd, frCopy, frEqual, frIsZero, frMul, frNeg, frToBytesLE, frUnpack } from "../../crypto/field/fr.gen";
import { PACKED_BYTES, packElement } from "../../crypto/field/fr-packed";
import { AUX, ERROR_FULL, ERROR_UNSATISFIED, USE_CHECK, USE_DENSITY, USE_DIGEST, USE_TERMS } from "./contract";
import { markPath } from "./path";
import { fail, fault, rowCount, use } from "./run";

const TERM: usize = 48;
const VALUE: usize = 8;
const ONE_TERM: usize = 8;
const TERMS: usize = 64;

/** Most terms of a gathering side: 7 additions of 8 words (sha256.ts), and of a row of its own: 256 bits and a number. */
const MOST: u32 = 2048;
const MOST_SMALL: u32 = 320;
const SMALL_SIDE: usize = 15424; // TERMS + MOST_SMALL · TERM
const LARGE_SIDE: usize = 98368;

export const SIDE_A: usize = memory.data(15424, 8);
export const SIDE_B: usize = memory.data(15424, 8);
export const SIDE_C: usize = memory.data(15424, 8);
/** Left and right of the equation that gathers additions (`words.ts`). */
export const GATHER_LEFT: usize = memory.data(98368, 8);
export const GATHER_RIGHT: usize = memory.data(98368, 8);

/** 2^0 … 2^254, and the canonical bytes of them and of their negatives. */
const POWERS: usize = memory.data(10200, 8);
const BYTES: usize = memory.data(8160, 8);
const NEGATIVE_BYTES: usize = memory.data(8160, 8);
const POWER_COUNT: i32 = 255;

const ORDER: usize = memory.data(16392, 8);
const MERGED: usize = memory.data(16392, 8);
const SUM: usize = memory.data(40, 8);
const FACTOR: usize = memory.data(40, 8);
const PRODUCT: usize = memory.data(40, 8);
const SUM_A: usize = memory.data(40, 8);
const SUM_B: usize = memory.data(40, 8);
const SUM_C: usize = memory.data(40, 8);
const DIGEST: usize = memory.data(104, 8);
const HEAD: usize = memory.data(8, 8);

let densityA: usize = 0;
let densityB: usize = 0;
let inputBits: u32 = 0;
let termsAt: usize = 0;
let termsEnd: usize = 0;
let assignedInputs: usize = 0;
let assignedAux: usize = 0;
let failed: u32 = 0;

export function startTerms(): void {
  assert(SHA256_CONTEXT_BYTES == 104 && SMALL_SIDE == TERMS + <usize>MOST_SMALL * TERM);
  assert(LARGE_SIDE == TERMS + <usize>MOST * TERM);
  frCopy(POWERS, FR_ONE);
  for (let i: i32 = 0; i < POWER_COUNT; i++) {
    const power = POWERS + <usize>i * FR_SIZE;
    if (i > 0) frAdd(power, power - FR_SIZE, power - FR_SIZE);
    frToBytesLE(BYTES + (<usize>i << 5), power);
    frNeg(SUM, power);
    frToBytesLE(NEGATIVE_BYTES + (<usize>i << 5), SUM);
  }
  clear(SIDE_A);
  clear(SIDE_B);
  clear(SIDE_C);
  clear(GATHER_LEFT);
  clear(GATHER_RIGHT);
  sha256Init(DIGEST);
  densityA = densityB = termsAt = termsEnd = assignedInputs = assignedAux = 0;
  inputBits = 0;
}

export function setDensity(a: usize, b: usize): void {
  densityA = a;
  densityB = b;
}

/** Bit i is set if input i < 32 occurred in some B row. */
export function densityOfInputs(): u32 {
  return inputBits;
}

export function setTerms(at: usize, bytes: usize): void {
  termsAt = at;
  termsEnd = at + bytes;
}

export function termsWritten(): usize {
  return termsAt;
}

export function setAssignment(inputs: usize, aux: usize): void {
  assignedInputs = inputs;
  assignedAux = aux;
}

export function finishDigest(out: usize): void {
  sha256Final(DIGEST, out);
}

// ---- building ----------------------------------------------------------------------------------------------------

function clear(side: usize): void {
  store<u64>(side, 0);
}

/** Value of a code, at an address that holds until the next call. */
function valueOf(code: i32): usize {
  if (code > 0) return POWERS + <usize>(code - 1) * FR_SIZE;
  frNeg(FACTOR, POWERS + <usize>(-code - 1) * FR_SIZE);
  return FACTOR;
}

/** Turns a term's code into its value. */
function spell(term: usize): void {
  const code = load<i32>(term, 4);
  if (code == 0) return;
  frCopy(term + VALUE, valueOf(code));
  store<i32>(term, 0, 4);
}

/** Adds a coefficient, a code or else the value at `value`, to the term. */
function increase(term: usize, code: i32, value: usize): void {
  spell(term);
  frAdd(term + VALUE, term + VALUE, code == 0 ? value : valueOf(code));
}

/** Adds ±2^k times a variable to a side. */
export function add(side: usize, key: u32, code: i32): void {
  addTerm(side, key, code, 0);
}

/** Adds the coefficient at `value` times a variable to a side. */
export function addValue(side: usize, key: u32, value: usize): void {
  addTerm(side, key, 0, value);
}

function addTerm(side: usize, key: u32, code: i32, value: usize): void {
  let term = side + ONE_TERM;
  if (key == 0) {
    if (load<u32>(side, 4) != 0) {
      increase(term, code, value);
      return;
    }
    store<u32>(side, 1, 4);
  } else {
    const count = load<u32>(side);
    assert(count < (side == GATHER_LEFT || side == GATHER_RIGHT ? MOST : MOST_SMALL));
    term = side + TERMS + <usize>count * TERM;
    store<u32>(side, count + 1);
  }
  store<u32>(term, key);
  store<i32>(term, code, 4);
  if (code == 0) frCopy(term + VALUE, value);
}

// ---- a row -------------------------------------------------------------------------------------------------------

/** The row of the sides A, B and C, which are clear again after it. */
export function emit(): void {
  emitSides(SIDE_A, SIDE_B, SIDE_C);
}

/** The row `left × 1 = right` of what was gathered. */
export function emitGathered(): void {
  add(SIDE_B, 0, 1);
  emitSides(GATHER_LEFT, SIDE_B, GATHER_RIGHT);
}

function emitSides(a: usize, b: usize, c: usize): void {
  if (fault == 0) {
    emitSide(a, 0);
    emitSide(b, 1);
    emitSide(c, 2);
    if (use == USE_CHECK) checkRow();
  }
  clear(a);
  clear(b);
  clear(c);
}

function checkRow(): void {
  frMul(PRODUCT, SUM_A, SUM_B);
  if (frEqual(PRODUCT, SUM_C)) return;
  markPath();
  failed = rowCount;
  fail(ERROR_UNSATISFIED);
}

/** Orders and merges the side's terms, then hands them on. */
function emitSide(side: usize, place: i32): void {
  const count = order(side);
  if (use == USE_DENSITY) mark(count, place);
  else if (use == USE_DIGEST) digest(count);
  else if (use == USE_TERMS) write(count);
  else evaluate(count, place == 0 ? SUM_A : place == 1 ? SUM_B : SUM_C);
}

/** Fills MERGED with the addresses of the side's terms, ordered, merged, without zeros; returns how many. */
function order(side: usize): u32 {
  const count = load<u32>(side);
  let sorted = true;
  let last: u32 = 0;
  for (let i: u32 = 0, term = side + TERMS; i < count; i++, term += TERM) {
    const key = load<u32>(term);
    if (key < last) sorted = false;
    last = key;
    store<u64>(ORDER + (<usize>i << 3), (<u64>key << 32) | i);
  }
  let from = ORDER;
  if (!sorted) from = sort(count);
  let kept: u32 = 0;
  if (load<u32>(side, 4) != 0) kept = keep(kept, side + ONE_TERM);
  for (let i: u32 = 0; i < count; ) {
    const entry = load<u64>(from + (<usize>i << 3));
    const key = <u32>(entry >>> 32);
    const term = side + TERMS + <usize>(<u32>entry) * TERM;
    for (i++; i < count; i++) {
      const next = load<u64>(from + (<usize>i << 3));
      if (<u32>(next >>> 32) != key) break;
      const other = side + TERMS + <usize>(<u32>next) * TERM;
      increase(term, load<i32>(other, 4), other + VALUE);
    }
    kept = keep(kept, term);
  }
  return kept;
}

function keep(kept: u32, term: usize): u32 {
  if (load<i32>(term, 4) == 0 && frIsZero(term + VALUE)) return kept;
  store<u32>(MERGED + (<usize>kept << 2), <u32>term);
  return kept + 1;
}

/** Sorts the entries at ORDER, by runs of doubling length; returns where the sorted ones stand. */
function sort(count: u32): usize {
  let from = ORDER;
  let to = MERGED;
  for (let width: u32 = 1; width < count; width <<= 1) {
    for (let start: u32 = 0; start < count; start += width << 1) {
      const middle = min(start + width, count);
      const end = min(start + (width << 1), count);
      let i = start;
      let j = middle;
      for (let k = start; k < end; k++) {
        const left = i < middle && (j >= end || load<u64>(from + (<usize>i << 3)) < load<u64>(from + (<usize>j << 3)));
        store<u64>(to + (<usize>k << 3), load<u64>(from + (<usize>(left ? i : j) << 3)));
        if (left) i++;
        else j++;
      }
    }
    const swapped = from;
    from = to;
    to = swapped;
  }
  // MERGED is about to be filled with shorter entries from its start; the reader would be overtaken.
  if (from == MERGED) memory.copy(ORDER, MERGED, <usize>count << 3);
  return ORDER;
}

// @ts-ignore: decorator
@inline
function termAt(i: u32): usize {
  return <usize>load<u32>(MERGED + (<usize>i << 2));
}

// ---- uses --------------------------------------------------------------------------------------------------------

function mark(count: u32, place: i32): void {
  if (place == 2) return;
  const map = place == 0 ? densityA : densityB;
  for (let i: u32 = 0; i < count; i++) {
    const key = load<u32>(termAt(i));
    if ((key & AUX) != 0) {
      const byte = map + <usize>((key & ~AUX) >>> 3);
      store<u8>(byte, load<u8>(byte) | <u8>((<u32>1) << (key & 7)));
    } else if (place == 1) inputBits |= 1 << min(key, 31);
  }
}

function digest(count: u32): void {
  store<u32>(HEAD, count);
  sha256Update(DIGEST, HEAD, 4);
  for (let i: u32 = 0; i < count; i++) {
    const term = termAt(i);
    const key = load<u32>(term);
    const code = load<i32>(term, 4);
    store<u8>(HEAD, <u8>(key >>> 31));
    store<u32>(HEAD, key & ~AUX, 1);
    sha256Update(DIGEST, HEAD, 5);
    if (code > 0) {
      sha256Update(DIGEST, BYTES + (<usize>(code - 1) << 5), 32);
    } else if (code < 0) {
      sha256Update(DIGEST, NEGATIVE_BYTES + (<usize>(-code - 1) << 5), 32);
    } else {
      frToBytesLE(PRODUCT, term + VALUE);
      sha256Update(DIGEST, PRODUCT, 32);
    }
  }
}

function write(count: u32): void {
  if (termsEnd - termsAt < 4 + <usize>count * (8 + PACKED_BYTES)) {
    fail(ERROR_FULL);
    return;
  }
  store<u32>(termsAt, count);
  termsAt += 4;
  for (let i: u32 = 0; i < count; i++) {
    const term = termAt(i);
    const code = load<i32>(term, 4);
    store<u32>(termsAt, load<u32>(term));
    store<i32>(termsAt, code, 4);
    termsAt += 8;
    if (code != 0) continue;
    packElement(termsAt, term + VALUE);
    termsAt += PACKED_BYTES;
  }
}

/** sum = the side's value over the assignment. */
function evaluate(count: u32, sum: usize): void {
  memory.fill(sum, 0, FR_SIZE);
  for (let i: u32 = 0; i < count; i++) {
    const term = termAt(i);
    const key = load<u32>(term);
    const from = (key & AUX) != 0 ? assignedAux + (<usize>(key & ~AUX) << 5) : assignedInputs + (<usize>key << 5);
    if ((load<u64>(from) | load<u64>(from, 8) | load<u64>(from, 16) | load<u64>(from, 24)) == 0) continue;
    frUnpack(SUM, from);
    const code = load<i32>(term, 4);
    if (code != 1) frMul(SUM, SUM, code == 0 ? term + VALUE : valueOf(code));
    frAdd(sum, sum, SUM);
  }
}

/** Number of the row that did not hold. */
export function failedRow(): u32 {
  return failed;
}
