/**
 * Merkle paths with any arity in each row, and the check of them.
 */
import { equal } from "../base/bytes.ts";
import type { Proofs } from "../core/proofs.ts";
import { type NodeHash, parentNode } from "./kernel.ts";

/** One step up: the node stands at `index` among its siblings, given in order without it. */
export type PathStep = { readonly index: number; readonly siblings: readonly Uint8Array[] };

/** A leaf with its path to the root, from below. */
export type MerklePath = {
  readonly leaf: Uint8Array;
  readonly root: Uint8Array;
  readonly steps: readonly PathStep[];
};

/** The leaf index that a path's step indexes say. */
export function pathIndex(path: MerklePath): number {
  let index = 0;
  let scale = 1;
  for (const step of path.steps) {
    index += step.index * scale;
    scale *= step.siblings.length + 1;
  }
  return index;
}

/**
 * Whether the path leads from its leaf to its root, has the arities `arities` from below, and is that of leaf `index`.
 * Nodes that are no 32 bytes or no field elements make it false, never throw.
 */
export function verifyPath(
  proofs: Proofs,
  hash: NodeHash,
  arities: readonly number[],
  path: MerklePath,
  index: number,
): boolean {
  if (path.steps.length !== arities.length || path.leaf.length !== 32) return false;
  for (const [row, step] of path.steps.entries()) {
    if (step.siblings.length + 1 !== arities[row]) return false;
    if (!Number.isInteger(step.index) || step.index < 0 || step.index > step.siblings.length) return false;
    if (step.siblings.some((sibling) => sibling.length !== 32)) return false;
  }
  if (pathIndex(path) !== index) return false;
  let node = path.leaf;
  for (const step of path.steps) {
    const children = new Uint8Array(32 * (step.siblings.length + 1));
    step.siblings.forEach((sibling, i) => {
      children.set(sibling, 32 * (i < step.index ? i : i + 1));
    });
    children.set(node, 32 * step.index);
    if (hash === "poseidon" && !canonical(proofs, children)) return false;
    node = parentNode(proofs, hash, children);
  }
  return equal(node, path.root);
}

/** Whether all 32-byte nodes are field elements. */
export function canonical(proofs: Proofs, nodes: Uint8Array): boolean {
  if (nodes.length % 32 !== 0) return false;
  return proofs.with(32 * 16, (at) => {
    for (let from = 0; from < nodes.length; from += 512) {
      const part = nodes.subarray(from, from + 512);
      proofs.instance.write(at, part);
      if (proofs.exports.elementsCanonical(at, part.length / 32) === 0) return false;
    }
    return true;
  });
}
