/** `filigree prove --snark` and `verify --key`: a window PoSt of a sealed sector, as the chain takes it. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadProofs } from "../../src/core/proofs.ts";
import { inThisThread } from "../../src/proving/in-thread.ts";
import { makeParams, memorySink } from "../../src/proving/snark/make-params.ts";
import { shapeOfOfficial } from "../../src/proving/snark/official.ts";
import { setupOf } from "../../src/proving/snark/setup.ts";

const MAIN = path.resolve("dist/cli/main.js");
const RANDOMNESS = `${"11".repeat(31)}00`;
const circuit = "window-2048";
let folder: string;

type Run = { readonly code: number; readonly out: string; readonly err: string };

function filigree(args: readonly string[]): Promise<Run> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { cwd: folder }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "filigree-snark-"));
  const sink = memorySink();
  const shape = shapeOfOfficial(await loadProofs(), circuit);
  await makeParams(inThisThread(), { kind: "official", name: circuit }, shape, setupOf("a test"), sink);
  await writeFile(path.join(folder, "window.params"), sink.bytes());
  await writeFile(path.join(folder, "data"), Buffer.alloc(2000, 7));
  const sealed = await filigree([
    "seal",
    "data",
    "--out",
    "s",
    "--miner",
    "1000",
    "--sector",
    "3",
    "--ticket",
    RANDOMNESS,
  ]);
  expect([sealed.code, sealed.err]).toEqual([0, ""]);
}, 900_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

const proving = ["prove", "s", "--randomness", RANDOMNESS, "--snark"];

test("a window PoSt is proved and verified; its key, its statement and its bytes count", async () => {
  const window = [...proving, "--kind", "window", "--params", "window.params", "--out", "post", "--json"];
  const proved = await filigree(window);
  expect([proved.code, proved.err]).toEqual([0, ""]);
  const file = await readFile(path.join(folder, "post"));
  expect(JSON.parse(proved.out)).toEqual({
    out: "post",
    kind: "window",
    snark: true,
    partitions: 1,
    bytes: file.length,
  });
  expect(file.length).toBeLessThan(500);
  const good = await filigree(["verify", "post", "--key", "window.params", "--json"]);
  expect(JSON.parse(good.out)).toMatchObject({ kind: "window", holds: true });
  expect(good.code).toBe(0);
  // The randomness stands in the file; another one is another statement.
  const changed = Buffer.from(file);
  const at = changed.indexOf(Buffer.from(RANDOMNESS, "hex"));
  changed[at] = 0x12;
  await writeFile(path.join(folder, "changed"), changed);
  const bad = await filigree(["verify", "changed", "--key", "window.params", "--json"]);
  expect(JSON.parse(bad.out)).toMatchObject({ holds: false, reason: expect.stringMatching(/INVALID$/) });
  expect(bad.code).toBe(2);
}, 900_000);

test("what cannot be proved or verified says why", async () => {
  const cases: [string[], RegExp][] = [
    [[...proving, "--out", "x"], /--snark needs --params/],
    [[...proving, "--kind", "winning", "--params", "window.params", "--out", "x"], /another circuit's key/],
    [[...proving, "--kind", "window", "--params", "data", "--out", "x"], /params|parameter|file/i],
    [["verify", "post"], /--key/],
    [["verify", "post", "--key", "data"], /holds no verifying key/],
    [["verify", "post", "--key", "nothing"], /no file nothing/],
  ];
  for (const [args, message] of cases) {
    const { code, err } = await filigree(args);
    expect(code).not.toBe(0);
    expect(err).toMatch(message);
  }
}, 600_000);
