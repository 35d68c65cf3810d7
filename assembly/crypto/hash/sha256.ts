/**
 * SHA-256 (FIPS 180-4) of byte ranges in linear memory, in one call or as a stream.
 *
 * A message is cut into blocks of 64 bytes; the last is closed with a bit 1, zeros, and the message's length in bits as
 * a big-endian 64-bit number, spilling into one more block when fewer than 8 bytes are left. The state is eight 32-bit
 * words, kept native here and written big-endian as the digest.
 *
 * A stream's context (`SHA256_CONTEXT_BYTES`, 8-aligned, owned by the caller, no pointers inside, so it may be copied):
 *
 *    0          32       40                 104
 *    | 8 × u32  | u64    | 64 bytes         |
 *    | state    | total  | begun block      |      total: bytes absorbed; total & 63 of them wait in the block
 */
import { Bytes, ptrOf } from "../../base/bytes";
import { sha256Blocks, sha256Start } from "./sha256-kernel.gen";

export const SHA256_BYTES: i32 = 32;
export const SHA256_CONTEXT_BYTES: usize = 104;

const TOTAL: usize = 32;
const BLOCK: usize = 40;
const BLOCK_BYTES: usize = 64;

/** Begins a stream. */
export function sha256Init(context: usize): void {
  sha256Start(context);
  store<u64>(context, 0, TOTAL);
}

/** Absorbs `length` bytes at `input`; any way of cutting a message into updates gives the same digest. */
export function sha256Update(context: usize, input: usize, length: usize): void {
  const total = load<u64>(context, TOTAL);
  store<u64>(context, total + <u64>length, TOTAL);
  const held = <usize>total & 63;
  if (held > 0) {
    const wanted = min(BLOCK_BYTES - held, length);
    memory.copy(context + BLOCK + held, input, wanted);
    if (held + wanted < BLOCK_BYTES) return;
    sha256Blocks(context, context + BLOCK, 1);
    input += wanted;
    length -= wanted;
  }
  const blocks = length >> 6;
  if (blocks > 0) sha256Blocks(context, input, blocks);
  const rest = length & 63;
  if (rest > 0) memory.copy(context + BLOCK, input + length - rest, rest);
}

/** Writes the 32-byte digest at `out`. The context is spent: begin again before the next stream. */
export function sha256Final(context: usize, out: usize): void {
  const total = load<u64>(context, TOTAL);
  const block = context + BLOCK;
  const held = <usize>total & 63;
  store<u8>(block + held, 0x80);
  memory.fill(block + held + 1, 0, 63 - held);
  if (held >= 56) {
    sha256Blocks(context, block, 1);
    memory.fill(block, 0, 56);
  }
  store<u64>(block, bswap<u64>(total << 3), 56);
  sha256Blocks(context, block, 1);
  for (let i: usize = 0; i < 32; i += 4) store<u32>(out + i, bswap<u32>(load<u32>(context + i)));
}

/** SHA-256 of `length` bytes at `input`, 32 bytes at `out`; `out` may overlap the input. */
export function sha256(input: usize, length: usize, out: usize): void {
  const context = memory.data(104, 8);
  sha256Init(context);
  sha256Update(context, input, length);
  sha256Final(context, out);
}

/** SHA-256 of a byte string. */
export function sha256Bytes(bytes: Bytes): Bytes {
  const out = new StaticArray<u8>(SHA256_BYTES);
  sha256(ptrOf(bytes), <usize>bytes.length, ptrOf(out));
  return out;
}
