/**
 * Digests of the chain, BLAKE2b of any length and SHA-256: in plain TypeScript until the core is loaded, by the core from then
 * on, in a tenth of the time and less. Both give the same digest, so nobody has to know which it is.
 */
import { blake2b as plainBlake2b } from "./blake2b.ts";
import { sha256 as plainSha256 } from "./sha256.ts";

export type Digests = {
  /** `length`: bytes of the digest, 1 to 64. */
  blake2b(bytes: Uint8Array, length: number): Uint8Array;
  sha256(bytes: Uint8Array): Uint8Array;
};

const plain: Digests = { blake2b: plainBlake2b, sha256: plainSha256 };
let digests = plain;

/** BLAKE2b of `length` bytes, 1 to 64. Throws `TypeError` for anything but bytes. */
export function blake2b(bytes: Uint8Array, length: number): Uint8Array {
  return (bytes instanceof Uint8Array ? digests : plain).blake2b(bytes, length);
}

/** BLAKE2b-256, the hash of CIDs. Throws `TypeError` for anything but bytes. */
export function blake2b256(bytes: Uint8Array): Uint8Array {
  return blake2b(bytes, 32);
}

/** Digest of 32 bytes. Throws `TypeError` for anything but bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return (bytes instanceof Uint8Array ? digests : plain).sha256(bytes);
}

/** From now on `faster` computes the digests of this thread. */
export function useDigests(faster: Digests): void {
  digests = faster;
}
