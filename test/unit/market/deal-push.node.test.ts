/** Deals of the older protocol between two nodes: data pushed over graphsync, broken off and gone on with by either side. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { concat } from "../../../src/base/bytes.ts";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import { carOf } from "../../../src/market/data/car-out.ts";
import { WHOLE_DAG } from "../../../src/market/graphsync/selector.ts";
import { BOOST_PROTOCOLS } from "../../../src/market/storage/boost-messages.ts";
import { signedProposalCid } from "../../../src/market/storage/proposal.ts";
import { DealServer, remoteLink } from "../../../src/market/storage/protocols.ts";
import { signedOf } from "../../../src/market/storage/provider-record.ts";
import { storageVoucher } from "../../../src/market/storage/pushed.ts";
import { TransferManager } from "../../../src/market/transfer/manager.ts";
import { transferRequest } from "../../../src/market/transfer/message.ts";
import { PUSH_LIMITS, Pushes } from "../../../src/market/transfer/push.ts";
import { PieceHasher } from "../../../src/sector/piece/pieces.ts";
import type { CID } from "../../../src/types/cid.ts";
import { FakeMarket, MINER } from "../../support/market-chain.ts";
import { Dag, type MarketHost, openMarketHost } from "../../support/market-hosts.ts";
import { type Disk, type MarketNode, newDisk, openNode, settle } from "../../support/market-node.ts";
import { until } from "../../support/until.ts";

const crypto = await loadCrypto();
const proofs = await loadProofs();
const faults: unknown[] = [];
let market: FakeMarket;
let hosts: readonly [selling: MarketHost, buying: MarketHost];
let disk: Disk;
let dag: Dag;
let root: CID;
let car: Uint8Array;
let sell: { readonly node: MarketNode; readonly transfers: TransferManager; stop(): Promise<void> };
let buy: { readonly node: MarketNode; readonly transfers: TransferManager; stop(): Promise<void> };
/** Blocks that may still be read of the client's before its peer is hung up on; and those that were. */
let readable = Number.POSITIVE_INFINITY;
let reads = 0;
/** What blocks wait for that are read after that. */
let goOn: Promise<void> = Promise.resolve();

async function openSeller() {
  const [{ streams }] = hosts;
  const node = await openNode(market, disk, {
    restartPush: (peer, id) => transfers.pushes.askRestart(peer, id),
    pushAskMs: 20,
  });
  const transfers: TransferManager = new TransferManager({
    ...{ streams, validators: [], takers: [node.provider.pushes], now: Date.now },
    onFault: (error) => faults.push(error),
  });
  const server = new DealServer(streams, node.provider, Date.now);
  await Promise.all([transfers.start(), server.start()]);
  // Older providers have no other protocol.
  for (const protocol of [BOOST_PROTOCOLS.deal, BOOST_PROTOCOLS.dealBefore]) await streams.unhandle(protocol);
  const stop = async () => {
    await Promise.all([server.stop(), transfers.stop()]);
    await node.stop();
  };
  return { node, transfers, stop };
}

async function openBuyer() {
  const [, { streams }] = hosts;
  const transfers = new TransferManager({
    streams,
    validators: [],
    now: Date.now,
    onFault: (error) => faults.push(error),
  });
  await transfers.start();
  const blocks = {
    async get(cid: Uint8Array) {
      reads++;
      if (readable-- <= 0) {
        for (const one of hosts[1].host.getConnections()) one.abort(new Error("the cable is out"));
        readable = Number.POSITIVE_INFINITY;
      }
      if (readable === Number.POSITIVE_INFINITY) await goOn;
      return dag.get(cid);
    },
  };
  const node = await openNode(market, newDisk(), {
    linkTo: (_, peer) => remoteLink(streams, peer ?? ""),
    servedAt: () => "http://127.0.0.1:1",
    commit: async () => ({ piece: new PieceHasher(proofs).update(car).digest(), carSize: car.length }),
    push: async (peer, options) => {
      const id = peer.startsWith("/") ? await streams.connect(peer, options.signal) : peer;
      await transfers.pushes.push(id, { ...options, blocks });
    },
  });
  const stop = async () => {
    await transfers.stop();
    await node.stop();
  };
  return { node, transfers, stop };
}

beforeEach(async () => {
  [market, disk, dag, reads, readable] = [new FakeMarket(crypto), newDisk(), new Dag(), 0, Number.POSITIVE_INFINITY];
  faults.length = 0;
  goOn = Promise.resolve();
  // 14 leaves, some of them twice: a CAR file of less than 2 KiB.
  const leaves = dag.tree(12, 4, 20);
  root = dag.node([leaves, leaves, dag.put(Uint8Array.of(1, 2, 3), 0x55)]);
  const parts: Uint8Array[] = [];
  for await (const part of carOf({ peek: () => undefined, get: (cid) => dag.get(cid) }, root)) parts.push(part);
  car = concat(...parts);
  hosts = [await openMarketHost(), await openMarketHost()];
  [sell, buy] = [await openSeller(), await openBuyer()];
});

afterEach(async () => {
  await Promise.all([sell.stop(), buy.stop()]);
  await Promise.all(hosts.map((host) => host.stop()));
});

const begin = (more: object = {}) =>
  buy.node.client.deal({
    ...{ root, wallet: market.client, miner: MINER, peer: hosts[0].address, duration: 518_400, startEpoch: 3000 },
    ...more,
  });

async function untilState(id: string, state: string): Promise<void> {
  await until(`the deal to be ${state}`, async () => {
    await settle();
    market.mine();
    const deal = buy.node.client.get(id);
    if (deal.state === "Failed" && state !== "Failed") throw new Error(deal.error);
    return deal.state === state;
  });
}

const events = async (id: string): Promise<string[]> => (await buy.node.client.log(id)).map(({ event }) => event);

test("a provider of the older protocol alone is offered the deal in it, and is sent the data", async () => {
  const { id } = await begin();
  await untilState(id, "Active");
  expect(await events(id)).toEqual(expect.arrayContaining(["older", "accepted", "opened", "sent", "published"]));
  const [sold] = sell.node.provider.list();
  expect(sold).toMatchObject({ id, state: "Active", source: { kind: "graphsync" }, size: car.length, uuid: null });
  // Data of an active deal is in its sector alone; what came was its piece, or it would not be.
  expect(market.placed).toEqual([0]);
  const channel = { root, selector: WHOLE_DAG, id: 5n, isRestart: true, signal: AbortSignal.timeout(60_000) };
  const voucher = storageVoucher(signedProposalCid(signedOf(sold as never)));
  // The deal has its data: nothing more is taken for it, nor for another root, nor for deals that are none.
  for (const wrong of [
    {},
    { root: dag.node("else") },
    { voucher: storageVoucher(root) },
    { voucher: { ...voucher, type: "Other" } },
  ])
    await expect(
      buy.transfers.pushes.push(hosts[0].id, { ...channel, voucher, blocks: dag, ...wrong }),
    ).rejects.toMatchObject({ data: { code: "REJECTED" } });
  expect(faults).toEqual([]);
});

test("what breaks on the way goes on where it was", async () => {
  readable = 9;
  const { id } = await begin({ transfer: "graphsync" });
  await untilState(id, "Active");
  expect(await events(id)).toContain("interrupted");
  expect(sell.node.provider.list()[0]).toMatchObject({ state: "Active", size: car.length });
  expect(faults).toEqual([]);
});

test("a provider that was away keeps what it had, and its client goes on", async () => {
  readable = 9;
  let isBack = (): void => undefined;
  goOn = new Promise((resolve) => {
    isBack = resolve;
  });
  const { id } = await begin({ transfer: "graphsync" });
  await until("some of it to have come", async () => {
    await settle();
    market.mine();
    return reads > 9 && (buy.node.client.get(id).push?.breaks ?? 0) > 0;
  });
  await sell.stop();
  const kept = (await disk.files.size(id)) ?? 0;
  sell = await openSeller();
  isBack();
  await untilState(id, "Active");
  expect(kept).toBeLessThan(car.length);
  expect(sell.node.provider.list()[0]).toMatchObject({ state: "Active", size: car.length });
});

test("whoever receives may ask for a push to be begun again", async () => {
  const [{ streams, id: seller }, { id: buyer }] = [hosts[0], hosts[1]];
  await sell.stop();
  const got = new Dag();
  const taken: number[] = [];
  const receiving: TransferManager = new TransferManager({
    ...{ streams, validators: [], now: Date.now, onFault: (error) => faults.push(error) },
    takers: [
      {
        voucherType: "any",
        async take() {
          const attempt = taken.push(0);
          const put = (cid: CID, bytes: Uint8Array): Promise<void> => got.putBlock(cid, bytes);
          const store = { get: (cid: Uint8Array) => got.get(cid), put };
          const onLink = (number: number): void => void (taken[attempt - 1] = number);
          const { signal } = new AbortController();
          return { store, skip: 0, signal, onLink, done: async () => undefined, broke: () => false };
        },
      },
    ],
  });
  await receiving.start();
  await hosts[1].streams.connect(hosts[0].address, AbortSignal.timeout(60_000));
  const push = { root, selector: WHOLE_DAG, id: 7n, isRestart: false, signal: AbortSignal.timeout(60_000) };
  let given = 0;
  const blocks = {
    async get(cid: Uint8Array) {
      if (++given === 6) {
        await receiving.pushes.askRestart(buyer, 7n);
        await until("it to be begun again", () => taken.length > 1);
      }
      return dag.get(cid);
    },
  };
  await buy.transfers.pushes.push(seller, { ...push, voucher: { type: "any", bytes: Uint8Array.of(0xf6) }, blocks });
  expect(taken).toHaveLength(2);
  expect([...got.blocks.keys()].sort()).toEqual([...dag.blocks.keys()].sort());
  // Of others' channels nothing is begun.
  await receiving.pushes.askRestart(buyer, 8n);
  await receiving.stop();
  sell = await openSeller();
  expect(faults).toEqual([]);
});

test("one peer's pushes leave room for those of others", async () => {
  const asked: string[] = [];
  const never = new Promise<never>(() => undefined);
  const take = ({ peer }: { readonly peer: string }) => {
    asked.push(peer);
    return never;
  };
  const pushes = new Pushes({
    ...{ streams: hosts[0].streams, graphsync: () => sell.transfers.graphsync, say: () => never },
    ...{ takers: [{ voucherType: "any", take }], onFault: (error) => faults.push(error) },
  });
  const voucher = { type: "any", bytes: Uint8Array.of(0xf6) };
  const hear = (peer: string, id: number): void =>
    pushes.heardRequest(peer, transferRequest({ type: "new", id: BigInt(id), root, selector: WHOLE_DAG, voucher }));
  for (let id = 0; id < PUSH_LIMITS.taking; id++) hear("greedy", id);
  hear("other", 0);
  await settle();
  expect([asked.filter((peer) => peer === "greedy").length, asked.at(-1)]).toEqual([PUSH_LIMITS.takingOfPeer, "other"]);
});
