import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { utf8 } from "../../../src/base/bytes.ts";
import { openTable } from "../../../src/platform/node-level.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { TableStore } from "../../../src/storage/table-store.ts";
import { blockStoreSuite } from "../../compliance/block-store.ts";

const root = await mkdtemp(path.join(tmpdir(), "filigree-store-"));
let count = 0;
const place = (): string => path.join(root, String(count++));
afterAll(() => rm(root, { recursive: true, force: true }));

blockStoreSuite("memory", async () => new MemoryStore());
blockStoreSuite("level", () => TableStore.open(place(), openTable));

test("level: a second opener is told that the directory is in use", async () => {
  const where = place();
  const store = await TableStore.open(where, openTable);
  await expect(TableStore.open(where, openTable)).rejects.toMatchObject({ data: { code: "LOCKED" } });
  await store.close();
});

test("level: a damaged value is reported, not returned", async () => {
  const where = place();
  const table = await openTable(where);
  await table.change([{ key: utf8("fname"), value: utf8("....not sealed") }], { sync: true });
  await table.close();
  const store = await TableStore.open(where, openTable);
  await expect(store.fact("name")).rejects.toMatchObject({ data: { code: "CORRUPT" } });
  await store.close();
});
