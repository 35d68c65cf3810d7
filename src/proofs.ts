/**
 * Proof mathematics on its own: pieces and their commitments.
 *
 * @example
 * const module = await ProofModule.load<PieceExports>();
 * const piece = new PieceHasher(module).update(bytes).digest();
 * console.log(pieceCidV2(piece).toString());
 */
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
export { hasSimd, ProofModule, type ProofModuleOptions } from "./core/proof-module.ts";
