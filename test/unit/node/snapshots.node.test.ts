/**
 * Snapshots and the way back. The first tests are failures that others' development networks have had, by the issue in which
 * they are told; the chain must be the same the second time, CID by CID, which no state that was forgotten would let it be.
 */
import { afterEach, expect, test } from "vitest";
import { Devnet, type DevnetOptions } from "../../../src/node/devnet.ts";
import type { UndoStore } from "../../../src/storage/undo-store.ts";
import { FIL } from "../../../src/types/amount.ts";
import { tipsetKeyText } from "../../../src/types/block-header.ts";
import type { CID } from "../../../src/types/cid.ts";

const open: Devnet[] = [];
afterEach(async () => {
  for (const net of open.splice(0)) await net.close();
});

async function network(options: Partial<DevnetOptions> = {}): Promise<Devnet> {
  const net = await Devnet.open({ accounts: 3, seed: "snapshots", ...options });
  net.clock.setAutomine(false);
  open.push(net);
  return net;
}

const key = (net: Devnet): string => tipsetKeyText(net.head.key);
const named = (net: Devnet, at: number): string => `${net.accounts[at]?.secp256k1.toString("t")}`;
const balance = async (net: Devnet, at: number): Promise<bigint> =>
  BigInt(await net.request<string>("WalletBalance", named(net, at)));

async function send(net: Devnet, from: number, to: number, value = FIL): Promise<{ readonly "/": string }> {
  const message = { From: named(net, from), To: named(net, to), Value: `${value}`, Method: 0 };
  return (await net.request("MpoolPushMessage", message, null)).CID;
}

test("time goes back with the chain, and the next block's is later by one epoch (foundry 3894, 5518, 16540)", async () => {
  const net = await network();
  await net.clock.mine(3);
  const time = net.head.blocks[0]?.timestamp as bigint;
  const id = await net.snapshot();
  await net.clock.skip(100);
  await net.revert(id);
  expect(net.head.blocks[0]?.timestamp).toBe(time);
  await net.clock.mine(1);
  expect(net.head.height).toBe(4);
  expect(net.head.blocks[0]?.timestamp).toBe(time + BigInt(net.network.blockDelaySeconds));
});

test("a snapshot that was gone back to is over, and its number is not given again (foundry 6463)", async () => {
  const net = await network();
  const first = await net.snapshot();
  const second = await net.snapshot();
  expect(second).toBeGreaterThan(first);
  await net.revert(first);
  for (const id of [first, second])
    await expect(net.revert(id)).rejects.toMatchObject({ data: { code: "UNKNOWN_SNAPSHOT", known: [] } });
  expect(await net.snapshot()).toBeGreaterThan(second);
});

test("a snapshot that is kept can be gone back to again and again, and is the same each time", async () => {
  const net = await network();
  const id = await net.snapshot();
  const start = key(net);
  const keys = [];
  for (let i = 0; i < 3; i++) {
    await send(net, 0, 1);
    await net.clock.mine(2);
    keys.push(key(net));
    await net.revert(id, { keep: true });
    expect(key(net)).toBe(start);
  }
  expect(new Set(keys).size).toBe(1);
  expect(net.snapshots.list().map((one) => one.id)).toEqual([id]);
});

test("nested: the inner one goes back to the inner moment, the outer one ends both", async () => {
  const net = await network();
  const outer = await net.snapshot();
  const before = await balance(net, 1);
  await send(net, 0, 1);
  await net.clock.mine(2);
  const inner = await net.snapshot();
  const middle = key(net);
  await send(net, 0, 1, 5n * FIL);
  await net.clock.mine(2);
  await net.revert(inner);
  expect(key(net)).toBe(middle);
  expect(await balance(net, 1)).toBe(before + FIL);
  await send(net, 0, 1, 7n * FIL);
  await net.clock.mine(2);
  await net.revert(outer);
  expect(await balance(net, 1)).toBe(before);
  expect(net.head.height).toBe(0);
  await expect(net.revert(inner)).rejects.toThrow("there are none");
});

test("messages that waited wait again, those that came since do not, and nonces go on where they were", async () => {
  const net = await network();
  const waiting = await send(net, 0, 1);
  const id = await net.snapshot();
  await net.clock.mine(2);
  const later = await send(net, 0, 2);
  await net.revert(id);
  expect(net.node.pool.pending().map(({ message }) => message.nonce)).toEqual([0n]);
  expect(await net.request("MpoolGetNonce", named(net, 0))).toBe(1);
  expect(await net.request("StateSearchMsg", [], later, 10, true)).toBeNull();
  await net.clock.mine(2);
  expect((await net.request("StateSearchMsg", [], waiting, 10, true)).Receipt.ExitCode).toBe(0);
  await net.node.pool.clear();
  expect(await net.node.chain.blocks.metadataWith("mpool/local/")).toEqual([]);
});

test("keys, the default address, the pool's settings and how epochs pass go back", async () => {
  const net = await network();
  const [addresses, chosen] = [net.node.keystore.list().map(String), `${await net.node.keystore.defaultAddress()}`];
  const config = await net.request("MpoolGetConfig");
  const id = await net.snapshot();
  const made = await net.request("WalletNew", "bls");
  await net.request("WalletSetDefault", made);
  await net.request("WalletDelete", named(net, 2));
  await net.request("MpoolSetConfig", { ...config, SizeLimitHigh: 29_000 });
  net.clock.setBlockTime(30);
  await net.revert(id);
  expect(net.node.keystore.list().map(String)).toEqual(addresses);
  expect(`${await net.node.keystore.defaultAddress()}`).toBe(chosen);
  expect(await net.request("MpoolGetConfig")).toEqual(config);
  expect(net.clock.blockTime).toBe(0);
});

test("a wait for a message that was taken back goes on, and ends when the message is executed again", async () => {
  const net = await network();
  const cid = await send(net, 0, 1);
  const id = await net.snapshot();
  const found = net.request("StateWaitMsg", cid, 3, -1, true);
  await net.clock.mine(2);
  await net.revert(id);
  await net.clock.mine(6);
  const { Height, Receipt } = await found;
  expect(Receipt.ExitCode).toBe(0);
  expect(Height).toBeLessThanOrEqual(net.head.height);
});

test("a checkpoint and blocks that are marked as bad are those of the snapshot", async () => {
  const net = await network();
  await net.clock.mine(4);
  const id = await net.snapshot();
  await net.clock.mine(2);
  await net.node.chain.setCheckpoint(net.head);
  const bad = net.head.key[0];
  if (bad === undefined) throw new Error("no block");
  await net.clock.mine(1);
  await net.node.chain.bad.mark(bad, "for the test");
  await net.revert(id);
  expect(net.node.chain.checkpoint).toBeNull();
  expect(net.node.chain.bad.reasonOf(bad)).toBeNull();
  await net.clock.mine(3);
});

test("who listens to the head hears the blocks go, and the new ones come", async () => {
  const net = await network();
  await net.clock.mine(2);
  const id = await net.snapshot();
  await net.clock.mine(2);
  const heard: string[] = [];
  net.node.chain.onHeadChange((changes) => {
    for (const { type, tipset } of changes) heard.push(`${type} ${tipset.height}`);
  });
  await net.revert(id);
  await net.clock.mine(1);
  expect(heard).toEqual(["revert 4", "revert 3", "apply 3"]);
});

test("states that a snapshot needs are not collected", async () => {
  const net = await network();
  await send(net, 0, 1);
  await net.clock.mine(2);
  const id = await net.snapshot();
  const amount = await balance(net, 1);
  await send(net, 0, 1);
  await net.clock.mine(30);
  await net.node.collector.collect(3);
  await net.revert(id);
  expect(await balance(net, 1)).toBe(amount);
  await send(net, 0, 1);
  await net.clock.mine(2);
  expect(await balance(net, 1)).toBe(amount + FIL);
});

test("a move of the head that somebody asks for meanwhile waits, and neither waits for the other", async () => {
  const net = await network({ accounts: 1 });
  const first = await net.clock.mine(1);
  const id = await net.snapshot();
  await net.clock.mine(2);
  const { chain } = net.node;
  const store = chain.blocks as UndoStore;
  const takeBack = store.takeBack.bind(store);
  let others: readonly Promise<void>[] = [];
  store.takeBack = (...given) => {
    others = [chain.setHead(first), chain.bad.mark(net.head.key[0] as CID, "a test")];
    return takeBack(...given);
  };
  expect((await net.revert(id)).height).toBe(1);
  await Promise.allSettled(others);
});
