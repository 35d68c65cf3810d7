/** `filigree params`: a real key of a small circuit, made, found, checked, and refused when it was changed. */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";

const run = promisify(execFile);
const cli = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const folder = await mkdtemp(path.join(tmpdir(), "filigree-params-command-"));
afterAll(() => rm(folder, { recursive: true }));

const filigree = async (...words: string[]): Promise<string> =>
  (await run(process.execPath, [cli, "params", ...words, "--dir", folder])).stdout;
const failure = async (...words: string[]): Promise<string> =>
  filigree(...words).then(
    () => "passed",
    (error) => (error as { stderr: string }).stderr,
  );

test("the key of window PoSt of 2 KiB sectors", { timeout: 240_000 }, async () => {
  expect(await filigree("list")).toMatch(/no parameters/);
  const record = JSON.parse(await filigree("make", "window-2KiB", "--seed", "a test", "--json"));
  // The official file's counts and size (docs/sources.md: rust-fil-proofs): 23 inputs, 22,128 auxiliaries, 21,866 + 23 rows.
  expect(record).toMatchObject({ counts: { inputs: 23, aux: 22128, rows: 21889 }, size: 11501496 });
  expect(record.warning).toMatch(/whoever knows the seed can forge/);
  expect(JSON.parse(await filigree("list", "--json"))).toEqual(record);
  expect(await filigree("verify", record.name)).toMatch(record.digest);
  const file = (await filigree("path", "window-2048", "--seed", "a test")).trim();
  expect(path.basename(file)).toBe(`${record.name}.params`);
  // Found, not made again.
  expect(JSON.parse(await filigree("make", "window-2KiB", "--seed", "a test", "--json"))).toEqual(record);
  expect(await filigree("verify", file, "--digest", record.digest)).toMatch(record.digest);
  expect(await failure("verify", file, "--digest", "0".repeat(32))).toMatch(/another file, or was changed/);
  const bytes = await readFile(file);
  bytes[bytes.length - 1] = (bytes[bytes.length - 1] as number) ^ 1;
  await writeFile(file, bytes);
  expect(await failure("verify", record.name)).toMatch(/PARAMS_CHANGED/);
  await writeFile(file, bytes.subarray(0, 5_000_000));
  expect(await failure("verify", record.name)).toMatch(/PARAMS_LENGTH/);
  expect((await readdir(folder)).filter((name) => name.endsWith(".journal"))).toEqual([]);
});

test("names that are no circuit's", async () => {
  expect(await failure("make", "window-3KB")).toMatch(/winning, window, porep or update/);
  expect(await failure("make", "window-3000")).toMatch(/3000/);
  expect(await failure("verify", "nothing")).toMatch(/PARAMS_MISSING/);
});
