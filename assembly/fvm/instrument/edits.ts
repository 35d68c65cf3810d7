/**
 * What changes in the bodies of a module, in the order of its code: noted while they are walked, read while they are written.
 *
 * Edits lie in pieces of memory, each of which begins with the place of the next; none is moved, so a charge can be added to later.
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

/** One edit: its kind, where it falls due, where the code goes on behind it, and what the kind says. It lies outside of the heap's objects. */
@unmanaged
export class Edit {
  kind: u32;
  at: usize;
  next: usize;
  number: u32;
  value: i64;
}

const EDIT: usize = offsetof<Edit>();
const HEAD: usize = 8;
const PIECE: usize = HEAD + EDIT * 8192;

let first: usize = 0;
let piece: usize = 0;
/** Place of the edit noted or read last; 0 before the first. */
let last: usize = 0;

export function start(): void {
  first = piece = heap.alloc(PIECE);
  last = 0;
}

/** Notes a change. */
export function note(kind: u32, at: usize, next: usize, value: i64, number: u32 = 0): Edit {
  if (last == 0 || changetype<Edit>(last).kind != DROPPED) last = further();
  const edit = changetype<Edit>(last);
  edit.kind = kind;
  edit.at = at;
  edit.next = next;
  edit.number = number;
  edit.value = value;
  return edit;
}

/** Room behind the last edit. */
function further(): usize {
  if (last == 0) return piece + HEAD;
  if (last + EDIT < piece + PIECE) return last + EDIT;
  const next = heap.alloc(PIECE);
  store<usize>(piece, next);
  piece = next;
  return next + HEAD;
}

/** A charge at a place, of nothing so far: the edit noted last, if that is it. */
export function charge(at: usize): Edit {
  const edit = changetype<Edit>(last);
  return last != 0 && edit.kind == CHARGE && edit.at == at ? edit : note(CHARGE, at, at, 0);
}

/** Gives up a charge of nothing; its room is used again if it was noted last. */
export function drop(edit: Edit): void {
  if (changetype<usize>(edit) == last) edit.kind = DROPPED;
}

/** Begins to read: the next edit is the first. */
export function rewind(): void {
  piece = first;
  last = 0;
}

/** The next edit. There is one until the last body's end has been read. */
export function read(): Edit {
  if (last == 0) last = piece + HEAD;
  else if (last + EDIT < piece + PIECE) last += EDIT;
  else {
    piece = load<usize>(piece);
    last = piece + HEAD;
  }
  return changetype<Edit>(last);
}
