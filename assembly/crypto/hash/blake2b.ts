/**
 * BLAKE2b (RFC 7693) of byte ranges in linear memory, in one call or as a stream; digests of 1 to 64 bytes, optional
 * key.
 *
 * Filecoin uses digests of 32 bytes (CIDs, signed digests, randomness), 20 (addresses), 4 (address checksums) and 64
 * (sector graphs). The digest's length enters the initial state, so a short digest is not a prefix of a long one.
 * A message is cut into blocks of 128 bytes, the last filled with zeros and marked; a block is therefore absorbed only
 * when it is known whether another follows. The state is eight little-endian 64-bit words; the digest is their
 * beginning.
 *
 * A stream's context (`BLAKE2B_CONTEXT_BYTES`, 8-aligned, owned by the caller, no pointers inside, so it may be
 * copied):
 *
 *    0          64        72        76        80                  208
 *    | 8 × u64  | u64     | u32     | u32     | 128 bytes         |
 *    | state    | total   | held    | outLen  | begun block       |
 *
 * total: bytes absorbed into the state; held: bytes that wait in the block.
 */
import { Bytes, ptrOf } from "../../base/bytes";
import { blake2bBlock, blake2bStart } from "./blake2b-kernel.gen";

export const BLAKE2B_CONTEXT_BYTES: usize = 208;
export const BLAKE2B_MAX_BYTES: i32 = 64;

const TOTAL: usize = 64;
const HELD: usize = 72;
const OUT_LENGTH: usize = 76;
const BLOCK: usize = 80;
const BLOCK_BYTES: usize = 128;
const LAST: u64 = 0xffffffffffffffff;

/** Begins a stream with a digest of `outLength` bytes (1 … 64). */
export function blake2bInit(context: usize, outLength: i32): void {
  assert(outLength >= 1 && outLength <= BLAKE2B_MAX_BYTES, "blake2b: digest length");
  blake2bStart(context, <u32>outLength, 0);
  store<u64>(context, 0, TOTAL);
  store<u32>(context, 0, HELD);
  store<u32>(context, <u32>outLength, OUT_LENGTH);
}

/** Begins a keyed stream: `keyLength` bytes at `key` (0 … 64; 0 is the unkeyed hash). */
export function blake2bInitKeyed(context: usize, outLength: i32, key: usize, keyLength: i32): void {
  assert(keyLength >= 0 && keyLength <= BLAKE2B_MAX_BYTES, "blake2b: key length");
  blake2bInit(context, outLength);
  if (keyLength == 0) return;
  blake2bStart(context, <u32>outLength, <u32>keyLength);
  memory.fill(context + BLOCK, 0, BLOCK_BYTES);
  memory.copy(context + BLOCK, key, <usize>keyLength);
  store<u32>(context, <u32>BLOCK_BYTES, HELD);
}

/** Absorbs `length` bytes at `input`; any way of cutting a message into updates gives the same digest. */
export function blake2bUpdate(context: usize, input: usize, length: usize): void {
  if (length == 0) return;
  let total = load<u64>(context, TOTAL);
  const held = <usize>load<u32>(context, HELD);
  if (held > 0) {
    const free = BLOCK_BYTES - held;
    if (length <= free) {
      memory.copy(context + BLOCK + held, input, length);
      store<u32>(context, <u32>(held + length), HELD);
      return;
    }
    memory.copy(context + BLOCK + held, input, free);
    total += <u64>BLOCK_BYTES;
    blake2bBlock(context, context + BLOCK, total, 0);
    input += free;
    length -= free;
  }
  while (length > BLOCK_BYTES) {
    total += <u64>BLOCK_BYTES;
    blake2bBlock(context, input, total, 0);
    input += BLOCK_BYTES;
    length -= BLOCK_BYTES;
  }
  memory.copy(context + BLOCK, input, length);
  store<u32>(context, <u32>length, HELD);
  store<u64>(context, total, TOTAL);
}

/** Writes the digest, as long as `blake2bInit` was told, at `out`. The context is spent. */
export function blake2bFinal(context: usize, out: usize): void {
  const held = <usize>load<u32>(context, HELD);
  memory.fill(context + BLOCK + held, 0, BLOCK_BYTES - held);
  blake2bBlock(context, context + BLOCK, load<u64>(context, TOTAL) + <u64>held, LAST);
  memory.copy(out, context, <usize>load<u32>(context, OUT_LENGTH));
}

/** BLAKE2b of `length` bytes at `input`: `outLength` bytes (1 … 64) at `out`, which may overlap the input. */
export function blake2b(input: usize, length: usize, outLength: i32, out: usize): void {
  const context = memory.data(208, 8);
  blake2bInit(context, outLength);
  blake2bUpdate(context, input, length);
  blake2bFinal(context, out);
}

/** BLAKE2b of a byte string, `outLength` bytes long (1 … 64). */
export function blake2bBytes(bytes: Bytes, outLength: i32): Bytes {
  const out = new StaticArray<u8>(outLength);
  blake2b(ptrOf(bytes), <usize>bytes.length, outLength, ptrOf(out));
  return out;
}

/** BLAKE2b-256 of a byte string: the hash of CIDs and of signed messages. */
export function blake2b256(bytes: Bytes): Bytes {
  return blake2bBytes(bytes, 32);
}

/** BLAKE2b-160 of a byte string: the hash of addresses. */
export function blake2b160(bytes: Bytes): Bytes {
  return blake2bBytes(bytes, 20);
}
