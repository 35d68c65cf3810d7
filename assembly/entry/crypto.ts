/**
 * `crypto.wasm`: hashes and signatures for the host, small enough for a page that only verifies.
 *
 * Bytes cross in one scratch region (`scratchPtr`, `SCRATCH_BYTES`), written and read by the host between calls. A hash
 * stream of any size goes through it piece by piece; its context lies at `contextPtr` while it is worked on, and in the
 * host between turns, so any number of streams may be open. Nothing here allocates: memory stays as it is at load.
 */
export { sha256, sha256Final, sha256Init, sha256Update, SHA256_CONTEXT_BYTES } from "../crypto/hash/sha256";
export {
  blake2b,
  blake2bFinal,
  blake2bInit,
  blake2bInitKeyed,
  blake2bUpdate,
  BLAKE2B_CONTEXT_BYTES,
} from "../crypto/hash/blake2b";
export {
  keccak256,
  keccak256Final,
  keccak256Init,
  keccak256Update,
  KECCAK256_CONTEXT_BYTES,
} from "../crypto/hash/keccak256";
export { secp256k1PublicKey, secp256k1Recover, secp256k1Sign, secp256k1Verify } from "../crypto/curve/secp256k1";
export {
  blsAggregate,
  blsAggregateFinal,
  blsAggregateInit,
  blsAggregateKeys,
  blsAggregateUpdate,
  blsBatchAdd,
  blsBatchFinal,
  blsBatchInit,
  BLS_AGGREGATE_CONTEXT_BYTES,
  blsKeyFromSeed,
  blsPublicKey,
  blsPublicKeyIsValid,
  blsPublicKeyLong,
  blsSign,
  blsSignShort,
  blsVerify,
  blsVerifyShort,
} from "../crypto/bls";
export { drandVerify, drandVerifyQuicknet } from "../crypto/drand";

/** Bytes of the scratch region. */
export const SCRATCH_BYTES: usize = 256 * 1024;

/** Address of the scratch region. */
export function scratchPtr(): usize {
  return memory.data(256 * 1024, 16);
}

/** Address where the context of the present hash stream lies: 256 bytes. */
export function contextPtr(): usize {
  return memory.data(256, 16);
}
