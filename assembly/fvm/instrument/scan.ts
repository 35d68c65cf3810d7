/**
 * Reading a binary module: one cursor over the whole input. Whatever lies outside of it, or is malformed, becomes a fault
 * and reads as 0, so that every loop above ends.
 */
import { BAD_MODULE, fail, FORBIDDEN_TYPE, TRUNCATED } from "./rules";

/** Next byte to be read, and the first one behind the input. */
export let at: usize = 0;
export let end: usize = 0;

export function open(from: usize, length: i32): void {
  at = from;
  end = from + <usize>length;
}

export function seek(to: usize): void {
  at = to;
}

export function u8_(): u32 {
  if (at >= end) {
    fail(TRUNCATED);
    return 0;
  }
  return load<u8>(at++);
}

/** Unsigned LEB128 of 32 bits. */
export function u32_(): u32 {
  let value: u32 = 0;
  for (let shift: u32 = 0; shift < 35; shift += 7) {
    const byte = u8_();
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      if (shift == 28 && byte > 0x0f) fail(BAD_MODULE);
      return value;
    }
  }
  fail(BAD_MODULE);
  return 0;
}

/** Signed LEB128 of 32 bits. */
export function s32_(): i32 {
  let value: i32 = 0;
  for (let shift: u32 = 0; shift < 35; shift += 7) {
    const byte = u8_();
    value |= <i32>(byte & 0x7f) << shift;
    if (byte < 0x80) return shift < 25 && (byte & 0x40) != 0 ? value | (-1 << (shift + 7)) : value;
  }
  fail(BAD_MODULE);
  return 0;
}

/** Moves over a LEB128 of at most `bytes` bytes. */
export function skipLeb(bytes: i32): void {
  for (let i = 0; i < bytes; i++) if (u8_() < 0x80) return;
  fail(BAD_MODULE);
}

export function skip(bytes: u32): void {
  if (<u64>bytes > <u64>(end - at)) {
    fail(TRUNCATED);
    at = end;
    return;
  }
  at += <usize>bytes;
}

/** A count of items that take at least one byte each. */
export function count(): u32 {
  const n = u32_();
  if (<u64>n > <u64>(end - at)) {
    fail(TRUNCATED);
    return 0;
  }
  return n;
}

/** Whether a byte is a value type that actors may use: a number, or a reference to a function or to something outside. */
// @ts-ignore: decorator
@inline
export function isValueType(type: u32): bool {
  return (type >= 0x7c && type <= 0x7f) || type == 0x70 || type == 0x6f;
}

/**
 * A value type. Engines know more of them than the network's, some of several bytes: taken for one byte, what follows would be read otherwise
 * here than there.
 */
export function valueType(): void {
  if (!isValueType(u8_())) fail(FORBIDDEN_TYPE);
}

/** Value types behind their number, which is given. */
export function valueTypes(): u32 {
  const n = count();
  for (let i: u32 = 0; i < n; i++) valueType();
  return n;
}
