/** A folder holds one local network, of a single node or of several: never both, and a reset leaves neither. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { openFolder } from "../../../src/cli/data-folder.ts";
import { settleForm } from "../../../src/cli/network-forms.ts";

const root = await mkdtemp(path.join(tmpdir(), "filigree-forms-"));
afterAll(() => rm(root, { recursive: true, force: true }));

/** A folder with the stores of a network: "" is the single node's. */
async function folderOf(name: string, ...stores: string[]): Promise<string> {
  const data = path.join(root, name);
  await mkdir(data);
  for (const store of stores) await (await openFolder(path.join(data, store), {})).close();
  return data;
}

async function describe(data: string): Promise<void> {
  for (const name of ["devnet.json", "genesis.car"]) await writeFile(path.join(data, name), "{}");
}

test("a network of the other form is refused, with what it is and what can be done", async () => {
  const several = await folderOf("several", "node-0", "node-1");
  await describe(several);
  await expect(settleForm(several, { nodes: 0, reset: false })).rejects.toMatchObject({
    code: "OTHER_NETWORK",
    message: expect.stringMatching(/node-0, node-1.*--data.*--reset/),
  });
  await settleForm(several, { nodes: 2, reset: false });
  const single = await folderOf("single", "");
  await expect(settleForm(single, { nodes: 1, reset: false })).rejects.toMatchObject({ code: "OTHER_NETWORK" });
  await settleForm(single, { nodes: 0, reset: false });
  await settleForm(path.join(root, "none"), { nodes: 0, reset: false });
});

test("a reset removes the other form and nodes that are too many, and leaves its own to who opens it", async () => {
  const both = async (name: string): Promise<string> => {
    const data = await folderOf(name, "node-0", "node-1");
    await (await openFolder(path.join(data, "node-2"), {})).close();
    await mkdir(path.join(data, "node-3"));
    await writeFile(path.join(data, "node-3", "mine"), "");
    return data;
  };
  const toSingle = await both("to-single");
  await describe(toSingle);
  await rm(path.join(toSingle, "node-3"), { recursive: true });
  await settleForm(toSingle, { nodes: 0, reset: true });
  expect(await readdir(toSingle)).toEqual([]);
  const fewer = await both("fewer");
  await settleForm(fewer, { nodes: 2, reset: true });
  expect((await readdir(fewer)).sort()).toEqual(["node-0", "node-1", "node-3"]);
  const toSeveral = await folderOf("to-several", "");
  await mkdir(path.join(toSeveral, "client"));
  await settleForm(toSeveral, { nodes: 1, reset: true });
  expect((await readdir(toSeveral)).sort()).toEqual(["client", "filigree.json"]);
  await settleForm(toSeveral, { nodes: 1, reset: false });
});

test("a reset removes nothing that is not provably ours, and nothing that is open", async () => {
  const foreign = await folderOf("foreign", "node-0");
  await writeFile(path.join(foreign, "photo"), "");
  await settleForm(foreign, { nodes: 0, reset: true });
  expect((await readdir(foreign)).sort()).toEqual(["node-0", "photo"]);
  const open = await folderOf("open");
  const store = await openFolder(path.join(open, "node-0"), {});
  await expect(settleForm(open, { nodes: 0, reset: true })).rejects.toMatchObject({ code: "LOCKED" });
  await store.close();
  expect(await readdir(path.join(open, "node-0"))).toContain("store");
});
