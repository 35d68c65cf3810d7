import fc from "fast-check";
import { expect, test } from "vitest";
import { concat, toHex } from "../../../src/base/bytes.ts";
import { CarError, readCar, writeCar } from "../../../src/storage/car.ts";
import { type ByteSource, CarIndex } from "../../../src/storage/car-index.ts";
import { cidOfBlock } from "../../../src/types/cid.ts";

const blockOf = (bytes: Uint8Array) => ({ cid: cidOfBlock(bytes).bytes, bytes });
const sourceOf = (file: Uint8Array): ByteSource & { reads: number } => ({
  size: file.length,
  reads: 0,
  async read(from, length) {
    this.reads++;
    return file.slice(from, from + length);
  },
});

test("an index finds every block of a file and none that is not there, also above one window", async () => {
  // 30 blocks of half a megabyte do not fit one read.
  const blocks = Array.from({ length: 2000 }, (_, i) =>
    blockOf(new Uint8Array(i < 30 ? 500_000 + i : i % 90).fill(i & 255, 0, 40)),
  );
  const source = sourceOf(writeCar([blocks[0]?.cid as Uint8Array], blocks));
  let done = 0;
  const index = await CarIndex.open(source, { onProgress: (at) => (done = at) });
  expect([done, index.blocks, index.roots.map(toHex)]).toEqual([
    source.size,
    2000,
    [toHex(blocks[0]?.cid as Uint8Array)],
  ]);
  expect(source.reads).toBeLessThan(20);
  for (const { cid, bytes } of blocks) expect(toHex((await index.get(cid)) as Uint8Array)).toBe(toHex(bytes));
  expect(await index.get(cidOfBlock(Uint8Array.of(1, 2, 3, 4)).bytes)).toBeUndefined();
  expect(index.peek(blocks[0]?.cid as Uint8Array)).toBeUndefined();
});

test("where the source reads at once, so does the index", async () => {
  const blocks = [9000, 5, 4096, 0].map((length, i) => blockOf(new Uint8Array(length).fill(i)));
  const file = writeCar([blocks[0]?.cid as Uint8Array], blocks);
  const readNow = (from: number, length: number): Uint8Array => file.slice(from, from + length);
  const index = await CarIndex.open({ ...sourceOf(file), readNow });
  for (const { cid, bytes } of blocks) expect(index.peek(cid)).toEqual(bytes);
  expect(index.peek(cidOfBlock(Uint8Array.of(1, 2, 3, 4)).bytes)).toBeUndefined();
});

test("an index refuses what the reader of whole files refuses, at the same byte", async () => {
  const good = writeCar(
    [cidOfBlock(Uint8Array.of(1)).bytes],
    [1, 2, 3].map((n) => blockOf(new Uint8Array(n * 50))),
  );
  let refused = 0;
  const damage = fc.tuple(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length));
  await fc.assert(
    fc.asyncProperty(damage, async ([at, byte, cut]) => {
      const bytes = good.slice(0, cut);
      if (at < bytes.length) bytes[at] = byte;
      const placeOf = (error: unknown): number => {
        if (!(error instanceof CarError)) throw error;
        return error.data.at;
      };
      let whole: unknown = "read";
      try {
        readCar(bytes);
      } catch (error) {
        whole = placeOf(error);
        refused++;
      }
      expect(await CarIndex.open(sourceOf(bytes)).then(() => "read", placeOf)).toBe(whole);
    }),
    { numRuns: 1000 },
  );
  expect(refused).toBeGreaterThan(300);
});

test("the place of a fault counts from the start of the file", async () => {
  const good = writeCar([], [blockOf(Uint8Array.of(1)), blockOf(Uint8Array.of(2))]);
  // The last section is a length byte, a CID of 38 bytes and one byte; its CID says version 9 now.
  const at = good.length - 39;
  const bad = good.slice();
  bad[at] = 9;
  expect(() => readCar(bad)).toThrow(`byte ${at}:`);
  // In a version 2 file everything lies further behind.
  const head = new Uint8Array(51);
  head.set([0x0a, 0xa1, 0x67, 0x76, 0x65, 0x72, 0x73, 0x69, 0x6f, 0x6e, 0x02]);
  new DataView(head.buffer).setBigUint64(27, 51n, true);
  new DataView(head.buffer).setBigUint64(35, BigInt(bad.length), true);
  expect(() => readCar(concat(head, bad))).toThrow(`byte ${51 + at}:`);
  await expect(CarIndex.open(sourceOf(concat(head, bad)))).rejects.toThrow(`byte ${51 + at}:`);
  const noHeader = concat(head, bad);
  noHeader[52] = 0xff;
  expect(() => readCar(noHeader)).toThrow("byte 52:");
});
