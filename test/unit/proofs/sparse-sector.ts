/**
 * A sector of any size of which only some nodes are made: all others are alike, so that trees over 2^31 nodes take a few
 * thousand hashes. Paths, commitments and files are those that a sector with these nodes has.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import type { Proofs } from "../../../src/core/proofs.ts";
import { type NodeHash, parentNode } from "../../../src/sector/kernel.ts";
import type { SectorParams } from "../../../src/sector/params.ts";
import { parentsOf } from "../../../src/sector/seal/kit.ts";
import { layerFile, SEALED_FILE, type SectorStore, UNSEALED_FILE } from "../../../src/sector/store.ts";
import { baseRows, baseTrees, type TreeShape } from "../../../src/sector/tree.ts";

/** A row of nodes: `length` of them, equal to `usual` but for a few. */
type Row = { readonly length: number; readonly usual: Uint8Array; readonly others: Map<number, Uint8Array> };

function nodeOf(row: Row, index: number): Uint8Array {
  return row.others.get(index) ?? row.usual;
}

/** Rows that stand one after the other in a file. */
class SparseFile {
  readonly rows: Row[];

  constructor(rows: Row[]) {
    this.rows = rows;
  }

  get nodes(): number {
    return this.rows.reduce((sum, row) => sum + row.length, 0);
  }

  node(index: number): Uint8Array {
    let left = index;
    for (const row of this.rows) {
      if (left < row.length) return nodeOf(row, left);
      left -= row.length;
    }
    throw new Error(`node ${index} of ${this.nodes}`);
  }
}

/** Reads give the sector's bytes; a write must write what is there, and is counted. */
export class SparseStore implements SectorStore {
  readonly files = new Map<string, SparseFile>();
  /** Bytes written, by file. */
  readonly written = new Map<string, number>();

  read(name: string, from: number, length: number): Promise<Uint8Array> {
    const file = this.files.get(name);
    if (file === undefined || from % 32 !== 0 || length % 32 !== 0 || from + length > 32 * file.nodes)
      throw new Error(`${name}: no bytes ${from} + ${length}`);
    const out = new Uint8Array(length);
    for (let at = 0; at < length; at += 32) out.set(file.node((from + at) / 32), at);
    return Promise.resolve(out);
  }

  async write(name: string, from: number, bytes: Uint8Array): Promise<void> {
    const here = await this.read(name, from, bytes.length);
    if (!here.every((byte, i) => byte === bytes[i])) throw new Error(`${name}: other bytes at ${from}`);
    this.written.set(name, (this.written.get(name) ?? 0) + bytes.length);
  }

  size(name: string): Promise<number | null> {
    const file = this.files.get(name);
    return Promise.resolve(file === undefined ? null : 32 * file.nodes);
  }

  remove(name: string): Promise<void> {
    this.files.delete(name);
    return Promise.resolve();
  }
}

function joined(nodes: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(32 * nodes.length);
  nodes.forEach((node, i) => {
    out.set(node, 32 * i);
  });
  return out;
}

/** The row above: `arity` nodes make one. */
function rowAbove(proofs: Proofs, hash: NodeHash, arity: number, row: Row): Row {
  const parent = (children: readonly Uint8Array[]) => parentNode(proofs, hash, joined(children));
  const usual = parent(new Array<Uint8Array>(arity).fill(row.usual));
  const others = new Map<number, Uint8Array>();
  for (const index of row.others.keys()) {
    const group = Math.floor(index / arity);
    if (others.has(group)) continue;
    others.set(group, parent(Array.from({ length: arity }, (_, i) => nodeOf(row, group * arity + i))));
  }
  return { length: row.length / arity, usual, others };
}

/** Puts a tree's files into the store; returns its root and, for each base tree, its rows. */
export function plantTree(
  proofs: Proofs,
  store: SparseStore,
  shape: TreeShape,
  leaves: Row,
): { root: Uint8Array; trees: Row[][] } {
  const roots: Uint8Array[] = [];
  const trees: Row[][] = [];
  for (let tree = 0; tree < baseTrees(shape); tree++) {
    const first = tree * shape.leaves;
    const others = new Map<number, Uint8Array>();
    for (const [index, node] of leaves.others)
      if (index >= first && index < first + shape.leaves) others.set(index - first, node);
    const rows: Row[] = [{ length: shape.leaves, usual: leaves.usual, others }];
    while (rows.length < baseRows(shape)) rows.push(rowAbove(proofs, shape.hash, shape.arity, rows.at(-1) as Row));
    const kept = shape.ownLeaves ? rows : rows.slice(shape.discarded + 1);
    store.files.set(shape.file(tree), new SparseFile(kept));
    roots.push(nodeOf(rows.at(-1) as Row, 0));
    trees.push(rows);
  }
  let top = roots;
  for (const arity of shape.upper)
    top = Array.from({ length: top.length / arity }, (_, i) =>
      parentNode(proofs, "poseidon", joined(top.slice(i * arity, (i + 1) * arity))),
    );
  return { root: top[0] as Uint8Array, trees };
}

/** A label by its definition. */
export function plainLabel(
  replicaId: Uint8Array,
  layer: number,
  node: number,
  parents: readonly Uint8Array[],
): Uint8Array {
  const message = new Uint8Array(node === 0 ? 64 : 64 + 32 * 37);
  const view = new DataView(message.buffer);
  message.set(replicaId);
  view.setUint32(32, layer);
  view.setBigUint64(36, BigInt(node));
  if (node > 0) for (let i = 0; i < 37; i++) message.set(parents[i % parents.length] as Uint8Array, 64 + 32 * i);
  const label = sha256(message);
  label[31] = (label[31] as number) & 0x3f;
  return label;
}

/**
 * Files of the data, the layers and the replica, in which the nodes `honest` have the labels that follow from their
 * parents' and all other nodes' labels are `usual` (one of each layer). Returns the leaves of tree C and of tree R-last.
 */
export function plantSector(
  proofs: Proofs,
  store: SparseStore,
  params: SectorParams,
  graph: number,
  replicaId: Uint8Array,
  data: Uint8Array,
  usual: readonly Uint8Array[],
  honest: readonly number[],
): { columns: Row; replica: Row } {
  const length = params.nodes;
  const layers: Row[] = usual.map((label) => ({ length, usual: label, others: new Map() }));
  const nodes = [...new Set(honest)].sort((a, b) => a - b);
  for (const [i, row] of layers.entries())
    for (const node of nodes) {
      const parents = parentsOf(proofs, graph, node).map((parent, place) =>
        place < 6 ? nodeOf(row, parent) : nodeOf(layers[i - 1] ?? row, parent),
      );
      row.others.set(node, plainLabel(replicaId, i + 1, node, parents.slice(0, i === 0 ? 6 : 14)));
    }
  const column = (labels: readonly Uint8Array[]) => parentNode(proofs, "poseidon", joined(labels));
  const encoded = (label: Uint8Array): Uint8Array =>
    proofs.with(64, (at) => {
      proofs.instance.write(at, label);
      proofs.instance.write(at + 32, data);
      proofs.exports.addElements(at, at + 32, at, 1);
      return proofs.instance.read(at, 32);
    });
  const last = layers.at(-1) as Row;
  const columns = new Map(nodes.map((node) => [node, column(layers.map((row) => nodeOf(row, node)))]));
  const replica = new Map(nodes.map((node) => [node, encoded(nodeOf(last, node))]));
  const rows = {
    columns: { length, usual: column(usual), others: columns },
    replica: { length, usual: encoded(last.usual), others: replica },
  };
  store.files.set(UNSEALED_FILE, new SparseFile([{ length, usual: data, others: new Map() }]));
  store.files.set(SEALED_FILE, new SparseFile([rows.replica]));
  for (const [i, row] of layers.entries()) store.files.set(layerFile(i + 1), new SparseFile([row]));
  return rows;
}

/** Nodes of one kind. */
export function uniform(length: number, usual: Uint8Array): Row {
  return { length, usual, others: new Map() };
}

export { nodeOf, type Row };
