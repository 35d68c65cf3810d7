import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { utf8 } from "../../../src/base/bytes.ts";
import { openTable } from "../../../src/platform/node-level.ts";
import { TableError } from "../../../src/platform/table.ts";
import { StorageError } from "../../../src/storage/contract.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { TableStore } from "../../../src/storage/table-store.ts";
import { cidOfBlock } from "../../../src/types/cid.ts";
import { blockStoreSuite } from "../../compliance/block-store.ts";

const root = await mkdtemp(path.join(tmpdir(), "filigree-store-"));
let count = 0;
const place = (): string => path.join(root, String(count++));
afterAll(() => rm(root, { recursive: true, force: true }));

blockStoreSuite("memory", async () => new MemoryStore());
blockStoreSuite("level", () => TableStore.open(place(), openTable));

test("memory: a small block does not keep the large buffer that it came in", async () => {
  const store = new MemoryStore();
  const large = new Uint8Array(8192).fill(7);
  const bytes = large.subarray(100, 200);
  const cid = cidOfBlock(bytes).bytes;
  store.writeNow({ blocks: [{ cid, bytes }], metadata: [["fact", bytes]] });
  expect(store.peek(cid)).toEqual(bytes);
  expect(store.peek(cid)?.buffer.byteLength).toBe(100);
  expect((await store.metadata("fact"))?.buffer.byteLength).toBe(100);
  expect(store.totalBytes).toBe(100);
});

test("level: a second opener is told that the directory is in use", async () => {
  const where = place();
  const store = await TableStore.open(where, openTable);
  await expect(TableStore.open(where, openTable)).rejects.toMatchObject({
    data: { code: "LOCKED" },
    message: expect.stringMatching(/in use by another process; stop that one, or name another folder/),
  });
  await store.close();
});

test("level: a damaged value is reported, not returned", async () => {
  const where = place();
  const table = await openTable(where);
  await table.change([{ key: utf8("fname"), value: utf8("....not sealed") }], { sync: true });
  await table.close();
  const store = await TableStore.open(where, openTable);
  await expect(store.metadata("name")).rejects.toMatchObject({ data: { code: "CORRUPT" } });
  await store.close();
});

test("a table's error is the store's, whatever was asked", async () => {
  const fails = () => Promise.reject(new TableError({ code: "FAILED", place: "here" }, "the disk is gone"));
  const store = await TableStore.open("here", async () => ({
    get: fails,
    range: fails,
    between: fails,
    change: fails,
    close: async () => undefined,
  }));
  const asked = [
    store.get(Uint8Array.of(1)),
    store.metadata("a"),
    store.metadataWith("a"),
    store.metadataBetween("a", "b", { limit: 1, descending: false }),
    store.everyBlock().next(),
    store.write({ metadata: [["a", null]] }),
  ];
  for (const one of await Promise.allSettled(asked))
    expect(one).toMatchObject({ status: "rejected", reason: expect.any(StorageError) });
});
