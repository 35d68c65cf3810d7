/** Folders of sectors in memory: names, room, choice, and files that are not what they should be. */
import { beforeAll, describe, expect, test } from "vitest";
import { loadProofs, type Proofs } from "../../../../src/core/proofs.ts";
import { checkFiles } from "../../../../src/miner/folders/check.ts";
import { nameText, parseName } from "../../../../src/miner/folders/folder.ts";
import { SectorFolders } from "../../../../src/miner/folders/folders.ts";
import { MemoryFolder } from "../../../../src/miner/folders/memory-folder.ts";
import { proverId, sealProof } from "../../../../src/sector/params.ts";
import { type SealedSector, sealSector } from "../../../../src/sector/seal/seal.ts";
import { MemorySectorStore, P_AUX_FILE, SEALED_FILE, UNSEALED_FILE } from "../../../../src/sector/store.ts";

const sector = (number: number) => ({ miner: 1000n, number });
const limits = (maxBytes: number) => ({ maxBytes, canSeal: true, canStore: true });

test("names of sectors, and what is none", () => {
  expect(nameText(sector(7))).toBe("s-t01000-7");
  expect(parseName("s-t01000-7")).toEqual(sector(7));
  for (const bad of [
    "s-t01000",
    "s-t01000-07",
    "s-t001000-7",
    "s-f01000-7",
    "lock",
    "s-t01000-7/..",
    "s-t01-99999999999999999",
  ])
    expect(parseName(bad)).toBeNull();
});

test("room that is promised is not promised twice, and what is written counts once", async () => {
  const folder = new MemoryFolder("a", limits(10_000));
  await folder.reserve(sector(1), 6000);
  await expect(folder.reserve(sector(2), 5000)).rejects.toMatchObject({ data: { code: "NO_ROOM", bytes: 5000 } });
  await folder.files(sector(1)).store.write(SEALED_FILE, 0, new Uint8Array(2000));
  expect(await folder.room()).toEqual({ used: 2000, reserved: 4000, available: 4000 });
  await folder.reserve(sector(2), 4000);
  folder.release(sector(1));
  expect(await folder.room()).toEqual({ used: 2000, reserved: 4000, available: 4000 });
});

test("a new sector goes where most room is; one that was moved is found; one folder is not two", async () => {
  const [a, b] = [new MemoryFolder("a", limits(10_000)), new MemoryFolder("b", limits(20_000))];
  const folders = new SectorFolders([a, b]);
  expect((await folders.choose(sector(1), 5000)).id).toBe("b");
  await a.files(sector(1)).store.write(SEALED_FILE, 0, new Uint8Array(1));
  expect((await folders.files(sector(1), "b")).folder).toBe("a");
  await expect(folders.files(sector(2), "a")).rejects.toMatchObject({ data: { code: "NO_SECTOR", sector: 2 } });
  expect(() => folders.attach(new MemoryFolder("b"))).toThrow(
    expect.objectContaining({ data: { code: "SAME_FOLDER", folder: "b", other: "b" } }),
  );
  await expect(folders.choose(sector(3), 50_000)).rejects.toMatchObject({ data: { code: "NO_ROOM" } });
});

test("a folder is given up in one step: refused or not noted it stays, and nobody is promised room in one that goes", async () => {
  const [a, b] = [new MemoryFolder("a", limits(10_000)), new MemoryFolder("b", limits(20_000))];
  const folders = new SectorFolders([a, b]);
  const [no, noted] = [() => expect.fail("in use"), async () => undefined];
  await expect(folders.detach(b, no, noted)).rejects.toThrow("in use");
  const full = Promise.reject(new Error("the disk is full"));
  await expect(
    folders.detach(
      a,
      () => undefined,
      () => full,
    ),
  ).rejects.toThrow("the disk is full");
  expect(folders.all).toEqual([a, b]);
  // Chosen for most room, and given up while it promises it.
  const chosen = folders.choose(sector(1), 5000);
  const reserve = b.reserve.bind(b);
  b.reserve = async (...given) => {
    await reserve(...given);
    await folders.detach(b, () => undefined, noted);
  };
  expect((await chosen).id).toBe("a");
  expect([a.promised, b.promised]).toEqual([["s-t01000-1"], []]);
  expect(folders.all).toEqual([a]);
});

describe("a sealed sector's files", () => {
  let proofs: Proofs;
  const stores: MemorySectorStore[] = [];
  const sealed: SealedSector[] = [];
  beforeAll(async () => {
    proofs = await loadProofs();
    for (const number of [0, 1]) {
      const store = new MemorySectorStore();
      await store.write(UNSEALED_FILE, 0, new Uint8Array(2048));
      const identity = {
        proof: sealProof(0),
        proverId: proverId(1000n),
        sectorNumber: number,
        ticket: new Uint8Array(32),
      };
      sealed.push(await sealSector(proofs, store, identity));
      stores.push(store);
    }
  });
  /** Looks at a copy of sector 0's files that `change` has been at. */
  const look = async (change: (files: Map<string, Uint8Array>) => void, depth: "quick" | "full" = "quick") => {
    const store = new MemorySectorStore();
    for (const [name, bytes] of (stores[0] as MemorySectorStore).files) store.files.set(name, bytes.slice());
    change(store.files);
    const before = new Map([...store.files].map(([name, bytes]) => [name, bytes.slice()]));
    const { commD, commR } = sealed[0] as SealedSector;
    const found = await checkFiles(
      proofs,
      store,
      { number: 0, proof: sealProof(0), commD, commR },
      depth,
      new Uint8Array(32),
    );
    expect(store.files).toEqual(before);
    return found.map(({ code, file }) => `${code} ${file}`);
  };
  const others = (name: string): Uint8Array => (stores[1] as MemorySectorStore).files.get(name) as Uint8Array;

  test("are sound as they were made", async () => {
    expect(await look(() => undefined, "full")).toEqual([]);
    expect(await look((files) => void files.delete(UNSEALED_FILE), "full")).toEqual([]);
  });

  test.each([
    ["missing", (files: Map<string, Uint8Array>) => void files.delete(SEALED_FILE), "MISSING sealed"],
    ["cut", (files: Map<string, Uint8Array>) => void files.set(SEALED_FILE, new Uint8Array(1000)), "LENGTH sealed"],
    [
      "of another sector",
      (files: Map<string, Uint8Array>) => void files.set(SEALED_FILE, others(SEALED_FILE)),
      "CHANGED sealed",
    ],
    [
      "p_aux of another sector",
      (files: Map<string, Uint8Array>) => void files.set(P_AUX_FILE, others(P_AUX_FILE)),
      "CHANGED p_aux",
    ],
    [
      "without the tree",
      (files: Map<string, Uint8Array>) => void files.delete("sc-02-data-tree-r-last.dat"),
      "MISSING sc-02-data-tree-r-last.dat",
    ],
    [
      "with the tree cut",
      (files: Map<string, Uint8Array>) => void files.set("sc-02-data-tree-r-last.dat", new Uint8Array(0)),
      "LENGTH sc-02-data-tree-r-last.dat",
    ],
  ])("%s", async (_, change, finding) => expect(await look(change)).toEqual([finding]));

  test("one byte that was changed anywhere is found by the full check", async () => {
    for (const [file, at] of [
      [SEALED_FILE, 1],
      [SEALED_FILE, 2040],
      [UNSEALED_FILE, 999],
    ] as const)
      expect(
        await look((files) => {
          (files.get(file) as Uint8Array)[at] = 1 ^ ((files.get(file) as Uint8Array)[at] as number);
        }, "full"),
      ).toEqual([`CHANGED ${file}`]);
  });
});
