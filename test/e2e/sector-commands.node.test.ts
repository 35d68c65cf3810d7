/** The commands for pieces and sectors, as a user runs them. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as cbor from "@ipld/dag-cbor";
import { afterAll, beforeAll, expect, test } from "vitest";
import { contents, unchanged } from "../../src/cli/input.ts";
import { type KeptProcess, type Outcome, startKeptProcess } from "../support/kept-process.ts";
import { prng } from "../unit/proofs/fixture.ts";

const MAIN = fileURLToPath(new URL("../../dist/cli/bin.js", import.meta.url));
const TICKET = "5a".repeat(32);
let folder: string;
let kept: KeptProcess;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "filigree-"));
  kept = startKeptProcess(folder);
  await writeFile(path.join(folder, "a"), prng(1, 900));
  await writeFile(path.join(folder, "b"), prng(2, 200));
  await writeFile(path.join(folder, "empty"), "");
});
afterAll(async () => {
  await kept.close();
  await rm(folder, { recursive: true });
});

function filigree(args: readonly string[], input?: Uint8Array): Promise<Outcome> {
  if (input === undefined) return kept.run(args);
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
  expect(sealed.out).toMatch(/^2.0 KiB with 2 pieces, /m);
  expect(await filigree(["unseal", "s", "--out", "back", "--length", "900"])).toMatchObject({
    code: 0,
    out: "back: 900 bytes; not checked: only a piece or the whole has a commitment\n",
  });
  expect(new Uint8Array(await readFile(path.join(folder, "back")))).toEqual(prng(1, 900));
  for (const kind of ["porep", "winning", "window"]) {
    const proved = await filigree(["prove", "s", "--kind", kind, "--randomness", TICKET, "--out", `p-${kind}`]);
    expect([proved.code, proved.err]).toEqual([0, ""]);
    const verified = await filigree(["verify", `p-${kind}`]);
    expect(verified).toMatchObject({ code: 0, out: expect.stringMatching(/holds\n$/) });
    if (kind === "porep") {
      expect(proved.out).toMatch(/^porep proof, 1 partition, /);
      expect(verified.out).toMatch(/seal proof StackedDrg2KiBV1_1 \(5\)/);
    }
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

test("unseal gives the payload of one piece, and replaces a file only when told to", async () => {
  const seal = ["seal", "a", "b", "--out", "pieces", "--miner", "1", "--sector", "9", "--ticket", TICKET, "--json"];
  const sealed = JSON.parse((await filigree(seal)).out) as { pieces: { pieceCid: string; payloadSize: number }[] };
  expect(sealed.pieces.map(({ payloadSize }) => payloadSize)).toEqual([900, 200]);
  const unseal = (...more: string[]) => filigree(["unseal", "pieces", "--out", "one", ...more]);
  const read = async () => new Uint8Array(await readFile(path.join(folder, "one")));
  const second = await unseal("--piece", "1", "--json");
  // The first piece takes 1024 padded bytes, 1016 of data.
  expect(JSON.parse(second.out)).toEqual({ out: "one", from: 1016, length: 200, checked: true });
  expect(await read()).toEqual(prng(2, 200));
  expect(await unseal("--piece", "0")).toMatchObject({ code: 1, err: expect.stringMatching(/one exists; --force/) });
  expect(await read()).toEqual(prng(2, 200));
  expect((await unseal("--piece", "0", "--force")).code).toBe(0);
  expect(await read()).toEqual(prng(1, 900));
  expect(await unseal("--piece", "2", "--force")).toMatchObject({
    code: 1,
    err: expect.stringMatching(/has 2 pieces/),
  });
  expect(await unseal("--piece", "0", "--from", "1")).toMatchObject({ code: 64, err: expect.stringMatching(/--help/) });
  await mkdir(path.join(folder, "folder"));
  expect((await filigree(["unseal", "pieces", "--out", "folder", "--force"])).err).toMatch(/folder is a directory/);
  const proving = ["prove", "pieces", "--randomness", TICKET, "--out", "one"];
  expect((await filigree(proving)).err).toMatch(/one exists; --force/);
  expect(JSON.parse((await filigree([...proving, "--force", "--json"])).out)).toMatchObject({
    out: "one",
    kind: "porep",
  });
  expect(JSON.parse((await filigree(["verify", "one", "--json"])).out)).toMatchObject({ kind: "porep", holds: true });
  // Nothing half-written stays behind.
  expect((await readdir(folder)).filter((name) => name.includes("partial"))).toEqual([]);
});

test("a failure is JSON too where JSON was asked for", async () => {
  const failed = await filigree(["commp", "nowhere", "--json"]);
  expect(failed.code).toBe(1);
  expect(JSON.parse(failed.out)).toEqual({ ok: false, error: expect.stringContaining("nowhere"), code: "ENOENT" });
  expect(failed.err).toMatch(/^error: .*nowhere/);
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
    [["seal", "a", ".", "--out", "x", "--miner", "1", "--sector", "1", "--ticket", TICKET], 1, /directory/],
    [["seal", "empty", "--out", "x", "--miner", "1", "--sector", "1", "--ticket", TICKET], 1, /empty is empty/],
    [["seal", "a", "--out", "a/x", "--miner", "1", "--sector", "1", "--ticket", TICKET], 1, /a/],
    [["seal", "a", "--out", "x", "--miner", "1", "--sector", "", "--ticket", TICKET], 64, /whole number/],
    [["unseal", ".", "--out", "y"], 1, /holds no sealed sector/],
    [["prove", "nowhere", "--randomness", TICKET, "--out", "y"], 1, /nowhere holds no sealed sector/],
    [["verify", "."], 1, /cannot read \./],
    [["verify", "a"], 1, /no proof file/],
    [["verify", "empty"], 1, /no proof file/],
  ] as const) {
    const { code: got, err } = await filigree(args);
    expect([args.join(" "), got]).toEqual([args.join(" "), code]);
    expect(err).toMatch(text);
    expect(err).not.toMatch(/\n +at /);
  }
});

test("a sector whose files are damaged or missing is named with the cause, and nothing is written", async () => {
  const at = (...names: string[]): string => path.join(folder, ...names);
  const seal = ["--miner", "1", "--sector", "3", "--ticket", TICKET];
  expect((await filigree(["seal", "a", "--out", "deep/er/d", ...seal])).code).toBe(0);
  const directory = "deep/er/d";
  const prove = (kind: string, ...more: string[]) =>
    filigree(["prove", directory, ...more, "--kind", kind, "--randomness", TICKET, "--out", "never"]);
  const unseal = (...more: string[]) => filigree(["unseal", directory, "--out", "back", "--force", ...more]);
  const failed = async (run: Promise<{ code: number; err: string }>, text: RegExp): Promise<void> => {
    const { code, err } = await run;
    expect(err).toMatch(text);
    expect(err.trim().split("\n")).toHaveLength(1);
    expect(code).toBe(1);
  };
  await writeFile(at("back"), "older");
  await failed(unseal("--from", "5000"), /has 2032 bytes/);
  await failed(filigree(["unseal", directory, "--out", `${directory}/sealed`]), /among the sector's own files/);
  await failed(prove("window", directory), /sector 3 is given twice/);

  const replica = await readFile(at(directory, "sealed"));
  await rm(at(directory, "sealed"));
  await failed(unseal(), /has no file sealed/);
  await failed(prove("window"), /sector 3 cannot be proved: .*has no file sealed/);
  await failed(prove("porep"), /has no file sealed/);
  expect(await readFile(at("back"), "utf8")).toBe("older");
  await writeFile(at(directory, "sealed"), replica.subarray(0, 1000));
  await failed(prove("winning"), /sealed has 1000 bytes/);
  await writeFile(
    at(directory, "sealed"),
    replica.map((byte, i) => (i % 32 === 0 ? byte ^ 1 : byte)),
  );
  await failed(prove("winning"), /sector 3 cannot be proved: its files do not have its CommR/);
  await failed(prove("porep"), /sector 3 cannot be proved: its files do not have its commitments/);
  await failed(unseal(), /is damaged: .*commitment baga6ea4seaq/);
  await expect(readFile(at("never"))).rejects.toThrow();

  const record = JSON.parse(await readFile(at(directory, "sector.json"), "utf8"));
  const others = [{ ...record, commR: "zz" }, { ...record, actorId: "-1" }, { ...record, sealProof: 99 }, [], null];
  for (const other of others) {
    await writeFile(at(directory, "sector.json"), JSON.stringify(other));
    await failed(unseal(), /sector\.json is no record of a sealed sector/);
  }
  await writeFile(at(directory, "sector.json"), "{");
  await failed(prove("porep"), /sector\.json is no record of a sealed sector/);
});

test("a proof file that names another kind, or has texts for numbers, is none", async () => {
  expect((await filigree(["prove", "s", "--kind", "window", "--randomness", TICKET, "--out", "p"])).code).toBe(0);
  const proof = cbor.decode<Record<string, unknown>>(await readFile(path.join(folder, "p")));
  const lies = [
    { kind: "window\nthe proof holds" },
    { kind: "toString" },
    { sectors: [{ sectorNumber: " 7\n", commR: new Uint8Array(32) }] },
    { randomness: new Uint8Array(31) },
    { sectorBytes: -1 },
    { partitions: null },
  ];
  for (const lie of lies) {
    await writeFile(path.join(folder, "lie"), cbor.encode({ ...proof, ...lie }));
    expect(await filigree(["verify", "lie"])).toMatchObject({
      code: 1,
      out: "",
      err: expect.stringMatching(/no proof file/),
    });
  }
  for (const lie of [{ sectorBytes: 5 }, { partitions: [[null]] }, { sectors: [] }]) {
    await writeFile(path.join(folder, "lie"), cbor.encode({ ...proof, ...lie }));
    expect((await filigree(["verify", "lie"])).code).toBe(2);
  }
});

test("a payload that grows or shrinks while it is read is refused", async () => {
  const file = path.join(folder, "growing");
  await writeFile(file, prng(3, 100));
  const read = async (size: number): Promise<number> => {
    let sum = 0;
    for await (const bytes of contents(file, size)) sum += bytes.length;
    return sum;
  };
  expect(await read(100)).toBe(100);
  for (const size of [99, 101]) await expect(read(size)).rejects.toThrowError(/growing changed while it was read/);
  const grown = unchanged(file, () => writeFile(file, prng(3, 200)));
  await expect(grown).rejects.toThrowError(/growing changed while it was read/);
  await expect(unchanged(file, () => rm(file))).rejects.toThrowError(/growing changed/);
});
