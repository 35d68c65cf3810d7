/**
 * Keccak-256 as Ethereum uses it: Keccak[512] with the original padding byte 0x01 (FIPS 202's SHA3-256 pads with 0x06).
 *
 * The state is 25 lanes of 64 bits, lane (x, y) at word x + 5 y. A message is absorbed in blocks of 136 bytes by
 * exclusive or into the first 17 lanes, each block followed by the 24-round permutation; the last block carries 0x01
 * after the message and 0x80 in its last byte. The digest is the first four lanes. Delegated addresses and signatures
 * (FIP-0055) hash keys and transactions with it.
 *
 * A stream's context (`KECCAK256_CONTEXT_BYTES`, 8-aligned, owned by the caller): 25 lanes, then u32 = bytes that the
 * present block has absorbed.
 */
import { Bytes, ptrOf } from "../../base/bytes";

export const KECCAK256_CONTEXT_BYTES: usize = 208;

const RATE_BYTES: usize = 136;
const FILLED: usize = 200;

/** Round constants of ι. Source: FIPS 202, section 3.2.5 (linear feedback shift register of x^8+x^6+x^5+x^4+1). */
const ROUND_CONSTANTS: StaticArray<u64> = [
  0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
  0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
  0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
  0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
  0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
  0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
];

/** ρ and π as one walk over 24 lanes from lane 1: the lane to write next, and the rotation of what goes there. */
const WALK_LANE: StaticArray<u8> = [
  10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1,
];
const WALK_ROTATION: StaticArray<u8> = [
  1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44,
];

/** The permutation Keccak-f[1600] over the 25 lanes at `a`. */
function permute(a: usize): void {
  for (let round = 0; round < 24; round++) {
    // θ: every lane takes in the parity of two neighbouring columns
    const c0 = column(a);
    const c1 = column(a + 8);
    const c2 = column(a + 16);
    const c3 = column(a + 24);
    const c4 = column(a + 32);
    spread(a, c4 ^ rotl<u64>(c1, 1));
    spread(a + 8, c0 ^ rotl<u64>(c2, 1));
    spread(a + 16, c1 ^ rotl<u64>(c3, 1));
    spread(a + 24, c2 ^ rotl<u64>(c4, 1));
    spread(a + 32, c3 ^ rotl<u64>(c0, 1));
    // ρ, π
    let moving = load<u64>(a, 8);
    for (let i = 0; i < 24; i++) {
      const at = a + 8 * <usize>unchecked(WALK_LANE[i]);
      const next = load<u64>(at);
      store<u64>(at, rotl<u64>(moving, <u64>unchecked(WALK_ROTATION[i])));
      moving = next;
    }
    // χ, and ι on the first lane
    for (let row = a; row < a + 200; row += 40) {
      const b0 = load<u64>(row);
      const b1 = load<u64>(row, 8);
      const b2 = load<u64>(row, 16);
      const b3 = load<u64>(row, 24);
      const b4 = load<u64>(row, 32);
      store<u64>(row, b0 ^ (~b1 & b2));
      store<u64>(row, b1 ^ (~b2 & b3), 8);
      store<u64>(row, b2 ^ (~b3 & b4), 16);
      store<u64>(row, b3 ^ (~b4 & b0), 24);
      store<u64>(row, b4 ^ (~b0 & b1), 32);
    }
    store<u64>(a, load<u64>(a) ^ unchecked(ROUND_CONSTANTS[round]));
  }
}

// @ts-ignore: decorator
@inline
function column(a: usize): u64 {
  return load<u64>(a) ^ load<u64>(a, 40) ^ load<u64>(a, 80) ^ load<u64>(a, 120) ^ load<u64>(a, 160);
}

// @ts-ignore: decorator
@inline
function spread(a: usize, parity: u64): void {
  store<u64>(a, load<u64>(a) ^ parity);
  store<u64>(a, load<u64>(a, 40) ^ parity, 40);
  store<u64>(a, load<u64>(a, 80) ^ parity, 80);
  store<u64>(a, load<u64>(a, 120) ^ parity, 120);
  store<u64>(a, load<u64>(a, 160) ^ parity, 160);
}

/** Begins a stream. */
export function keccak256Init(context: usize): void {
  memory.fill(context, 0, KECCAK256_CONTEXT_BYTES);
}

/** Absorbs `length` bytes at `input`; any way of cutting a message into updates gives the same digest. */
export function keccak256Update(context: usize, input: usize, length: usize): void {
  let filled = <usize>load<u32>(context, FILLED);
  const end = input + length;
  while (input < end) {
    if (filled == 0 && end - input >= RATE_BYTES) {
      for (let i: usize = 0; i < RATE_BYTES; i += 8)
        store<u64>(context + i, load<u64>(context + i) ^ load<u64>(input + i));
      input += RATE_BYTES;
      permute(context);
      continue;
    }
    const at = context + filled;
    store<u8>(at, load<u8>(at) ^ load<u8>(input++));
    if (++filled == RATE_BYTES) {
      permute(context);
      filled = 0;
    }
  }
  store<u32>(context, <u32>filled, FILLED);
}

/** Writes the 32-byte digest at `out`. The context is spent. */
export function keccak256Final(context: usize, out: usize): void {
  const at = context + <usize>load<u32>(context, FILLED);
  store<u8>(at, load<u8>(at) ^ 0x01);
  const last = context + RATE_BYTES - 1;
  store<u8>(last, load<u8>(last) ^ 0x80);
  permute(context);
  memory.copy(out, context, 32);
}

/** Keccak-256 of `length` bytes at `input`, 32 bytes at `out`. */
export function keccak256(input: usize, length: usize, out: usize): void {
  const context = memory.data(208, 8);
  keccak256Init(context);
  keccak256Update(context, input, length);
  keccak256Final(context, out);
}

/** Keccak-256 of a byte string. */
export function keccak256Bytes(bytes: Bytes): Bytes {
  const out = new StaticArray<u8>(32);
  keccak256(ptrOf(bytes), <usize>bytes.length, ptrOf(out));
  return out;
}
