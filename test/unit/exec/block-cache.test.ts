/** The cache of a worker: what is used stays, what is not makes room. */
import { expect, test } from "vitest";
import { BlockCache } from "../../../src/exec/block-cache.ts";

const cid = (i: number): Uint8Array => new Uint8Array(38).fill(i);

test("a block that is used stays however many come; one that is not is forgotten", () => {
  const cache = new BlockCache(1000);
  cache.put(cid(1), new Uint8Array(100).fill(1), 1);
  cache.put(cid(2), new Uint8Array(100).fill(2), 1);
  for (let i = 3; i < 60; i++) {
    cache.put(cid(i), new Uint8Array(100).fill(i), 1);
    expect(cache.get(cid(1), 1)).toEqual(new Uint8Array(100).fill(1));
    expect(cache.get(cid(i), 1)).toEqual(new Uint8Array(100).fill(i));
  }
  expect(cache.get(cid(2), 1)).toBeUndefined();
});

test("it holds no more than two halves", () => {
  const cache = new BlockCache(1000);
  for (let i = 1; i < 100; i++) cache.put(cid(i), new Uint8Array(100), 1);
  const held = Array.from({ length: 99 }, (_, i) => cache.get(cid(i + 1), 1)).filter((block) => block !== undefined);
  expect(held.length).toBeGreaterThanOrEqual(10);
  expect(held.length).toBeLessThanOrEqual(20);
});

test("what was put twice counts once", () => {
  const cache = new BlockCache(1000);
  cache.put(cid(1), new Uint8Array(100).fill(1), 1);
  for (let i = 0; i < 100; i++) cache.put(cid(2), new Uint8Array(100).fill(2), 1);
  expect(cache.get(cid(1), 1)).toEqual(new Uint8Array(100).fill(1));
});

test("a block is there for the worlds whose stores have it", () => {
  const cache = new BlockCache(1000);
  cache.put(cid(1), Uint8Array.of(1), 1);
  expect(cache.get(cid(1), 2)).toBeUndefined();
  expect(cache.has(cid(1))).toBe(true);
  expect(cache.share(cid(1), 2)).toEqual(Uint8Array.of(1));
  expect(cache.get(cid(1), 2)).toEqual(Uint8Array.of(1));
  expect(cache.share(cid(2), 2)).toBeUndefined();
});

test("a world that takes the bit of an earlier one knows nothing of what that one had", () => {
  const cache = new BlockCache(1000);
  cache.put(cid(1), Uint8Array.of(1), 100);
  for (let world = 101; world < 131; world++) expect(cache.get(cid(1), world)).toBeUndefined();
  expect(cache.get(cid(1), 100)).toEqual(Uint8Array.of(1));
  expect(cache.get(cid(1), 131)).toBeUndefined();
  // The first world lost its bit to the last one, and comes as a new one.
  expect(cache.get(cid(1), 100)).toBeUndefined();
  expect(cache.has(cid(1))).toBe(true);
});
