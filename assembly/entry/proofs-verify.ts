/** Verification of SNARKs: what `proofs.ts` exports of `assembly/proofs/verify`. */
export {
  groth16InputCount,
  groth16KeySize,
  groth16PrepareKey,
  groth16Scratch,
  groth16Verify,
  groth16VerifyBatch,
} from "../proofs/verify/groth16";
export { aggregateScratch, aggregateVerify, AGGREGATE_SRS_BYTES } from "../proofs/verify/aggregate";
