/** The commands for pieces and sectors, as a user runs them. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { prng } from "../unit/proofs/fixture.ts";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const TICKET = "5a".repeat(32);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "filigree-"));
  await writeFile(path.join(folder, "a"), prng(1, 900));
  await writeFile(path.join(folder, "b"), prng(2, 200));
});
afterAll(() => rm(folder, { recursive: true }));

function filigree(args: readonly string[], input?: Uint8Array): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [MAIN, ...args], { cwd: folder }, (error, out, err) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, out, err }),
    );
    child.stdin?.end(input);
  });
}

test("commp prints the same JSON for a file, for standard input, and for any number of workers", async () => {
  const file = await filigree(["commp", "a", "--json"]);
  expect(JSON.parse(file.out)).toEqual({
    pieceCid: expect.stringMatching(/^baga6ea4seaq/),
    pieceCidV2: expect.stringMatching(/^bafkzcib/),
    payloadSize: 900,
    paddedSize: 1024,
  });
  expect((await filigree(["commp", "-", "--json"], prng(1, 900))).out).toBe(file.out);
  expect((await filigree(["commp", "a", "--json", "--workers", "2"])).out).toBe(file.out);
});

test("seal, unseal, prove and verify a sector on disk", async () => {
  const sealed = await filigree([
    "seal",
    "a",
    "b",
    "--out",
    "s",
    "--miner",
    "t01000",
    "--sector",
    "7",
    "--ticket",
    TICKET,
  ]);
  expect([sealed.code, sealed.err]).toEqual([0, ""]);
  expect(sealed.out).toMatch(/sealed CID +bagboea4b5abc/);
  expect((await filigree(["unseal", "s", "--out", "back", "--length", "900"])).code).toBe(0);
  expect(new Uint8Array(await readFile(path.join(folder, "back")))).toEqual(prng(1, 900));
  for (const kind of ["porep", "winning", "window"]) {
    const proved = await filigree(["prove", "s", "--kind", kind, "--randomness", TICKET, "--out", `p-${kind}`]);
    expect([proved.code, proved.err]).toEqual([0, ""]);
    expect(await filigree(["verify", `p-${kind}`])).toMatchObject({ code: 0, out: expect.stringMatching(/holds\n$/) });
    const bytes = await readFile(path.join(folder, `p-${kind}`));
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
    await writeFile(path.join(folder, "bad"), bytes);
    expect((await filigree(["verify", "bad"])).code).not.toBe(0);
  }
});

test("an interrupted seal goes on with --resume, and only then", async () => {
  const args = ["seal", "a", "--out", "r", "--miner", "t01000", "--sector", "8", "--ticket", TICKET];
  const first = await filigree(args);
  expect(first.code).toBe(0);
  const again = await filigree([...args, "--resume"]);
  expect([again.code, again.err]).toEqual([1, expect.stringMatching(/holds a sealed sector/)]);
  await rm(path.join(folder, "r", "sector.json"));
  await rm(path.join(folder, "r", "sealed"));
  expect((await filigree(args)).err).toMatch(/--resume/);
  const resumed = await filigree([...args, "--resume"]);
  expect([resumed.code, resumed.err]).toEqual([0, ""]);
  const cids = (out: string) => out.split("\n").slice(0, 2);
  expect(cids(resumed.out)).toEqual(cids(first.out));
  expect((await filigree(["unseal", "r", "--out", "back-r", "--length", "900"])).code).toBe(0);
  expect(new Uint8Array(await readFile(path.join(folder, "back-r")))).toEqual(prng(1, 900));
});

test("mistakes end in one plain line and a code", async () => {
  for (const [args, code, text] of [
    [["commp", "nowhere"], 1, /no such file/],
    [["commp", "."], 1, /directory/],
    [["commp"], 64, /missing required argument/],
    [["commp", "a", "--workers", "0"], 64, /1 to 256/],
    [["seal", "a", "--out", "x", "--miner", "bob", "--sector", "1", "--ticket", TICKET], 64, /actor id/],
    [["seal", "a", "--out", "x", "--miner", "1", "--sector", "1", "--ticket", "12"], 64, /64 hexadecimal/],
    [["seal", "a", "--out", ".", "--miner", "1", "--sector", "1", "--ticket", TICKET], 1, /not empty/],
    [["verify", "a"], 1, /no proof file/],
  ] as const) {
    const { code: got, err } = await filigree(args);
    expect([args.join(" "), got]).toEqual([args.join(" "), code]);
    expect(err).toMatch(text);
    expect(err).not.toMatch(/ at /);
  }
});
