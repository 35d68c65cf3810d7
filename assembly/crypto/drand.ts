/**
 * drand beacons: the randomness Filecoin draws leader elections and seal challenges from.
 *
 * A round's signature is a BLS signature over a digest; its randomness is sha-256 of the signature.
 *   chained    sha256(previous signature || round)   key in G1, signature in G2 (the networks up to 2023)
 *   unchained  sha256(round)                          the same groups
 *   quicknet   sha256(round)                          key in G2, signature in G1
 * round: u64, big-endian. Source: drand's specification, https://drand.love/docs/specification.
 */
import { sha256Final, sha256Init, sha256Update } from "./hash/sha256";
import { blsVerify, blsVerifyShort } from "./bls";

const CONTEXT: usize = memory.data(104, 8);
const ROUND: usize = memory.data(8);
const DIGEST: usize = memory.data(32);

function digest(round: u64, previous: usize, length: usize): void {
  store<u64>(ROUND, bswap<u64>(round));
  sha256Init(CONTEXT);
  sha256Update(CONTEXT, previous, length);
  sha256Update(CONTEXT, ROUND, 8);
  sha256Final(CONTEXT, DIGEST);
}

/** A round of a chained beacon (`length` bytes of previous signature), or of an unchained one (length 0). */
export function drandVerify(publicKey48: usize, round: u64, previous: usize, length: usize, signature96: usize): bool {
  digest(round, previous, length);
  return blsVerify(publicKey48, DIGEST, 32, signature96);
}

/** A round of quicknet. */
export function drandVerifyQuicknet(publicKey96: usize, round: u64, signature48: usize): bool {
  digest(round, 0, 0);
  return blsVerifyShort(publicKey96, DIGEST, 32, signature48);
}
