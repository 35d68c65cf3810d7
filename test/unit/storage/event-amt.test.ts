/** Arrays of events: what is read, and what is none. */
import * as dagCbor from "@ipld/dag-cbor";
import { expect, test } from "vitest";
import { concat } from "../../../src/base/bytes.ts";
import { eventValues } from "../../../src/storage/event-amt.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { type CID, cidOfBlock } from "../../../src/types/cid.ts";

function put(store: MemoryStore, value: unknown): CID {
  const bytes = dagCbor.encode(value);
  const cid = cidOfBlock(bytes);
  store.writeNow({ blocks: [{ cid: cid.bytes, bytes }] });
  return cid;
}
/** Bitmap of the first `count` of 32 slots. */
const bitmap = (count: number): Uint8Array =>
  concat(...[0, 8, 16, 24].map((from) => Uint8Array.of((1 << Math.max(0, Math.min(8, count - from))) - 1)));

test("values are read in order, over several nodes", async () => {
  const store = new MemoryStore();
  expect(await eventValues(store, put(store, [5, 0, 0, [bitmap(0), [], []]]))).toEqual([]);
  expect(await eventValues(store, put(store, [5, 0, 3, [bitmap(3), [], [7, 8, 9]]]))).toEqual([7, 8, 9]);
  const values = Array.from({ length: 40 }, (_, i) => i);
  const leaves = [values.slice(0, 32), values.slice(32)].map((part) => put(store, [bitmap(part.length), [], part]));
  expect(await eventValues(store, put(store, [5, 1, 40, [bitmap(2), leaves, []]]))).toEqual(values);
});

test.each<[string, unknown]>([
  ["another width", [3, 0, 1, [Uint8Array.of(1), [], [7]]]],
  ["an array of the earlier form", [0, 1, [Uint8Array.of(1), [], [7]]]],
  ["a count that is no whole number", [5, 0, 1.5, [bitmap(1), [], [7]]]],
  ["a count that is not true", [5, 0, 2, [bitmap(1), [], [7]]]],
  ["a bitmap that does not fit", [5, 0, 1, [bitmap(2), [], [7]]]],
  ["values above the leaves", [5, 1, 1, [bitmap(1), [], [7]]]],
  ["links that are none", [5, 1, 1, [bitmap(1), [7], []]]],
  ["a height beyond all", [5, 4000, 1, [bitmap(1), [], [7]]]],
  ["no array", 7],
])("%s is refused by name", async (_, root) => {
  const store = new MemoryStore();
  await expect(eventValues(store, put(store, root))).rejects.toMatchObject({ code: "BAD_NODE" });
});

test("nodes without values, which a few stand for any number of, are refused", async () => {
  const store = new MemoryStore();
  let loaded = 0;
  const counting = Object.assign(Object.create(store) as MemoryStore, {
    peek: (cid: Uint8Array) => {
      if (++loaded > 100) throw new RangeError("walked without end");
      return store.peek(cid);
    },
  });
  let link = put(store, [bitmap(0), [], []]);
  for (let height = 1; height < 12; height++) link = put(store, [bitmap(32), Array(32).fill(link), []]);
  const root = put(store, [5, 12, 0, [bitmap(32), Array(32).fill(link), []]]);
  await expect(eventValues(counting, root)).rejects.toMatchObject({ code: "BAD_NODE" });
});
