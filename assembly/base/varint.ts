/**
 * Unsigned LEB128 as CIDs and ID addresses use it: multiformats' "unsigned-varint", which is minimal and has at most 63
 * bits, so nine bytes. Source: multiformats.
 */
import { Bytes, bytesAt } from "./bytes";

/** Writes `value` at `to` and returns the number of bytes written (at most 10). */
export function putVarint(to: usize, value: u64): i32 {
  let size = 0;
  while (value >= 0x80) {
    store<u8>(to + size, <u8>(value | 0x80));
    value >>= 7;
    size++;
  }
  store<u8>(to + size, <u8>value);
  return size + 1;
}

export function varint(value: u64): Bytes {
  const scratch = memory.data(16);
  return bytesAt(scratch, putVarint(scratch, value));
}

/** Most bytes of a varint of 63 bits. */
const MAX_BYTES: usize = 9;

/** Bytes of the minimal varint at `from`, or 0 if it does not end before `end`, is longer than 63 bits, or not minimal. */
export function varintLength(from: usize, end: usize): i32 {
  const last = min<usize>(end, from + MAX_BYTES);
  for (let at = from; at < last; at++) {
    const byte = load<u8>(at);
    if (byte < 0x80) return byte == 0 && at > from ? 0 : <i32>(at + 1 - from);
  }
  return 0;
}

/** Value of the varint at `from`, which `varintLength` found well formed. */
export function varintAt(from: usize): u64 {
  let byte = load<u8>(from);
  let value = <u64>(byte & 0x7f);
  for (let shift: u64 = 7; byte >= 0x80; shift += 7) {
    byte = load<u8>(++from);
    value |= <u64>(byte & 0x7f) << shift;
  }
  return value;
}
