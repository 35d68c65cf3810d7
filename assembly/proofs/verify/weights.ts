/**
 * Random weights for checking many equations as one: 128 bits each, from 32 bytes of entropy that no prover could know.
 * Weight j is the first half of sha-256(entropy || j as u32 little-endian).
 */
import { sha256 } from "../../crypto/hash/sha256";
import { frFromBytesLE } from "../../crypto/field/fr.gen";

const BUFFER: usize = memory.data(36);
const DIGEST: usize = memory.data(32);

/** r = weight j as a field element; bytes: the same, 32 bytes little-endian. */
export function drawWeight(r: usize, bytes: usize, entropy: usize, j: i32): void {
  memory.copy(BUFFER, entropy, 32);
  store<u32>(BUFFER, <u32>j, 32);
  sha256(BUFFER, 36, DIGEST);
  memory.fill(bytes, 0, 32);
  memory.copy(bytes, DIGEST, 16);
  frFromBytesLE(r, bytes);
}
