/**
 * The state of a run: its use, its counts, the windows it fills, the witness it reads. `contract.ts` says what they mean.
 *
 * One run at a time in an instance: a circuit is a sequence, and its description reads best without a context in hand.
 */
import { FR_ONE, FR_SIZE, frAdd, frCopy, frFromBytesLE, frNeg } from "../../crypto/field/fr.gen";
import { PACKED_BYTES, packElement, packedOne } from "../../crypto/field/fr-packed";
import { AUX, ERROR_FULL, ERROR_WITNESS, USE_COUNT, USE_DENSITY, USE_WITNESS } from "./contract";

export let use: i32 = USE_COUNT;
/** 0, or the first error. A run that failed goes on to the end of its step and writes nothing that is used. */
export let fault: i32 = 0;
export let inputCount: u32 = 0;
export let auxCount: u32 = 0;
export let rowCount: u32 = 0;

let source: usize = 0;
let sourceEnd: usize = 0;
let inputAt: usize = 0;
let auxAt: usize = 0;
let auxEnd: usize = 0;
let aAt: usize = 0;
let aEnd: usize = 0;
let bAt: usize = 0;
let cAt: usize = 0;

/** Packed -2 … 2. */
const SMALL: usize = memory.data(160, 8);
const ZERO: usize = SMALL + 2 * 32;
const ELEMENT: usize = memory.data(40, 8);

export function startRun(wanted: i32): void {
  use = wanted;
  fault = 0;
  inputCount = 0;
  auxCount = 0;
  rowCount = 0;
  source = sourceEnd = inputAt = auxAt = auxEnd = aAt = aEnd = bAt = cAt = 0;
  const one = packedOne();
  memory.copy(SMALL + 3 * 32, one, 32);
  frAdd(ELEMENT, FR_ONE, FR_ONE);
  packElement(SMALL + 4 * 32, ELEMENT);
  frNeg(ELEMENT, ELEMENT);
  packElement(SMALL, ELEMENT);
  frNeg(ELEMENT, FR_ONE);
  packElement(SMALL + 32, ELEMENT);
}

/** Keeps the first error. */
export function fail(error: i32): void {
  if (fault == 0) fault = error;
}

export function setSource(at: usize, bytes: usize): void {
  source = at;
  sourceEnd = at + bytes;
}

export function sourceLeft(): usize {
  return sourceEnd - source;
}

/** Input 0, the constant, is written here. */
export function setInputs(at: usize): void {
  inputAt = at;
}

export function setRows(a: usize, b: usize, c: usize, count: u32): void {
  aAt = a;
  aEnd = a + <usize>count * PACKED_BYTES;
  bAt = b;
  cAt = c;
}

export function setAux(at: usize, count: u32): void {
  auxAt = at;
  auxEnd = at + <usize>count * PACKED_BYTES;
}

/** Whether values are computed. */
// @ts-ignore: decorator
@inline
export function witnessing(): bool {
  return use == USE_WITNESS;
}

/** Whether linear combinations are built. */
// @ts-ignore: decorator
@inline
export function building(): bool {
  return use >= USE_DENSITY;
}

// ---- witness in --------------------------------------------------------------------------------------------------

/** Address of the next `bytes` of the witness, or of zeros when it has ended. At most 32 bytes. */
function take(bytes: usize): usize {
  if (sourceEnd - source < bytes) {
    fail(ERROR_WITNESS);
    return ZERO;
  }
  const at = source;
  source += bytes;
  return at;
}

/** Reads an element into the limbs at `r`. */
export function readElement(r: usize): void {
  if (use != USE_WITNESS) return;
  if (!frFromBytesLE(r, take(32))) fail(ERROR_WITNESS);
}

/** Reads a u64; 0 outside of a witness run. */
export function readNumber(): u64 {
  return use == USE_WITNESS ? load<u64>(take(8)) : 0;
}

// ---- witness out -------------------------------------------------------------------------------------------------

/** A new input with the value at `value`; its key. */
export function newInput(value: usize): u32 {
  const key = inputCount++;
  if (use == USE_WITNESS) packElement(inputAt + <usize>key * PACKED_BYTES, value);
  return key;
}

/** A new auxiliary with the value at `value` (limbs); its key. */
export function newAux(value: usize): u32 {
  if (use == USE_WITNESS) {
    if (auxAt == auxEnd) {
      fail(ERROR_FULL);
    } else {
      packElement(auxAt, value);
      auxAt += PACKED_BYTES;
    }
  }
  return AUX | auxCount++;
}

/** A new auxiliary that is 0 or 1. */
export function newAuxBit(value: u32): u32 {
  if (use == USE_WITNESS) {
    if (auxAt == auxEnd) {
      fail(ERROR_FULL);
    } else {
      putSmall(auxAt, value);
      auxAt += PACKED_BYTES;
    }
  }
  return AUX | auxCount++;
}

// @ts-ignore: decorator
@inline
function putSmall(to: usize, value: i32): void {
  const from = ZERO + (<isize>value << 5);
  store<u64>(to, load<u64>(from));
  store<u64>(to, load<u64>(from, 8), 8);
  store<u64>(to, load<u64>(from, 16), 16);
  store<u64>(to, load<u64>(from, 24), 24);
}

function roomForRow(): bool {
  if (aAt != aEnd) return true;
  fail(ERROR_FULL);
  return false;
}

function nextRow(): void {
  aAt += PACKED_BYTES;
  bAt += PACKED_BYTES;
  cAt += PACKED_BYTES;
}

/** Values of a row that are within -2 … 2. Witness runs only, as those below. */
export function valuesSmall(a: i32, b: i32, c: i32): void {
  if (!roomForRow()) return;
  putSmall(aAt, a);
  putSmall(bAt, b);
  putSmall(cAt, c);
  nextRow();
}

/** Values of a row. */
export function values(a: usize, b: usize, c: usize): void {
  if (!roomForRow()) return;
  packElement(aAt, a);
  packElement(bAt, b);
  packElement(cAt, c);
  nextRow();
}

/** Values of a row `x × 1 = x`. */
export function valuesEqual(x: usize): void {
  if (!roomForRow()) return;
  packElement(aAt, x);
  putSmall(bAt, 1);
  memory.copy(cAt, aAt, PACKED_BYTES);
  nextRow();
}

/** Values of a row that are the elements `a` and `c` and the bit `b`. */
export function valuesBit(a: usize, b: u32, c: usize): void {
  if (!roomForRow()) return;
  packElement(aAt, a);
  putSmall(bAt, b);
  packElement(cAt, c);
  nextRow();
}

/** Values of the row of input `key`. */
export function valuesInput(key: u32): void {
  if (!roomForRow()) return;
  memory.copy(aAt, inputAt + <usize>key * PACKED_BYTES, PACKED_BYTES);
  putSmall(bAt, 0);
  putSmall(cAt, 0);
  nextRow();
}

/** Counts a row; every row is counted once, after its values or its terms. */
// @ts-ignore: decorator
@inline
export function countRow(): void {
  rowCount++;
}

/** Sets limbs to a number of 64 bits, in Montgomery form. */
export function setNumber(r: usize, value: u64): void {
  const bytes = memory.data(32, 8);
  memory.fill(bytes, 0, 32);
  store<u64>(bytes, value);
  frFromBytesLE(r, bytes);
}

/** Copies limbs. */
export function copyElement(r: usize, a: usize): void {
  frCopy(r, a);
}

/** Bytes of an element's limbs. */
export const ELEMENT_SIZE: usize = FR_SIZE;
