/**
 * Elements of Fr in 32 bytes, as long arrays of them are kept: half of the size matters there more than the shifts.
 *
 *   packed   a·R mod p, R = 2^261 as in `fr.gen.ts`, below p, little-endian: the Montgomery form without limbs
 *
 * Packed elements are unique, where those of `frPack` may be p too large: so they may be compared by bytes, and 0 and 1
 * are found without arithmetic. `frUnpack` reads both.
 */
import { FR_ONE, frCanonical } from "./fr.gen";

/** Bytes of a packed element. */
export const PACKED_BYTES: usize = 32;

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
