/**
 * Random weights for checking many equations as one: 128 bits each.
 *
 * Weight j is the first half of sha-256(seed || j as u32 little-endian), where the seed is the digest of the caller's 32
 * bytes of entropy and of all that is being checked. Fresh entropy makes the weights unforeseeable; and because they also
 * depend on every byte of the proofs, a caller who repeats its entropy still gives a prover nothing to aim at.
 */
import { sha256, sha256Final, sha256Init, sha256Update } from "../../crypto/hash/sha256";
import { frFromBytesLE } from "../../crypto/field/fr.gen";

const CONTEXT: usize = memory.data(104, 8);
/** Seed, number of the weight. */
const BUFFER: usize = memory.data(36);
const DIGEST: usize = memory.data(32);

/** Begins a set of weights over the bytes [a, a + aLength) and [b, b + bLength). entropy: 32 bytes. */
export function seedWeights(entropy: usize, a: usize, aLength: usize, b: usize, bLength: usize): void {
  sha256Init(CONTEXT);
  sha256Update(CONTEXT, entropy, 32);
  sha256Update(CONTEXT, a, aLength);
  sha256Update(CONTEXT, b, bLength);
  sha256Final(CONTEXT, BUFFER);
}

/** r = weight j of the set as a field element; bytes: the same, 32 bytes little-endian. */
export function drawWeight(r: usize, bytes: usize, j: i32): void {
  store<u32>(BUFFER, <u32>j, 32);
  sha256(BUFFER, 36, DIGEST);
  memory.fill(bytes, 0, 32);
  memory.copy(bytes, DIGEST, 16);
  frFromBytesLE(r, bytes);
}
