/**
 * Numbers in circuits: variables with the value of a field element.
 *
 * A number is 48 bytes, owned by the caller: value (limbs, 40 bytes; only in witness runs), key, 4 bytes of padding.
 * Bits of a number stand lowest first, 256 of them, 8 bytes each (`bit.ts`), the last one the constant 0.
 *
 * Sources: bellpepper-core gadgets/num.rs, boolean.rs; bellpepper gadgets/multipack.rs; rust-fil-proofs storage-proofs-core
 * src/gadgets/{constraint,insertion}.rs.
 */
import { FR_ONE, frAdd, frCopy, frFromBytesLE, frMul, frSub, frToBytesLE } from "../../crypto/field/fr.gen";
import { addBit, allocBit, Bit, bitValue, FALSE } from "./bit";
import {
  building,
  countRow,
  newAux,
  newInput,
  readElement,
  values,
  valuesBit,
  valuesEqual,
  valuesSmall,
  witnessing,
} from "./run";
import { add, emit, SIDE_A, SIDE_B, SIDE_C } from "./terms";
import { bitAt, putBit, WORD_BYTES } from "./words";

export const NUMBER_BYTES: usize = 48;
/** Bits of an element, and those that any element surely holds. */
export const ELEMENT_BITS: u32 = 255;
export const PACKED_BITS: u32 = 254;
export const BITS_BYTES: usize = 2048;

const BYTES: usize = memory.data(32, 8);
const ELEMENT: usize = memory.data(40, 8);

// @ts-ignore: decorator
@inline
export function keyOf(number: usize): u32 {
  return load<u32>(number, 40);
}

// @ts-ignore: decorator
@inline
export function numberAt(numbers: usize, i: u32): usize {
  return numbers + <usize>i * NUMBER_BYTES;
}

export function copyNumber(to: usize, from: usize): void {
  memory.copy(to, from, NUMBER_BYTES);
}

/** A new variable with the value at `number`. */
export function alloc(number: usize): void {
  store<u32>(number, newAux(number), 40);
}

/** A new variable with the next element of the witness. */
export function read(number: usize): void {
  readElement(number);
  alloc(number);
}

/** left × 1 = right, two variables of (as it should be) one value. */
function equalRow(left: u32, right: u32, value: usize): void {
  if (witnessing()) {
    valuesEqual(value);
  } else if (building()) {
    add(SIDE_A, left, 1);
    add(SIDE_B, 0, 1);
    add(SIDE_C, right, 1);
    emit();
  }
  countRow();
}

/** A new input equal to the number: x × 1 = number. */
export function inputize(number: usize): void {
  equalRow(newInput(number), keyOf(number), number);
}

/** left × 1 = right. */
export function equal(left: usize, right: usize): void {
  if (witnessing()) {
    values(left, FR_ONE, right);
  } else if (building()) {
    add(SIDE_A, keyOf(left), 1);
    add(SIDE_B, 0, 1);
    add(SIDE_C, keyOf(right), 1);
    emit();
  }
  countRow();
}

/** out = a + b: (a + b) × 1 = out. */
export function sumOf(out: usize, a: usize, b: usize): void {
  if (witnessing()) frAdd(out, a, b);
  alloc(out);
  if (witnessing()) {
    valuesEqual(out);
  } else if (building()) {
    add(SIDE_A, keyOf(a), 1);
    add(SIDE_A, keyOf(b), 1);
    add(SIDE_B, 0, 1);
    add(SIDE_C, keyOf(out), 1);
    emit();
  }
  countRow();
}

/** out = a b. */
export function productOf(out: usize, a: usize, b: usize): void {
  if (witnessing()) frMul(out, a, b);
  alloc(out);
  if (witnessing()) {
    values(a, b, out);
  } else if (building()) {
    add(SIDE_A, keyOf(a), 1);
    add(SIDE_B, keyOf(b), 1);
    add(SIDE_C, keyOf(out), 1);
    emit();
  }
  countRow();
}

/** out = bit ? a : b: (b - a) × bit = b - out. */
export function pick(out: usize, bit: Bit, a: usize, b: usize): void {
  if (witnessing()) frCopy(out, bitValue(bit) != 0 ? a : b);
  alloc(out);
  if (witnessing()) {
    frSub(ELEMENT, b, a);
    if (bitValue(bit) != 0) valuesBit(ELEMENT, 1, ELEMENT);
    else valuesBit(ELEMENT, 0, NOTHING);
  } else if (building()) {
    add(SIDE_A, keyOf(b), 1);
    add(SIDE_A, keyOf(a), -1);
    addBit(SIDE_B, bit, 1);
    add(SIDE_C, keyOf(b), 1);
    add(SIDE_C, keyOf(out), -1);
    emit();
  }
  countRow();
}

/** Never written. */
const NOTHING: usize = memory.data(40, 8);

// ---- bits --------------------------------------------------------------------------------------------------------

/** New bits of the number's canonical value; the row that ties them to it is the caller's. */
function allocBits(bits: usize, number: usize): void {
  if (witnessing()) frToBytesLE(BYTES, number);
  else memory.fill(BYTES, 0, 32);
  for (let i: u32 = 0; i < ELEMENT_BITS; i++) {
    putBit(bits, i, allocBit((<u32>load<u8>(BYTES + <usize>(i >>> 3)) >>> (i & 7)) & 1));
  }
  putBit(bits, ELEMENT_BITS, FALSE);
}

function addBits(side: usize, bits: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++) addBit(side, bitAt(bits, i), <i32>i + 1);
}

/** The number's bits, not forced below the modulus: 0 × 0 = Σ 2^i bit - number. */
export function toBits(bits: usize, number: usize): void {
  allocBits(bits, number);
  if (witnessing()) {
    valuesSmall(0, 0, 0);
  } else if (building()) {
    addBits(SIDE_C, bits, ELEMENT_BITS);
    add(SIDE_C, keyOf(number), -1);
    emit();
  }
  countRow();
}

/** The same, as sector updates tie them: Σ 2^i bit × 1 = number. */
export function toBitsTimesOne(bits: usize, number: usize): void {
  allocBits(bits, number);
  packRow(bits, ELEMENT_BITS, number, keyOf(number));
}

/** Σ 2^i bit × 1 = a variable with the same value. */
export function packRow(bits: usize, count: u32, value: usize, key: u32): void {
  if (witnessing()) {
    valuesEqual(value);
  } else if (building()) {
    addBits(SIDE_A, bits, count);
    add(SIDE_B, 0, 1);
    add(SIDE_C, key, 1);
    emit();
  }
  countRow();
}

/** value = Σ 2^i bit. */
function valueOfBits(value: usize, bits: usize, count: u32): void {
  memory.fill(BYTES, 0, 32);
  for (let i: u32 = 0; i < count; i++) {
    const at = BYTES + <usize>(i >>> 3);
    store<u8>(at, load<u8>(at) | <u8>(bitValue(bitAt(bits, i)) << (i & 7)));
  }
  frFromBytesLE(value, BYTES);
}

/** A new number made of at most 254 bits. */
export function pack(out: usize, bits: usize, count: u32): void {
  assert(count <= PACKED_BITS);
  if (witnessing()) valueOfBits(out, bits, count);
  alloc(out);
  packRow(bits, count, out, keyOf(out));
}

/** A new input made of at most 254 bits. */
export function packIntoInput(bits: usize, count: u32): void {
  assert(count <= PACKED_BITS);
  if (witnessing()) valueOfBits(ELEMENT, bits, count);
  packRow(bits, count, ELEMENT, newInput(ELEMENT));
}

/** The eight words, first bytes highest, of the 32 bytes that the bits are. */
export function wordsOfBits(words: usize, bits: usize): void {
  for (let i: u32 = 0; i < 256; i++) putBit(words + <usize>(i >>> 5) * WORD_BYTES, placeInWord(i), bitAt(bits, i));
}

/** The bits of 32 bytes from their eight words. */
export function bitsOfWords(bits: usize, words: usize): void {
  for (let i: u32 = 0; i < 256; i++) putBit(bits, i, bitAt(words + <usize>(i >>> 5) * WORD_BYTES, placeInWord(i)));
}

/** Where bit i of a byte string (lowest bit of each byte first) stands in its word. */
// @ts-ignore: decorator
@inline
function placeInWord(i: u32): u32 {
  return 24 - (i & 24) + (i & 7);
}
