/** Records of deals in a store that was made of somebody's file. */
import * as dagCbor from "@ipld/dag-cbor";
import { expect, test } from "vitest";
import { RecordBook } from "../../../src/market/storage/record-book.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";

test("a record whose id is no name, or another than its key's, is left alone: it names a file", async () => {
  const store = new MemoryStore();
  const record = (key: string, id: string) =>
    [`deals/provider/deal/${key}`, dagCbor.encode({ form: 1, id, state: "Transferring", made: 0 })] as const;
  const bad = [record("../../x", "../../x"), record("bafy1", "../../x"), record("bafy2", "bafy3")];
  await store.write({ metadata: [record("bafy0", "bafy0"), ...bad] });
  const book = await RecordBook.open(store, "provider", () => 0, { isOver: () => false });
  expect(book.all().map(({ id }) => id)).toEqual(["bafy0"]);
  expect([...book.unreadable].sort()).toEqual(bad.map(([key]) => key).sort());
});
