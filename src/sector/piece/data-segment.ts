/**
 * Aggregates with a data segment index (FRC-0058): many pieces in one, and at its end a table of where they are.
 *
 *   aggregate   | pieces, each at a multiple of its size | zeros | index |
 *   entry       commitment (32) ‖ offset u64 LE ‖ size u64 LE ‖ checksum (16): two leaves of the aggregate's tree
 *   checksum    first 16 bytes of SHA-256 over the entry with zeros in its place, the two top bits of the last cleared
 *   entries     max(4, 2^ceil(log2(size / 2048 / 64))); unused ones are zeros
 *
 * Offsets and sizes are padded. That a client's piece is in an aggregate is shown by two paths: the piece's, and that of
 * its index entry, which lets retrieval find it. Source: FRC-0058.
 */
import { equal } from "../../base/bytes.ts";
import type { Proofs } from "../../core/proofs.ts";
import { sha256Of } from "../kernel.ts";
import { isPath, type MerklePath, type PathStep, verifyPath } from "../merkle-path.ts";
import { checkBytes } from "../params.ts";
import { badType, checkProofs, checkRecord, isRecord } from "../shape.ts";
import { isMultiple, nodeAt, noPiece, type PlacedPiece, pathTo, placePieces } from "./inclusion.ts";
import {
  checkCommitment,
  checkPaddedSize,
  checkPieces,
  hashPair,
  isCommitment,
  isPaddedSize,
  isPiece,
  PieceError,
  type PieceInfo,
} from "./pieces.ts";

const ENTRY_BYTES = 64;

export type Aggregate = {
  readonly paddedSize: number;
  readonly commP: Uint8Array;
  readonly pieces: readonly PlacedPiece[];
  /** The index as it stands at the end of the padded aggregate. */
  readonly index: Uint8Array;
};

/** That a piece and its index entry are in an aggregate. */
export type SegmentProof = { readonly offset: number; readonly piece: MerklePath; readonly entry: MerklePath };

/** Largest aggregate: that of the largest sector, whose index takes 32 MiB. */
const MAX_AGGREGATE_BYTES = 2 ** 36;

/** Throws `BAD_PIECE_SIZE` unless an aggregate may have so many padded bytes. */
function checkAggregateSize(paddedSize: number): void {
  checkPaddedSize(paddedSize);
  if (paddedSize > MAX_AGGREGATE_BYTES)
    throw new PieceError({ code: "BAD_PIECE_SIZE", size: paddedSize }, `an aggregate of ${paddedSize} bytes`);
}

/** Entries that the index of an aggregate of `paddedSize` bytes has room for. */
export function indexEntries(paddedSize: number): number {
  return Math.max(4, 2 ** Math.ceil(Math.log2(paddedSize / 2048 / ENTRY_BYTES)));
}

/** The 64 bytes of a piece's entry. */
export function segmentEntry(proofs: Proofs, { commP, offset, paddedSize }: PlacedPiece): Uint8Array {
  const out = new Uint8Array(ENTRY_BYTES);
  const view = new DataView(out.buffer);
  out.set(commP);
  view.setBigUint64(32, BigInt(offset), true);
  view.setBigUint64(40, BigInt(paddedSize), true);
  const checksum = sha256Of(proofs, out).slice(0, 16);
  checksum[15] = (checksum[15] as number) & 0x3f;
  out.set(checksum, 48);
  return out;
}

/** Puts pieces into an aggregate of `paddedSize` bytes. Throws `PIECES_TOO_LARGE` if they and the index do not fit. */
export function aggregatePieces(proofs: Proofs, paddedSize: number, pieces: readonly PieceInfo[]): Aggregate {
  checkProofs(proofs);
  checkAggregateSize(paddedSize);
  const entries = indexEntries(paddedSize);
  const indexBytes = entries * ENTRY_BYTES;
  const placed = placePieces(paddedSize, pieces);
  const last = placed.at(-1);
  const end = last === undefined ? 0 : last.offset + last.paddedSize;
  if (pieces.length > entries || end + indexBytes > paddedSize)
    throw new PieceError(
      { code: "PIECES_TOO_LARGE", sectorBytes: paddedSize },
      `${pieces.length} pieces and their index do not fit ${paddedSize} bytes`,
    );
  const index = new Uint8Array(indexBytes);
  placed.forEach((piece, i) => {
    index.set(segmentEntry(proofs, piece), i * ENTRY_BYTES);
  });
  const all = [...placed, indexPiece(paddedSize, index, indexTree(proofs, index))];
  return { paddedSize, commP: nodeAt(proofs, all, paddedSize, 0), pieces: placed, index };
}

/** The index seen as the piece at the end. */
function indexPiece(paddedSize: number, index: Uint8Array, tree: IndexTree): PlacedPiece {
  return {
    offset: paddedSize - index.length,
    paddedSize: index.length,
    commP: treeNode(tree, tree.empty.length - 1, 0),
  };
}

/** The tree of the index: by height, from the nodes of its entries up, the nodes up to the last entry that is used, and what all others are. */
type IndexTree = { readonly rows: readonly (readonly Uint8Array[])[]; readonly empty: readonly Uint8Array[] };

function indexTree(proofs: Proofs, index: Uint8Array): IndexTree {
  let end = index.length;
  while (end > 0 && index[end - 1] === 0) end--;
  const entryNode = (i: number): Uint8Array =>
    hashPair(proofs, index.slice(i * 64, i * 64 + 32), index.slice(i * 64 + 32, i * 64 + 64));
  const rows = [Array.from({ length: Math.ceil(end / ENTRY_BYTES) }, (_, i) => entryNode(i))];
  const zeros = new Uint8Array(32);
  const empty = [hashPair(proofs, zeros, zeros)];
  for (let width = index.length / ENTRY_BYTES; width > 1; width /= 2) {
    const below = rows.at(-1) as Uint8Array[];
    const none = empty.at(-1) as Uint8Array;
    rows.push(
      Array.from({ length: Math.ceil(below.length / 2) }, (_, i) =>
        hashPair(proofs, below[2 * i] as Uint8Array, below[2 * i + 1] ?? none),
      ),
    );
    empty.push(hashPair(proofs, none, none));
  }
  return { rows, empty };
}

function treeNode({ rows, empty }: IndexTree, height: number, at: number): Uint8Array {
  return rows[height]?.[at] ?? (empty[height] as Uint8Array);
}

/** Proves that piece `place` of the aggregate is in it, and in its index. */
export function proveSegment(proofs: Proofs, aggregate: Aggregate, place: number): SegmentProof {
  checkProofs(proofs);
  checkRecord("aggregate", aggregate);
  const { paddedSize, pieces, index, commP } = aggregate;
  checkAggregateSize(paddedSize);
  checkPieces(pieces);
  for (const { offset } of pieces) if (!isMultiple(offset, 128)) badType("aggregate.pieces", "placed pieces");
  checkBytes("index", index, indexEntries(paddedSize) * ENTRY_BYTES);
  checkCommitment(commP);
  const piece = typeof place === "number" ? pieces[place] : undefined;
  if (piece === undefined) throw noPiece(place);
  const tree = indexTree(proofs, index);
  const indexed = indexPiece(paddedSize, index, tree);
  const all = [...pieces, indexed];
  const steps: PathStep[] = Array.from({ length: tree.empty.length - 1 }, (_, height) => {
    const at = Math.floor(place / 2 ** height);
    return { index: at % 2, siblings: [treeNode(tree, height, at ^ 1)] };
  });
  const entry = {
    leaf: treeNode(tree, 0, place),
    root: commP,
    steps: [...steps, ...pathTo(proofs, all, paddedSize, indexed)],
  };
  return {
    offset: piece.offset,
    piece: { leaf: piece.commP, root: commP, steps: pathTo(proofs, all, paddedSize, piece) },
    entry,
  };
}

/** That `piece`, and an entry for it in the index, are in an aggregate. */
export type SegmentClaim = {
  readonly piece: PieceInfo;
  /** Padded bytes of the aggregate, and its commitment. */
  readonly paddedSize: number;
  readonly commP: Uint8Array;
};

/** Whether the proof shows what the claim says. False for anything malformed. */
export function verifySegment(proofs: Proofs, claim: SegmentClaim, proof: SegmentProof): boolean {
  checkProofs(proofs);
  if (!isRecord(claim) || !isRecord(proof)) return false;
  const { piece, paddedSize, commP } = claim;
  if (!isPiece(piece) || !isPaddedSize(paddedSize) || paddedSize > MAX_AGGREGATE_BYTES || !isCommitment(commP))
    return false;
  const { offset } = proof;
  const entries = indexEntries(paddedSize);
  const indexStart = paddedSize - entries * ENTRY_BYTES;
  if (!isMultiple(offset, piece.paddedSize) || offset + piece.paddedSize > indexStart) return false;
  const rows = (bytes: number): number[] => new Array<number>(Math.log2(paddedSize / bytes)).fill(2);
  if (!isPath(proof.piece, rows(piece.paddedSize)) || !isPath(proof.entry, rows(ENTRY_BYTES))) return false;
  const entry = segmentEntry(proofs, { ...piece, offset });
  if (!equal(proof.piece.leaf, piece.commP) || !equal(proof.piece.root, commP) || !equal(proof.entry.root, commP))
    return false;
  if (!equal(proof.entry.leaf, hashPair(proofs, entry.slice(0, 32), entry.slice(32)))) return false;
  const place = offset / piece.paddedSize;
  if (!verifyPath(proofs, proof.piece, { hash: "sha256", arities: rows(piece.paddedSize), index: place })) return false;
  // The entry may be any of the index; its place is what its path says, and must lie in the index area.
  const slot = proof.entry.steps.reduceRight((at, step) => 2 * at + step.index, 0);
  if (slot * ENTRY_BYTES < indexStart) return false;
  return verifyPath(proofs, proof.entry, { hash: "sha256", arities: rows(ENTRY_BYTES), index: slot });
}
