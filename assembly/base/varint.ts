/**
 * Unsigned LEB128 as CIDs and ID addresses use it: multiformats' "unsigned-varint", which is minimal and has at most 63
 * bits, so nine bytes. Source: multiformats.
 */
import { Bytes, bytesAt } from "./bytes";

/** Number of bytes that `value` takes. */
export function varintSize(value: u64): i32 {
  let size = 1;
  while (value >= 0x80) {
    value >>= 7;
    size++;
  }
  return size;
}

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

/** The last value read by `readVarint`. */
export let varintValue: u64 = 0;

/**
 * Reads a minimal varint from `[from, end)` into `varintValue`.
 * Returns the number of bytes read, or 0 if it is truncated, longer than 63 bits or not minimal.
 */
export function readVarint(from: usize, end: usize): i32 {
  let value: u64 = 0;
  let shift: u64 = 0;
  let at = from;
  while (at < end && shift < 63) {
    const byte = load<u8>(at++);
    value |= <u64>(byte & 0x7f) << shift;
    if (byte < 0x80) {
      if (byte == 0 && shift > 0) return 0;
      varintValue = value;
      return <i32>(at - from);
    }
    shift += 7;
  }
  return 0;
}
