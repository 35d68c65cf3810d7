import { sha256 } from "@noble/hashes/sha2.js";
import { beforeAll, describe, expect, test } from "vitest";
import { toHex } from "../../../src/base/bytes.ts";
import { loadProofs, type Proofs } from "../../../src/core/proofs.ts";
import { hasSimd } from "../../../src/core/simd.ts";
import { parentsOf, withGraph } from "../../../src/sector/seal/kit.ts";
import { DIGESTS_FILE } from "../../../src/sector/seal/label-digests.ts";
import { type SealedSector, unsealRange } from "../../../src/sector/seal/seal.ts";
import {
  layerFile,
  type MemorySectorStore,
  P_AUX_FILE,
  SEALED_FILE,
  UNSEALED_FILE,
} from "../../../src/sector/store.ts";
import { fixture, prng } from "./fixture.ts";
import { caseOf, type FixtureSector, sealAgain } from "./sectors.ts";

const builds: { name: string; proofs: Proofs }[] = [{ name: "plain", proofs: await loadProofs({ simd: false }) }];
if (hasSimd()) builds.push({ name: "simd", proofs: await loadProofs({ simd: true }) });

const small = (
  await Promise.all(
    ["porep-2kib", "porep-2kib-features", "porep-2kib-11layers", "porep-shapes"].map((name) =>
      fixture<FixtureSector[]>(`${name}.json`),
    ),
  )
).flat();
const digest = (bytes: Uint8Array): string => toHex(sha256(bytes));

function checkSector(sector: FixtureSector, store: MemorySectorStore, sealed: SealedSector): void {
  const file = (name: string): Uint8Array => store.files.get(name) ?? new Uint8Array(0);
  expect(digest(file(UNSEALED_FILE))).toBe(sector.paddedDataSha256);
  expect(toHex(sealed.replicaId)).toBe(sector.replicaId);
  expect(toHex(sealed.commD)).toBe(sector.commD);
  for (const { layer, sha256: expected, samples } of sector.layers) {
    const labels = file(layerFile(layer));
    expect(digest(labels)).toBe(expected);
    for (const [node, label] of samples) expect(toHex(labels.subarray(32 * node, 32 * node + 32))).toBe(label);
  }
  expect(toHex(sealed.commC)).toBe(sector.commC);
  expect(digest(file(SEALED_FILE))).toBe(sector.replicaSha256);
  expect(toHex(sealed.commRLast)).toBe(sector.commRLast);
  expect(toHex(sealed.commR)).toBe(sector.commR);
  expect(toHex(file(P_AUX_FILE))).toBe(sector.pAux);
  for (const [name, { size, sha256: expected }] of Object.entries(sector.cacheFiles)) {
    if (!name.startsWith("sc-02")) continue;
    expect([name, file(name).length]).toEqual([name, size]);
    expect([name, digest(file(name))]).toEqual([name, expected]);
  }
}

describe.each(builds)("$name build", ({ proofs }) => {
  test.each(small)("$name: parents, labels, trees, replica and commitments are the official ones", async (sector) => {
    const one = caseOf(sector);
    const { store, sealed } = await sealAgain(
      proofs,
      one,
      sector.dataSeed,
      sector.pieces.map((piece) => piece.unpadded),
    );
    checkSector(sector, store, sealed);
    if (sector.parents !== undefined)
      await withGraph(proofs, one.params, one.porepId, one.identity.proof.legacy, async (graph) => {
        for (const [node, parents] of (sector.parents ?? []).entries())
          expect(parentsOf(proofs, graph, node)).toEqual(parents);
      });
  });
});

describe("unsealing", () => {
  const sector = small[0]!;
  const { proofs } = builds[0]!;
  const one = caseOf(sector);
  let store: MemorySectorStore;
  let sealed: SealedSector;
  let raw: Uint8Array;
  beforeAll(async () => {
    const unpadded = sector.pieces.map((piece) => piece.unpadded);
    ({ store, sealed } = await sealAgain(proofs, one, sector.dataSeed, unpadded));
    raw = new Uint8Array(2032);
    raw.set(prng(sector.dataSeed, unpadded[0]!));
    // The second piece lies at the next multiple of its own size.
    raw.set(prng(sector.dataSeed + 1, unpadded[1]!), Math.ceil(unpadded[0]! / unpadded[1]!) * unpadded[1]!);
  });

  test.each([
    [0, 2032],
    [0, 1],
    [126, 3],
    [127, 127],
    [500, 1000],
    [2031, 1],
    [100, 0],
  ])("the bytes from %i, %i of them, are those that were sealed", async (from, length) => {
    const bytes = await unsealRange(proofs, store, {
      ...one,
      identity: one.identity,
      commD: sealed.commD,
      from,
      length,
    });
    expect(toHex(bytes)).toBe(toHex(raw.subarray(from, from + length)));
  });

  test("without the layers' files the labels are computed again, once for all ranges that follow", async () => {
    const before = store.files.get(layerFile(2))!.slice();
    for (const layer of [1, 2]) store.files.delete(layerFile(layer));
    const phases: string[] = [];
    const watched = { ...one, onProgress: ({ phase }: { phase: string }) => phases.push(phase) };
    // What an interrupted attempt leaves is not taken for the layer.
    await store.write(layerFile(2), 0, new Uint8Array(32));
    const bytes = await unsealRange(proofs, store, {
      ...watched,
      identity: one.identity,
      commD: sealed.commD,
      from: 300,
      length: 700,
    });
    expect(toHex(bytes)).toBe(toHex(raw.subarray(300, 1000)));
    expect(phases).toContain("labels");
    expect(toHex(store.files.get(layerFile(2))!)).toBe(toHex(before));
    expect(store.files.has(layerFile(1))).toBe(false);
    phases.length = 0;
    const rest = await unsealRange(proofs, store, {
      ...watched,
      identity: one.identity,
      commD: sealed.commD,
      from: 0,
      length: 300,
    });
    expect(toHex(rest)).toBe(toHex(raw.subarray(0, 300)));
    expect(phases).toEqual([]);
  });

  test("labels computed again through files leave their last layer, and nothing else", async () => {
    for (const layer of [1, 2]) store.files.delete(layerFile(layer));
    const before = [...store.files.keys()];
    const paged = { ...one, paging: { windowNodes: 16 } };
    const bytes = await unsealRange(proofs, store, {
      ...paged,
      identity: one.identity,
      commD: sealed.commD,
      from: 300,
      length: 700,
    });
    expect(toHex(bytes)).toBe(toHex(raw.subarray(300, 1000)));
    expect([...store.files.keys()].sort()).toEqual([...before, layerFile(2), DIGESTS_FILE].sort());
    store.files.delete(layerFile(2));
  });

  test("ranges outside of the sector are refused", async () => {
    for (const [from, length] of [
      [0, 2033],
      [-1, 5],
      [2032, 1],
      [0.5, 1],
    ] as const)
      await expect(
        unsealRange(proofs, store, { ...one, identity: one.identity, commD: sealed.commD, from, length }),
      ).rejects.toThrow(/2032/);
  });
});
