/**
 * Retention: states of the last epochs are kept, the rest is collected while the node runs, and nothing else goes.
 * One network for all tests, which goes on from one to the next.
 */

import * as dagCbor from "@ipld/dag-cbor";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Chain } from "../../../src/chain/chain.ts";
import { STATES_FROM } from "../../../src/chain/states-from.ts";
import { isChainForm } from "../../../src/node/chain-form.ts";
import { Devnet } from "../../../src/node/devnet.ts";
import { StateCollector, type StateCollectorOptions } from "../../../src/node/state-collector.ts";
import { buildAmt } from "../../../src/storage/amt.ts";
import type { Batch, BlockStore } from "../../../src/storage/contract.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { type CID, cidKey, cidOfBlock } from "../../../src/types/cid.ts";
import { TEST_OPTIONS } from "../../support/devnet.ts";
import { memoryOf } from "../../support/memory-of.ts";
import { checkWhole, describeBlock } from "../../support/whole-chain.ts";

const KEEP = 10;

let devnet: Devnet;
beforeAll(async () => {
  devnet = await Devnet.open({ ...TEST_OPTIONS, blockTime: 3600, retention: "archive" });
  await grow(40);
});
afterAll(() => devnet.close());

/** Mines up to a height, now and then with messages and null rounds. */
async function grow(height: number): Promise<void> {
  for (let i = devnet.head.height; devnet.head.height < height; i++) {
    if (i % 3 === 0)
      await devnet.request(
        "MpoolPushMessage",
        { From: `${devnet.accounts[i % 4]?.bls}`, To: `${devnet.accounts[(i + 1) % 4]?.secp256k1}`, Value: "1" },
        null,
      );
    await (i % 7 === 6 ? devnet.clock.skip(1) : devnet.clock.mine(1));
  }
}

function collectorOf(more: Partial<StateCollectorOptions> = {}): StateCollector {
  return new StateCollector({ chain: devnet.node.chain, keep: KEEP, every: 5, ...more });
}

/** Blocks of a store that nothing needs that must stay. */
async function useless(chain: Chain): Promise<string[]> {
  const kept = await checkWhole(chain);
  const out: string[] = [];
  for await (const { cid } of chain.blocks.everyBlock()) if (!kept.has(cidKey(cid))) out.push(cidKey(cid));
  return out;
}

/** A store that fails for good at its `count`th write from now on, as a process that is killed there. */
function dyingAt(store: MemoryStore, count: number): BlockStore {
  let left = count;
  return new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (name === "write")
        return async (batch: Batch) => {
          if (left-- <= 0) throw new Error("killed");
          return target.write(batch);
        };
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

test("a collection that ends at any write loses nothing that must stay, and the next one leaves nothing behind", async () => {
  const { chain } = devnet.node;
  const store = memoryOf(chain.blocks);
  const all = [...store.entries()];
  const facts = await store.metadataWith("");
  const copy = (): MemoryStore => {
    const made = new MemoryStore();
    made.writeNow({ blocks: all.map(({ key, bytes }) => ({ cid: bytesOf(key), bytes })), metadata: facts });
    return made;
  };
  const over = (made: Chain): StateCollector => new StateCollector({ chain: made, keep: KEEP, batch: 4 });
  const whole = copy();
  await over(await Chain.open({ blocks: whole })).collect();
  for (let at = 0; ; at += 3) {
    const killed = copy();
    const dying = dyingAt(killed, at);
    const ended = await over(await Chain.open({ blocks: dying }))
      .collect()
      .then(
        () => true,
        () => false,
      );
    const again = await Chain.open({ blocks: killed });
    await checkWhole(again);
    await over(again).collect();
    await checkWhole(again);
    expect(killed.totalBytes, `killed at write ${at}`).toBe(whole.totalBytes);
    if (ended) {
      expect(at).toBeGreaterThan(20);
      return;
    }
  }
});

test("what has the form of chain objects is known, and hardly anything of states", async () => {
  const { chain } = devnet.node;
  const store = memoryOf(chain.blocks);
  const read = async (cid: Uint8Array) => store.peek(cid);
  const form = (root: CID) => isChainForm(store.peek(root.bytes) as Uint8Array, read);
  let states = 0;
  for (let epoch = 0; epoch <= chain.head.height; epoch++) {
    const tipset = await chain.tipsetAtOrBefore(epoch);
    for (const cid of tipset.key) expect(await form(cid)).toBe(true);
    for (const header of tipset.blocks) {
      expect(await form(header.messages)).toBe(true);
      expect(await form(header.parentMessageReceipts)).toBe(true);
      if (!(await form(header.parentStateRoot))) states++;
    }
    for (const { cid } of await chain.tipsetMessages(tipset)) expect(await form(cid)).toBe(true);
  }
  expect(states).toBeGreaterThan(10);
  const link = cidOfBlock(Uint8Array.of(1));
  const array = (values: readonly unknown[]) => {
    const made = buildAmt(values);
    for (const { cid, bytes } of made.blocks) store.writeNow({ blocks: [{ cid, bytes }] });
    return made;
  };
  const receipts = array(Array.from({ length: 100 }, (_, i) => [0, Uint8Array.of(i), i]));
  const messages = array(Array.from({ length: 70 }, () => link));
  for (const { bytes } of [...receipts.blocks, ...messages.blocks]) expect(await isChainForm(bytes, read)).toBe(true);
  const others = array(Array.from({ length: 70 }, (_, i) => [i, i, i]));
  for (const { bytes } of others.blocks) expect(await isChainForm(bytes, read)).toBe(false);
  for (const value of [[Uint8Array.of(1), [link]], [1, 2, 3], { a: 1 }, "text", [link], new Array(15).fill(0)])
    expect(await isChainForm(dagCbor.encode(value), read)).toBe(false);
  expect(await isChainForm(Uint8Array.of(0x83, 0x9f), read)).toBe(false);
});

test("states below the last epochs go, all else stays: headers, messages, receipts, kept states whole", async () => {
  const { chain, states } = devnet.node;
  const store = memoryOf(chain.blocks);
  const everything = await checkWhole(chain);
  // The genesis is made in steps, whose states nobody names.
  const made = new Set(await useless(chain));
  const before = store.totalBytes;
  const collected = await collectorOf().collect();
  expect(collected.states).toBeGreaterThan(20);
  expect(collected.bytes).toBe(before - store.totalBytes);
  expect(store.totalBytes).toBeLessThan(before / 2);
  const { head } = chain;
  const floor = await chain.tipsetAtOrBefore(head.height - KEEP);
  expect(chain.statesFrom).toBe(floor.height);
  expect(collected.from).toBe(floor.height);
  const kept = await checkWhole(chain);
  expect(kept.size).toBeLessThan(everything.size);
  // What is left over of states has the form of something of the chain.
  for (const key of (await useless(chain)).filter((one) => !made.has(one)))
    expect(
      await isChainForm(store.peek(bytesOf(key)) as Uint8Array, async (cid) => store.peek(cid)),
      describeBlock(key),
    ).toBe(true);
  // It is kept across a start, and a second collection finds nothing.
  expect((await Chain.open({ blocks: store })).statesFrom).toBe(floor.height);
  expect(await collectorOf().collect()).toMatchObject({ states: 0, blocks: 0 });
  // The node goes on.
  await grow(45);
  await expect(states.stateAfter(floor)).resolves.toBeDefined();
});

const bytesOf = (key: string): Uint8Array => Uint8Array.from(key, (c) => c.charCodeAt(0));

test("reading a state that is gone says so, with the epoch from which states are kept", async () => {
  const { chain, states } = devnet.node;
  const old = await chain.tipsetAtOrBefore(8);
  const { parentStateRoot } = old.blocks[0] as { parentStateRoot: CID };
  expect(await chain.blocks.has(parentStateRoot.bytes)).toBe(false);
  const from = chain.statesFrom;
  const gone = { code: "STATE_COLLECTED", data: expect.objectContaining({ from }) };
  await expect(states.stateBefore(old)).rejects.toMatchObject(gone);
  await expect(states.stateAfter(old)).rejects.toMatchObject(gone);
  await expect(states.execute(old)).rejects.toMatchObject(gone);
  const key = old.key.map((cid) => ({ "/": `${cid}` }));
  const told = new RegExp(`not kept: this node keeps the genesis' and those from epoch ${from} on`);
  const to = `${devnet.accounts[0]?.id}`;
  await expect(devnet.request("StateGetActor", to, key)).rejects.toThrow(told);
  await expect(devnet.request("StateCall", { To: to, From: to, Value: "0", Method: 0 }, key)).rejects.toThrow(told);
  await expect(devnet.request("StateCompute", 9, [], key)).rejects.toThrow(told);
  // The chain itself is there, and so is what came of it.
  expect(await devnet.request("ChainGetTipSet", key)).toMatchObject({ Height: old.height });
  let carrier = old;
  while ((await chain.tipsetMessages(carrier)).length === 0) carrier = (await chain.parent(carrier)) as typeof old;
  const [first] = await chain.tipsetMessages(carrier);
  const found = await devnet.request("StateSearchMsg", [], { "/": `${first?.cid}` }, -1, true);
  expect(found).toMatchObject({ Receipt: { ExitCode: 0 } });
  // The head cannot be moved where nothing can be executed.
  await expect(chain.setHead(old)).rejects.toMatchObject({ code: "STATES_COLLECTED" });
  // The genesis' state is never given up.
  await expect(states.stateAfter(await chain.genesis())).resolves.toBeDefined();
});

test("forks: their states are kept as long as those of the head's chain, and go with them", async () => {
  const { chain, states } = devnet.node;
  const fork = chain.head;
  const { stateRoot } = await states.result(fork);
  await chain.setHead(await chain.tipsetAtOrBefore(fork.height - 2));
  await devnet.clock.skip(3);
  await grow(fork.height + 6);
  await collectorOf().collect();
  expect(chain.statesFrom).toBeLessThanOrEqual(fork.height);
  expect(await chain.isCanonical(fork)).toBe(false);
  await checkWhole(chain);
  await expect(states.stateAfter(fork)).resolves.toBeDefined();
  await grow(fork.height + 15);
  await collectorOf().collect();
  expect(await chain.blocks.has(stateRoot.bytes)).toBe(false);
  await expect(states.stateAfter(fork)).rejects.toMatchObject({ code: "STATE_COLLECTED" });
  expect((await chain.tipset(fork.key)).height).toBe(fork.height);
});

test("while the node works: what is written meanwhile outlives the collection, and it comes by itself", async () => {
  const collector = collectorOf({ batch: 4 });
  await collector.start();
  const busy = grow(110);
  for (let i = 0; i < 6; i++) await collector.collect();
  await busy;
  await collector.collect();
  expect(devnet.node.chain.statesFrom).toBeGreaterThan(80);
  await checkWhole(devnet.node.chain);
  await collector.stop();
});

test("what is written while it is noted from where on states are kept outlives the collection, too", async () => {
  const { blocks } = devnet.node.chain;
  await grow(130);
  const old = await devnet.node.chain.tipsetAtOrBefore(112);
  const { stateRoot } = await devnet.node.chain.result(old);
  const root = { cid: stateRoot.bytes, bytes: (await blocks.get(stateRoot.bytes)) as Uint8Array };
  const busy = new Proxy(memoryOf(blocks), {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (name === "write")
        return async (batch: Batch) => {
          await target.write(batch);
          if (batch.metadata?.some(([fact]) => fact === STATES_FROM)) await target.write({ blocks: [root] });
        };
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const collected = await collectorOf({ chain: await Chain.open({ blocks: busy }) }).collect();
  expect(collected.states).toBeGreaterThan(0);
  expect(await blocks.has(root.cid)).toBe(true);
});
