/** Exports of what is hostile, ended or too large: they end, and what they wrote is gone. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Crypto } from "../../../src/core/crypto.ts";
import { ClientData } from "../../../src/market/data/client-data.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import type { CID } from "../../../src/types/cid.ts";
import { dagOf } from "../../support/bombs.ts";

let dag: ReturnType<typeof dagOf<MemoryStore>>;
let client: ClientData;
let folder: string;
const at = (name: string): string => path.join(folder, name);

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "filigree-export-"));
  dag = dagOf(new MemoryStore());
  client = new ClientData({ open: async () => dag.store, hashes: {} as Crypto });
});
afterEach(() => rm(folder, { recursive: true }));

const A = "a".charCodeAt(0);
const letters = (from: number, count: number) => Uint8Array.from({ length: count }, (_, n) => A + from + n);

/** A folder of two folders that are the same, and so on below. */
async function folderBomb(): Promise<CID> {
  let cid = await dag.raw(letters(0, 1));
  for (let level = 0; level < 100; level++) {
    const below = cid;
    cid = await dag.folder([
      ["a", below],
      ["b", below],
    ]);
  }
  return cid;
}

test("files of several levels and folders of shards are written in order", async () => {
  const pair = await dag.file([
    [await dag.raw(letters(0, 3)), 3n],
    [await dag.raw(letters(3, 2)), 2n],
  ]);
  const root = await dag.file([
    [pair, 5n],
    [await dag.raw(letters(5, 1)), 1n],
    [pair, 5n],
  ]);
  const shard = await dag.shard([
    ["00", await dag.shard([["01one", root]])],
    ["02two", pair],
  ]);
  await client.export(shard, at("out"), false);
  expect((await readdir(at("out"))).sort()).toEqual(["one", "two"]);
  expect(await readFile(at("out/one"), "utf8")).toBe("abcdefabcde");
  expect(await readFile(at("out/two"), "utf8")).toBe("abcde");
});

test("what fails leaves nothing behind, and what is too large is not begun", async () => {
  const one = await dag.raw(letters(0, 1));
  const shards = await dag.shardBomb(20);
  const lies = await dag.file([[one, 2n]]);
  for (const [last, why] of [
    [await dag.fileBomb(6), /no room/],
    [shards, /recurs/],
    [lies, /is not 2 bytes/],
  ] as const) {
    const sub = await dag.folder([["x", one]]);
    // The last is written first: what is named later is taken first.
    const root = await dag.folder([
      ["bad", last],
      ["sub", sub],
      ["y", one],
    ]);
    await expect(client.export(root, at("out"), false)).rejects.toThrow(why);
    expect(await readdir(folder)).toEqual([]);
  }
});

test("a file that was there stays", async () => {
  await writeFile(at("out"), "mine");
  await expect(client.export(await dag.raw(letters(0, 1)), at("out"), false)).rejects.toThrow(/is there already/);
  expect(await readFile(at("out"), "utf8")).toBe("mine");
});

test("an export ends with its caller, and with the node", async () => {
  const bomb = await folderBomb();
  const abort = new AbortController();
  const first = client.export(bomb, at("out"), false, abort.signal);
  setTimeout(() => abort.abort(new Error("gone")), 20);
  await expect(first).rejects.toThrow("gone");
  expect(await readdir(folder)).toEqual([]);
  const second = expect(client.export(bomb, at("out"), false)).rejects.toThrow("the node is stopping");
  await new Promise((resolve) => setTimeout(resolve, 20));
  await client.stop();
  await second;
  expect(await readdir(folder)).toEqual([]);
});

test("an import ends with its caller", async () => {
  await writeFile(at("in"), "data");
  await expect(client.import(at("in"), false, AbortSignal.abort(new Error("gone")))).rejects.toThrow("gone");
  expect(await client.imports()).toEqual([]);
});

test("CAR files of what is not whole are removed, also those of a piece", async () => {
  const root = await dag.folder([
    ["a", await dag.raw(letters(0, 1))],
    ["b", await dag.raw(letters(0, 2))],
  ]);
  const missing = (await dag.raw(letters(0, 2))).bytes;
  await dag.store.write({ removed: [missing] });
  await expect(client.export(root, at("out.car"), true)).rejects.toThrow(/is not here/);
  await expect(client.commit(root, at("piece.car"))).rejects.toThrow(/is not here/);
  expect(await readdir(folder)).toEqual([]);
});

test("a piece's file that is begun as the node stops is gone when it has stopped", async () => {
  // After its name is taken and before its first byte is the moment; stopping at each turn of the loop meets it.
  const root = await dag.raw(letters(0, 1));
  for (let turns = 0; turns < 12; turns++) {
    client = new ClientData({ open: async () => dag.store, hashes: {} as Crypto });
    const ended = client.commit(root, at(`out${turns}`)).catch(() => undefined);
    for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
    await client.stop();
    const left = await readdir(folder);
    await ended;
    // Either it was written whole before, or nothing is there, now and later.
    expect(await readdir(folder)).toEqual(left);
    for (const name of left) expect((await readFile(at(name))).length).toBeGreaterThan(0);
    for (const name of left) await rm(at(name));
  }
});
