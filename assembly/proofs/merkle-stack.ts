/**
 * The root of a binary SHA-256 tree whose subtrees arrive from left to right, in the memory of one path.
 *
 * Positions and sizes count leaves (32 bytes). Before a subtree of 2^level leaves is put in, the position must be a
 * multiple of 2^level. Then the set bits of the position say exactly which left subtrees wait for their right
 * neighbour, as carries wait in a binary counter:
 *
 *     position 0b1011  →  waiting: one subtree of 8 leaves, one of 2, one of 1
 *
 * Piece commitments (equal windows), joins of slices from several workers, and data commitments (pieces of different
 * sizes with zero gaps) are all this one counter.
 *
 * Layout (`MERKLE_STACK_BYTES`, 8-aligned, owned by the caller):
 *
 *    0          8 … 31   32                       32 + 32·64
 *    | u64      | unused | 64 × 32 bytes          |
 *    | position |        | waiting root by level  |
 */
import { hashPair, NODE_BYTES } from "../crypto/hash/sha256-node";
import { ZERO_LEVELS, zeroNode } from "./zero-nodes";

export const MERKLE_STACK_BYTES: usize = 32 + 32 * <usize>ZERO_LEVELS;

const ROOTS: usize = 32;

export function stackInit(stack: usize): void {
  store<u64>(stack, 0);
}

/** Leaves put in so far. */
export function stackPosition(stack: usize): u64 {
  return load<u64>(stack);
}

/**
 * Puts in the subtree of 2^level leaves whose root is the 32 bytes at `node`.
 * Pre: the position is a multiple of 2^level, level < 63, and the sum stays below 2^63.
 */
export function stackPush(stack: usize, node: usize, level: i32): void {
  const position = load<u64>(stack);
  store<u64>(stack, position + ((<u64>1) << level));
  const carry = memory.data(32, 8);
  memory.copy(carry, node, NODE_BYTES);
  for (; (position >> level) & 1; level++) hashPair(rootAt(stack, level), carry, carry);
  memory.copy(rootAt(stack, level), carry, NODE_BYTES);
}

/** Fills with zero leaves until the position is a multiple of 2^level. */
export function stackAlign(stack: usize, level: i32): void {
  const mask = ((<u64>1) << level) - 1;
  while ((load<u64>(stack) & mask) != 0) {
    const low = <i32>ctz<u64>(load<u64>(stack));
    stackPush(stack, zeroNode(low), low);
  }
}

/** Fills with zero leaves up to 2^level leaves in all and writes the root. Pre: the position is at most 2^level. */
export function stackRoot(stack: usize, level: i32, out: usize): void {
  if (load<u64>(stack) == 0) {
    memory.copy(out, zeroNode(level), NODE_BYTES);
    return;
  }
  while (load<u64>(stack) < (<u64>1) << level) {
    const low = <i32>ctz<u64>(load<u64>(stack));
    stackPush(stack, zeroNode(low), low);
  }
  memory.copy(out, rootAt(stack, level), NODE_BYTES);
}

/** Smallest level whose 2^level leaves hold all that was put in, and at least `least`. */
export function stackLevel(stack: usize, least: i32): i32 {
  const position = load<u64>(stack);
  const level = position <= 1 ? 0 : 64 - <i32>clz<u64>(position - 1);
  return max(level, least);
}

// @ts-ignore: decorator
@inline
function rootAt(stack: usize, level: i32): usize {
  return stack + ROOTS + ((<usize>level) << 5);
}
