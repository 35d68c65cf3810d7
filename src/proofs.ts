/**
 * Proof mathematics on its own: pieces and commitments, sealing, vanilla proofs, and a pool of workers for them.
 *
 * @example
 * const module = await ProofModule.load<PieceExports>();
 * const piece = new PieceHasher(module).update(bytes).digest();
 * console.log(pieceCidV2(piece).toString());
 */

export {
  leafChallenge,
  type PoRepChallengeInputs,
  porepChallenges,
  porepPartitions,
  syntheticChallenges,
  winningSector,
} from "./core/challenges.ts";
export {
  type Aggregate,
  aggregatePieces,
  indexEntries,
  proveSegment,
  type SegmentProof,
  segmentEntry,
  verifySegment,
} from "./core/data-segment.ts";
export {
  AGGREGATE_SRS_BYTES,
  type AggregateStatement,
  type Groth16Exports,
  type ProofVerdict,
  readVerifyingKey,
  type VerifyingKey,
  VerifyingKeyError,
  type VerifyingKeyErrorData,
  type VerifyingKeyOptions,
} from "./core/groth16.ts";
export { type MerklePath, type PathStep, pathIndex, verifyPath } from "./core/merkle-path.ts";
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
} from "./core/piece-cid.ts";
export {
  aggregateSize,
  type InclusionProof,
  type PlacedPiece,
  placePieces,
  proveInclusion,
  proveInclusions,
  verifyInclusion,
} from "./core/piece-inclusion.ts";
export {
  commitPiece,
  dataCommitment,
  fr32Pad,
  fr32Unpad,
  joinSlices,
  PieceError,
  type PieceErrorData,
  type PieceExports,
  PieceHasher,
  type PieceInfo,
  zeroPieceCommitment,
} from "./core/pieces.ts";
export {
  type ColumnProof,
  labelParents,
  type PoRepChallengeProof,
  type PoRepPartitionProof,
  type PoRepStatement,
  provePoRep,
  verifyPoRep,
  verifyPoRepPartition,
} from "./core/porep-proof.ts";
export { merkleTag, PoseidonError, type PoseidonExports, poseidon, UPDATE_TAG } from "./core/poseidon.ts";
export { constantLengthTag, type PoseidonOptions, type PoseidonStrength, poseidonAny } from "./core/poseidon-any.ts";
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
} from "./core/post-proof.ts";
export type { ProofExports, Proofs, SealExports } from "./core/proof-kernel.ts";
export { hasSimd, ProofModule, type ProofModuleOptions } from "./core/proof-module.ts";
export {
  replicaIdOf,
  type SealedSector,
  type SectorIdentity,
  sealSector,
  unsealRange,
} from "./core/seal.ts";
export type { SealOptions } from "./core/seal-kit.ts";
export {
  porepId,
  proverId,
  type SealProof,
  SectorError,
  type SectorErrorData,
  type SectorParams,
  sealProof,
  sectorParams,
} from "./core/sector-params.ts";
export { MemoryStore, type SectorStore } from "./core/sector-store.ts";
export {
  decodeUpdate,
  proveUpdate,
  type UpdatedSector,
  type UpdatePartitionProof,
  type UpdateStatement,
  updateSector,
  verifyUpdate,
} from "./core/sector-update.ts";
export { type PiecePayload, type StagedPiece, stagePieces } from "./core/stage.ts";
export {
  type PublicInputs,
  porepAggregateInclude,
  porepInputs,
  postInputs,
  updateAggregateInclude,
  updateInputs,
} from "./core/statement.ts";
export {
  type AggregateContext,
  verifyPoStProof,
  verifySealAggregate,
  verifySealProof,
  verifyUpdateAggregate,
  verifyUpdateProof,
} from "./core/verify-proofs.ts";
export { commitPayload, commitStream, type Payload } from "./proving/commit.ts";
export type { Job, Progress, ResultOf } from "./proving/jobs.ts";
export { perform } from "./proving/perform.ts";
export { ProvingPool } from "./proving/pool.ts";
export { provePoRepDirectory, provePoStDirectories, sealDirectory } from "./proving/seal.ts";
