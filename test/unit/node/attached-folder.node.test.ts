/** Folders that are attached to a running node: another's sectors stay another's. */
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { platform } from "#platform";
import { DiskFolder } from "../../../src/miner/folders/disk-folder.ts";
import { Devnet } from "../../../src/node/devnet.ts";
import { SEALED_FILE } from "../../../src/sector/store.ts";

let root: string;
let net: Devnet;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), "filigree-attached-"));
  net = await Devnet.open({ accounts: 1, seed: "attached", miners: 1, sectors: 1 });
});
afterAll(async () => {
  await net?.close();
  await rm(root, { recursive: true, force: true });
});

test("another network's folder, and one with sectors that nobody here knows, are refused and not touched", async () => {
  const genesis = `${(await net.node.states.chain.genesis()).key[0]}`;
  const wanted = [
    ["other", { network: "bafyother" }, /another network, the one that begins with bafyother/],
    ["same", { network: genesis }, /s-t0109-7, a sector that this node has no record of/],
    ["older", {}, /s-t0109-7, a sector that this node has no record of/],
  ] as const;
  for (const [name, given, text] of wanted) {
    const place = path.join(root, name);
    const folder = await DiskFolder.open(place, { create: true, ...given });
    await folder.files({ miner: 109n, number: 7 }).store.write(SEALED_FILE, 0, Uint8Array.of(1));
    await folder.close();
    const mark = await readFile(path.join(place, "filigree-sectors.json"), "utf8");
    await expect(net.request("StorageAddLocal", place)).rejects.toThrow(text);
    expect(await readFile(path.join(place, "filigree-sectors.json"), "utf8")).toBe(mark);
    // Nobody holds it.
    await (await DiskFolder.open(place)).close();
  }
  const fresh = path.join(root, "fresh");
  await net.request("StorageAddLocal", fresh);
  expect(JSON.parse(await readFile(path.join(fresh, "filigree-sectors.json"), "utf8"))).toMatchObject({
    network: genesis,
  });
});

test("a folder that was away is told until it is attached again, and not after the next start", async () => {
  const place = path.join(root, "away");
  const data = path.join(root, "data");
  const open = () => Devnet.open({ accounts: 1, seed: "away", miners: 1, sectors: 1, data });
  const told = async (now: Devnet): Promise<unknown> =>
    ((await now.request("LogAlerts")) as { Type: { Subsystem: string }; Active: boolean }[]).find(
      ({ Type }) => Type.Subsystem === "sealing",
    )?.Active;
  let one = await open();
  await one.request("StorageAddLocal", place);
  await one.close();
  await rename(place, `${place}-moved`);
  one = await open();
  expect(await told(one)).toBe(true);
  await rename(`${place}-moved`, place);
  await one.request("StorageAddLocal", place);
  expect(await told(one)).toBe(false);
  await one.close();
  one = await open();
  expect(await told(one)).toBe(false);
  await one.close();
});

test("files that are moved to another folder are found by a check at once; a folder that was away is told of and taken up again by itself", async () => {
  const [first, second] = [path.join(root, "first"), path.join(root, "second")];
  const data = path.join(root, "moving");
  /** Milliseconds: folders are looked at every so many of them. */
  let ahead = 0;
  const clock = vi.spyOn(platform, "now").mockImplementation(() => Date.now() + ahead);
  const open = () => Devnet.open({ accounts: 1, seed: "moving", miners: 1, sectors: 1, data });
  let one = await open();
  const check = () => one.request("CheckProvable", 0, [{ ID: { Miner: 103, Number: 1 }, ProofType: 0 }], false);
  const sector = "s-t0103-1";
  await one.request("StorageAddLocal", first);
  await one.request("StorageAddLocal", second);
  await one.request("PledgeSector");
  await one.request("Devnet.mineToSector", "t0103", 1, "Proving", 200);
  expect(await check()).toEqual({});
  const [place] = await Promise.all(
    [path.join(data, "sectors"), first, second].map(async (folder) =>
      (await readdir(folder)).includes(sector) ? [folder] : [],
    ),
  ).then((all) => all.flat());
  await rename(path.join(place as string, sector), path.join(second, `.${sector}`));
  expect(Object.values(await check())[0]).toMatch(/no folder holds s-t0103-1; attach the one/);
  await rename(path.join(second, `.${sector}`), path.join(second, sector));
  expect(await check()).toEqual({});
  // It goes away while it is in use: the others are told of still, and who asks for nothing hears of it by the alert.
  const alert = async () => {
    const all = (await one.request("LogAlerts")) as { Type: { Subsystem: string }; Active: boolean }[];
    return all.find(({ Type }) => Type.Subsystem === "sealing")?.Active;
  };
  await rename(second, `${second}-gone`);
  await mkdir(second);
  ahead = 6000;
  await one.clock.mine(1);
  await vi.waitFor(async () => expect(await alert()).toBe(true));
  await rm(second, { recursive: true });
  await rename(`${second}-gone`, second);
  ahead = 12_000;
  await one.clock.mine(1);
  await vi.waitFor(async () => expect(await alert()).toBe(false));
  await rename(second, `${second}-gone`);
  expect(await one.request("Filigree.StorageAway")).toMatchObject([{ Path: second }]);
  expect(Object.values(await one.request("StorageLocal"))).not.toContain(second);
  const named = `a folder of sectors is not there (${second}: `;
  expect(Object.values(await check())[0]).toContain(named);
  await one.request("PledgeSector");
  await one.close();
  // The empty place where a disk is not mounted is none of ours, and stays empty.
  await mkdir(second);
  one = await open();
  expect(await one.request("Filigree.StorageAway")).toMatchObject([
    { Path: second, Why: expect.stringContaining("may not be mounted") },
  ]);
  expect(await readdir(second)).toEqual([]);
  expect(Object.values(await check())[0]).toContain(`no folder holds ${sector} that is there, and ${named}`);
  expect(Object.values(await check())[0]).toMatch(/may not be mounted.*: mount the disk or move it back$/);
  await rm(second, { recursive: true });
  await rename(`${second}-gone`, second);
  expect(await check()).toEqual({});
  expect(await one.request("Filigree.StorageAway")).toEqual([]);
  expect(Object.values(await one.request("StorageLocal"))).toContain(second);
  await one.close();
  clock.mockRestore();
});

test("a folder is given up, there or away, with what is in it; not while a sector is made there, and not the data folder's own", async () => {
  const [disk, lost] = [path.join(root, "given-up"), path.join(root, "lost")];
  const data = path.join(root, "giving");
  const open = () => Devnet.open({ accounts: 1, seed: "giving", miners: 1, sectors: 1, data });
  let one = await open();
  const check = async () =>
    Object.values(await one.request("CheckProvable", 0, [{ ID: { Miner: 103, Number: 1 }, ProofType: 0 }], false));
  const places = async () => Object.values((await one.request("StorageLocal")) as Record<string, string>).sort();
  const detach = (folder: string) => one.request("StorageDetachLocal", folder);
  const home = path.join(data, "sectors");
  await one.request("StorageAddLocal", disk);
  await one.request("StorageAddLocal", lost);
  await expect(detach(path.join(root, "none"))).rejects.toThrow(/none is not attached/);
  await expect(detach("none")).rejects.toThrow(/an absolute path is expected/);
  await expect(detach(home)).rejects.toThrow(/is the data folder's own, and stays/);
  await one.request("PledgeSector");
  const holder = vi.waitFor(async () => {
    for (const folder of await places()) if ((await readdir(folder)).includes("s-t0103-1")) return folder;
    throw new Error("not yet");
  });
  await one.request("Devnet.mineToSector", "t0103", 1, "WaitSeed", 200);
  const place = await holder;
  if (place !== home) await expect(detach(place)).rejects.toThrow(/s-t0103-1 is WaitSeed in .*: detach it when/);
  await one.request("Devnet.mineToSector", "t0103", 1, "Proving", 200);
  if (place !== disk) await rename(path.join(place, "s-t0103-1"), path.join(disk, "s-t0103-1"));
  expect(await check()).toEqual([]);
  await detach(disk);
  expect(await places()).toEqual([home, lost].sort());
  expect((await check())[0]).toMatch(/no folder holds s-t0103-1; attach the one that it was moved to/);
  // Nobody holds it, and what is in it is there.
  await (await DiskFolder.open(disk)).close();
  expect(await readdir(disk)).toContain("s-t0103-1");
  await rm(lost, { recursive: true });
  await one.close();
  one = await open();
  expect(await one.request("Filigree.StorageAway")).toMatchObject([{ Path: lost }]);
  await detach(lost);
  expect(await one.request("Filigree.StorageAway")).toEqual([]);
  await one.request("StorageAddLocal", disk);
  expect(await check()).toEqual([]);
  // It goes away while it is attached.
  await rename(disk, lost);
  await detach(disk);
  expect(await places()).toEqual([home]);
  await one.close();
  one = await open();
  expect(await one.request("Filigree.StorageAway")).toEqual([]);
  expect(await places()).toEqual([home]);
  await one.close();
});
