/** Proofs whose vectors lie in files: the same bytes, nothing left behind, and what fails by its name. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { platform } from "#platform";
import { toHex } from "../../../../src/base/bytes.ts";
import { loadProofs } from "../../../../src/core/proofs.ts";
import { inThisThread } from "../../../../src/proving/in-thread.ts";
import type { Shape, Witness } from "../../../../src/proving/snark/circuit.ts";
import { makeParams, memorySink } from "../../../../src/proving/snark/make-params.ts";
import { openParams, type ParamsFile } from "../../../../src/proving/snark/params-file.ts";
import { type ProveOptions, proveWitness } from "../../../../src/proving/snark/prove.ts";
import { countsOf, shapeOf, termsOf, witnessOf } from "../../../../src/proving/snark/r1cs.ts";
import { openScratch } from "../../../../src/proving/snark/scratch.ts";
import { setupOf } from "../../../../src/proving/snark/setup.ts";
import { MemorySectorStore } from "../../../../src/sector/store.ts";
import { chainCircuit } from "./chain-circuit.ts";

const module = await loadProofs();
const scheduler = inThisThread();
/** 2^10 rows: their vectors and the coefficients take 128 KiB in all. */
const plain = chainCircuit(300);
const MEMORY = 40 * 1024;
const blinding = { r: new Uint8Array(32).fill(7, 0, 31), s: new Uint8Array(32).fill(9, 0, 31) };
let folder: string;
let params: ParamsFile;
let shape: Shape;
let witness: Witness;
let expected: string;

const prove = (options: ProveOptions): Promise<Uint8Array> =>
  proveWitness(module, scheduler, params, shape, witness, { blinding, memoryBytes: MEMORY, ...options });

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "filigree-scratch-"));
  const terms = termsOf(plain);
  const counts = countsOf(plain);
  const sink = memorySink();
  await makeParams(scheduler, { kind: "plain", counts, terms: [terms] }, counts, setupOf("scratch"), sink);
  params = await openParams({ bytes: sink.bytes() });
  shape = shapeOf(module, counts, terms);
  witness = witnessOf(module, counts, terms, plain.values);
  expected = toHex(await proveWitness(module, scheduler, params, shape, witness, { blinding }));
});
afterAll(() => rm(folder, { recursive: true }));

const names = async (): Promise<string[]> => (await readdir(folder)).filter((name) => name.startsWith("proof-"));

test("a folder makes possible what the limit alone refuses, byte by byte, and is empty afterwards", async () => {
  await expect(prove({})).rejects.toMatchObject({ data: { code: "MEMORY_LIMIT", limit: MEMORY } });
  const before = toHex(witness.a);
  expect(toHex(await prove({ scratch: folder }))).toBe(expected);
  expect(await names()).toEqual([]);
  expect(toHex(witness.a)).toBe(before);
});

test("what a killed proof left behind is removed, what another is at work in, or is no proof's, is not", async () => {
  const [held, other] = [`proof-${"0f".repeat(8)}`, "proof-of-purchase"];
  const places = [`proof-${"a1".repeat(8)}`, held, other].map((name) => path.join(folder, name));
  for (const place of places) {
    await mkdir(place);
    await writeFile(path.join(place, "a"), "some rows");
  }
  const unlock = await platform.folders?.lock(path.join(folder, held));
  expect(toHex(await prove({ scratch: folder }))).toBe(expected);
  expect(await names()).toEqual([held, other]);
  await unlock?.();
  const { close } = await openScratch(folder, 0);
  expect((await names()).includes(held)).toBe(false);
  await close();
  expect(await names()).toEqual([other]);
  await rm(path.join(folder, other), { recursive: true });
});

describe("what fails", () => {
  /** A store whose n-th writing or reading is another one's. */
  const broken = (change: Partial<MemorySectorStore>): MemorySectorStore =>
    Object.assign(new MemorySectorStore(), change);

  test("a disk that has less room than the files take", async () => {
    await expect(openScratch(folder, 2 ** 60)).rejects.toMatchObject({
      data: { code: "SCRATCH_SPACE", needed: 2 ** 60 },
    });
    expect(await names()).toEqual([]);
  });

  test("a disk that gets full, a file that was cut, one that is gone", async () => {
    const full = broken({});
    const write = full.write.bind(full);
    let writes = 0;
    full.write = (name, from, bytes) =>
      ++writes === 20 ? Promise.reject(new Error("ENOSPC: no space left on device")) : write(name, from, bytes);
    const cut = broken({});
    const read = cut.read.bind(cut);
    cut.read = async (name, from, length) => (await read(name, from, length)).subarray(0, name === "h" ? 31 : length);
    const gone = broken({});
    const put = gone.write.bind(gone);
    gone.write = async (name, from, bytes) => {
      await put(name, from, bytes);
      if (from > 25_000) gone.files.delete("b");
    };
    for (const [store, what] of [
      [full, /^writing /],
      [cut, /^reading h$/],
      [gone, /^reading b$/],
    ] as const) {
      const failed = await prove({ scratch: store }).then(
        () => "handed out",
        (error) => error.data,
      );
      expect(failed).toMatchObject({ code: "SCRATCH_FAILED", what: expect.stringMatching(what) });
      expect(store.files.size).toBe(0);
    }
  });

  test("a limit that has no room for the smallest windows, and a file in place of the folder", async () => {
    await expect(prove({ scratch: folder, memoryBytes: 4096 })).rejects.toMatchObject({
      data: { code: "MEMORY_LIMIT" },
    });
    const file = path.join(folder, "a-file");
    await writeFile(file, "");
    await expect(prove({ scratch: file })).rejects.toMatchObject({ data: { code: "SCRATCH_FAILED" } });
    expect(await names()).toEqual([]);
  });

  test("a signal ends it, and its files are gone", async () => {
    const ending = new AbortController();
    const onProgress = ({ phase, done }: { phase: string; done: number }): void => {
      if (phase === "transform" && done === 2) ending.abort(new Error("enough"));
    };
    await expect(prove({ scratch: folder, signal: ending.signal, onProgress })).rejects.toThrow("enough");
    expect(await names()).toEqual([]);
  });
});
