/**
 * Roots of all-zero subtrees of the SHA-256 node tree, by level: level 0 is a zero leaf, level k + 1 the node of two
 * level-k roots. The commitment of a piece of 2^k zero leaves, and the filling between pieces of a sector.
 *
 * Computed when they are first asked for: a module that starts cold would spend milliseconds on 63 hashes of which it may need none.
 */
import { hashPair, NODE_BYTES } from "../crypto/hash/sha256-node";

/** Levels 0 … 63; level 63 would be a tree of 2^68 bytes. */
export const ZERO_LEVELS: i32 = 64;

const ZERO_NODES: usize = memory.data(2048, 16);

/** Levels that have been computed. */
let known: i32 = 1;

/** Address of the root of 2^level zero leaves; level < 64. Read only. */
export function zeroNode(level: i32): usize {
  for (; known <= level; known++) {
    const below = place(known - 1);
    hashPair(below, below, place(known));
  }
  return place(level);
}

function place(level: i32): usize {
  return ZERO_NODES + <usize>level * NODE_BYTES;
}
