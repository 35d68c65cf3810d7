/**
 * BLAKE2b-256, the hash of CIDs: by @noble/hashes until the core is loaded, by the core from then on, in a tenth of the
 * time and less. Both give the same digest, so nobody has to know which it is.
 */
import { blake2b } from "@noble/hashes/blake2.js";

export type Digest256 = (bytes: Uint8Array) => Uint8Array;

const plain: Digest256 = (bytes) => blake2b(bytes, { dkLen: 32 });
let digest = plain;

/** Digest of 32 bytes. Throws `TypeError` for anything but bytes. */
export function blake2b256(bytes: Uint8Array): Uint8Array {
  return bytes instanceof Uint8Array ? digest(bytes) : plain(bytes);
}

/** From now on `faster` computes the digests of this thread. */
export function useBlake2b256(faster: Digest256): void {
  digest = faster;
}
