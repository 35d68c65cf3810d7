/** A fork's whole state from a node that may give anything: it ends. */
import * as dagCbor from "@ipld/dag-cbor";
import { expect, test } from "vitest";
import { walkBlocks } from "../../../src/chain/links.ts";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { fetchWhole, type WholeProgress } from "../../../src/node/fork/fetch-whole.ts";
import { ForkStore } from "../../../src/node/fork/fork-store.ts";
import type { RemoteChain } from "../../../src/node/fork/remote-chain.ts";
import { CidSet } from "../../../src/storage/cid-set.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { type BlockHeader, encodeHeader, headerCid } from "../../../src/types/block-header.ts";
import { type CID, cidKey, cidOfBlock } from "../../../src/types/cid.ts";
import { plainHeader } from "../../support/headers.ts";
import { MadeBlocks } from "../../support/made-blocks.ts";

/** A node whose state is a chain of so many blocks, of so many bytes each. */
async function nodeOf(count: number, size: number) {
  const blocks = new MadeBlocks();
  let state = blocks.put([]);
  for (let i = 1; i < count; i++) state = blocks.put([state, new Uint8Array(size), i]);
  const nothing = blocks.put([]);
  const top: BlockHeader = {
    ...plainHeader(),
    parentStateRoot: state,
    parentMessageReceipts: nothing,
    messages: nothing,
  };
  blocks.set(cidKey(headerCid(top)), encodeHeader(top));
  let asked = 0;
  const remote = {
    url: "http://127.0.0.1:1/rpc/v1",
    async block(cid: CID) {
      asked++;
      return blocks.get(cidKey(cid));
    },
  };
  const inner = new MemoryStore();
  const point = { key: [headerCid(top)], height: top.height };
  const store = new ForkStore(inner, remote as unknown as RemoteChain, await loadCrypto(), point);
  return { store, blocks, state, asked: () => asked };
}

test("all of it comes, is told, and is not asked for again", async () => {
  const { store, asked } = await nodeOf(20, 100);
  const told: WholeProgress[] = [];
  await fetchWhole(store, { onProgress: (one) => told.push(one) });
  expect(told.at(-1)?.blocks).toBe(20);
  expect(told.at(-1)?.bytes).toBeGreaterThan(19 * 100);
  const before = asked();
  expect(before).toBe(21);
  await fetchWhole(store);
  expect(asked()).toBe(before);
});

test("more blocks or bytes than are wanted end it, also over several attempts", async () => {
  const { store, asked } = await nodeOf(50, 1000);
  const large = { data: { code: "TOO_LARGE" } };
  for (let attempt = 0; attempt < 2; attempt++)
    await expect(fetchWhole(store, { limits: { blocks: 10 } })).rejects.toMatchObject(large);
  expect(asked()).toBe(12);
  await expect(fetchWhole(store, { limits: { bytes: 20_000 } })).rejects.toMatchObject(large);
  expect(asked()).toBeLessThan(25);
  await expect(fetchWhole(store, { limits: { bytes: 20_000 } })).rejects.toThrow(/fork it without the whole state/);
  // The limits are told as they are, also those that are not reached.
  await expect(fetchWhole(store, { limits: { blocks: 10 } })).rejects.toThrow("(10 blocks, 4294967296 bytes)");
});

test("a slow node ends it by name, and the next attempt goes on", async () => {
  const { store, asked } = await nodeOf(30, 10);
  let now = 0;
  const slow = { limits: { time: 10_000 }, now: () => now, onProgress: () => void (now += 1000) };
  await expect(fetchWhole(store, slow)).rejects.toMatchObject({ data: { code: "TOO_SLOW", seconds: 11, blocks: 12 } });
  const before = asked();
  await fetchWhole(store);
  expect(asked()).toBe(31);
  expect(before).toBe(13);
});

test("a block that the node does not have, or that is none, is the node's fault", async () => {
  const { store, blocks, state } = await nodeOf(5, 10);
  blocks.delete(cidKey(state));
  await expect(fetchWhole(store)).rejects.toMatchObject({ data: { code: "BAD_ANSWER" } });
  const broken = await nodeOf(5, 10);
  const bytes = Uint8Array.of(0x59, 1);
  const root = cidOfBlock(bytes);
  const top: BlockHeader = { ...plainHeader(), parentStateRoot: root };
  broken.blocks.set(cidKey(root), bytes).set(cidKey(headerCid(top)), encodeHeader(top));
  Object.assign(broken.store, { point: { key: [headerCid(top)], height: top.height } });
  await expect(fetchWhole(broken.store)).rejects.toThrow(/does not give its whole state: CBOR is cut short/);
});

test("blocks that are nothing but links fill no memory", async () => {
  const named = (n: number): CID => cidOfBlock(Uint8Array.of(0x19, n >> 8, n & 0xff));
  // The head of an array, then links: five bytes of heads, six of the CID, and its digest.
  const bytes = dagCbor.encode(Array.from({ length: 1 << 16 }, () => named(0)));
  const digestAt = bytes.indexOf(0xd8) + 5 + 6;
  let next = 0;
  const source = {
    peek: () => undefined,
    async get() {
      bytes.set(named(++next).multihash.digest, digestAt);
      return bytes;
    },
  };
  const walk = async (): Promise<void> => {
    for await (const _ of walkBlocks(source, named(0), new CidSet()));
  };
  await expect(walk()).rejects.toMatchObject({ data: { code: "BAD_NODE" } });
  expect(next).toBe(17);
}, 30_000);
