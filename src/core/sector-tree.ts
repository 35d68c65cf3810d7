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
 * written where it belongs, then the rows above the windows, at most some ten thousand nodes, in one go.
 */
import type { MerklePath, PathStep } from "./merkle-path.ts";
import { PoseidonError } from "./poseidon.ts";
import { type NodeHash, type Proofs, parentNode } from "./proof-kernel.ts";
import { NODE_BYTES, type SectorParams } from "./sector-params.ts";
import { SEALED_FILE, type SectorStore, TREE_D_FILE, treeFile } from "./sector-store.ts";

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

/** Byte offset of a row in the file of a base tree; the row must be kept. */
function rowOffset(shape: TreeShape, row: number): number {
  let nodes = 0;
  for (let r = shape.ownLeaves ? 0 : shape.discarded + 1; r < row; r++) nodes += shape.leaves / shape.arity ** r;
  return nodes * NODE_BYTES;
}

function kept(shape: TreeShape, row: number): boolean {
  return row === 0 ? shape.ownLeaves : row > shape.discarded;
}

/** Builds the base trees window by window: `add` takes the leaves in order, `finish` gives the root. */
export class TreeBuilder {
  readonly #proofs: Proofs;
  readonly #shape: TreeShape;
  readonly #store: SectorStore;
  readonly #window: number;
  #leaves = 0;
  /** Roots of the windows of the base tree at hand, and of finished base trees. */
  #windowRoots: Uint8Array[] = [];
  readonly #baseRoots: Uint8Array[] = [];

  constructor(proofs: Proofs, shape: TreeShape, store: SectorStore) {
    this.#proofs = proofs;
    this.#shape = shape;
    this.#store = store;
    this.#window = treeWindow(shape);
  }

  /** Leaves that each `add` takes. */
  get window(): number {
    return this.#window;
  }

  /**
   * Adds the window of leaves that lies at `nodes` in the module's memory, which is overwritten.
   * Throws `BAD_ELEMENT` if a leaf is no field element.
   */
  async add(nodes: number): Promise<void> {
    const shape = this.#shape;
    const tree = Math.floor(this.#leaves / shape.leaves);
    const first = this.#leaves % shape.leaves;
    const root = await this.#writeRows(nodes, this.#window, 0, first, tree);
    this.#leaves += this.#window;
    this.#windowRoots.push(root);
    if (this.#windowRoots.length < shape.leaves / this.#window) return;
    const above = join(this.#windowRoots);
    this.#windowRoots = [];
    if (above.length === NODE_BYTES) {
      this.#baseRoots.push(above);
      return;
    }
    const bytes = above.length;
    const at = this.#proofs.take(bytes);
    try {
      this.#proofs.instance.write(at, above);
      const row = Math.round(Math.log2(this.#window) / Math.log2(shape.arity));
      this.#baseRoots.push(await this.#writeRows(at, bytes / NODE_BYTES, row, 0, tree, true));
    } finally {
      this.#proofs.give(at, bytes);
    }
  }

  /** Writes the `count` nodes at `nodes`, part of row `row`, and all rows above them; returns their root. */
  async #writeRows(
    nodes: number,
    count: number,
    row: number,
    first: number,
    tree: number,
    written = false,
  ): Promise<Uint8Array> {
    const { instance } = this.#proofs;
    const shape = this.#shape;
    const file = shape.file(tree);
    for (let r = row, n = count, from = first; ; r++) {
      if (kept(shape, r) && !(written && r === row))
        await this.#store.write(file, rowOffset(shape, r) + from * NODE_BYTES, instance.read(nodes, n * NODE_BYTES));
      if (n === 1) return instance.read(nodes, NODE_BYTES);
      n /= shape.arity;
      from /= shape.arity;
      hashRow(this.#proofs, shape, nodes, n);
    }
  }

  /** The root over all base trees. Pre: all leaves were added. */
  finish(): Uint8Array {
    return topRoot(this.#proofs, this.#shape, this.#baseRoots);
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

/** A built tree, for paths. */
export class SectorTree {
  readonly #proofs: Proofs;
  readonly #shape: TreeShape;
  readonly #store: SectorStore;
  readonly #leafFile: string;
  /** Rows from the base roots up. */
  readonly #top: readonly (readonly Uint8Array[])[];

  private constructor(
    proofs: Proofs,
    shape: TreeShape,
    store: SectorStore,
    leafFile: string,
    top: readonly (readonly Uint8Array[])[],
  ) {
    this.#proofs = proofs;
    this.#shape = shape;
    this.#store = store;
    this.#leafFile = leafFile;
    this.#top = top;
  }

  /** Opens a tree; `leafFile` holds the leaves if its own files do not. Throws `MISSING_FILE`, `BAD_LENGTH`. */
  static async open(
    proofs: Proofs,
    shape: TreeShape,
    store: SectorStore,
    leafFile: string = SEALED_FILE,
  ): Promise<SectorTree> {
    const rows = baseRows(shape);
    const roots: Uint8Array[] = [];
    for (let tree = 0; tree < baseTrees(shape); tree++)
      roots.push((await store.read(shape.file(tree), rowOffset(shape, rows - 1), NODE_BYTES)).slice());
    const top: Uint8Array[][] = [roots];
    for (const arity of shape.upper) top.push(raise(proofs, top.at(-1) as Uint8Array[], arity));
    return new SectorTree(proofs, shape, store, leafFile, top);
  }

  get root(): Uint8Array {
    return this.#top.at(-1)?.[0] as Uint8Array;
  }

  get arities(): number[] {
    return treeArities(this.#shape);
  }

  /** The path of leaf `index`. Throws `BAD_ELEMENT` if discarded rows are rebuilt from leaves that are no elements. */
  async path(index: number): Promise<MerklePath> {
    const shape = this.#shape;
    const { arity, discarded } = shape;
    const tree = Math.floor(index / shape.leaves);
    const steps: PathStep[] = [];
    let at = index % shape.leaves;
    let leaf: Uint8Array;
    let row = 0;
    if (shape.ownLeaves) {
      leaf = (await this.#store.read(shape.file(tree), at * NODE_BYTES, NODE_BYTES)).slice();
    } else {
      // The leaves below one node of the first kept row, and the discarded rows above them.
      const span = arity ** (discarded + 1);
      const first = at - (at % span);
      const nodes = await this.#store.read(
        this.#leafFile,
        (tree * shape.leaves + first) * NODE_BYTES,
        span * NODE_BYTES,
      );
      leaf = nodes.slice((at - first) * NODE_BYTES, (at - first + 1) * NODE_BYTES);
      this.#proofs.with(span * NODE_BYTES, (memory) => {
        this.#proofs.instance.write(memory, nodes);
        for (let n = span, i = at - first; row <= discarded; row++, n /= arity, i = Math.floor(i / arity)) {
          steps.push(stepOf(this.#proofs.instance.view(memory, n * NODE_BYTES), i, arity));
          if (row < discarded) hashRow(this.#proofs, shape, memory, n / arity);
        }
      });
      at = Math.floor(at / span);
    }
    for (const last = baseRows(shape) - 1; row < last; row++) {
      const group = at - (at % arity);
      const from = rowOffset(shape, row) + group * NODE_BYTES;
      steps.push(stepOf(await this.#store.read(shape.file(tree), from, arity * NODE_BYTES), at - group, arity));
      at = (at - (at % arity)) / arity;
    }
    let above = tree;
    shape.upper.forEach((width, i) => {
      steps.push(stepOf(join(this.#top[i] as Uint8Array[]), above, width));
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
