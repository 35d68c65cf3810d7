/** What operators and miners ask of a node: base of a block, validation, bad blocks, reserved funds, the store, what is printed. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { BadBlocks } from "../../src/chain/bad-blocks.ts";
import { readFunds } from "../../src/market/storage/funds.ts";
import { Devnet } from "../../src/node/devnet.ts";
import { cidOfBlock, cidOfText } from "../../src/types/cid.ts";
import { TEST_OPTIONS } from "../support/devnet.ts";
import { memoryOf } from "../support/memory-of.ts";
import { until } from "../support/until.ts";

type Link = { readonly "/": string };
type Head = { readonly Height: number; readonly Cids: readonly Link[] };

let net: Devnet;
let alice: string;
let bob: string;
const head = (): Promise<Head> => net.request("ChainHead");
beforeAll(async () => {
  net = await Devnet.open({ ...TEST_OPTIONS, blockTime: 3600, miners: 1, sectors: 1 });
  await net.clock.mine(4);
  [alice, bob] = net.accounts.map(({ secp256k1 }) => secp256k1.toString("t")) as [string, string];
}, 120_000);
afterAll(() => net?.close());

test("the base of the next block has the miner's sector, its power and the beacon's entry", async () => {
  const [miner] = net.local?.miners ?? [];
  const { Height } = await head();
  const base = await net.request("MinerGetBaseInfo", miner?.address.toString("t"), Height + 1, []);
  expect(base).toMatchObject({ SectorSize: 2048, EligibleForMining: true, MinerPower: base.NetworkPower });
  expect(base.MinerPower).not.toBe("0");
  expect(base.Sectors).toEqual([
    { SealProof: 0, SectorNumber: 0, SectorKey: null, SealedCID: { "/": `${miner?.sectors.get(0)?.sealedCid}` } },
  ]);
  await net.clock.mine(1);
  const block = net.head.blocks[0];
  expect(block?.height).toBe(Height + 1);
  expect(base.BeaconEntries.map((one: { Round: number }) => one.Round)).toEqual(
    block?.beaconEntries.map(({ round }) => Number(round)),
  );
  await expect(net.request("MinerGetBaseInfo", alice, Height + 2, [])).rejects.toThrow(/is no miner/);
  await expect(net.request("MinerGetBaseInfo", alice, Height, [])).rejects.toThrow(/after the tipset's/);
});

test("a block is put together from what its miner won with: the very block that the network's own miner makes", async () => {
  for (const key of ["bls", "secp256k1"] as const)
    await net.request("MpoolPushMessage", { From: `${net.accounts[2]?.[key]}`, To: bob, Value: "1" }, null);
  const pending = await net.request("MpoolPending", []);
  expect(pending).toHaveLength(2);
  await net.clock.mine(1);
  const cid = { "/": `${net.head.key[0]}` };
  const header = await net.request("ChainGetBlock", cid);
  const carried = await net.request("ChainGetBlockMessages", cid);
  expect(carried.BlsMessages).toHaveLength(1);
  const template = {
    Miner: header.Miner,
    Parents: header.Parents,
    Ticket: header.Ticket,
    Eproof: header.ElectionProof,
    BeaconValues: header.BeaconEntries,
    Messages: pending,
    Epoch: header.Height,
    Timestamp: header.Timestamp,
    WinningPoStProof: header.WinPoStProof,
  };
  const made = await net.request("MinerCreateBlock", template);
  expect(made.Header).toEqual(header);
  const cidsOf = (list: readonly { CID: Link }[]) => list.map(({ CID }) => CID);
  expect([made.BlsMessages, made.SecpkMessages]).toEqual([cidsOf(carried.BlsMessages), cidsOf(carried.SecpkMessages)]);
  await expect(net.request("MinerCreateBlock", { ...template, Miner: alice })).rejects.toThrow(/was no miner/);
  await expect(net.request("MinerCreateBlock", { ...template, Epoch: 1 })).rejects.toThrow(/above that of the parents/);
});

test("tipsets validate; a block that is marked as bad does not, nor one on top of it, and the head never moves to it", async () => {
  const before = await head();
  await net.clock.mine(1);
  const after = await head();
  expect(await net.request("SyncValidateTipset", after.Cids)).toBe(true);
  await net.request("ChainSetHead", before.Cids);
  await net.request("SyncMarkBad", after.Cids[0]);
  expect(await net.request("SyncCheckBad", after.Cids[0])).toMatch(/operator/);
  await expect(net.request("SyncValidateTipset", after.Cids)).rejects.toThrow(/marked as bad/);
  await expect(net.request("ChainSetHead", after.Cids)).rejects.toThrow(/marked as bad/);
  expect((await head()).Height).toBe(before.Height);
  await net.request("SyncMarkBad", before.Cids[0]);
  await net.request("SyncUnmarkBad", after.Cids[0]);
  await expect(net.request("SyncValidateTipset", after.Cids)).rejects.toThrow(`${before.Cids[0]?.["/"]} is marked`);
  await net.request("SyncUnmarkAllBad");
  expect(await net.request("SyncCheckBad", before.Cids[0])).toBe("");
  expect(await net.request("SyncValidateTipset", after.Cids)).toBe(true);
  await net.request("ChainSetHead", after.Cids);
  expect((await head()).Cids).toEqual(after.Cids);
});

test("the head does not move below a checkpoint", async () => {
  const { Cids, Height } = await head();
  await net.clock.mine(1);
  const top = await head();
  await net.request("SyncCheckpoint", top.Cids);
  await expect(net.request("ChainSetHead", Cids)).rejects.toThrow(/below the checkpoint/);
  expect((await head()).Height).toBeGreaterThan(Height);
});

test("funds that are reserved are sent once, count while they are under way, and cannot be withdrawn", async () => {
  const escrow = async () => (await net.request("StateMarketBalance", bob, [])).Escrow;
  const sent = await net.request("MarketReserveFunds", alice, bob, "1000");
  expect(sent).toHaveProperty("/");
  const more = await net.request("MarketReserveFunds", alice, bob, "500");
  expect(more).toHaveProperty("/");
  await net.clock.mine(3);
  expect(await escrow()).toBe("1500");
  expect(await net.request("MarketGetReserved", bob)).toBe("1500");
  await net.request("MarketReleaseFunds", bob, "600");
  expect(await net.request("MarketReserveFunds", alice, bob, "200")).toBeNull();
  expect(await net.request("MarketGetReserved", bob)).toBe("1100");
  await expect(net.request("MarketWithdraw", bob, bob, "401")).rejects.toThrow(
    "withdrawal of 401 attoFIL (reserved: 1100 attoFIL)",
  );
  await net.request("MarketWithdraw", bob, bob, "400");
  await net.clock.mine(3);
  expect(await escrow()).toBe("1100");
  // A message that is dropped does not count any more.
  await net.request("MarketReserveFunds", alice, bob, "50");
  await net.request("MpoolClear", true);
  await net.request("MarketReserveFunds", alice, bob, "0");
  await net.clock.mine(3);
  expect(await escrow()).toBe("1150");
  expect(await net.request("MarketGetReserved", bob)).toBe("1150");
  await net.request("MarketReleaseFunds", bob, "5000");
  expect(await net.request("MarketGetReserved", bob)).toBe("0");
});

test("the store is counted and checked, and what is removed is gone", async () => {
  await net.request("ChainPutObj", "gwECBQ==");
  const put = { "/": `${cidOfBlock(Uint8Array.of(0x83, 1, 2, 5))}` };
  expect(await net.request("ChainHasObj", put)).toBe(true);
  const before = await net.request("ChainBlockstoreInfo");
  expect(before.blocks).toBe(memoryOf(net.node.chain.blocks).size);
  expect(before.bytes).toBe(memoryOf(net.node.chain.blocks).totalBytes);
  await net.request("ChainDeleteObj", put);
  expect(await net.request("ChainHasObj", put)).toBe(false);
  expect(await net.request("ChainBlockstoreInfo")).toEqual({ blocks: before.blocks - 1, bytes: before.bytes - 4 });
  await net.request("ChainCheckBlockstore");
  const { blocks } = net.node.chain;
  const wrong = cidOfBlock(Uint8Array.of(0x81)).bytes;
  await blocks.write({ blocks: [{ cid: wrong, bytes: Uint8Array.of(0x80) }] });
  await expect(net.request("ChainCheckBlockstore")).rejects.toThrow(/not those of its CID/);
  await blocks.write({ removed: [wrong] });
  await net.request("ChainCheckBlockstore");
});

test("an actor without a key is named as the network spells it", async () => {
  await expect(net.request("StateAccountKey", "f04", null)).rejects.toThrow("t04 is not an account actor");
});

test("an alert lasts as long as tipsets cannot be made", async () => {
  const alerts = () => net.request("LogAlerts");
  const type = { System: "miner", Subsystem: "clock" };
  const quiet = { Active: false, LastActive: null, LastResolved: null };
  expect(await alerts()).toEqual([
    { Type: type, ...quiet },
    { Type: { ...type, Subsystem: "sealing" }, ...quiet },
  ]);
  const { produce } = net.producer;
  const passes = async (isActive: boolean) => {
    net.clock.setBlockTime(0.001);
    await until("an alert", async () => ((await alerts()) as { Active: boolean }[])[0]?.Active === isActive);
    net.clock.setBlockTime(3600);
    await net.clock.mine(0);
  };
  net.producer.produce = () => Promise.reject(new Error("no sectors today"));
  await passes(true);
  expect(await alerts()).toMatchObject([
    { Active: true, LastActive: { Message: "no sectors today" }, LastResolved: null },
    quiet,
  ]);
  net.producer.produce = produce;
  await passes(false);
  expect(await alerts()).toMatchObject([
    { Active: false, LastActive: { Type: "raised" }, LastResolved: { Type: "resolved" } },
    quiet,
  ]);
});

test("a part prints from its level on", async () => {
  const { log } = net.services;
  expect(await net.request("LogList")).toEqual(["chain", "mpool", "miner"]);
  expect(log.prints("mpool", "warn")).toBe(true);
  await net.request("LogSetLevel", "mpool", "error");
  expect(log.prints("mpool", "warn")).toBe(false);
  expect(log.prints("chain", "info")).toBe(true);
  await net.request("LogSetLevel", "*", "error");
  expect(log.prints("chain", "info")).toBe(false);
  await expect(net.request("LogSetLevel", "nobody", "info")).rejects.toThrow(/chain, mpool, miner/);
});

test("blocks that are bad, and what is reserved, are remembered by the store", async () => {
  const { chain } = net.node;
  const cid = cidOfText("bad");
  await chain.bad.mark(cid, "why");
  expect((await BadBlocks.open(chain.blocks)).reasonOf(cid)).toBe("why");
  await net.request("MarketReserveFunds", alice, alice, "7");
  const id = net.accounts[0]?.id;
  expect((await readFunds(chain.blocks, id as never)).reserved).toBe(7n);
});
