/**
 * Aggregation: where pieces lie in a larger piece or sector, and proofs that one is in it.
 *
 * A piece is a subtree of the aggregate's tree, at a multiple of its own size. The inclusion proof is the path from its
 * commitment to the aggregate's: as many steps as the aggregate is doublings larger. It says the piece's place too.
 */
import { equal } from "../../base/bytes.ts";
import { describeValue } from "../../base/errors.ts";
import type { Proofs } from "../../core/proofs.ts";
import { isPath, type MerklePath, type PathStep, verifyPath } from "../merkle-path.ts";
import { checkProofs, isRecord } from "../shape.ts";
import {
  checkPaddedSize,
  checkPieces,
  dataCommitment,
  hashPair,
  isCommitment,
  isPaddedSize,
  isPiece,
  PieceError,
  type PieceInfo,
  zeroPieceCommitment,
} from "./pieces.ts";

/** A piece with its first byte in the padded aggregate. */
export type PlacedPiece = PieceInfo & { readonly offset: number };

/** That a piece lies at `offset` in an aggregate of `paddedSize` bytes. */
export type InclusionProof = {
  readonly offset: number;
  /** Padded bytes of the aggregate. */
  readonly paddedSize: number;
  readonly path: MerklePath;
};

/** Places pieces in order, each at the next multiple of its size. Throws `PIECES_TOO_LARGE`. */
export function placePieces(paddedSize: number, pieces: readonly PieceInfo[]): PlacedPiece[] {
  checkPaddedSize(paddedSize);
  checkPieces(pieces);
  let end = 0;
  return pieces.map((piece) => {
    const offset = Math.ceil(end / piece.paddedSize) * piece.paddedSize;
    end = offset + piece.paddedSize;
    if (end > paddedSize)
      throw new PieceError(
        { code: "PIECES_TOO_LARGE", sectorBytes: paddedSize },
        `the pieces do not fit ${paddedSize} bytes`,
      );
    return { ...piece, offset };
  });
}

/** A number of bytes, 0 or more, that is a whole number of times `size`. */
export function isMultiple(offset: unknown, size: number): boolean {
  return Number.isSafeInteger(offset) && (offset as number) >= 0 && Number.isInteger((offset as number) / size);
}

/** The smallest padded size that holds the pieces in order. */
export function aggregateSize(pieces: readonly PieceInfo[]): number {
  const last = placePieces(2 ** 52, pieces).at(-1);
  let size = 128;
  while (last !== undefined && size < last.offset + last.paddedSize) size *= 2;
  return size;
}

/** Proves that piece `index` is in the aggregate of all `pieces`; its commitment is `dataCommitment` of the same list. */
export function proveInclusion(
  proofs: Proofs,
  paddedSize: number,
  pieces: readonly PieceInfo[],
  index: number,
): InclusionProof {
  checkPaddedSize(paddedSize);
  const placed = placePieces(paddedSize, pieces);
  const piece = typeof index === "number" ? placed[index] : undefined;
  if (piece === undefined) throw noPiece(index);
  return inclusionOf(proofs, paddedSize, placed, piece, dataCommitment(proofs, paddedSize, pieces));
}

/** What is thrown for the place of a piece that is not there. */
export function noPiece(place: number): PieceError {
  const size = typeof place === "number" ? place : Number.NaN;
  return new PieceError({ code: "BAD_PIECE_SIZE", size }, `there is no piece ${describeValue(place)}`);
}

/** As `proveInclusion`, for every piece, in their order. The aggregate's commitment is computed once. */
export function proveInclusions(proofs: Proofs, paddedSize: number, pieces: readonly PieceInfo[]): InclusionProof[] {
  checkPaddedSize(paddedSize);
  const placed = placePieces(paddedSize, pieces);
  if (placed.length === 0) return [];
  const root = dataCommitment(proofs, paddedSize, pieces);
  return placed.map((piece) => inclusionOf(proofs, paddedSize, placed, piece, root));
}

function inclusionOf(
  proofs: Proofs,
  paddedSize: number,
  placed: readonly PlacedPiece[],
  piece: PlacedPiece,
  root: Uint8Array,
): InclusionProof {
  const steps = pathTo(proofs, placed, paddedSize, piece);
  return { offset: piece.offset, paddedSize, path: { leaf: piece.commP, root, steps } };
}

/** The steps from one of the placed pieces to the root over `paddedSize` bytes. */
export function pathTo(
  proofs: Proofs,
  placed: readonly PlacedPiece[],
  paddedSize: number,
  piece: PlacedPiece,
): PathStep[] {
  const steps: PathStep[] = [];
  for (let size = piece.paddedSize; size < paddedSize; size *= 2) {
    const place = Math.floor(piece.offset / size);
    const sibling = nodeAt(proofs, placed, size, place % 2 === 0 ? place + 1 : place - 1);
    steps.push({ index: place % 2, siblings: [sibling] });
  }
  return steps;
}

/** The node over `size` bytes from `place · size` on: a piece, zeros, or the node of its halves. */
export function nodeAt(proofs: Proofs, placed: readonly PlacedPiece[], size: number, place: number): Uint8Array {
  const from = place * size;
  const inside = placed.filter(({ offset }) => offset >= from && offset < from + size);
  const [first] = inside;
  if (first === undefined) return zeroPieceCommitment(proofs, size);
  if (first.paddedSize === size) return first.commP;
  const half = size / 2;
  return hashPair(proofs, nodeAt(proofs, inside, half, 2 * place), nodeAt(proofs, inside, half, 2 * place + 1));
}

/** Whether the proof shows `piece` at its offset in the aggregate with commitment `commD`. False for anything malformed. */
export function verifyInclusion(proofs: Proofs, commD: Uint8Array, piece: PieceInfo, proof: InclusionProof): boolean {
  checkProofs(proofs);
  if (!isPiece(piece) || !isCommitment(commD) || !isRecord(proof)) return false;
  const { offset, paddedSize, path } = proof;
  if (!isPaddedSize(paddedSize) || !isMultiple(offset, piece.paddedSize)) return false;
  if (offset + piece.paddedSize > paddedSize) return false;
  const arities = new Array<number>(Math.log2(paddedSize / piece.paddedSize)).fill(2);
  if (!isPath(path, arities) || !equal(path.leaf, piece.commP) || !equal(path.root, commD)) return false;
  return verifyPath(proofs, path, { hash: "sha256", arities, index: offset / piece.paddedSize });
}
