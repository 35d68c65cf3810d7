/** Blocks of stored payloads are found by their CIDs, where their deals' data is, and nowhere else. */
import { expect, test } from "vitest";
import { concat, utf8 } from "../../../src/base/bytes.ts";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { carOfBlocks } from "../../../src/market/data/car-out.ts";
import { PayloadIndex } from "../../../src/market/storage/payload-index.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { cidFromBytes } from "../../../src/types/cid.ts";

const crypto = await loadCrypto();
const signal = new AbortController().signal;

const blockOf = (text: string) => {
  const bytes = utf8(text);
  return { cid: cidFromBytes(Uint8Array.of(1, 0x55, 0x12, 32, ...crypto.sha256(bytes))), bytes };
};

async function carOf(...blocks: ReturnType<typeof blockOf>[]): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of carOfBlocks(
    (blocks[0] as (typeof blocks)[0]).cid,
    (async function* () {
      yield* blocks;
    })(),
  ))
    parts.push(part);
  return concat(...parts);
}

const source = (bytes: Uint8Array) => ({
  size: bytes.length,
  read: async (from: number, length: number) => bytes.slice(from, from + length),
});

test("blocks of several deals are read out of the data that is at hand, until their deals are over", async () => {
  const [one, two, other] = [blockOf("one"), blockOf("two two"), blockOf("other")];
  const data = new Map([
    ["first", await carOf(one, two)],
    ["second", await carOf(two)],
  ]);
  const index = new PayloadIndex({
    store: new MemoryStore(),
    hashes: crypto,
    read: async (deal, from, length) => data.get(deal)?.slice(from, from + length) ?? null,
    isHere: async (deal) => data.has(deal),
  });
  for (const [deal, bytes] of data)
    expect(await index.add(deal, source(bytes), signal)).toEqual({ blocks: deal === "first" ? 2 : 1, why: null });
  for (const { cid, bytes } of [one, two]) {
    expect(await index.get(cid.bytes)).toEqual(bytes);
    expect(await index.has(cid.bytes)).toBe(true);
  }
  expect(await index.dealsOf(two.cid.bytes)).toEqual(["first", "second"]);
  expect([await index.count("first"), await index.count("second"), await index.count("third")]).toEqual([2, 1, 0]);
  expect([await index.get(other.cid.bytes), await index.has(other.cid.bytes)]).toEqual([undefined, false]);

  // Data that was changed is not given; that of another deal is.
  data.set("first", new Uint8Array(200));
  expect(await index.get(one.cid.bytes)).toBeUndefined();
  expect(await index.get(two.cid.bytes)).toEqual(two.bytes);
  data.delete("first");
  expect([await index.has(one.cid.bytes), await index.has(two.cid.bytes)]).toEqual([false, true]);
  await index.remove("second");
  expect(await index.get(two.cid.bytes)).toBeUndefined();
  expect(await index.dealsOf(two.cid.bytes)).toEqual(["first"]);
});

test("data that is no CAR file, or lies about its blocks, is said to be", async () => {
  const index = new PayloadIndex({
    ...{ store: new MemoryStore(), hashes: crypto, read: async () => null, isHere: async () => true },
  });
  expect(await index.add("raw", source(utf8("no CAR file at all")), signal)).toMatchObject({ blocks: 0 });
  const [right, wrong] = [blockOf("right"), blockOf("wrong")];
  const lying = await carOf(right, { cid: wrong.cid, bytes: utf8("another") });
  expect(await index.add("lying", source(lying), signal)).toMatchObject({
    blocks: 1,
    why: expect.stringContaining("not what their CIDs say"),
  });
  // Of blocks that lie in their CIDs whoever offers a deal chooses the length.
  const inside = new Uint8Array(1000);
  const long = await carOf(right, {
    cid: cidFromBytes(Uint8Array.of(1, 0x55, 0, 0xe8, 0x07, ...inside)),
    bytes: inside,
  });
  expect(await index.add("long", source(long), signal)).toMatchObject({
    blocks: 1,
    why: expect.stringContaining("too long"),
  });
  const cut = (await carOf(right, wrong)).slice(0, -2);
  expect(await index.add("cut", source(cut), signal)).toMatchObject({
    blocks: 1,
    why: expect.stringMatching(/cut|end/),
  });
  expect(await index.has(wrong.cid.bytes)).toBe(false);
});
