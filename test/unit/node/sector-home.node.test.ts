/** The folder of sectors in a data folder lies on a disk of its own, which is not mounted at a start. */
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { platform } from "#platform";
import { DiskFolder } from "../../../src/miner/folders/disk-folder.ts";
import { Devnet } from "../../../src/node/devnet.ts";
import { HOME_FACT, openSectorFolder } from "../../../src/node/sector-home.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { TableStore } from "../../../src/storage/table-store.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), "filigree-home-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const unmounted = {
  "no folder": async () => undefined,
  "an empty place": async (at: string) => void (await mkdir(at)),
  "another folder of sectors": async (at: string) => (await DiskFolder.open(at, { create: true })).close(),
};

test("what is in the place of a disk that is not mounted stays as it is, and the folder is taken up again when it is back", async () => {
  const data = path.join(root, "data");
  const at = path.join(data, "sectors");
  const open = () => Devnet.open({ accounts: 1, seed: "home", miners: 1, sectors: 1, data });
  let one = await open();
  const ask = () => one.request("CheckProvable", 0, [{ ID: { Miner: 103, Number: 1 }, ProofType: 0 }], false);
  const bad = async (): Promise<unknown> => Object.values(await ask())[0];
  await one.request("PledgeSector");
  await one.request("Devnet.mineToSector", "t0103", 1, "Proving", 200);
  expect(await bad()).toBeUndefined();
  await one.close();
  await rename(at, `${at}-disk`);
  for (const [place, unmount] of Object.entries(unmounted)) {
    await unmount(at);
    const before = await readdir(data, { recursive: true });
    one = await open();
    expect(one.health()["sealing"], place).toMatchObject({ status: "failing", reason: expect.stringContaining(at) });
    expect(await one.request("Filigree.StorageAway")).toMatchObject([{ Path: at }]);
    expect(await bad()).toMatch(/no folder holds s-t0103-1 .* mount the disk or move it back$/);
    // Neither a new sector nor a removal takes the place for the folder.
    await expect(one.request("PledgeSector")).rejects.toThrow(/no folder takes new sectors/);
    await expect(one.request("SectorRemove", 1)).rejects.toThrow(/mount the disk or move it back$/);
    await one.clock.mine(2);
    const files = (await readdir(data, { recursive: true })).filter((name) => name.startsWith("sectors"));
    // Of a folder that was looked into a lock may stay, which nobody holds.
    expect(files.filter((name) => !name.startsWith(path.join("sectors", "lock")))).toEqual(
      before.filter((name) => name.startsWith("sectors") && !name.startsWith(path.join("sectors", "lock"))),
    );
    await one.close();
    await rm(at, { recursive: true, force: true });
  }
  // It is mounted while the node runs.
  one = await open();
  await rename(`${at}-disk`, at);
  expect(await bad()).toBeUndefined();
  expect(await one.request("Filigree.StorageAway")).toEqual([]);
  expect(one.health()["sealing"]).toEqual({ status: "ok" });
  await one.close();
}, 60_000);

test("one that is lost is begun anew by hand, and is there after the next start", async () => {
  const data = path.join(root, "lost");
  const at = path.join(data, "sectors");
  const open = () => Devnet.open({ accounts: 1, seed: "lost", miners: 1, sectors: 1, data });
  await (await open()).close();
  await rm(at, { recursive: true });
  let one = await open();
  expect(one.health()["sealing"]).toMatchObject({ status: "failing" });
  await one.request("StorageAddLocal", at);
  expect(one.health()["sealing"]).toEqual({ status: "ok" });
  await one.close();
  one = await open();
  expect(one.health()["sealing"]).toEqual({ status: "ok" });
  expect(Object.values(await one.request("StorageLocal"))).toEqual([at]);
  await one.close();
});

test("it is begun anew by its path from the root on, however the data folder was given", async () => {
  const data = `${path.relative(process.cwd(), path.join(root, "relative"))}/`;
  const at = path.join(root, "relative", "sectors");
  const open = () => Devnet.open({ accounts: 1, seed: "relative", miners: 1, sectors: 1, data });
  await (await open()).close();
  await rm(at, { recursive: true });
  const one = await open();
  expect(await one.request("Filigree.StorageAway")).toMatchObject([{ Path: at }]);
  await one.request("StorageAddLocal", `${at}/`);
  expect(await one.request("Filigree.StorageAway")).toEqual([]);
  await one.close();
  const again = await open();
  expect(again.health()["sealing"]).toEqual({ status: "ok" });
  await again.close();
});

test("one that an earlier version did not note, and that was away at the start, is noted when it is back", async () => {
  const data = path.join(root, "unnoted");
  const at = path.join(data, "sectors");
  const open = () => Devnet.open({ accounts: 1, seed: "unnoted", miners: 1, sectors: 1, data });
  await (await open()).close();
  const record = ["sealing/999/sector/0000000000000001", Uint8Array.of(1)] as const;
  let store = await TableStore.open(data, platform.openTable);
  const id = await store.metadata(HOME_FACT);
  await store.write({ metadata: [[HOME_FACT, null], record] });
  await store.close();
  await rename(at, `${at}-disk`);
  const one = await open();
  expect(one.health()["sealing"]).toMatchObject({ status: "failing" });
  await rename(`${at}-disk`, at);
  expect(await one.request("Filigree.StorageAway")).toEqual([]);
  await one.close();
  store = await TableStore.open(data, platform.openTable);
  expect(id).toBeDefined();
  expect(await store.metadata(HOME_FACT)).toEqual(id);
  await store.close();
});

test("records of sectors tell of a folder that an earlier version did not note", async () => {
  const data = path.join(root, "earlier");
  const store = new MemoryStore();
  await (await openSectorFolder(data, { store })).close();
  await rm(data, { recursive: true });
  await store.write({ metadata: [["sealing/103/sector/0000000000000001", Uint8Array.of(1)]] });
  await expect(openSectorFolder(data, { store })).rejects.toMatchObject({ data: { code: "NO_FOLDER" } });
  expect(await platform.fileKind(data)).toBe(null);
  // The settings of a miner's own process do, without a record.
  const made = { store: new MemoryStore(), wasMade: true };
  await expect(openSectorFolder(data, made)).rejects.toMatchObject({ data: { code: "NO_FOLDER" } });
});

test("a network of a file has a folder of its own, whatever its records say of another's", async () => {
  const one = await Devnet.open({ accounts: 1, seed: "dumped", miners: 1, sectors: 1, data: path.join(root, "from") });
  await one.request("PledgeSector");
  await one.request("Devnet.mineToSector", "t0103", 1, "Proving", 200);
  const parts: Uint8Array[] = [];
  for await (const part of one.dump()) parts.push(part);
  await one.close();
  const data = path.join(root, "to");
  const other = await Devnet.load(parts, { data });
  expect(other.health()["sealing"]).toEqual({ status: "ok" });
  await other.close();
  const store = await TableStore.open(data, platform.openTable);
  expect(await store.metadata(HOME_FACT)).toBeDefined();
  await store.close();
});
