/**
 * Proof mathematics on its own: pieces and commitments, sealing, vanilla proofs, and a pool of workers for them.
 *
 * @example
 * const proofs = await loadProofs();
 * const piece = new PieceHasher(proofs).update(bytes).digest();
 * console.log(pieceCidV2(piece).toString());
 */

export { OptionError } from "./base/options.ts";
export { useWasm, type WasmPlace, type WasmSource } from "./core/load.ts";
export { merkleTag, PoseidonError, poseidon, UPDATE_TAG } from "./core/poseidon.ts";
export { constantLengthTag, type PoseidonOptions, type PoseidonStrength, poseidonAny } from "./core/poseidon-any.ts";
export { loadProofs, Proofs, type ProofsOptions } from "./core/proofs.ts";
export { hasSimd } from "./core/simd.ts";
export { commitPayload, commitStream, type Payload } from "./proving/commit.ts";
export { inThisThread } from "./proving/in-thread.ts";
export type { Job, Progress, ResultOf } from "./proving/jobs.ts";
export { perform } from "./proving/perform.ts";
export { ProvingPool, type ProvingPoolOptions } from "./proving/pool.ts";
export type { Scheduler } from "./proving/scheduler.ts";
export { provePoRepDirectory, provePoStDirectories, sealDirectory } from "./proving/seal.ts";
export { SnarkError, type SnarkErrorData } from "./proving/snark/kernel.ts";
export { type LocalParamsRequest, makeLocalParams } from "./proving/snark/local-params.ts";
export { type Content, openParams, type ParamsFile } from "./proving/snark/params-file.ts";
export type { ProveOptions } from "./proving/snark/prove.ts";
export type { Scratch } from "./proving/snark/scratch.ts";
export {
  type PoRepSnarkRequest,
  type PoStSnarkRequest,
  snarkPoRep,
  snarkPoSt,
  snarkUpdate,
  type UpdateSnarkRequest,
} from "./proving/snark/sector-proofs.ts";
export {
  leafChallenge,
  type PoRepChallengeInputs,
  porepChallenges,
  porepPartitions,
  syntheticChallenges,
  winningSector,
} from "./sector/challenges.ts";
export { type MerklePath, type PathStep, pathIndex, verifyPath } from "./sector/merkle-path.ts";
export {
  porepId,
  proverId,
  type SealProof,
  SectorError,
  type SectorErrorData,
  type SectorParams,
  sealProof,
  sectorParams,
} from "./sector/params.ts";
export {
  commitmentOfCidV1,
  commitmentOfSealedCid,
  type PieceCommitment,
  paddedBytesOf,
  pieceCidV1,
  pieceCidV2,
  pieceOfCidV2,
  sealedCid,
  unpaddedBytesOf,
} from "./sector/piece/cid.ts";
export {
  type Aggregate,
  aggregatePieces,
  indexEntries,
  proveSegment,
  type SegmentProof,
  segmentEntry,
  verifySegment,
} from "./sector/piece/data-segment.ts";
export {
  aggregateSize,
  type InclusionProof,
  type PlacedPiece,
  placePieces,
  proveInclusion,
  proveInclusions,
  verifyInclusion,
} from "./sector/piece/inclusion.ts";
export {
  commitPiece,
  dataCommitment,
  fr32Pad,
  fr32Unpad,
  joinSlices,
  PieceError,
  type PieceErrorData,
  PieceHasher,
  type PieceInfo,
  zeroPieceCommitment,
} from "./sector/piece/pieces.ts";
export { type PiecePayload, type StagedPiece, stagePieces } from "./sector/piece/stage.ts";
export {
  type PoStKind,
  type PoStPartitionProof,
  type PrivateSector,
  type PublicSector,
  postChallenges,
  provedSectors,
  provePoSt,
  proveSectorPoSt,
  type SectorPoSt,
  verifyPoSt,
} from "./sector/post/post-proof.ts";
export type { SealOptions } from "./sector/seal/kit.ts";
export {
  type ColumnProof,
  labelParents,
  type PoRepChallengeProof,
  type PoRepPartitionProof,
  type PoRepStatement,
  provePoRep,
  verifyPoRep,
  verifyPoRepPartition,
} from "./sector/seal/porep-proof.ts";
export {
  replicaIdOf,
  type SealedSector,
  type SectorIdentity,
  sealSector,
  unsealRange,
} from "./sector/seal/seal.ts";
export {
  AGGREGATE_SRS_BYTES,
  type AggregateStatement,
  type ProofVerdict,
  readVerifyingKey,
  type VerifyingKey,
  VerifyingKeyError,
  type VerifyingKeyErrorData,
  type VerifyingKeyOptions,
} from "./sector/snark/groth16.ts";
export {
  type PublicInputs,
  porepAggregateInclude,
  porepInputs,
  postInputs,
  updateAggregateInclude,
  updateInputs,
} from "./sector/snark/statement.ts";
export {
  type AggregateContext,
  verifyPoStProof,
  verifySealAggregate,
  verifySealProof,
  verifyUpdateAggregate,
  verifyUpdateProof,
} from "./sector/snark/verify.ts";
export { MemorySectorStore, type SectorStore } from "./sector/store.ts";
export {
  decodeUpdate,
  proveUpdate,
  type UpdatedSector,
  type UpdatePartitionProof,
  type UpdateStatement,
  updateSector,
  verifyUpdate,
} from "./sector/update/update.ts";
