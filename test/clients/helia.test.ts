/** helia and @helia/verified-fetch, unmodified, fetch from the gateway of a node. They need Node 22, and run in Deno. */
import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CommandNet, startCommandNet } from "../support/command-net.ts";

const HERE = fileURLToPath(new URL("helia", import.meta.url));
const DENO = ["--yes", "--package", "deno@2.9.6", "deno", "run", "-A", "--node-modules-dir=manual"];
const run = promisify(execFile);
let folder: string;
let net: CommandNet;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "filigree-helia-"));
  net = await startCommandNet("--miners", "0", "--block-time", "0");
}, 120_000);
afterAll(async () => {
  await net?.close();
  await rm(folder, { recursive: true });
});

test("files of one and of several blocks come bit-equal, by their CID and through folders; what is not here does not", async () => {
  const files = new Map([
    ["small", randomBytes(700)],
    ["sub/large", randomBytes(2_500_000)],
  ]);
  await mkdir(path.join(folder, "data/sub"), { recursive: true });
  for (const [name, bytes] of files) await writeFile(path.join(folder, "data", name), bytes);
  const response = await fetch(net.url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      ...{ jsonrpc: "2.0", id: 1, method: "Filecoin.ClientImport" },
      params: [{ Path: path.join(folder, "data"), IsCAR: false }],
    }),
  });
  const { result } = (await response.json()) as { result: { Root: { "/": string } } };
  const paths = [...files.keys()].map((name) => `${result.Root["/"]}/${name}`);
  const gateway = new URL(net.url).origin;
  const missing = `${result.Root["/"]}/none`;
  const { stdout } = await run("npx", [...DENO, "fetch.mjs", gateway, ...paths, missing], {
    cwd: HERE,
    timeout: 150_000,
  });
  const got = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
  const wanted = [...files.values()].map((bytes, i) => ({
    ...{ path: paths[i], status: 200, bytes: bytes.length },
    sha256: createHash("sha256").update(bytes).digest("hex"),
  }));
  expect(got).toEqual([...wanted, expect.objectContaining({ path: missing, status: 404 })]);
}, 200_000);
