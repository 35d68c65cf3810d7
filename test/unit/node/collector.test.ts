import { afterEach, expect, test } from "vitest";
import { checkState } from "../../../src/core/state-check.ts";
import { Collector } from "../../../src/node/collector.ts";
import { Devnet } from "../../../src/node/devnet.ts";
import type { MemoryStore } from "../../../src/storage/memory.ts";
import { cidOfBlock } from "../../../src/types/cid.ts";
import { TEST_OPTIONS } from "../../support/devnet.ts";
import { memoryOf } from "../../support/memory-of.ts";

let net: Devnet | undefined;
afterEach(async () => {
  await net?.close();
  net = undefined;
});

const KEEP = 10;

async function opened(): Promise<{ devnet: Devnet; store: MemoryStore; collector: Collector }> {
  const devnet = await Devnet.open({ ...TEST_OPTIONS, blockTime: 3600 });
  net = devnet;
  const { states, pool, chain } = devnet.node;
  const store = memoryOf(chain.blocks);
  return { devnet, store, collector: new Collector({ store, states, pool, keep: KEEP, every: 10 }) };
}

const send = (devnet: Devnet, from: number, to: number): Promise<unknown> =>
  devnet.request(
    "Filecoin.MpoolPushMessage",
    { From: `${devnet.accounts[from]?.bls}`, To: `${devnet.accounts[to]?.id}`, Value: "1" },
    null,
  );

test("old states go, the chain and what waits stay, and the node goes on", async () => {
  const { devnet, store, collector } = await opened();
  for (let i = 0; i < 4; i++) {
    await send(devnet, i % 3, 3);
    await devnet.clock.mine(10);
  }
  await send(devnet, 0, 1);
  const before = store.totalBytes;
  await collector.collect();
  expect(store.totalBytes).toBeLessThan(before / 2);
  const { chain, states, pool } = devnet.node;
  for (let epoch = 0; epoch <= devnet.head.height; epoch++)
    expect((await chain.tipsetAtOrBefore(epoch)).height).toBe(epoch);
  const root = (await states.result(devnet.head)).stateRoot;
  expect((await checkState(root, devnet.head.height, store, { profile: "devnet" })).complaints).toEqual([]);
  const kept = await chain.tipsetAtOrBefore(devnet.head.height - KEEP + 1);
  await expect(states.stateAfter(kept)).resolves.toBeDefined();
  expect(await chain.blocks.has((await states.result(await chain.tipsetAtOrBefore(5))).stateRoot.bytes)).toBe(false);
  await expect(states.stateAfter(await chain.genesis())).resolves.toBeDefined();
  expect(pool.size).toBe(1);
  await devnet.clock.mine(5);
  expect(pool.size).toBe(0);
  // A second round finds nothing to stumble over.
  await devnet.clock.mine(30);
  await collector.collect();
  await devnet.clock.mine(1);
});

test("what is written while a collection marks outlives it, and it runs by itself as the chain grows", async () => {
  const { devnet, store, collector } = await opened();
  await devnet.clock.mine(30);
  const late = { cid: cidOfBlock(Uint8Array.of(1, 2, 3)).bytes, bytes: Uint8Array.of(1, 2, 3) };
  const collecting = collector.collect();
  await Promise.all([devnet.clock.mine(10), store.write({ blocks: [late] }), collecting]);
  expect(store.peek(late.cid)).toBeDefined();
  await devnet.clock.mine(3);
  await collector.start();
  await devnet.clock.mine(40);
  await collector.stop();
  expect(store.peek(late.cid)).toBeUndefined();
  await devnet.clock.mine(1);
});

test("a collection that cannot read the chain forgets nothing", async () => {
  const { devnet, store, collector } = await opened();
  await devnet.clock.mine(5);
  const { size } = store;
  const { chain } = devnet.node;
  const { parent } = chain;
  chain.parent = () => Promise.reject(new Error("unreadable"));
  await expect(collector.collect()).rejects.toThrow("unreadable");
  chain.parent = parent;
  expect(store.size).toBe(size);
  await devnet.clock.mine(1);
});
