/**
 * Roots of all-zero subtrees of the SHA-256 node tree, by level: level 0 is a zero leaf, level k + 1 the node of two
 * level-k roots. The commitment of a piece of 2^k zero leaves, and the filling between pieces of a sector.
 *
 * Computed when the module starts: 63 hashes, some tens of microseconds, instead of 2 KiB of data.
 */
import { hashPair, NODE_BYTES } from "../crypto/hash/sha256-node";

/** Levels 0 … 63; level 63 would be a tree of 2^68 bytes. */
export const ZERO_LEVELS: i32 = 64;

const ZERO_NODES: usize = memory.data(2048, 16);

fillZeroNodes();

function fillZeroNodes(): void {
  for (let level = 1; level < ZERO_LEVELS; level++) {
    const below = zeroNode(level - 1);
    hashPair(below, below, zeroNode(level));
  }
}

/** Address of the root of 2^level zero leaves; level < 64. Read only. */
export function zeroNode(level: i32): usize {
  return ZERO_NODES + <usize>level * NODE_BYTES;
}
