/**
 * CommD: the data commitment of a sector, from the sizes and commitments of its pieces.
 *
 * The sector's data is a binary tree over 32-byte leaves. Each piece is a subtree: it begins at the next multiple of its
 * own padded size, gaps before it and after the last piece are zero leaves, and a sector without pieces is all zeros.
 *
 *     sector  [ A: 1 KiB ][ B: 512 ][ zero 512 ][ C: 2 KiB ]      C begins at a multiple of 2 KiB
 *
 * Source: rust-fil-proofs filecoin-proofs/src/pieces.rs; the filling of gaps and of the sector's end as the network's
 * `ComputeUnsealedSectorCID` does it.
 */
import { MERKLE_STACK_BYTES, stackAlign, stackInit, stackPosition, stackPush, stackRoot } from "./merkle-stack";

/** One piece in the table: padded size as u64, then the 32 bytes of its commitment. */
export const PIECE_ENTRY_BYTES: usize = 40;

/** Smallest padded piece: four leaves. */
export const MIN_PIECE_BYTES: u64 = 128;

export const COMM_D_OK: i32 = 0;
/** The sector's size is no power of two, or smaller than a piece can be. */
export const COMM_D_BAD_SECTOR: i32 = -1;
/** A piece's padded size is no power of two, or less than 128 bytes. */
export const COMM_D_BAD_PIECE: i32 = -2;
/** The pieces, aligned, are larger than the sector. */
export const COMM_D_TOO_LARGE: i32 = -3;

/**
 * Writes the 32 bytes of CommD at `out`.
 *
 * `pieces` holds `count` entries of `PIECE_ENTRY_BYTES` in the sector's order; `sectorBytes` is the sector's size (which
 * is a padded size). Returns `COMM_D_OK` or one of the codes above, and then leaves `out` as it is.
 */
export function dataCommitment(sectorBytes: u64, pieces: usize, count: i32, out: usize): i32 {
  if (sectorBytes < MIN_PIECE_BYTES || popcnt<u64>(sectorBytes) != 1) return COMM_D_BAD_SECTOR;
  const sectorLeaves = sectorBytes >> 5;
  const stack = memory.data(2080, 8);
  assert(MERKLE_STACK_BYTES == 2080);
  stackInit(stack);
  for (; count > 0; count--, pieces += PIECE_ENTRY_BYTES) {
    const size = load<u64>(pieces);
    if (size < MIN_PIECE_BYTES || popcnt<u64>(size) != 1) return COMM_D_BAD_PIECE;
    if (size > sectorBytes) return COMM_D_TOO_LARGE;
    const level = <i32>ctz<u64>(size) - 5;
    stackAlign(stack, level);
    if (stackPosition(stack) + (size >> 5) > sectorLeaves) return COMM_D_TOO_LARGE;
    stackPush(stack, pieces + 8, level);
  }
  stackRoot(stack, <i32>ctz<u64>(sectorLeaves), out);
  return COMM_D_OK;
}
