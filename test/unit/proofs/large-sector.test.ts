/** Trees and proofs of 32 and 64 GiB sectors, in their own sizes, over sectors of which only some nodes are made. */
import { beforeAll, describe, expect, test } from "vitest";
import { toHex } from "../../../src/base/bytes.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import { porepChallenges, porepPartitions } from "../../../src/sector/challenges.ts";
import { toElement } from "../../../src/sector/kernel.ts";
import { porepId, proverId, sealProof, sectorParams } from "../../../src/sector/params.ts";
import { withGraph, withMemory } from "../../../src/sector/seal/kit.ts";
import {
  type PoRepPartitionProof,
  provePoRep,
  verifyPoRep,
  verifyPoRepPartition,
} from "../../../src/sector/seal/porep-proof.ts";
import {
  columnWindows,
  commROf,
  replicaIdOf,
  replicaWindows,
  type SealedSector,
  type SectorIdentity,
} from "../../../src/sector/seal/seal.ts";
import {
  buildWindow,
  closeTree,
  type TreeShape,
  treeCShape,
  treeDShape,
  treeRLastShape,
  treeWindow,
  windowCount,
} from "../../../src/sector/tree.ts";
import { prng } from "./fixture.ts";
import { nodeOf, plantSector, plantTree, type Row, SparseStore, uniform } from "./sparse-sector.ts";

const proofs = await loadProofs();
const GIB = 2 ** 30;

describe.each([8, 4])("seal proof %i", (number) => {
  const proof = sealProof(number);
  const params = sectorParams(proof.sectorBytes);
  const seed = prng(1, 32);
  const identity: SectorIdentity = { proof, proverId: proverId(1000n), sectorNumber: 7, ticket: prng(2, 32) };
  const data = toElement(prng(3, 32));
  const usual = Array.from({ length: params.layers }, (_, i) => toElement(prng(10 + i, 32)));
  const store = new SparseStore();
  const shapes = { d: treeDShape(params), c: treeCShape(params), r: treeRLastShape(params) };
  let trees: Record<keyof typeof shapes, { root: Uint8Array; trees: Row[][] }>;
  let sealed: SealedSector;
  let challenges: number[][];
  let partitions: PoRepPartitionProof[];

  beforeAll(async () => {
    const d = plantTree(proofs, store, shapes.d, uniform(params.nodes, data));
    const replicaId = replicaIdOf(proofs, identity, d.root);
    const inputs = { feature: proof.feature, replicaId, commR: new Uint8Array(32), seed };
    const count = porepPartitions(params, proof.feature);
    challenges = Array.from({ length: count }, (_, k) => porepChallenges(proofs, params, inputs, k));
    await withGraph(proofs, params, porepId(proof), proof.legacy, async (graph) => {
      const leaves = plantSector(proofs, store, params, graph, replicaId, data, usual, challenges.flat());
      const c = plantTree(proofs, store, shapes.c, leaves.columns);
      const r = plantTree(proofs, store, shapes.r, leaves.replica);
      trees = { d, c, r };
    });
    const { root: commC } = trees.c;
    const { root: commRLast } = trees.r;
    sealed = { replicaId, commD: d.root, commC, commRLast, commR: commROf(proofs, commC, commRLast) };
  }, 60_000);

  test("10 partitions of 18 challenges are proved and verified", async () => {
    expect(challenges.map((one) => one.length)).toEqual(new Array(10).fill(18));
    expect(Math.max(...challenges.flat())).toBeGreaterThan(params.nodes * 0.9);
    partitions = [];
    for (let k = 0; k < 10; k++)
      partitions.push(await provePoRep(proofs, store, { identity, sealed, seed, partition: k }));
    const statement = { ...identity, commD: sealed.commD, commR: sealed.commR, seed };
    expect(await verifyPoRep(proofs, statement, partitions)).toBe(true);
    expect(await verifyPoRep(proofs, statement, partitions.slice(1))).toBe(false);
    const first = partitions[0] as PoRepPartitionProof;
    expect(await verifyPoRepPartition(proofs, statement, { index: 1, proof: first })).toBe(false);
    const labels = [...(first[17]?.column.labels ?? [])];
    labels[10] = toElement(prng(99, 32));
    const wrong = first.map((one, i) => (i === 17 ? { ...one, column: { ...one.column, labels } } : one));
    expect(await verifyPoRepPartition(proofs, statement, { index: 0, proof: wrong })).toBe(false);
  }, 120_000);

  test("windows with the highest challenges are built where they belong", async () => {
    const node = Math.max(...challenges.flat());
    for (const [shape, { trees: rows }, build] of [
      [shapes.c, trees.c, columnWindows],
      [shapes.r, trees.r, replicaWindows],
    ] as const) {
      const size = treeWindow(shape);
      const window = Math.floor(node / size);
      store.written.clear();
      const roots = await build(proofs, store, params, { first: window, count: 1 });
      expect(roots.map(toHex)).toEqual([toHex(rootOf(shape, rows, window))]);
      const files = [...store.written.keys()];
      expect(files).toContain(shape.file(Math.floor(node / shape.leaves)));
      expect(files.includes("sealed")).toBe(shape === shapes.r);
    }
    const size = treeWindow(shapes.d);
    const window = windowCount(shapes.d) - 1;
    const root = await withMemory(proofs, size * 32, async (at) => {
      for (let i = 0; i < size; i++) proofs.instance.write(at + 32 * i, data);
      return buildWindow(proofs, shapes.d, store, window, at);
    });
    expect(toHex(root)).toBe(toHex(rootOf(shapes.d, trees.d.trees, window)));
  });

  test("the rows above the windows end in the commitments", async () => {
    for (const name of ["d", "c", "r"] as const) {
      const shape = shapes[name];
      const roots = Array.from({ length: windowCount(shape) }, (_, w) => rootOf(shape, trees[name].trees, w));
      expect(roots.length * treeWindow(shape)).toBe(params.nodes);
      expect(toHex(await closeTree(proofs, shape, store, roots))).toBe(toHex(trees[name].root));
    }
  }, 60_000);

  test("the trees' files have the sizes of the official ones", async () => {
    const nodes = params.nodes;
    expect(await store.size("sc-02-data-tree-d.dat")).toBe(32 * (2 * nodes - 1));
    const count = proof.sectorBytes === 32 * GIB ? 8 : 16;
    const leaves = nodes / count;
    expect(await store.size(`sc-02-data-tree-c-${count - 1}.dat`)).toBe(32 * ((8 * leaves - 1) / 7));
    expect(await store.size(`sc-02-data-tree-c-${count}.dat`)).toBe(null);
    // Known from main network sectors: 9586976 bytes for each of the trees.
    expect(await store.size(`sc-02-data-tree-r-last-${count - 1}.dat`)).toBe(9586976);
  });
});

/** Root of a window: a node of the row where windows end. */
function rootOf(shape: TreeShape, trees: Row[][], window: number): Uint8Array {
  const perTree = shape.leaves / treeWindow(shape);
  const row = Math.round(Math.log2(treeWindow(shape)) / Math.log2(shape.arity));
  return nodeOf(trees[Math.floor(window / perTree)]?.[row] as Row, window % perTree);
}
