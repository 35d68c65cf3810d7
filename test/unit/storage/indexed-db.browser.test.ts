/** The store of browsers. Other platforms have none. */
import { expect, test } from "vitest";
import { utf8 } from "../../../src/base/bytes.ts";
import { openTable } from "../../../src/platform/browser-table.ts";
import { TableStore } from "../../../src/storage/table-store.ts";
import { blockStoreSuite } from "../../compliance/block-store.ts";

let count = 0;
const place = (): string => `filigree-test-${performance.now()}-${count++}`;

blockStoreSuite("IndexedDB", () => TableStore.open(place(), openTable));

test("IndexedDB: what was written is there after opening again", async () => {
  const where = place();
  const first = await TableStore.open(where, openTable);
  await first.write({ metadata: [["head", utf8("here")]] }, { sync: true });
  await first.close();
  const second = await TableStore.open(where, openTable);
  expect(await second.metadata("head")).toEqual(utf8("here"));
  await second.close();
});
