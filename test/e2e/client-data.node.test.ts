/** A client's data, by RPC and by `filigree client`: files and folders in, the same out; CAR files, pieces, what is kept. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Devnet } from "../../src/node/devnet.ts";
import { readCar, writeCar } from "../../src/storage/car.ts";
import { cidFromBytes } from "../../src/types/cid.ts";
import { startTestNet, type TestNet } from "../support/devnet.ts";

const MAIN = fileURLToPath(new URL("../../dist/cli/bin.js", import.meta.url));
const FIXTURE = fileURLToPath(new URL("../fixtures/gateway/dir-with-duplicate-files.car", import.meta.url));
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

type Root = { readonly Root: { readonly "/": string }; readonly ImportID: number };

let folder: string;
let net: TestNet;
const at = (...names: readonly string[]): string => path.join(folder, ...names);
const start = async (): Promise<void> => {
  net = await startTestNet({ blockTime: 3600, data: at("net") });
};
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "filigree-client-"));
  await mkdir(at("in", "deep", "er"), { recursive: true });
  await mkdir(at("in", "empty"));
  await writeFile(at("in", "hello.txt"), "hello\n");
  await writeFile(at("in", "nothing"), "");
  await writeFile(at("in", "deep", "er", "blocks"), new Uint8Array(3 * (1 << 20) + 5).fill(7));
  await start();
});
afterAll(async () => {
  await net.close();
  await rm(folder, { recursive: true });
});

const ask = <T>(method: string, ...params: readonly unknown[]): Promise<T> => net.devnet.request<T>(method, ...params);
const tree = async (place: string): Promise<Record<string, string>> => {
  const found: Record<string, string> = {};
  for (const one of await readdir(place, { recursive: true, withFileTypes: true })) {
    const name = path.relative(place, path.join(one.parentPath, one.name));
    const file = path.join(place, name);
    found[name] = one.isFile()
      ? createHash("sha256")
          .update(await readFile(file))
          .digest("hex")
      : "folder";
  }
  return found;
};

test("a folder comes back as it was, also from a CAR file, and after a restart", async () => {
  const { Root, ImportID } = await ask<Root>("ClientImport", { Path: at("in"), IsCAR: false });
  expect(await ask("ClientListImports")).toMatchObject([{ Key: ImportID, Root, FilePath: at("in"), CARPath: "" }]);
  await net.close();
  await start();
  expect(await ask("ClientHasLocal", Root)).toBe(true);
  await ask("ClientExport", { Root }, { Path: at("out"), IsCAR: false });
  expect(await tree(at("out"))).toEqual(await tree(at("in")));
  await expect(ask("ClientExport", { Root }, { Path: at("out"), IsCAR: false })).rejects.toThrow(/is there already/);
  // Before anything is retrieved, of a node that could not.
  const get = (Path: string) => ask("Filigree.RetrievalGet", { Root, Path });
  await expect(get(at("out"))).rejects.toThrow(/is there already/);
  await expect(get(at("out2"))).rejects.toThrow(/has no peers/);
  await ask("ClientExport", { Root }, { Path: at("new", "er", "out"), IsCAR: false });
  expect(await tree(at("new", "er", "out"))).toEqual(await tree(at("in")));

  const piece = await ask<Record<string, unknown>>("ClientDealPieceCID", Root, at("one.car"));
  const car = await readFile(at("one.car"));
  expect(piece).toMatchObject({ PayloadSize: car.length, PieceSize: 2 << 20 });
  // The piece that came with the file is the piece of the file.
  expect(await ask("ClientCalcCommP", at("one.car"))).toEqual({
    Root: piece["PieceCID"],
    Size: ((2 << 20) / 128) * 127,
  });
  expect(await ask("ClientDealSize", Root)).toEqual({ PayloadSize: car.length, PieceSize: 2 << 20 });
  expect(readCar(car).roots.map((root) => `${cidFromBytes(root)}`)).toEqual([Root["/"]]);

  await ask("ClientRemoveImport", ImportID);
  expect(await ask("ClientHasLocal", Root)).toBe(false);
  const again = await ask<Root>("ClientImport", { Path: at("one.car"), IsCAR: true });
  expect(again.Root).toEqual(Root);
  await ask("ClientExport", { Root }, { Path: at("three.car"), IsCAR: true });
  expect(await readFile(at("three.car"))).toEqual(car);
  await ask("ClientGenCar", { Path: at("in") }, at("four.car"));
  expect(await readFile(at("four.car"))).toEqual(car);
  // What another import has stays.
  expect(await ask("ClientHasLocal", Root)).toBe(true);
});

test("what is no file, no CAR file, or not whole is refused by what is wrong with it", async () => {
  const car = readCar(await readFile(FIXTURE));
  const [first, ...others] = car.blocks as [(typeof car.blocks)[0]];
  const write = (name: string, blocks: typeof car.blocks): Promise<void> =>
    writeFile(at(name), writeCar(car.roots, blocks));
  await write("partial.car", others);
  await write("wrong.car", [{ cid: first.cid, bytes: new Uint8Array(9) }, ...others]);
  await writeFile(at("roots.car"), writeCar([], car.blocks));
  const bring = (name: string, IsCAR = true): Promise<unknown> => ask("ClientImport", { Path: at(name), IsCAR });
  await expect(bring("partial.car")).rejects.toThrow(/is not here/);
  await expect(bring("wrong.car")).rejects.toThrow(/is not what its CID says/);
  await expect(bring("roots.car")).rejects.toThrow(/one root is expected, this has 0/);
  await expect(bring("in/hello.txt")).rejects.toThrow(/CAR/);
  await expect(bring("nowhere", false)).rejects.toThrow(/there is nothing at/);
  await expect(ask("ClientCalcCommP", at("in"))).rejects.toThrow(/is no regular file/);
  await expect(ask("ClientCalcCommP", at("in", "nothing"))).rejects.toThrow(/is empty/);
});

test("the commands do the same", async () => {
  const filigree = (...args: readonly string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      const options = { cwd: folder, env: { ...process.env, FILIGREE_RPC: net.url } };
      execFile(process.execPath, [MAIN, "client", ...args], options, (error, out, err) =>
        error === null ? resolve(out.trim()) : reject(new Error(err)),
      );
    });
  const root = await filigree("import", FIXTURE, "--car");
  expect(root).toBe("bafybeihchr7vmgjaasntayyatmp5sv6xza57iy2h4xj7g46bpjij6yhrmy");
  const [list, piece] = await Promise.all([
    filigree("list", "--json"),
    filigree("piece", root),
    filigree("export", root, "dir"),
  ]);
  expect((JSON.parse(list) as { imports: unknown[] }).imports.at(-1)).toMatchObject({
    root,
    source: "car",
    path: FIXTURE,
  });
  expect(piece).toMatch(/^piece CID {5}baga6ea4seaq/);
  expect(Object.keys(await tree(at("dir"))).sort()).toEqual([
    "ascii-copy.txt",
    "ascii.txt",
    "hello.txt",
    "multiblock.txt",
  ]);
});

test("a network in memory has a store, too", async () => {
  const memory = await Devnet.open();
  try {
    const { Root } = await memory.request<Root>("ClientImport", { Path: at("in", "hello.txt"), IsCAR: false });
    expect(await memory.request("ClientHasLocal", Root)).toBe(true);
  } finally {
    await memory.close();
  }
});
