/**
 * Filecoin's verifiable random function: a BLS signature, of which there is exactly one for a key and an input.
 *
 * Tickets and election proofs are such signatures by the miner's worker key over randomness drawn for the purpose (see
 * `chain/randomness.ts`); the value that is compared with others is their BLAKE2b-256 digest.
 * Source: lotus gen.ComputeVRF, VerifyVRF; types.Ticket and ElectionProof.
 */
import type { Bls } from "./bls.ts";
import type { Hashes } from "./hashes.ts";

/** The proof (96 bytes) for an input under a secret key. Errors: `BAD_SECRET_KEY`. */
export function vrfProve(crypto: Bls, secretKey: Uint8Array, input: Uint8Array): Uint8Array {
  return crypto.blsSign(secretKey, input);
}

/** Whether `proof` is the one proof of `publicKey` (48 bytes) for the input; false for a proof of another length. */
export function vrfVerify(crypto: Bls, publicKey: Uint8Array, input: Uint8Array, proof: Uint8Array): boolean {
  return proof.length === 96 && crypto.blsVerify(publicKey, input, proof);
}

/** The random value of a proof: 32 bytes. */
export function vrfOutput(crypto: Hashes, proof: Uint8Array): Uint8Array {
  return crypto.blake2b256(proof);
}
