/**
 * Bits in circuits: constants, variables that are 0 or 1, and negations of them, which cost nothing.
 *
 * A bit is a u64, so that words of them need no objects:
 *
 *    0 … 31   key of the variable (`contract.ts`)
 *    32       its value, of the bit itself, after negation
 *    33       1: the bit is the variable's negation
 *    34       1: a constant, without a variable
 *
 * Which rows an operation makes depends on what its operands are; the cases are tried in the official order, because it
 * decides the numbering. Source: bellpepper-core gadgets/boolean.rs.
 */
import { newAuxBit, building, countRow, valuesSmall, witnessing } from "./run";
import { add, emit, SIDE_A, SIDE_B, SIDE_C } from "./terms";

export type Bit = u64;

const VALUE: u64 = 1 << 32;
const NEGATED: u64 = 1 << 33;
const CONSTANT: u64 = 1 << 34;

export const FALSE: Bit = CONSTANT;
export const TRUE: Bit = 21474836480; // CONSTANT | VALUE

// @ts-ignore: decorator
@inline
export function constantBit(value: u32): Bit {
  return CONSTANT | ((<u64>value) << 32);
}

// @ts-ignore: decorator
@inline
export function isConstant(bit: Bit): bool {
  return (bit & CONSTANT) != 0;
}

// @ts-ignore: decorator
@inline
export function bitValue(bit: Bit): u32 {
  return <u32>(bit >>> 32) & 1;
}

// @ts-ignore: decorator
@inline
export function bitKey(bit: Bit): u32 {
  return <u32>bit;
}

// @ts-ignore: decorator
@inline
function negated(bit: Bit): bool {
  return (bit & NEGATED) != 0;
}

/** Value of the variable behind a bit. */
// @ts-ignore: decorator
@inline
function variable(bit: Bit): u32 {
  return <u32>((bit >>> 32) ^ (bit >>> 33)) & 1;
}

// @ts-ignore: decorator
@inline
export function not(bit: Bit): Bit {
  return isConstant(bit) ? bit ^ VALUE : bit ^ (VALUE | NEGATED);
}

// @ts-ignore: decorator
@inline
function bitOf(key: u32, value: u32): Bit {
  return (<u64>key) | ((<u64>value) << 32);
}

/** Adds `bit` times the coefficient of `code` to a side. */
export function addBit(side: usize, bit: Bit, code: i32): void {
  if (isConstant(bit)) {
    if (bitValue(bit) != 0) add(side, 0, code);
  } else if (negated(bit)) {
    add(side, 0, code);
    add(side, bitKey(bit), -code);
  } else {
    add(side, bitKey(bit), code);
  }
}

/** A new bit: (1 - v) × v = 0. */
export function allocBit(value: u32): Bit {
  const key = newAuxBit(value);
  if (witnessing()) {
    valuesSmall(1 - value, value, 0);
  } else if (building()) {
    add(SIDE_A, 0, 1);
    add(SIDE_A, key, -1);
    add(SIDE_B, key, 1);
    emit();
  }
  countRow();
  return bitOf(key, value);
}

/** The variables' exclusive or: (2a) × b = a + b - v. */
function xorVariables(a: Bit, b: Bit): Bit {
  const x = variable(a);
  const y = variable(b);
  const value = x ^ y;
  const key = newAuxBit(value);
  if (witnessing()) {
    valuesSmall(x << 1, y, x + y - value);
  } else if (building()) {
    add(SIDE_A, bitKey(a), 2);
    add(SIDE_B, bitKey(b), 1);
    add(SIDE_C, bitKey(a), 1);
    add(SIDE_C, bitKey(b), 1);
    add(SIDE_C, key, -1);
    emit();
  }
  countRow();
  return bitOf(key, value);
}

export function xor(a: Bit, b: Bit): Bit {
  if (isConstant(a)) return bitValue(a) != 0 ? not(b) : b;
  if (isConstant(b)) return bitValue(b) != 0 ? not(a) : a;
  if (negated(a) == negated(b)) return xorVariables(a, b);
  return not(negated(a) ? xorVariables(b, a) : xorVariables(a, b));
}

/** a × b = v, each as it is, negated or not. */
function andRow(a: Bit, b: Bit): Bit {
  const value = bitValue(a) & bitValue(b);
  const key = newAuxBit(value);
  if (witnessing()) {
    valuesSmall(bitValue(a), bitValue(b), value);
  } else if (building()) {
    addBit(SIDE_A, a, 1);
    addBit(SIDE_B, b, 1);
    add(SIDE_C, key, 1);
    emit();
  }
  countRow();
  return bitOf(key, value);
}

export function and(a: Bit, b: Bit): Bit {
  if (isConstant(a)) return bitValue(a) != 0 ? b : FALSE;
  if (isConstant(b)) return bitValue(b) != 0 ? a : FALSE;
  return negated(a) && !negated(b) ? andRow(b, a) : andRow(a, b);
}

/** a ? b : c, as SHA-256 chooses: (b - c) × a = v - c. */
export function choose(a: Bit, b: Bit, c: Bit): Bit {
  const value = bitValue(a) != 0 ? bitValue(b) : bitValue(c);
  if (isConstant(a) && isConstant(b) && isConstant(c)) return constantBit(value);
  if (a == FALSE) return c;
  if (b == FALSE) return and(not(a), c);
  if (c == FALSE) return and(a, b);
  if (c == TRUE) return not(and(a, not(b)));
  if (b == TRUE) return not(and(not(a), not(c)));
  const key = newAuxBit(value);
  if (witnessing()) {
    valuesSmall(bitValue(b) - bitValue(c), bitValue(a), value - bitValue(c));
  } else if (building()) {
    addBit(SIDE_A, b, 1);
    addBit(SIDE_A, c, -1);
    addBit(SIDE_B, a, 1);
    add(SIDE_C, key, 1);
    addBit(SIDE_C, c, -1);
    emit();
  }
  countRow();
  return bitOf(key, value);
}

/** The majority: b × c = bc, then (2bc - b - c) × a = bc - v, where v comes before bc in the numbering. */
export function majority(a: Bit, b: Bit, c: Bit): Bit {
  const value = (bitValue(a) + bitValue(b) + bitValue(c)) >>> 1;
  if (isConstant(a) && isConstant(b) && isConstant(c)) return constantBit(value);
  if (a == FALSE) return and(b, c);
  if (b == FALSE) return and(a, c);
  if (c == FALSE) return and(a, b);
  if (c == TRUE) return not(and(not(a), not(b)));
  if (b == TRUE) return not(and(not(a), not(c)));
  if (a == TRUE) return not(and(not(b), not(c)));
  const key = newAuxBit(value);
  const both = and(b, c);
  if (witnessing()) {
    const product: i32 = bitValue(both);
    valuesSmall(2 * product - bitValue(b) - bitValue(c), bitValue(a), product - <i32>value);
  } else if (building()) {
    addBit(SIDE_A, both, 2);
    addBit(SIDE_A, b, -1);
    addBit(SIDE_A, c, -1);
    addBit(SIDE_B, a, 1);
    addBit(SIDE_C, both, 1);
    add(SIDE_C, key, -1);
    emit();
  }
  countRow();
  return bitOf(key, value);
}
