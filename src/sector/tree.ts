/**
 * The trees over a sector's nodes: tree D (binary, SHA-256), tree C and tree R-last (Poseidon).
 *
 * A Poseidon tree is one 8-ary base tree, or several whose roots stand under one or two more nodes of other arities
 * (`SectorParams.upper`): 8 base trees under an 8-ary node at 32 GiB, two such under a binary node at 64 GiB.
 *
 *   file of a base tree:  row 0 (leaves) | row 1 | … | root        tree R-last leaves out row 0, which is the replica,
 *                                                                  and the next `discarded` rows, rebuilt from it
 *
 * Building takes windows of at most 2^15 leaves; of a window every row up to its root is made in the module's memory and
 * written where it belongs. Windows know nothing of each other, so threads may share a tree's; the rows above them, at
 * most some ten thousand nodes, are made in one go at the end.
 */
import { PoseidonError } from "../core/poseidon.ts";
import type { Proofs } from "../core/proofs.ts";
import { type NodeHash, parentNode } from "./kernel.ts";
import type { KnownParents, MerklePath, PathStep } from "./merkle-path.ts";
import { NODE_BYTES, type SectorParams } from "./params.ts";
import { SEALED_FILE, type SectorStore, TREE_D_FILE, treeFile } from "./store.ts";

/** Nodes of a window: a power of 2 and of 8, 1 MiB. */
export const WINDOW_NODES = 1 << 15;

export type TreeShape = {
  readonly hash: NodeHash;
  /** Leaves of one base tree, and its arity. */
  readonly leaves: number;
  readonly arity: number;
  /** Arities above the base trees, from below. */
  readonly upper: readonly number[];
  /** Rows above the leaves that are not kept; with any, the leaves are not kept either. */
  readonly discarded: number;
  /** Whether the leaves stand in the trees' own files. */
  readonly ownLeaves: boolean;
  /** Name of the file of base tree `index`. */
  readonly file: (index: number) => string;
};

/** Base trees of a shape. */
export function baseTrees(shape: TreeShape): number {
  return shape.upper.reduce((product, arity) => product * arity, 1);
}

/** Rows of a base tree from its leaves to its root. */
export function baseRows(shape: TreeShape): number {
  return Math.round(Math.log2(shape.leaves) / Math.log2(shape.arity)) + 1;
}

/** Arities of every step from a leaf to the root. */
export function treeArities(shape: TreeShape): number[] {
  return [...new Array<number>(baseRows(shape) - 1).fill(shape.arity), ...shape.upper];
}

export function treeDShape(params: SectorParams, file: string = TREE_D_FILE): TreeShape {
  const common = { hash: "sha256", arity: 2, upper: [], discarded: 0, ownLeaves: true } as const;
  return { ...common, leaves: params.nodes, file: () => file };
}

function poseidonShape(params: SectorParams, tree: "c" | "r-last"): TreeShape {
  const { upper } = params;
  const count = upper.reduce((product, arity) => product * arity, 1);
  const own = tree === "c";
  const shape = { hash: "poseidon", leaves: params.nodes / count, arity: 8, upper, ownLeaves: own } as const;
  const file = (index: number): string => treeFile(tree, index, count);
  const rows = baseRows({ ...shape, discarded: 0, file });
  // Two rows, or one of a tree with but one row between leaves and root.
  return { ...shape, discarded: own ? 0 : Math.max(0, Math.min(2, rows - 2)), file };
}

export function treeCShape(params: SectorParams): TreeShape {
  return poseidonShape(params, "c");
}

export function treeRLastShape(params: SectorParams): TreeShape {
  return poseidonShape(params, "r-last");
}

/** Byte offset of a row in the file of a base tree, the file's length for the row after the last; the row must be kept. */
export function rowOffset(shape: TreeShape, row: number): number {
  let nodes = 0;
  for (let r = shape.ownLeaves ? 0 : shape.discarded + 1; r < row; r++) nodes += shape.leaves / shape.arity ** r;
  return nodes * NODE_BYTES;
}

function kept(shape: TreeShape, row: number): boolean {
  return row === 0 ? shape.ownLeaves : row > shape.discarded;
}

/** Some windows of a tree or table, for a worker. */
export type WindowRange = { readonly first: number; readonly count: number };

/** Windows of a tree, which can be built in any order and by several threads. */
export function windowCount(shape: TreeShape): number {
  return (baseTrees(shape) * shape.leaves) / treeWindow(shape);
}

/**
 * Builds window `window` of a tree from its leaves, which lie at `nodes` in the module's memory and are overwritten;
 * writes the kept rows and returns the window's root. Throws `BAD_ELEMENT` if a leaf is no field element.
 */
export function buildWindow(
  proofs: Proofs,
  shape: TreeShape,
  store: SectorStore,
  window: number,
  nodes: number,
): Promise<Uint8Array> {
  const size = treeWindow(shape);
  const first = (window * size) % shape.leaves;
  const tree = Math.floor((window * size) / shape.leaves);
  return writeRows(proofs, shape, store, tree, nodes, { row: 0, first, count: size });
}

/** Builds the rows above the windows from the windows' roots in order; returns the root over all base trees. */
export async function closeTree(
  proofs: Proofs,
  shape: TreeShape,
  store: SectorStore,
  windowRoots: readonly Uint8Array[],
): Promise<Uint8Array> {
  const perTree = shape.leaves / treeWindow(shape);
  const row = Math.round(Math.log2(treeWindow(shape)) / Math.log2(shape.arity));
  const roots: Uint8Array[] = [];
  for (let tree = 0; tree < baseTrees(shape); tree++) {
    const nodes = join(windowRoots.slice(tree * perTree, (tree + 1) * perTree));
    const at = proofs.take(nodes.length);
    try {
      proofs.instance.write(at, nodes);
      roots.push(await writeRows(proofs, shape, store, tree, at, { row, first: 0, count: perTree, written: true }));
    } finally {
      proofs.give(at, nodes.length);
    }
  }
  return topRoot(proofs, shape, roots);
}

/**
 * Writes `count` nodes at `nodes`, which stand in row `row` of a base tree from `first` on, and all rows above them;
 * returns their root. `written` says that the first of these rows is in the file already.
 */
async function writeRows(
  proofs: Proofs,
  shape: TreeShape,
  store: SectorStore,
  tree: number,
  nodes: number,
  part: { readonly row: number; readonly first: number; readonly count: number; readonly written?: true },
): Promise<Uint8Array> {
  const file = shape.file(tree);
  let { row, first, count } = part;
  for (; ; row++) {
    if (kept(shape, row) && !(part.written === true && row === part.row)) {
      const offset = rowOffset(shape, row) + first * NODE_BYTES;
      await store.write(file, offset, proofs.instance.read(nodes, count * NODE_BYTES));
    }
    if (count === 1) return proofs.instance.read(nodes, NODE_BYTES);
    count /= shape.arity;
    first /= shape.arity;
    hashRow(proofs, shape, nodes, count);
  }
}

/** Replaces a row at `nodes` by the `count` nodes above it. */
function hashRow(proofs: Proofs, shape: TreeShape, nodes: number, count: number): void {
  if (shape.hash === "sha256") proofs.exports.hashLevel(nodes, nodes, count);
  else if (proofs.exports.poseidonLevel(shape.arity, nodes, nodes, count) === 0)
    throw new PoseidonError({ code: "BAD_ELEMENT" }, "a node of the tree is not below the modulus");
}

/** The largest window that divides a base tree into equal subtrees. */
export function treeWindow(shape: TreeShape): number {
  let window = 1;
  while (window < shape.leaves && window * shape.arity <= WINDOW_NODES) window *= shape.arity;
  return window;
}

function topRoot(proofs: Proofs, shape: TreeShape, baseRoots: readonly Uint8Array[]): Uint8Array {
  let row = baseRoots;
  for (const arity of shape.upper) row = raise(proofs, row, arity);
  return row[0] as Uint8Array;
}

function raise(proofs: Proofs, row: readonly Uint8Array[], arity: number): Uint8Array[] {
  return Array.from({ length: row.length / arity }, (_, i) =>
    parentNode(proofs, "poseidon", join(row.slice(i * arity, (i + 1) * arity))),
  );
}

function join(nodes: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(nodes.length * NODE_BYTES);
  nodes.forEach((node, i) => {
    out.set(node, i * NODE_BYTES);
  });
  return out;
}

/** Runs of leaves, with the rows above them, that an open tree keeps: 18 KiB each. */
const KEPT_SPANS = 8;
/** Leaves of a base tree whose parents are worth remembering: a proof of a larger one opens too little of it. */
const SMALL_TREE = 512;

export type OpenOptions = {
  /** Holds the leaves if the tree's own files do not. Default: the replica. */
  readonly leafFile?: string;
  /** Parents that were computed before. */
  readonly known?: KnownParents;
};

/** A built tree, for paths. */
export class SectorTree {
  private readonly proofs: Proofs;
  private readonly shape: TreeShape;
  private readonly store: SectorStore;
  private readonly leafFile: string;
  private readonly known: KnownParents | null;
  /** Rows from the base roots up. */
  private readonly top: readonly (readonly Uint8Array[])[];
  private readonly spans = new Map<number, readonly Uint8Array[]>();

  private constructor(
    proofs: Proofs,
    shape: TreeShape,
    store: SectorStore,
    { leafFile = SEALED_FILE, known }: OpenOptions,
    top: readonly (readonly Uint8Array[])[],
  ) {
    this.proofs = proofs;
    this.shape = shape;
    this.store = store;
    this.leafFile = leafFile;
    this.known = known === undefined || shape.leaves > SMALL_TREE || shape.hash !== "poseidon" ? null : known;
    this.top = top;
  }

  /** Opens a tree. Throws `MISSING_FILE`, `BAD_LENGTH`. */
  static async open(
    proofs: Proofs,
    shape: TreeShape,
    store: SectorStore,
    options: OpenOptions = {},
  ): Promise<SectorTree> {
    const rows = baseRows(shape);
    const roots: Uint8Array[] = [];
    for (let tree = 0; tree < baseTrees(shape); tree++)
      roots.push((await store.read(shape.file(tree), rowOffset(shape, rows - 1), NODE_BYTES)).slice());
    const top: Uint8Array[][] = [roots];
    for (const arity of shape.upper) top.push(raise(proofs, top.at(-1) as Uint8Array[], arity));
    return new SectorTree(proofs, shape, store, options, top);
  }

  get root(): Uint8Array {
    return this.top.at(-1)?.[0] as Uint8Array;
  }

  get arities(): number[] {
    return treeArities(this.shape);
  }

  /** `span` leaves from `first` on, and the discarded rows above them. Those used last are kept: paths share them. */
  private async rowsAbove(first: number, span: number): Promise<readonly Uint8Array[]> {
    const known = this.spans.get(first);
    if (known !== undefined) return known;
    const { discarded } = this.shape;
    const leaves = await this.store.read(this.leafFile, first * NODE_BYTES, span * NODE_BYTES);
    const rows: Uint8Array[] = [];
    if (this.known !== null) {
      rows.push(leaves.slice());
      while (rows.length <= discarded) rows.push(this.rowAbove(rows.at(-1) as Uint8Array, this.known));
    } else this.hashRows(leaves, span, rows);
    this.spans.set(first, rows);
    if (this.spans.size > KEPT_SPANS) this.spans.delete(this.spans.keys().next().value as number);
    return rows;
  }

  /** The nodes above a row, those that are known without hashing. */
  private rowAbove(row: Uint8Array, known: KnownParents): Uint8Array {
    const group = this.shape.arity * NODE_BYTES;
    const above = new Uint8Array(row.length / this.shape.arity);
    for (let at = 0; at < row.length; at += group) {
      const children = row.subarray(at, at + group);
      let parent = known.find(children);
      if (parent === undefined) known.add(children.slice(), (parent = parentNode(this.proofs, "poseidon", children)));
      above.set(parent, at / this.shape.arity);
    }
    return above;
  }

  private hashRows(nodes: Uint8Array, span: number, rows: Uint8Array[]): void {
    const { arity, discarded } = this.shape;
    this.proofs.with(span * NODE_BYTES, (memory) => {
      this.proofs.instance.write(memory, nodes);
      for (let row = 0, n = span; row <= discarded; row++, n /= arity) {
        rows.push(this.proofs.instance.read(memory, n * NODE_BYTES));
        if (row < discarded) hashRow(this.proofs, this.shape, memory, n / arity);
      }
    });
  }

  /** The path of leaf `index`. Throws `BAD_ELEMENT` if discarded rows are rebuilt from leaves that are no elements. */
  async path(index: number): Promise<MerklePath> {
    const shape = this.shape;
    const { arity, discarded } = shape;
    const tree = Math.floor(index / shape.leaves);
    const steps: PathStep[] = [];
    let at = index % shape.leaves;
    let leaf: Uint8Array;
    let row = 0;
    if (shape.ownLeaves) {
      leaf = (await this.store.read(shape.file(tree), at * NODE_BYTES, NODE_BYTES)).slice();
    } else {
      // The leaves below one node of the first kept row, and the discarded rows above them.
      const span = arity ** (discarded + 1);
      const first = at - (at % span);
      const rows = await this.rowsAbove(tree * shape.leaves + first, span);
      leaf = (rows[0] as Uint8Array).slice((at - first) * NODE_BYTES, (at - first + 1) * NODE_BYTES);
      for (let i = at - first; row <= discarded; row++, i = Math.floor(i / arity))
        steps.push(stepOf(rows[row] as Uint8Array, i, arity));
      at = Math.floor(at / span);
    }
    for (const last = baseRows(shape) - 1; row < last; row++) {
      const group = at - (at % arity);
      const from = rowOffset(shape, row) + group * NODE_BYTES;
      steps.push(stepOf(await this.store.read(shape.file(tree), from, arity * NODE_BYTES), at - group, arity));
      at = (at - (at % arity)) / arity;
    }
    let above = tree;
    shape.upper.forEach((width, i) => {
      steps.push(stepOf(join(this.top[i] as Uint8Array[]), above, width));
      above = Math.floor(above / width);
    });
    return { leaf, root: this.root, steps };
  }
}

/** The step of node `index` in a row of nodes: its siblings in its group of `arity`. */
function stepOf(nodes: Uint8Array, index: number, arity: number): PathStep {
  const group = index - (index % arity);
  const siblings: Uint8Array[] = [];
  for (let i = group; i < group + arity; i++)
    if (i !== index) siblings.push(nodes.slice(i * NODE_BYTES, (i + 1) * NODE_BYTES));
  return { index: index - group, siblings };
}
