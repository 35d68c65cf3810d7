/** Folders that are attached to a running node: another's sectors stay another's. */
import { mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
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
