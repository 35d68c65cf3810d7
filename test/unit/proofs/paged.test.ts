/** Labels through files with tiny windows, against the official layers and against labels made in memory. */
import { sha256 } from "@noble/hashes/sha2.js";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex } from "../../../src/base/bytes.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import { type SectorParams, sectorParams } from "../../../src/sector/params.ts";
import { withGraph, withMemory } from "../../../src/sector/seal/kit.ts";
import { DIGESTS_FILE, type LabelIdentity } from "../../../src/sector/seal/label-digests.ts";
import { labelPaged } from "../../../src/sector/seal/paged-labels.ts";
import type { PagingOptions } from "../../../src/sector/seal/paging-plan.ts";
import { layerFile, MemorySectorStore } from "../../../src/sector/store.ts";
import { fixture, prng } from "./fixture.ts";
import { caseOf, type FixtureSector, sealAgain } from "./sectors.ts";

const proofs = await loadProofs();
const sectors = (
  await Promise.all(
    ["porep-2kib", "porep-2kib-features", "porep-2kib-11layers", "porep-shapes"].map((name) =>
      fixture<FixtureSector[]>(`${name}.json`),
    ),
  )
).flat();
const large = await fixture<FixtureSector[]>("porep-8mib.json");
const digest = (bytes: Uint8Array): string => toHex(sha256(bytes));

/** Windows and passes: four windows in three passes, one node a window, one window. */
const PAGINGS: readonly PagingOptions[] = [
  { windowNodes: 16, passes: 3 },
  { windowNodes: 1, passes: 1 },
  { windowNodes: 2048, passes: 4 },
];

function layersOf(store: MemorySectorStore, params: SectorParams): (string | undefined)[] {
  return Array.from({ length: params.layers }, (_, i) => {
    const labels = store.files.get(layerFile(i + 1));
    return labels && digest(labels);
  });
}

async function sealPaged(sector: FixtureSector, paging: PagingOptions) {
  const unpadded = sector.pieces.map((piece) => piece.unpadded);
  return sealAgain(proofs, { ...caseOf(sector), paging }, sector.dataSeed, unpadded);
}

describe.each(PAGINGS)("windows of $windowNodes nodes, $passes passes", (paging) => {
  test.each(sectors)("$name: layers and CommR are the official ones", async (sector) => {
    const { store, sealed } = await sealPaged(sector, paging);
    expect(layersOf(store, caseOf(sector).params)).toEqual(sector.layers.map((layer) => layer.sha256));
    expect(toHex(sealed.commR)).toBe(sector.commR);
    expect([...store.files.keys()].filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});

test.each(large)(
  "$name: layers and CommR are the official ones",
  async (sector) => {
    const { store, sealed } = await sealPaged(sector, { windowNodes: 8192, passes: 4 });
    expect(layersOf(store, caseOf(sector).params)).toEqual(sector.layers.map((layer) => layer.sha256));
    expect(toHex(sealed.commR)).toBe(sector.commR);
  },
  180_000,
);

/** Digests of all layers, made with whole layers in memory. */
async function wholeLayers({ nodes, layers }: SectorParams, identity: LabelIdentity): Promise<string[]> {
  const params = { ...sectorParams(2048), nodes, layers };
  const bytes = nodes * 32;
  const digests: string[] = [];
  await withGraph(proofs, params, identity.porepId, identity.legacy, (graph) =>
    withMemory(proofs, 2 * bytes + nodes * 56 + 32, async (at) => {
      const parents = at + 2 * bytes;
      const id = parents + nodes * 56;
      proofs.instance.write(id, identity.replicaId);
      proofs.exports.graphParents(graph, 0, nodes, parents);
      const bank = (layer: number): number => at + (layer % 2) * bytes;
      for (let layer = 1; layer <= layers; layer++) {
        proofs.exports.labelRange(id, layer, bank(layer), bank(layer - 1), parents, 0, 0n, nodes);
        digests.push(digest(proofs.instance.read(bank(layer), bytes)));
      }
    }),
  );
  return digests;
}

function someSector(nodes: number, layers: number): SectorParams {
  return { ...sectorParams(2048), sectorBytes: nodes * 32, nodes, layers };
}

test("any size, window, number of passes and memory gives the labels made in memory", async () => {
  const shape = fc.record({
    logNodes: fc.integer({ min: 1, max: 12 }),
    layers: fc.integer({ min: 1, max: 4 }),
    logWindow: fc.integer({ min: 0, max: 8 }),
    passes: fc.integer({ min: 1, max: 7 }),
    memoryBytes: fc.constantFrom(1 << 12, 1 << 20),
    legacy: fc.boolean(),
    seed: fc.integer({ min: 0, max: 1 << 20 }),
  });
  await fc.assert(
    fc.asyncProperty(shape, async ({ logNodes, layers, logWindow, passes, memoryBytes, legacy, seed }) => {
      const params = someSector(2 ** logNodes, layers);
      const identity = { replicaId: prng(seed, 32), porepId: prng(seed + 1, 32), legacy };
      const store = new MemorySectorStore();
      const paging = { windowNodes: 2 ** logWindow, passes, memoryBytes };
      await labelPaged(proofs, store, params, identity, { paging });
      expect(layersOf(store, params)).toEqual(await wholeLayers(params, identity));
    }),
    { numRuns: 60 },
  );
}, 60_000);

test.each([3, 5000, 0])("windows of %i nodes are refused", async (windowNodes) => {
  const identity = { replicaId: prng(1, 32), porepId: prng(2, 32), legacy: false };
  const work = labelPaged(proofs, new MemorySectorStore(), someSector(8192, 2), identity, { paging: { windowNodes } });
  await expect(work).rejects.toThrow(/windows of/);
});

describe("an interrupted labelling", () => {
  const params = someSector(256, 5);
  const identity = { replicaId: prng(1, 32), porepId: prng(2, 32), legacy: false };
  const paging = { windowNodes: 32, passes: 2 };

  /** A store that notes which layers' files are written. */
  class WatchedStore extends MemorySectorStore {
    readonly layers = new Set<string>();

    override write(name: string, from: number, bytes: Uint8Array): Promise<void> {
      if (name.includes("layer")) this.layers.add(name);
      return super.write(name, from, bytes);
    }
  }

  /** Labels until three windows of layer 3 are done. */
  async function interrupted(): Promise<WatchedStore> {
    const store = new WatchedStore();
    const stop = new AbortController();
    const work = labelPaged(proofs, store, params, identity, {
      paging,
      signal: stop.signal,
      onProgress: ({ phase, done }) => {
        if (phase === "labels" && done === 2 * 256 + 3 * 32) stop.abort(new Error("enough"));
      },
    });
    await expect(work).rejects.toThrow("enough");
    store.layers.clear();
    return store;
  }

  async function goOn(store: WatchedStore, by: LabelIdentity = identity): Promise<string[]> {
    await labelPaged(proofs, store, params, by, { paging });
    expect(layersOf(store, params)).toEqual(await wholeLayers(params, by));
    return [...store.layers].map((name) => name.replace(/\D*(\d+)\.dat$/, "$1").slice(-1));
  }

  test("goes on behind the last complete layer, and leaves no scratch files", async () => {
    const store = await interrupted();
    expect([...store.files.keys()].filter((name) => name.endsWith(".tmp"))).toEqual([]);
    expect(await goOn(store)).toEqual(["3", "4", "5"]);
    store.layers.clear();
    expect(await goOn(store)).toEqual([]);
  });

  test.each([
    [
      "a changed label",
      (store: MemorySectorStore) => (store.files.get(layerFile(2))![4000]! ^= 1),
      ["2", "3", "4", "5"],
    ],
    [
      "a short file",
      (store: MemorySectorStore) => store.files.set(layerFile(2), new Uint8Array(64)),
      ["2", "3", "4", "5"],
    ],
    ["no digests", (store: MemorySectorStore) => store.files.delete(DIGESTS_FILE), ["1", "2", "3", "4", "5"]],
    [
      "a torn digest",
      (store: MemorySectorStore) => store.files.set(DIGESTS_FILE, new Uint8Array(40)),
      ["1", "2", "3", "4", "5"],
    ],
  ] as const)("does not trust %s", async (_, damage, again) => {
    const store = await interrupted();
    damage(store);
    expect(await goOn(store)).toEqual([...again]);
  });

  test.each([
    { ...identity, replicaId: prng(3, 32) },
    { ...identity, porepId: prng(4, 32) },
    { ...identity, legacy: true },
  ])("does not trust the layers of another sector", async (other) => {
    expect(await goOn(await interrupted(), other)).toEqual(["1", "2", "3", "4", "5"]);
  });
});
