/** HMAC-SHA-256 (RFC 2104) of a message in up to three parts, for key derivation and deterministic nonces. */
import { SHA256_CONTEXT_BYTES, sha256Final, sha256Init, sha256Update } from "./sha256";

const BLOCK_BYTES: usize = 64;

function begin(context: usize, pad: usize, key: usize, keyLength: usize, filler: u8): void {
  memory.fill(pad, filler, BLOCK_BYTES);
  for (let i: usize = 0; i < keyLength; i++) store<u8>(pad + i, load<u8>(key + i) ^ filler);
  sha256Init(context);
  sha256Update(context, pad, BLOCK_BYTES);
}

/**
 * 32 bytes at `out`: the code of the bytes [a, a + aLength), [b, b + bLength), [c, c + cLength) joined, under a key of
 * at most 64 bytes. `out` may be the key or a part. Scratch is wiped.
 */
export function hmacSha256(
  key: usize, keyLength: usize,
  a: usize, aLength: usize,
  b: usize, bLength: usize,
  c: usize, cLength: usize,
  out: usize,
): void {
  assert(keyLength <= BLOCK_BYTES, "hmac-sha256: key longer than a block");
  const context = memory.data(104, 8);
  const pad = memory.data(64, 8);
  const inner = memory.data(32, 8);
  begin(context, pad, key, keyLength, 0x36);
  sha256Update(context, a, aLength);
  sha256Update(context, b, bLength);
  sha256Update(context, c, cLength);
  sha256Final(context, inner);
  begin(context, pad, key, keyLength, 0x5c);
  sha256Update(context, inner, 32);
  sha256Final(context, out);
  memory.fill(context, 0, SHA256_CONTEXT_BYTES);
  memory.fill(pad, 0, BLOCK_BYTES);
  memory.fill(inner, 0, 32);
}
