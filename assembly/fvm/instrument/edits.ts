/**
 * What changes in the bodies of a module, in the order of its code: noted while they are walked, read while they are written.
 *
 * A record is six words of 32 bits: its kind, where it falls due, where the code goes on behind it, a number, and a value of 64 bits.
 * Records lie in pieces of memory, each of which begins with the place of the next; none is moved, so a charge can be added to later.
 */

/** A body begins: `at` its local groups, `next` its first instruction, `number` of groups, `value` locals; below 0: one more, of i32. */
export const BODY: u32 = 0;
/** A body ends. */
export const BODY_END: u32 = 1;
/** A fixed cost in milligas; 0 costs nothing. */
export const CHARGE: u32 = 2;
/** A cost of `value` milligas per unit of the operand on top. */
export const CHARGE_BY_OPERAND: u32 = 3;
/** A direct call of function `value`. */
export const LIMITED: u32 = 4;
/** memory.grow. */
export const GROW: u32 = 5;
/** memory.size. */
export const SIZE: u32 = 6;
/** table.grow of table `value`, which stays where it is. */
export const BOUND: u32 = 7;

/** None: the next one takes its room. */
const DROPPED: u32 = 8;

const RECORD: usize = 24;
const HEAD: usize = 8;
const PIECE: usize = HEAD + RECORD * 8192;

let first: usize = 0;
let piece: usize = 0;
/** The record noted or read last; 0 before the first. */
let last: usize = 0;

export function start(): void {
  first = piece = heap.alloc(PIECE);
  last = 0;
}

/** Notes a change, and returns its record. */
export function note(kind: u32, at: usize, next: usize, value: i64, number: u32 = 0): usize {
  const record = last != 0 && kindOf(last) == DROPPED ? last : further();
  store<u32>(record, kind);
  store<u32>(record, <u32>at, 4);
  store<u32>(record, <u32>next, 8);
  store<u32>(record, number, 12);
  store<i64>(record, value, 16);
  last = record;
  return record;
}

/** Room behind the last record. */
function further(): usize {
  if (last == 0) return piece + HEAD;
  if (last + RECORD < piece + PIECE) return last + RECORD;
  const next = heap.alloc(PIECE);
  store<usize>(piece, next);
  piece = next;
  return next + HEAD;
}

/** The record of a charge at a place, of nothing so far: the one noted last, if that is it. */
export function charge(at: usize): usize {
  return last != 0 && kindOf(last) == CHARGE && placeOf(last) == at ? last : note(CHARGE, at, at, 0);
}

/** Gives up a charge of nothing; its room is used again if it was noted last. */
export function drop(record: usize): void {
  if (record == last) store<u32>(record, DROPPED);
}

/** Begins to read: the next record is the first. */
export function rewind(): void {
  piece = first;
  last = 0;
}

/** The next record. There is one until the last body's end has been read. */
export function read(): usize {
  if (last == 0) last = piece + HEAD;
  else if (last + RECORD < piece + PIECE) last += RECORD;
  else {
    piece = load<usize>(piece);
    last = piece + HEAD;
  }
  return last;
}

// @ts-ignore: decorator
@inline
export function kindOf(record: usize): u32 {
  return load<u32>(record);
}

// @ts-ignore: decorator
@inline
export function placeOf(record: usize): usize {
  return load<u32>(record, 4);
}

// @ts-ignore: decorator
@inline
export function nextOf(record: usize): usize {
  return load<u32>(record, 8);
}

// @ts-ignore: decorator
@inline
export function numberOf(record: usize): u32 {
  return load<u32>(record, 12);
}

// @ts-ignore: decorator
@inline
export function valueOf(record: usize): i64 {
  return load<i64>(record, 16);
}

// @ts-ignore: decorator
@inline
export function setValue(record: usize, value: i64): void {
  store<i64>(record, value, 16);
}
