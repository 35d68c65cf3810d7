/**
 * Byte strings of the core.
 *
 * A byte string is a `StaticArray<u8>`: one allocation, fixed length, and the object's own address is the address of
 * its first byte. It is immutable by convention once it has left the function that made it.
 */

export type Bytes = StaticArray<u8>;

/** The empty byte string; shared, never written to. */
export const EMPTY: Bytes = new StaticArray<u8>(0);

/** Address of the first byte. */
// @ts-ignore: decorator
@inline
export function ptrOf(bytes: Bytes): usize {
  return changetype<usize>(bytes);
}

/** Copies `length` bytes at `from` into a new byte string; no bytes are the shared empty one. */
export function bytesAt(from: usize, length: i32): Bytes {
  if (length == 0) return EMPTY;
  const out = new StaticArray<u8>(length);
  memory.copy(changetype<usize>(out), from, <usize>length);
  return out;
}

/** Copies `bytes[start, end)`; the range must lie inside. */
export function slice(bytes: Bytes, start: i32, end: i32): Bytes {
  assert(start >= 0 && end >= start && end <= bytes.length, "slice out of range");
  return bytesAt(ptrOf(bytes) + <usize>start, end - start);
}

export function concat(a: Bytes, b: Bytes): Bytes {
  const out = new StaticArray<u8>(a.length + b.length);
  memory.copy(changetype<usize>(out), ptrOf(a), <usize>a.length);
  memory.copy(changetype<usize>(out) + <usize>a.length, ptrOf(b), <usize>b.length);
  return out;
}

export function equal(a: Bytes, b: Bytes): bool {
  if (a.length != b.length) return false;
  return memory.compare(ptrOf(a), ptrOf(b), <usize>a.length) == 0;
}

/** Bytewise order, a shorter string before its extensions: -1, 0 or 1. */
export function compare(a: Bytes, b: Bytes): i32 {
  return compareAt(ptrOf(a), a.length, ptrOf(b), b.length);
}

/** `compare` of what lies at two addresses. */
export function compareAt(a: usize, aLength: i32, b: usize, bLength: i32): i32 {
  const order = memory.compare(a, b, <usize>min(aLength, bLength));
  if (order != 0) return order < 0 ? -1 : 1;
  return aLength == bLength ? 0 : aLength < bLength ? -1 : 1;
}

/** FNV-1a over the bytes; for tables inside the core, never for anything that leaves it. */
export function hash32(bytes: Bytes): u32 {
  let h: u32 = 0x811c9dc5;
  for (let i = 0, n = bytes.length; i < n; i++) h = (h ^ unchecked(bytes[i])) * 0x01000193;
  return h;
}

/** UTF-8 bytes of a string. */
export function utf8(text: string): Bytes {
  const encoded = String.UTF8.encode(text);
  return bytesAt(changetype<usize>(encoded), encoded.byteLength);
}

export function toText(bytes: Bytes): string {
  return String.UTF8.decodeUnsafe(ptrOf(bytes), <usize>bytes.length);
}

/** Big-endian 64-bit integer as eight bytes. */
export function be64(value: u64): Bytes {
  const out = new StaticArray<u8>(8);
  store<u64>(changetype<usize>(out), bswap<u64>(value));
  return out;
}
