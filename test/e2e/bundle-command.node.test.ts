/** `filigree bundle`: files and addresses taken in, listed, verified; what is refused. The actors are the test's own. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import * as dagCbor from "@ipld/dag-cbor";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { utf8 } from "../../src/base/bytes.ts";
import { BundleStore } from "../../src/cli/bundle-store.ts";
import { Bundles } from "../../src/exec/bundles.ts";
import { writeCar } from "../../src/storage/car.ts";
import { cidOfBlock } from "../../src/types/cid.ts";
import { codeCid } from "../support/fvm-world.ts";

const block = (data: unknown) => {
  const bytes = dagCbor.encode(data);
  const link = cidOfBlock(bytes);
  return { cid: link.bytes, bytes, link };
};
const code = utf8("code of an actor");
const manifest = block([["account", codeCid(code)]]);
const root = block([1, manifest.link]);
const car = writeCar([root.cid], [root, manifest, { cid: codeCid(code).bytes, bytes: code }]);
const NAME = `own-${root.link}`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "filigree-bundle-"));
  await writeFile(path.join(folder, "actors.car"), car);
});
afterAll(() => vi.unstubAllEnvs());
afterAll(() => rm(folder, { recursive: true, force: true }));

type Run = { readonly code: number; readonly out: string; readonly err: string };
const bundle = (...args: readonly string[]): Promise<Run> => filigree("bundle", ...args);
function filigree(...args: readonly string[]): Promise<Run> {
  return new Promise((resolve) => {
    execFile(process.execPath, [path.resolve("dist/cli/bin.js"), ...args], { cwd: folder }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });
}

test("a bundle that is not published is refused with the next step, and taken where the user says so", async () => {
  const refused = await bundle("add", "actors.car", "--dir", "kept");
  expect(refused.code).toBe(1);
  expect(refused.err).toMatch(/actors\.car: no published bundle has the root .*--unknown/);
  expect((await bundle("list", "--dir", "kept")).out).toMatch(/no bundles in kept; add one with `filigree bundle add/);
  const taken = await bundle("add", "actors.car", "--dir", "kept", "--unknown", "--json");
  expect(JSON.parse(taken.out)).toMatchObject({
    name: NAME,
    root: `${root.link}`,
    manifest: `${manifest.link}`,
    actors: 1,
  });
  expect(await readdir(path.join(folder, "kept"))).toEqual([`${NAME}.car`]);
  expect(new Uint8Array(await readFile(path.join(folder, "kept", `${NAME}.car`)))).toEqual(car);
  expect(JSON.parse((await bundle("list", "--dir", "kept", "--json")).out)).toMatchObject({
    bundles: [{ name: NAME, actorsVersion: null, networkVersions: null, root: null }],
  });
  await writeFile(path.join(folder, "kept", "devnet-v16.car"), car);
  const listed = await bundle("list", "--dir", "kept");
  expect(listed.out).toMatch(/^bundle +actors +network versions +size +root\n/);
  expect(listed.out).toMatch(/^devnet-v16 +v16 +25, 26 +\d.* bafy/m);
  expect(listed.out).toMatch(/^own-bafy\w+ +own +any that you give it for/m);
  // What else lies there is not taken for a bundle of anybody's, and keeps nothing away.
  await mkdir(path.join(folder, "kept", "folder.car"));
  await symlink("nowhere", path.join(folder, "kept", "gone.car"));
  await writeFile(path.join(folder, "kept", "two\nlines.car"), car);
  const besides = await bundle("list", "--dir", "kept");
  expect(besides.err).toBe("");
  expect(besides.out.split("\n")).toHaveLength(5);
  expect(besides.out).toMatch(/^two\ufffdlines +\? +told by `filigree bundle verify` /m);
  const { bundles } = JSON.parse((await bundle("list", "--dir", "kept", "--json")).out);
  expect(bundles[0]).toMatchObject({ name: "devnet-v16", actorsVersion: 16, networkVersions: [25, 26] });
});

test("an address is fetched where the user names it; other answers and addresses are refused", async () => {
  const server = createServer((request, response) => {
    response.writeHead(request.url === "/actors.car" ? 200 : 404).end(request.url === "/actors.car" ? car : "");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const fetched = await bundle("fetch", `${url}/actors.car`, "--dir", "fetched", "--unknown");
    expect([fetched.code, fetched.err]).toEqual([0, ""]);
    expect(await readdir(path.join(folder, "fetched"))).toEqual([`${NAME}.car`]);
    expect((await bundle("fetch", `${url}/else`, "--dir", "fetched")).err).toMatch(/answers 404/);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
  expect((await bundle("fetch", "actors.car", "--dir", "fetched")).code).toBe(64);
});

test("a kept file that was changed is named, and none is taken from it", async () => {
  const store = new BundleStore(path.join(folder, "changed"));
  const [kept] = await store.add(car, { unknown: true });
  await expect(store.add(car, { unknown: true, network: "devnet" })).rejects.toThrow(/no bundle of devnet/);
  expect((await bundle("verify", "--dir", "changed")).out).toMatch(/whole, and no published bundle/);
  const bytes = Uint8Array.from(car);
  bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
  await writeFile(kept?.file as string, bytes);
  const verified = await bundle("verify", "--dir", "changed");
  expect(verified.code).toBe(2);
  expect(verified.err).toMatch(new RegExp(`${NAME}.*a block is not what its CID`));
  const bundles = new Bundles(await store.sources());
  await expect(bundles.require("devnet", 10)).rejects.toMatchObject({
    data: { code: "MISSING_BUNDLE", network: "devnet", actorsVersion: 10 },
    message: expect.stringMatching(/builtin-actors-devnet\.car .*filigree bundle add/),
  });
  expect([...bundles.refused.values()]).toEqual([expect.stringMatching(/not what its CID/)]);
});

const packs = process.env["FILIGREE_BUNDLES"] ?? "../shared/bundles";
const [older, newer] = ["v14", "v18"].map((name) => path.resolve(packs, `${name}.tar.zst`)) as [string, string];
test.skipIf(!existsSync(older) || !existsSync(newer))(
  "a pack of another version is named with what it has, and what is kept is pointed to (needs v14 and v18 in FILIGREE_BUNDLES)",
  async () => {
    vi.stubEnv("FILIGREE_BUNDLES", undefined);
    const refused = (): Promise<Run> => filigree("devnet", "--network-version", "28", "--bundle", older, "--memory");
    expect((await refused()).err).toMatch(
      /v14\.tar\.zst has the actors v14 of \w+, .*v14 of devnet.*, and network version 28 runs v18 of devnet: the actors v18 .* take/,
    );
    expect((await bundle("add", newer, "--network", "devnet")).code).toBe(0);
    expect((await refused()).err).toContain("v18 of devnet: those are kept in .filigree/bundles: leave --bundle out");
  },
  60_000,
);
