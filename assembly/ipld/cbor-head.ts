/**
 * The heads of CBOR items: a first byte with the major type and either a small argument or the size of one that follows.
 * Both readers of the core, the strict one and the one that scans nodes in place, are built on these.
 */

/** Most a first byte holds itself. */
const MAX_SMALL: u8 = 23;
/** First byte's low bits beyond which the network knows no heads: reserved, or of indefinite length. */
const MAX_INFO: u8 = 27;

/** Bytes of the argument behind a first byte: 0 (the byte itself holds it), 1, 2, 4 or 8; -1 if there is no such head. */
// @ts-ignore: decorator
@inline
export function argumentSize(first: u8): i32 {
  const info = first & 31;
  if (info <= MAX_SMALL) return 0;
  return info <= MAX_INFO ? 1 << (info - 24) : -1;
}

/** Argument of the head at `at`, whose `size` is known and lies within the block. */
// @ts-ignore: decorator
@inline
export function argumentAt(at: usize, size: i32): u64 {
  if (size == 0) return load<u8>(at) & 31;
  if (size == 1) return load<u8>(at + 1);
  if (size == 2) return bswap<u16>(load<u16>(at + 1));
  if (size == 4) return bswap<u32>(load<u32>(at + 1));
  return bswap<u64>(load<u64>(at + 1));
}

/** Least argument that needs so many bytes. */
export function leastOfSize(size: i32): u64 {
  return size == 0 ? 0 : size == 1 ? 24 : size == 2 ? 0x100 : size == 4 ? 0x10000 : 0x100000000;
}
