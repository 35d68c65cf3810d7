/** The growing output: bytes and LEB128 numbers at its end. */
let base: usize = 0;
let size: usize = 0;
let used: usize = 0;

/** Starts anew, with room for about `bytes`. */
export function start(bytes: usize): void {
  if (bytes > size) {
    if (base != 0) heap.free(base);
    base = heap.alloc(bytes);
    size = bytes;
  }
  used = 0;
}

export function outputAt(): usize {
  return base;
}

export function length(): i32 {
  return <i32>used;
}

function grow(need: usize): void {
  const bytes = (used + need) << 1;
  const wider = heap.alloc(bytes);
  memory.copy(wider, base, used);
  heap.free(base);
  base = wider;
  size = bytes;
}

// @ts-ignore: decorator
@inline
function room(need: usize): void {
  if (used + need > size) grow(need);
}

export function byte(value: u32): void {
  room(1);
  store<u8>(base + used++, value);
}

/** Bytes from which on the engine's own copying is faster than words. */
const LONG: usize = 64;
const WORD: usize = 8;

/** Copies bytes that do not lie in the output; up to a word more is read behind them, so memory must not end there. */
export function copy(from: usize, bytes: usize): void {
  room(bytes + WORD);
  const to = base + used;
  if (bytes > LONG) memory.copy(to, from, bytes);
  else for (let i: usize = 0; i < bytes; i += WORD) store<u64>(to + i, load<u64>(from + i));
  used += bytes;
}

/** Bytes that are written again and again. */
export class Piece {
  constructor(
    readonly at: usize,
    readonly bytes: usize,
  ) {}
}

/** Takes what was written so far as a piece, and starts anew. */
export function cut(): Piece {
  const at = heap.alloc(used + WORD);
  memory.copy(at, base, used);
  const made = new Piece(at, used);
  used = 0;
  return made;
}

// @ts-ignore: decorator
@inline
export function piece(one: Piece): void {
  copy(one.at, one.bytes);
}

export function u32_(value: u32): void {
  room(5);
  while (value >= 0x80) {
    store<u8>(base + used++, value | 0x80);
    value >>= 7;
  }
  store<u8>(base + used++, value);
}

export function s64_(value: i64): void {
  room(10);
  for (;;) {
    const low = <u32>(value & 0x7f);
    value >>= 7;
    if ((value == 0 && (low & 0x40) == 0) || (value == -1 && (low & 0x40) != 0)) {
      store<u8>(base + used++, low);
      return;
    }
    store<u8>(base + used++, low | 0x80);
  }
}

/** Opens a piece whose length stands before it in five bytes; returns what `close` needs. */
export function open(): usize {
  room(5);
  used += 5;
  return used;
}

export function close(from: usize): void {
  const bytes = <u32>(used - from);
  const to = base + from - 5;
  for (let i: u32 = 0; i < 4; i++) store<u8>(to + i, ((bytes >> (7 * i)) & 0x7f) | 0x80);
  store<u8>(to + 4, bytes >> 28);
}
