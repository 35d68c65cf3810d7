/** Signatures that a worker verifies: the same answers as in the thread that wants them. */
import type { BlsSignature, BlsSigned } from "../core/bls.ts";
import type { Crypto } from "../core/crypto.ts";

export type VerifyJob =
  /** Whether all of them are right. */
  | { readonly kind: "signatures"; readonly signed: readonly BlsSignature[] }
  | { readonly kind: "aggregate"; readonly messages: readonly BlsSigned[]; readonly signature: Uint8Array }
  /** A round of a drand network; `previous`: the round's before, null for an unchained one. */
  | {
      readonly kind: "round";
      readonly publicKey: Uint8Array;
      readonly round: bigint;
      readonly signature: Uint8Array;
      readonly previous: Uint8Array | null;
    };

/** Bytes of randomness for one signature of a batch. */
const RANDOM_BYTES = 8;

/** Throws `CryptoError` BAD_LENGTH. */
export function verifyNow(crypto: Crypto, job: VerifyJob, randomBytes: (length: number) => Uint8Array): boolean {
  switch (job.kind) {
    case "signatures":
      return crypto.blsVerifyBatch(job.signed, randomBytes(RANDOM_BYTES * job.signed.length));
    case "aggregate":
      return crypto.blsVerifyAggregate(job.messages, job.signature);
    case "round":
      return job.previous === null
        ? crypto.drandVerifyQuicknet(job.publicKey, job.round, job.signature)
        : crypto.drandVerify(job.publicKey, job.round, job.signature, job.previous);
  }
}
