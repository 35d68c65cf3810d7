/** Tables of parents: the official names and bytes, and what a reader does with damaged or unfinished ones. */
import { sha256 } from "@noble/hashes/sha2.js";
import { describe, expect, test } from "vitest";
import { toHex } from "../../../src/base/bytes.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import { blake2b256At } from "../../../src/sector/kernel.ts";
import { porepId, sealProof } from "../../../src/sector/params.ts";
import { parentsOf, withGraph, withMemory } from "../../../src/sector/seal/kit.ts";
import {
  closeParents,
  type GraphKey,
  hasParents,
  ParentCache,
  parentCacheName,
  writeParents,
} from "../../../src/sector/seal/parent-cache.ts";
import { sealSector, unsealRange } from "../../../src/sector/seal/seal.ts";
import { layerFile, MemorySectorStore, SEALED_FILE, UNSEALED_FILE } from "../../../src/sector/store.ts";
import { fixture } from "./fixture.ts";
import { caseOf, type FixtureSector, sealAgain } from "./sectors.ts";

type Files = { name: string; registeredSealProof: number; sectorSize: number; sha256: string }[];
const { parentCaches } = await fixture<{ parentCaches: { files: Files } }>("published.json");
const proofs = await loadProofs();

function keyOf(number: number): GraphKey {
  const proof = sealProof(number);
  return { nodes: proof.sectorBytes / 32, porepId: porepId(proof), legacy: proof.legacy };
}

/** The whole table of a graph, its windows written in the given order. */
async function tabulate(key: GraphKey, windows: readonly number[]): Promise<MemorySectorStore> {
  const store = new MemorySectorStore();
  const sums: Uint8Array[] = [];
  for (const first of windows) {
    const [sum] = await writeParents(proofs, store, key, { first, count: 1 });
    sums[first] = sum as Uint8Array;
    expect(await hasParents(proofs, store, key)).toBe(false);
  }
  await closeParents(proofs, store, key, sums);
  expect(await hasParents(proofs, store, key)).toBe(true);
  return store;
}

test.each(parentCaches.files)("seal proof $registeredSealProof: the table has the official name", (file) => {
  expect(parentCacheName(proofs, keyOf(file.registeredSealProof))).toBe(file.name);
});

test("a table written by windows in any order has the published digest", async () => {
  const file = parentCaches.files.find((one) => one.registeredSealProof === 6)!;
  const key = keyOf(6);
  const store = await tabulate(key, [5, 0, 7, 1, 6, 2, 4, 3]);
  const bytes = store.files.get(`${file.name}.cache`)!;
  expect(toHex(sha256(bytes))).toBe(file.sha256);
  const cache = (await ParentCache.open(proofs, store, key))!;
  const place = Uint8Array.from({ length: 56 }, (_, i) => i);
  await withMemory(proofs, 32768 * 56, async (at) => {
    expect(await cache.load(3, at)).toBe(true);
    place.set(proofs.instance.read(at + 56 * 77, 56));
    bytes[56 * 32768 * 4 + 1]! ^= 1;
    expect(await cache.load(4, at)).toBe(false);
    expect(await cache.load(5, at)).toBe(true);
  });
  await withGraph(proofs, key, key.porepId, key.legacy, async (graph) => {
    expect(Array.from(new Uint32Array(place.buffer))).toEqual(parentsOf(proofs, graph, 3 * 32768 + 77));
  });
});

describe("sealing with a table", () => {
  test("gives the same sector whether the table is whole, damaged or absent, and reads it if it is whole", async () => {
    const sector = (await fixture<FixtureSector[]>("porep-2kib.json"))[1]!;
    const one = caseOf(sector);
    const { store } = await sealAgain(
      proofs,
      one,
      sector.dataSeed,
      sector.pieces.map(({ unpadded }) => unpadded),
    );
    const key = { ...one.identity.proof, nodes: one.params.nodes, porepId: one.porepId };
    const whole = await tabulate(key, [0]);
    const damaged = await tabulate(key, [0]);
    const name = `${parentCacheName(proofs, key)}.cache`;
    damaged.files.get(name)![56 * 9]! ^= 1;
    // A wrong table with right sums: that the labels then differ shows that the table is what they were made from.
    const wrong = await tabulate(key, [0]);
    const table = wrong.files.get(name)!;
    table[56 * 9 + 4] = 0;
    const sum = await withMemory(proofs, table.length, async (at) => {
      proofs.instance.write(at, table);
      return blake2b256At(proofs, at, table.length);
    });
    await closeParents(proofs, wrong, key, [sum]);
    for (const [parents, same] of [
      [whole, true],
      [damaged, true],
      [new MemorySectorStore(), true],
      [wrong, false],
    ] as const) {
      const again = new MemorySectorStore();
      await again.write(UNSEALED_FILE, 0, store.files.get(UNSEALED_FILE)!);
      const sealed = await sealSector(proofs, again, one.identity, { ...one, parents });
      expect(toHex(sealed.commR) === sector.commR).toBe(same);
      if (!same) continue;
      expect(toHex(again.files.get(SEALED_FILE)!)).toBe(sector.replica);
      again.files.delete(layerFile(2));
      const raw = await unsealRange(proofs, again, {
        ...one,
        identity: one.identity,
        commD: sealed.commD,
        from: 0,
        length: 100,
        parents,
      });
      expect(toHex(raw)).toBe(
        toHex(
          await unsealRange(proofs, store, {
            ...one,
            identity: one.identity,
            commD: sealed.commD,
            from: 0,
            length: 100,
          }),
        ),
      );
    }
  });
});
