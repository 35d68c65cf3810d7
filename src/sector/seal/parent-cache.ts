/**
 * A graph's parents kept in a file, for those who seal many sectors of one size.
 *
 *   <name>.cache   14 × u32 little-endian a node (6 base, 8 expander), nodes in order: name and bytes of the official
 *                  implementation's parent caches
 *   <name>.sums    BLAKE2b-256 of every window of 2^15 nodes; written when all windows are, so it says the table is whole
 *
 * Windows can be written in any order and by several threads. A reader checks each window's sum and gets `false` for one
 * that is not what was written; it then computes the parents, so a damaged table costs time and nothing else. Memory
 * holds one window (1.75 MiB).
 *
 * Source of name and layout: rust-fil-proofs storage-proofs-porep stacked/vanilla/cache.rs, graph.rs.
 */
import { equal, toHex, utf8 } from "../../base/bytes.ts";
import type { Proofs } from "../../core/proofs.ts";
import { blake2b256At, sha256Of, u32BytesLE } from "../kernel.ts";
import { PARENTS_BYTES } from "../params.ts";
import type { SectorStore } from "../store.ts";
import { WINDOW_NODES, type WindowRange } from "../tree.ts";
import { type SealOptions, step, withGraph, withMemory } from "./kit.ts";

const SUM_BYTES = 32;

/** What fixes a graph. A PoRep id belongs to one order of parents; `legacy` says which. */
export type GraphKey = {
  readonly nodes: number;
  /** 32 bytes. */
  readonly porepId: Uint8Array;
  /** The order of API 1.0.0. */
  readonly legacy: boolean;
};

/** Nodes of a window, and the windows of a graph. */
export function parentWindows({ nodes }: GraphKey): { readonly size: number; readonly count: number } {
  const size = Math.min(nodes, WINDOW_NODES);
  return { size, count: Math.ceil(nodes / size) };
}

/** The official name of a graph's table, without `.cache`. */
export function parentCacheName(proofs: Proofs, { nodes, porepId }: GraphKey): string {
  const hasher = "poseidon_hasher";
  const base = `drgraph::BucketGraph{size: ${nodes}; degree: 6; hasher: ${hasher}}`;
  const graph = `stacked_graph::StackedGraph{expansion_degree: 8 base_graph: ${base} }`;
  const keys = sha256Of(proofs, utf8("Filecoin_Feistel"), porepId);
  return `v28-sdr-parent-${toHex(sha256Of(proofs, utf8(hasher), utf8(graph), keys, u32BytesLE(nodes)))}`;
}

/** Whether the store holds the whole table. */
export async function hasParents(proofs: Proofs, store: SectorStore, key: GraphKey): Promise<boolean> {
  const name = parentCacheName(proofs, key);
  const [table, sums] = await Promise.all([store.size(`${name}.cache`), store.size(`${name}.sums`)]);
  return table === key.nodes * PARENTS_BYTES && sums === parentWindows(key).count * SUM_BYTES;
}

/** Computes and writes the windows `range` of a table; returns their sums. */
export function writeParents(
  proofs: Proofs,
  store: SectorStore,
  key: GraphKey,
  range: WindowRange,
  options: SealOptions = {},
): Promise<Uint8Array[]> {
  const { size } = parentWindows(key);
  const bytes = size * PARENTS_BYTES;
  const file = `${parentCacheName(proofs, key)}.cache`;
  return withGraph(proofs, key, key.porepId, key.legacy, (graph) =>
    withMemory(proofs, bytes, async (at) => {
      const sums: Uint8Array[] = [];
      for (let i = 0; i < range.count; i++) {
        const window = range.first + i;
        proofs.exports.graphParents(graph, window * size, size, at);
        sums.push(blake2b256At(proofs, at, bytes));
        await store.write(file, window * bytes, proofs.instance.read(at, bytes));
        step(options, "parents", i + 1, range.count);
      }
      return sums;
    }),
  );
}

/** Writes the sums of all windows, in order: the table is whole. */
export async function closeParents(
  proofs: Proofs,
  store: SectorStore,
  key: GraphKey,
  sums: readonly Uint8Array[],
): Promise<void> {
  const all = new Uint8Array(sums.length * SUM_BYTES);
  for (const [i, sum] of sums.entries()) all.set(sum, i * SUM_BYTES);
  await store.write(`${parentCacheName(proofs, key)}.sums`, 0, all);
}

/** A whole table, for reading. */
export class ParentCache {
  private readonly proofs: Proofs;
  private readonly store: SectorStore;
  private readonly file: string;
  private readonly windowBytes: number;
  private readonly sums: Uint8Array;

  private constructor(proofs: Proofs, store: SectorStore, file: string, windowBytes: number, sums: Uint8Array) {
    this.proofs = proofs;
    this.store = store;
    this.file = file;
    this.windowBytes = windowBytes;
    this.sums = sums;
  }

  /** The table of a graph, or null if the store does not hold all of it. */
  static async open(proofs: Proofs, store: SectorStore, key: GraphKey): Promise<ParentCache | null> {
    if (!(await hasParents(proofs, store, key))) return null;
    const name = parentCacheName(proofs, key);
    const { size, count } = parentWindows(key);
    const sums = (await store.read(`${name}.sums`, 0, count * SUM_BYTES)).slice();
    return new ParentCache(proofs, store, `${name}.cache`, size * PARENTS_BYTES, sums);
  }

  /** Copies a window's parents to `at` in the module's memory. False, with undefined bytes there, if they are damaged. */
  async load(window: number, at: number): Promise<boolean> {
    const bytes = await this.store.read(this.file, window * this.windowBytes, this.windowBytes);
    this.proofs.instance.write(at, bytes);
    const sum = this.sums.subarray(window * SUM_BYTES, (window + 1) * SUM_BYTES);
    return equal(blake2b256At(this.proofs, at, this.windowBytes), sum);
  }
}
