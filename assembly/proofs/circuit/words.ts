/**
 * Words of 32 bits, and their sums.
 *
 * A word is 32 bits (`bit.ts`), lowest first, 256 bytes. A sum of n words makes new bits for the whole sum, carries
 * included, and one equation "operands = result". Equations are gathered: the next one is shifted above the bits of those
 * before, until 254 bits would be passed, then one row `left × 1 = right` states them all.
 *
 * Source: bellpepper gadgets/uint32.rs, multieq.rs.
 */
import { frToMontgomery, frUnpack } from "../../crypto/field/fr.gen";
import { addBit, allocBit, Bit, bitKey, bitValue, constantBit, FALSE, isConstant, xor } from "./bit";
import { building, countRow, valuesEqual, witnessing } from "./run";
import { add, emitGathered, GATHER_LEFT, GATHER_RIGHT } from "./terms";

export const WORD_BYTES: usize = 256;
/** Bits that an element surely holds. */
const CAPACITY: u32 = 254;
const MAX_OPERANDS: u32 = 10;

const OPERANDS: usize = memory.data(40, 8);
const RESULT: usize = memory.data(288, 8);
const FIRST: usize = memory.data(256, 8);
/** The gathered sum as 256-bit number, and 8 bytes behind; left and right are equal in it. */
const GATHERED: usize = memory.data(40, 8);
const ELEMENT: usize = memory.data(40, 8);
let gatheredBits: u32 = 0;
let operandCount: u32 = 0;

// @ts-ignore: decorator
@inline
export function bitAt(bits: usize, i: u32): Bit {
  return load<u64>(bits + (<usize>i << 3));
}

// @ts-ignore: decorator
@inline
export function putBit(bits: usize, i: u32, bit: Bit): void {
  store<u64>(bits + (<usize>i << 3), bit);
}

export function constantWord(out: usize, value: u32): void {
  for (let i: u32 = 0; i < 32; i++) putBit(out, i, constantBit((value >>> i) & 1));
}

/** out = rotr(w, r1) ^ rotr(w, r2) ^ (shifted ? w >> r3 : rotr(w, r3)); two operations, one after the other. */
export function sigma(out: usize, w: usize, r1: u32, r2: u32, r3: u32, shifted: bool): void {
  for (let i: u32 = 0; i < 32; i++) putBit(FIRST, i, xor(bitAt(w, (i + r1) & 31), bitAt(w, (i + r2) & 31)));
  for (let i: u32 = 0; i < 32; i++) {
    const third = shifted && i + r3 > 31 ? FALSE : bitAt(w, (i + r3) & 31);
    putBit(out, i, xor(bitAt(FIRST, i), third));
  }
}

export function startGathering(): void {
  gatheredBits = 0;
  operandCount = 0;
  memory.fill(GATHERED, 0, 32);
}

/** States what was gathered; at the end of a compression. */
export function stateGathered(): void {
  if (gatheredBits == 0) return;
  if (witnessing()) {
    frUnpack(ELEMENT, GATHERED);
    frToMontgomery(ELEMENT, ELEMENT);
    valuesEqual(ELEMENT);
    memory.fill(GATHERED, 0, 32);
  } else if (building()) {
    emitGathered();
  }
  countRow();
  gatheredBits = 0;
}

/** An operand of the next `sum`. */
export function operand(word: usize): void {
  assert(operandCount < MAX_OPERANDS);
  store<u32>(OPERANDS + (<usize>operandCount << 2), <u32>word);
  operandCount++;
}

/** out = the sum of the operands modulo 2^32; a constant if all are. */
export function sum(out: usize): void {
  let total: u64 = 0;
  let constant = true;
  for (let k: u32 = 0; k < operandCount; k++) {
    const word = <usize>load<u32>(OPERANDS + (<usize>k << 2));
    for (let i: u32 = 0; i < 32; i++) {
      const bit = bitAt(word, i);
      total += (<u64>bitValue(bit)) << i;
      constant = constant && isConstant(bit);
    }
  }
  const operands = operandCount;
  operandCount = 0;
  if (constant) {
    constantWord(out, <u32>total);
    return;
  }
  const bits: u32 = 64 - <u32>clz<u64>(<u64>operands * 0xffffffff);
  for (let i: u32 = 0; i < bits; i++) putBit(RESULT, i, allocBit(<u32>(total >>> i) & 1));
  if (gatheredBits + bits >= CAPACITY) stateGathered();
  if (witnessing()) gatherValue(total);
  else if (building()) gatherTerms(operands, bits);
  gatheredBits += bits;
  memory.copy(out, RESULT, WORD_BYTES);
}

/** Adds total · 2^gatheredBits. */
function gatherValue(total: u64): void {
  const at = GATHERED + (<usize>(gatheredBits >>> 6) << 3);
  const shift = gatheredBits & 63;
  store<u64>(at, load<u64>(at) + (total << shift));
  // Bits of the sums do not overlap: no carry goes on.
  if (shift > 28) store<u64>(at, load<u64>(at, 8) | (total >>> (64 - shift)), 8);
}

function gatherTerms(operands: u32, bits: u32): void {
  const code: i32 = gatheredBits + 1;
  for (let k: u32 = 0; k < operands; k++) {
    const word = <usize>load<u32>(OPERANDS + (<usize>k << 2));
    for (let i: i32 = 0; i < 32; i++) addBit(GATHER_LEFT, bitAt(word, i), code + i);
  }
  for (let i: i32 = 0; i < <i32>bits; i++) add(GATHER_RIGHT, bitKey(bitAt(RESULT, i)), code + i);
}

