/** Sectors' files in a table: what a later page finds. */
import { expect, test } from "vitest";
import { TableFolder } from "../../../../src/miner/folders/table-folder.ts";
import type { Table } from "../../../../src/platform/table.ts";

const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** A table that outlives those who use it. */
function memoryTable(): Table & { readonly size: () => number } {
  const entries = new Map<string, readonly [Uint8Array, Uint8Array]>();
  return {
    size: () => entries.size,
    get: async (key) => entries.get(hex(key))?.[1],
    range: async () => [...entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry),
    between: async () => [],
    async change(changes) {
      for (const { key, value } of changes)
        if (value === null) entries.delete(hex(key));
        else entries.set(hex(key), [key, value.slice()]);
    },
    close: async () => {},
  };
}

test("files are there again as they were: in many parts, overwritten, grown over a gap, removed", async () => {
  const table = memoryTable();
  const sector = { miner: 1000n, number: 3 };
  const first = await TableFolder.open(table);
  const { store } = first.files(sector);
  const big = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 7) % 251);
  await store.write("sealed", 0, big);
  await store.write("sealed", 65_530, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
  await store.write("gap", 0, Uint8Array.of(9));
  await store.write("gap", 140_000, Uint8Array.of(8));
  await store.write("gone", 0, new Uint8Array(70_000));
  await store.remove("gone");
  await first.close();

  const again = await TableFolder.open(table);
  const found = again.files(sector).store;
  big.set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 65_530);
  expect(hex(await found.read("sealed", 0, 200_000))).toBe(hex(big));
  const gap = new Uint8Array(140_001);
  gap.set([9]);
  gap.set([8], 140_000);
  expect(await found.size("gap")).toBe(140_001);
  expect(hex(await found.read("gap", 0, 140_001))).toBe(hex(gap));
  expect(await found.size("gone")).toBeNull();
  expect(await again.sectors()).toEqual([sector]);
  expect(again.id).toBe(first.id);

  await again.remove(sector);
  expect(table.size()).toBe(0);
  expect(await (await TableFolder.open(table)).sectors()).toEqual([]);
});

test("writes that overlap: the table has at the end what memory has", async () => {
  const table = memoryTable();
  const { store } = (await TableFolder.open(table)).files({ miner: 1000n, number: 0 });
  // A short write begins while a long one is on its way, a little later each time.
  for (let later = 0; later < 16; later++) {
    const long = store.write(`${later}`, 0, new Uint8Array(20 << 16).fill(1));
    for (let i = 0; i < later; i++) await null;
    await Promise.all([long, store.write(`${later}`, 5, Uint8Array.of(2))]);
  }
  const found = (await TableFolder.open(table)).files({ miner: 1000n, number: 0 }).store;
  for (let later = 0; later < 16; later++) expect(await found.read(`${later}`, 5, 1)).toEqual(Uint8Array.of(2));
});
