/**
 * SHA-256 of Merkle nodes: 64 bytes (two children) to 32, with the two top bits of the last byte cleared.
 *
 * That truncation ("sha2-256-trunc254") makes every digest, read as a little-endian number, smaller than 2^254 and thus
 * an element of the BLS12-381 scalar field. Pieces, data commitments and the tree over a sector's data use this node.
 *
 * A 64-byte message takes two compressions, and the second block is the padding alone: the same for every node. Its
 * message schedule is constant, so the second compression reads its 64 words from a table.
 *
 * `sha256-lanes.ts` hashes four nodes and more at a time where there is SIMD; `hashNode` is the plain form of it.
 */
import { sha256Blocks, sha256Start } from "./sha256-kernel.gen";
import { hashStrands, MOST_STRANDS } from "./sha256-lanes";

/** Bytes of a node. */
export const NODE_BYTES: usize = 32;

/** The message block that closes a 64-byte message: a bit 1, zeros, 512 as a big-endian 64-bit number. */
const PADDING: usize = memory.data<u8>([
  0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0,
]);

/** Hashes the 64 bytes at `input` into the node at `out`, which may overlap the input. Reference of the other forms. */
export function hashNode(input: usize, out: usize): void {
  const state = memory.data(32, 8);
  sha256Start(state);
  sha256Blocks(state, input, 1);
  sha256Blocks(state, PADDING, 1);
  for (let i: usize = 0; i < 32; i += 4) store<u32>(out + i, bswap<u32>(load<u32>(state + i)));
  store<u8>(out, load<u8>(out, 31) & 0x3f, 31);
}

/** Hashes the two nodes at `left` and `right` into `out`, which may be either of them. */
export function hashPair(left: usize, right: usize, out: usize): void {
  const both = memory.data(64, 8);
  memory.copy(both, left, 32);
  memory.copy(both + 32, right, 32);
  hashNode(both, out);
}

/**
 * Hashes `count` nodes from `2·count` children at `input` to `out`; one level of a tree.
 * `out` may equal `input` (a level is then replaced by the one above it) or lie outside of it.
 */
export function hashLevel(input: usize, out: usize, count: usize): void {
  if (ASC_FEATURE_SIMD) {
    while (count >= 4) {
      const strands = min(count >> 2, MOST_STRANDS);
      hashStrands(input, out, strands);
      count -= strands << 2;
      input += strands << 8;
      out += strands << 7;
    }
  }
  for (; count > 0; count--, input += 64, out += 32) hashNode(input, out);
}
