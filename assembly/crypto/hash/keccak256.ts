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
import { keccakPermute } from "./keccak256-kernel.gen";

export const KECCAK256_CONTEXT_BYTES: usize = 208;

const RATE_BYTES: usize = 136;
const FILLED: usize = 200;

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
      keccakPermute(context);
      continue;
    }
    const at = context + filled;
    store<u8>(at, load<u8>(at) ^ load<u8>(input++));
    if (++filled == RATE_BYTES) {
      keccakPermute(context);
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
  keccakPermute(context);
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
