/**
 * Elements of Fr in 32 bytes, as long arrays of them are kept: half of the size matters there more than the shifts.
 *
 *   packed   a·R mod p, R = 2^261 as in `fr.gen.ts`, below p, little-endian: the Montgomery form without limbs
 *
 * Packed elements are unique, so they may be compared by bytes. 0 is all zeros, 1 is the 32 bytes at `PACKED_ONE`.
 */
import { FR_ONE, frCanonical } from "./fr.gen";

/** Bytes of a packed element. */
export const PACKED_BYTES: usize = 32;

const MASK: u64 = 0x1fffffff;
const SCRATCH: usize = memory.data(40, 8);
const ONE: usize = memory.data(32, 8);
let ready: bool = false;

/** Address of the packed 1. */
export function packedOne(): usize {
  if (!ready) {
    packElement(ONE, FR_ONE);
    ready = true;
  }
  return ONE;
}

/** Writes the element `a` (40 bytes of limbs, tight) packed at `out`. */
export function packElement(out: usize, a: usize): void {
  frCanonical(SCRATCH, a);
  const l0: u64 = load<u32>(SCRATCH, 0);
  const l1: u64 = load<u32>(SCRATCH, 4);
  const l2: u64 = load<u32>(SCRATCH, 8);
  const l3: u64 = load<u32>(SCRATCH, 12);
  const l4: u64 = load<u32>(SCRATCH, 16);
  const l5: u64 = load<u32>(SCRATCH, 20);
  const l6: u64 = load<u32>(SCRATCH, 24);
  const l7: u64 = load<u32>(SCRATCH, 28);
  const l8: u64 = load<u32>(SCRATCH, 32);
  store<u64>(out, l0 | (l1 << 29) | (l2 << 58));
  store<u64>(out, (l2 >>> 6) | (l3 << 23) | (l4 << 52), 8);
  store<u64>(out, (l4 >>> 12) | (l5 << 17) | (l6 << 46), 16);
  store<u64>(out, (l6 >>> 18) | (l7 << 11) | (l8 << 40), 24);
}

/** Reads the packed element at `bytes` into the limbs at `r`. Any 256-bit number is taken as it is. */
export function unpackElement(r: usize, bytes: usize): void {
  const w0 = load<u64>(bytes);
  const w1 = load<u64>(bytes, 8);
  const w2 = load<u64>(bytes, 16);
  const w3 = load<u64>(bytes, 24);
  store<u32>(r, <u32>(w0 & MASK), 0);
  store<u32>(r, <u32>((w0 >>> 29) & MASK), 4);
  store<u32>(r, <u32>(((w0 >>> 58) | (w1 << 6)) & MASK), 8);
  store<u32>(r, <u32>((w1 >>> 23) & MASK), 12);
  store<u32>(r, <u32>(((w1 >>> 52) | (w2 << 12)) & MASK), 16);
  store<u32>(r, <u32>((w2 >>> 17) & MASK), 20);
  store<u32>(r, <u32>(((w2 >>> 46) | (w3 << 18)) & MASK), 24);
  store<u32>(r, <u32>((w3 >>> 11) & MASK), 28);
  store<u32>(r, <u32>(w3 >>> 40), 32);
  store<u32>(r, 0, 36);
}
