/** Files of the largest circuits (2^27 rows): places beyond 2^32 bytes, in sparse files that take no room. */
import { mkdtemp, open, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { directoryStore } from "../../../../src/proving/directory-store.ts";
import { bytesOf, openParams, pointsOf } from "../../../../src/proving/snark/params-file.ts";
import { storedVector } from "../../../../src/proving/snark/vectors.ts";
import { prng } from "../../../support/prng.ts";

const folder = await mkdtemp(path.join(tmpdir(), "filigree-large-"));
afterAll(() => rm(folder, { recursive: true }));

test("a window of a vector of 2^27 elements is where it was put, and nowhere else", async () => {
  const store = directoryStore(folder);
  const vector = storedVector(store, "a");
  // Columns of an uppermost pass: rows 2^21 elements apart, near the end of 2^32 bytes.
  const column = { from: 32 * (2 ** 21 - 2), rows: 64, run: 64, stride: 32 * 2 ** 21 };
  const bytes = prng(27, column.rows * column.run);
  await vector.put(column, bytes);
  expect(await vector.take(column)).toEqual(bytes);
  expect(await store.size("a")).toBe(2 ** 32);
  const last = bytes.subarray(63 * 64);
  expect(await store.read("a", 2 ** 32 - 64, 64)).toEqual(last);
  expect(await store.read("a", 0, 64)).toEqual(new Uint8Array(64));
  await store.write("a", 2 ** 33 + 32, last);
  expect(await store.read("a", 2 ** 33 + 32, 64)).toEqual(last);
  expect(await store.read("a", 32, 64)).toEqual(new Uint8Array(64));
});

test("a key of the counts of PoRep of 32 GiB is opened, and its last points are read", async () => {
  // Counts of that circuit; b's are made up. 58 GB by length, some pages on disk.
  const [ic, h, l, a, b] = [328, 2 ** 27 - 1, 130_169_893, 130_170_000, 60_000_000];
  const file = path.join(folder, "large.params");
  const handle = await open(file, "w");
  const put = async (at: number, value: number): Promise<void> => {
    const word = Buffer.alloc(4);
    word.writeUInt32BE(value);
    await handle.write(word, 0, 4, at);
  };
  await put(864, ic);
  let at = 868 + 96 * ic;
  const ends: number[] = [];
  for (const [count, size] of [h, l, a, b, b].map((count, i) => [count, i === 4 ? 192 : 96] as const)) {
    await put(at, count);
    at += 4 + size * count;
    ends.push(at);
    await handle.write(Uint8Array.of(ends.length), 0, 1, at - 1);
  }
  await handle.close();
  expect((await stat(file)).size).toBe(at);
  const params = await openParams({ file });
  for (const [i, query] of Object.values(params.queries).entries()) {
    const [before, last] = [await bytesOf(pointsOf(params, query, 0, 1)), pointsOf(params, query, query.count - 1, 1)];
    expect(before.every((byte) => byte === 0)).toBe(true);
    expect((await bytesOf(last)).at(-1)).toBe(i + 1);
  }
});
