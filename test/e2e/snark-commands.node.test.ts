/**
 * `filigree params`, `prove --snark` and `verify --key`: a real key of a small circuit, made, found, checked, and refused when
 * it was changed; with it a window PoSt of a sealed sector, as the chain takes it.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type KeptProcess, type Outcome, startKeptProcess } from "../support/kept-process.ts";

const RANDOMNESS = `${"11".repeat(31)}00`;
let folder: string;
let kept: KeptProcess;
/** The key's record and its file. */
let record: { readonly name: string; readonly digest: string; readonly warning: string };
let key: string;

const filigree = (...args: readonly string[]): Promise<Outcome> => kept.run(args);

async function printed(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await filigree(...args);
  expect([code, err]).toEqual([0, ""]);
  return out;
}

const params = (...args: readonly string[]): Promise<string> => printed("params", ...args, "--dir", "keys");
const refusal = async (...args: readonly string[]): Promise<string> => {
  const { code, err } = await filigree(...args);
  expect(code).not.toBe(0);
  return err;
};

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "filigree-snark-"));
  kept = startKeptProcess(folder);
  expect(await params("list")).toMatch(/no parameters/);
  record = JSON.parse(await params("make", "window-2KiB", "--seed", "a test", "--json"));
  key = (await params("path", "window-2048", "--seed", "a test")).trim();
  await writeFile(path.join(folder, "data"), Buffer.alloc(2000, 7));
  await printed("seal", "data", "--out", "s", "--miner", "1000", "--sector", "3", "--ticket", RANDOMNESS);
}, 900_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

test("the key of window PoSt of 2 KiB sectors", { timeout: 240_000 }, async () => {
  // The official file's counts and size (docs/sources.md: rust-fil-proofs): 23 inputs, 22,128 auxiliaries, 21,866 + 23 rows.
  expect(record).toMatchObject({ counts: { inputs: 23, aux: 22128, rows: 21889 }, size: 11501496 });
  expect(record.warning).toMatch(/whoever knows the seed can forge/);
  expect(JSON.parse(await params("list", "--json"))).toEqual({ parameters: [record] });
  expect(await params("verify", record.name)).toMatch(record.digest);
  expect(await params("verify", "window-2KiB", "--seed", "a test")).toMatch(record.digest);
  expect(path.basename(key)).toBe(`${record.name}.params`);
  // Found, not made again.
  expect(JSON.parse(await params("make", "window-2KiB", "--seed", "a test", "--json"))).toEqual(record);
  expect(await params("verify", key, "--digest", record.digest)).toMatch(record.digest);
  const other = await refusal("params", "verify", key, "--digest", "0".repeat(32), "--dir", "keys");
  expect(other).toMatch(/another file, or was changed/);
  expect((await readdir(path.join(folder, "keys"))).filter((name) => name.endsWith(".journal"))).toEqual([]);
});

test("names that are no circuit's", { timeout: 240_000 }, async () => {
  expect(await refusal("params", "make", "window-3KB")).toMatch(/winning, window, porep or update/);
  expect(await refusal("params", "make", "window-3000")).toMatch(/3000/);
  expect(await refusal("params", "verify", "nothing")).toMatch(/PARAMS_MISSING/);
});

const proving = ["prove", "s", "--randomness", RANDOMNESS, "--snark"];

test("a window PoSt is proved and verified; its key, its statement and its bytes count", async () => {
  // Its vectors and the witness take 8 MiB: with room for 2 they go through files, of which none stays.
  const room = ["--scratch", "scratch", "--memory", "2"];
  const args = [...proving, "--kind", "window", "--params", key, "--out", "post", "--json"];
  const out = JSON.parse(await printed(...args, ...room));
  expect(await readdir(path.join(folder, "scratch"))).toEqual(["lock"]);
  const file = await readFile(path.join(folder, "post"));
  expect(out).toEqual({ out: "post", kind: "window", snark: true, partitions: 1, bytes: file.length });
  expect(file.length).toBeLessThan(500);
  const good = await printed("verify", "post", "--key", key, "--json");
  expect(JSON.parse(good)).toMatchObject({ kind: "window", holds: true });
  expect(await printed("verify", "post", "--params", key, "--json")).toBe(good);
  // The randomness stands in the file; another one is another statement.
  const changed = Buffer.from(file);
  const at = changed.indexOf(Buffer.from(RANDOMNESS, "hex"));
  changed[at] = 0x12;
  await writeFile(path.join(folder, "changed"), changed);
  const bad = await filigree("verify", "changed", "--key", key, "--json");
  expect(JSON.parse(bad.out)).toMatchObject({
    holds: false,
    reason: expect.stringMatching(/is not of this statement and key, or was changed \(INVALID\)$/),
  });
  expect(bad.code).toBe(2);
  // Of the proof's own bytes one is another: no point of the curve, in words.
  const torn = Buffer.from(file);
  const from = torn.indexOf(Buffer.from([0x58, 0xc0])) + 2;
  torn.fill(0xff, from, from + 48);
  await writeFile(path.join(folder, "torn"), torn);
  const words = await filigree("verify", "torn", "--key", key);
  expect(words).toMatchObject({
    code: 2,
    out: expect.stringMatching(/a point of the proof is .*\(BAD_PROOF_POINT\)\n$/),
  });
}, 900_000);

test("what cannot be proved or verified says why", async () => {
  const cases: [string[], RegExp][] = [
    [[...proving, "--out", "x"], /--snark needs --params/],
    [["prove", "s", "--randomness", RANDOMNESS, "--out", "x", "--memory", "5"], /--memory is for --snark/],
    [[...proving, "--kind", "window", "--params", key, "--out", "x", "--memory", "1"], /MEMORY_LIMIT|scratch space/],
    [
      [...proving, "--kind", "winning", "--params", key, "--out", "x"],
      /another circuit's key; that of winning-2KiB is needed/,
    ],
    [[...proving, "--kind", "window", "--params", "data", "--out", "x"], /params|parameter|file/i],
    [["verify", "post"], /--key/],
    [["verify", "post", "--key", key, "--params", key], /give one of them/],
    [["verify", "post", "--key", "data"], /holds no verifying key/],
    [["verify", "post", "--key", "nothing"], /no file nothing; --key names/],
  ];
  for (const [args, message] of cases) expect(await refusal(...args)).toMatch(message);
}, 600_000);

test("a key that was changed or cut is refused", { timeout: 240_000 }, async () => {
  const bytes = await readFile(key);
  bytes[bytes.length - 1] = (bytes[bytes.length - 1] as number) ^ 1;
  await writeFile(key, bytes);
  expect(await refusal("params", "verify", record.name, "--dir", "keys")).toMatch(/is not what was made: remove it/);
  await writeFile(key, bytes.subarray(0, 5_000_000));
  expect(await refusal("params", "verify", record.name, "--dir", "keys")).toMatch(/PARAMS_LENGTH/);
});
