/**
 * Merkle paths with any arity in each row, and the check of them.
 */
import { equal } from "../base/bytes.ts";
import type { Proofs } from "../core/proofs.ts";
import { type NodeHash, parentNode } from "./kernel.ts";
import { badType, checkProofs, checkRecord, isBytes, isList, isRecord } from "./shape.ts";

/** One step up: the node stands at `index` among its siblings, given in order without it. */
export type PathStep = { readonly index: number; readonly siblings: readonly Uint8Array[] };

/** A leaf with its path to the root, from below. */
export type MerklePath = {
  readonly leaf: Uint8Array;
  readonly root: Uint8Array;
  readonly steps: readonly PathStep[];
};

/** A path of `arities.length` steps of those arities, with nodes of 32 bytes. */
export function isPath(value: unknown, arities: readonly number[]): value is MerklePath {
  if (!isRecord(value) || !isBytes(value["leaf"]) || !isBytes(value["root"])) return false;
  let row = 0;
  return isList(value["steps"], arities.length, (step) => {
    const siblings = (arities[row++] as number) - 1;
    if (!isRecord(step) || !Number.isInteger(step["index"])) return false;
    const index = step["index"] as number;
    return index >= 0 && index <= siblings && isList(step["siblings"], siblings, (node) => isBytes(node));
  });
}

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

/** Numbers of children that a hash takes. */
const HASHED: Readonly<Record<NodeHash, readonly number[]>> = { sha256: [2], poseidon: [2, 4, 8, 11] };

/** What a path is said to be: its hash, its arities from below, and the leaf that it is of. */
export type PathClaim = {
  readonly hash: NodeHash;
  readonly arities: readonly number[];
  readonly index: number;
  /** Parents that were computed already, by the bytes of their children: many paths of one tree share the upper ones. */
  readonly known?: KnownParents;
};

type Family = { readonly children: Uint8Array; readonly parent: Uint8Array };

/** Parents of one hash that were computed, by all bytes of their children; beyond `most` of them all are forgotten. */
export class KnownParents {
  private readonly most: number;
  private readonly families = new Map<number, Family[]>();
  private count = 0;

  constructor(most = 100_000) {
    this.most = most;
  }

  /** The parent of these children, if it was computed. */
  find(children: Uint8Array): Uint8Array | undefined {
    return this.families.get(start(children))?.find((one) => equal(one.children, children))?.parent;
  }

  /** Keeps both as they are: they must not change. */
  add(children: Uint8Array, parent: Uint8Array): void {
    if (this.count >= this.most) {
      this.families.clear();
      this.count = 0;
    }
    const key = start(children);
    const same = this.families.get(key);
    if (same === undefined) this.families.set(key, [{ children, parent }]);
    else same.push({ children, parent });
    this.count++;
  }
}

/** Nodes of a tree are spread evenly: the first bytes tell most of them apart. */
function start(nodes: Uint8Array): number {
  const [a = 0, b = 0, c = 0, d = 0] = nodes;
  return a | (b << 8) | (c << 16) | (d << 24);
}

/**
 * Whether the path leads from its leaf to its root and is what the claim says. False for anything that is no path, and for
 * nodes that are no field elements. Throws `BAD_TYPE` for a malformed claim.
 */
export function verifyPath(proofs: Proofs, path: MerklePath, claim: PathClaim): boolean {
  checkProofs(proofs);
  checkRecord("claim", claim);
  const { hash, arities, index, known } = claim;
  if (hash !== "poseidon" && hash !== "sha256") badType("hash", '"poseidon" or "sha256"');
  if (!isList(arities, null, (arity) => HASHED[hash].includes(arity as number)))
    badType("arities", `a list of ${HASHED[hash].join(", ")}`);
  if (!isPath(path, arities) || pathIndex(path) !== index) return false;
  let node = path.leaf;
  for (const step of path.steps) {
    const children = new Uint8Array(32 * (step.siblings.length + 1));
    step.siblings.forEach((sibling, i) => {
      children.set(sibling, 32 * (i < step.index ? i : i + 1));
    });
    children.set(node, 32 * step.index);
    const before = known?.find(children);
    if (before === undefined) {
      if (hash === "poseidon" && !canonical(proofs, children)) return false;
      node = parentNode(proofs, hash, children);
      known?.add(children, node);
    } else node = before;
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
