/** Three nodes with a miner each, in one process over loopback: one chain, whoever makes the blocks. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { isFilError } from "../../src/base/errors.ts";
import { splitMessages } from "../../src/chain/message-store.ts";
import { entriesFor } from "../../src/consensus/base-info.ts";
import { whyNotEligible } from "../../src/consensus/power.ts";
import { signMessage } from "../../src/keys/keys.ts";
import { BlockMaker } from "../../src/miner/block-maker.ts";
import type { FaultReport } from "../../src/miner/fault-reporter.ts";
import type { MiningEvent } from "../../src/miner/mining-loop.ts";
import type { OwnMiner } from "../../src/miner/own-sectors.ts";
import { initNode, openJoinedNode } from "../../src/node/joined-node.ts";
import { LocalNetwork } from "../../src/node/local-network.ts";
import type { NetworkDescription } from "../../src/node/network-description.ts";
import { descriptionToJson, parseDescription } from "../../src/node/network-description.ts";
import type { NetworkNode } from "../../src/node/network-node.ts";
import { memorySecrets } from "../../src/platform/secrets.ts";
import { MemoryStore } from "../../src/storage/memory.ts";
import { headerCid, type Tipset } from "../../src/types/block-header.ts";
import { signedMessageCid } from "../../src/types/message.ts";
import { agreed, below, networkOptions, waitFor } from "../support/local-network.ts";

let net: LocalNetwork;
const made: { readonly node: number; readonly event: MiningEvent }[] = [];
const reports: FaultReport[] = [];
const faults: string[] = [];
const heads: { readonly node: number; readonly height: number }[] = [];
beforeAll(async () => {
  net = await LocalNetwork.open(
    networkOptions({
      onHead: (node, { height }) => heads.push({ node, height }),
      onMining: (node, event) => made.push({ node, event }),
      onReport: (_, report) => reports.push(report),
      onFault: (node, where, error) => faults.push(`${node} ${where}: ${error}`),
    }),
  );
}, 120_000);
afterAll(() => net?.close());

function nodeOf(index: number): NetworkNode {
  const node = net.nodes[index];
  if (node === undefined) throw new Error(`no node ${index}`);
  return node;
}

test("all nodes are on one chain below the tip, several producers make it, some tipsets have several blocks", async () => {
  const top = await waitFor("a chain of several producers", async () => {
    const tipset = await agreed(net, 4);
    if (tipset === null) return null;
    const blocks = (await below(net, tipset)).map((one) => one.blocks);
    const producers = new Set(blocks.flat().map(({ miner }) => `${miner}`));
    return producers.size > 1 && blocks.some((list) => list.length > 1) ? tipset : null;
  });
  expect(top.height).toBeGreaterThanOrEqual(4);
  expect(new Set(heads.map(({ node }) => node)).size).toBe(3);
  expect(faults).toEqual([]);
  // Where storage power counts, a chain's weight is what the blocks on top of it name.
  const { node, dispatcher } = nodeOf(1);
  const parent = (await node.chain.parent(top)) as Tipset;
  const key = parent.key.map((cid) => ({ "/": `${cid}` }));
  expect(await dispatcher.request("ChainTipSetWeight", key)).toBe(`${top.blocks[0]?.parentWeight}`);
}, 150_000);

test("a message that one node takes is carried by the network", async () => {
  const [sender, receiver] = net.accounts;
  const { pool, crypto, gas, chain } = nodeOf(2).node;
  if (sender === undefined || receiver === undefined) throw new Error("no accounts");
  const from = sender.secp256k1;
  const bare = { from, to: receiver.secp256k1, value: 5n, method: 0n, params: new Uint8Array(0) };
  const none = { gasLimit: 0n, gasFeeCap: 0n, gasPremium: 0n };
  await pool.pushNext(from, async (nonce) =>
    signMessage(
      crypto,
      sender.keys.secp256k1,
      await gas.complete({ ...bare, ...none, nonce }, { maxFee: 10n ** 18n, maximizeFeeCap: false }, chain.head),
    ),
  );
  const { states, chain: first } = nodeOf(0).node;
  await waitFor("the transfer on the first node", async () => {
    const actor = await (await states.stateBefore(first.head)).actor(receiver.secp256k1);
    return actor !== null && actor.balance === receiver.balance + 5n;
  });
}, 150_000);

test("a node of several takes new sectors of its own miner, and of no other", async () => {
  const { dispatcher } = nodeOf(1);
  const own = (net.local.miners[1] as OwnMiner).address.toString("t");
  await expect(
    dispatcher.request("PledgeSector", (net.local.miners[0] as OwnMiner).address.toString("t")),
  ).rejects.toThrow(/is no miner of this node/);
  expect(await dispatcher.request("PledgeSector")).toEqual({ Miner: Number(own.slice(2)), Number: 1 });
  type Status = { readonly State: string; readonly PreCommitMsg: unknown };
  const status = await waitFor("its pre-commit in the pool", async () => {
    const found = (await dispatcher.request("SectorsStatus", 1)) as Status;
    return found.PreCommitMsg === null ? null : found;
  });
  expect(["PreCommitWait", "WaitSeed"]).toContain(status.State);
}, 150_000);

test("a node signs no block for another node's miner, and no second one of an epoch for its own", async () => {
  const { dispatcher, node } = nodeOf(0);
  const { own, cid } = await waitFor("a block of the first node on the chain", async () => {
    for (const { node: at, event } of made) {
      if (at !== 0 || event.kind !== "made") continue;
      const tipset = await node.chain.tipsetAtOrBefore(event.epoch);
      const place = tipset.blocks.findIndex(({ miner }) => miner.equals(event.miner.address));
      if (tipset.height === event.epoch && place >= 0) return { own: event, cid: tipset.key[place] };
    }
    return null;
  });
  const parent = await node.chain.tipsetAtOrBefore(own.epoch - 1);
  const template = (miner: string, epoch: number) => ({
    Miner: miner,
    Parents: parent.key.map((cid) => ({ "/": `${cid}` })),
    Ticket: { VRFProof: "AQ==" },
    Eproof: { WinCount: 1, VRFProof: "AQ==" },
    BeaconValues: [],
    Messages: [],
    Epoch: epoch,
    Timestamp: 1,
    WinningPoStProof: [],
  });
  const other = net.local.miners[1] as OwnMiner;
  // The other miner's key is not here: whoever has it gets the block to sign.
  const bare = await dispatcher.request("MinerCreateBlock", template(`${other.address}`, own.epoch));
  expect(bare).toMatchObject({ Header: { Miner: other.address.toString("t"), BlockSig: null } });
  const next = parent.height + 1;
  await expect(dispatcher.request("MinerCreateBlock", template(`${own.miner.address}`, next))).rejects.toThrow(
    /is not signed, as the network would refuse it: /,
  );
  // What the loop has signed comes again, and no other in its place.
  const header = (await dispatcher.request("ChainGetBlock", { "/": `${cid}` })) as Record<string, unknown>;
  const { Miner, Parents, Ticket, ElectionProof, BeaconEntries, Timestamp, WinPoStProof } = header;
  const won = { Miner, Parents, Ticket, Eproof: ElectionProof, BeaconValues: BeaconEntries, Epoch: own.epoch };
  const again = { ...won, Timestamp, WinningPoStProof: WinPoStProof };
  expect(await dispatcher.request("MinerCreateBlock", { ...again, Messages: [] })).toMatchObject({ Header: header });
  const [To, From] = [0, 1].map((i) => net.accounts[i]?.secp256k1.toString("t"));
  const sent = { From, To, Value: "1" };
  const signed = await dispatcher.request("MpoolPushMessage", sent, null);
  await expect(dispatcher.request("MinerCreateBlock", { ...again, Messages: [signed] })).rejects.toThrow(
    /is not signed: it would be double-fork mining/,
  );
}, 150_000);

test("a miner that makes two blocks of one epoch is seen and reported, and the report is on chain", async () => {
  // The key of the last node's miner gets into the wrong hands: it makes another block beside the node's own.
  const miner = net.local.miners[2] as OwnMiner;
  const { node, peers } = nodeOf(2);
  const { states, chain } = node;
  const options = net.local.making(states);
  const maker = new BlockMaker(options);
  const twice = async (parent: Tipset, epoch: number): Promise<boolean> => {
    const drawn = await entriesFor(options, parent, epoch, AbortSignal.timeout(10_000));
    const win = await maker.tryFor(miner, parent, epoch, drawn);
    if (win === null) return false;
    const fee = await states.nextBaseFee(parent);
    const { header } = maker.sign(await maker.draft({ ...win, ticket: win.ticket }, [], fee), miner.worker);
    const other = maker.sign(
      { header: { ...header, forkSignaling: 1n, blockSig: null }, messages: [], blocks: [] },
      miner.worker,
    );
    for (const block of [header, other.header])
      await peers.publishBlock({ header: block, messages: splitMessages([]) });
    expect(headerCid(header).equals(headerCid(other.header))).toBe(false);
    return true;
  };
  await waitFor("a fault", async () => {
    if (reports.some(({ sent }) => sent !== null)) return true;
    await twice(chain.head, chain.head.height + 1);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    return null;
  });
  const report = reports.find(({ sent }) => sent !== null) as FaultReport;
  expect(report.fault.kind).toBe("double-fork mining");
  expect(`${report.fault.first.miner}`).toBe(`${miner.address}`);
  const { states: others, chain: theirs } = nodeOf(0).node;
  await waitFor("the fine", async () => {
    for (const { sent } of reports) {
      if (sent === null) continue;
      const options = { lookback: -1, allowReplaced: true };
      // The first node may not have heard of it yet.
      const found = await others.search(theirs.head, signedMessageCid(sent), options).catch((error: unknown) => {
        if (isFilError(error, "MESSAGE_UNKNOWN")) return null;
        throw error;
      });
      if (found?.receipt.exitCode === 0) return true;
    }
    return null;
  });
  const why = await waitFor("the exclusion", () => whyNotEligible(others, theirs.head, theirs.head, miner.address));
  expect(why).toMatch(/consensus fault|owes/);
}, 200_000);

test("what the network tells of itself can be read back", () => {
  const description = net.describe();
  expect(parseDescription(JSON.stringify(descriptionToJson(description)))).toEqual(description);
  expect(() => parseDescription("{}")).toThrow(/genesis/);
  // A node that joins with a miner seals as many sectors as stand there.
  const endless = { ...description, miners: description.miners.map((miner) => ({ ...miner, sectors: 1e9 })) };
  expect(() => parseDescription(JSON.stringify(descriptionToJson(endless)))).toThrow(/sectors/);
});

/** A store that a node of the network was made in, with its description changed. */
async function joined(over: Partial<NetworkDescription> = {}): Promise<MemoryStore> {
  const store = new MemoryStore();
  await initNode(store, { ...net.describe(), ...over }, await genesisBytes());
  return store;
}

async function genesisBytes() {
  const car = await net.genesisCar();
  return { size: car.length, read: async (from: number, length: number) => car.slice(from, from + length) };
}

const starting = (
  store: MemoryStore,
  mine: readonly string[] = [],
  onFault = (_: string, _error: unknown) => undefined,
) =>
  openJoinedNode({
    store,
    secrets: memorySecrets(),
    listen: ["/ip4/127.0.0.1/tcp/0"],
    mine,
    machine: "thread",
    version: "test",
    onFault: (where, error) => onFault(where, error),
  });

test("making a node that was ended before its last write goes on; a node is not made twice", async () => {
  const store = new MemoryStore();
  const write = store.write.bind(store);
  store.write = async (batch) => {
    if (batch.metadata?.some(([name]) => name === "node/network")) throw new Error("killed");
    await write(batch);
  };
  await expect(initNode(store, net.describe(), await genesisBytes())).rejects.toThrow("killed");
  store.write = write;
  await expect(starting(store)).rejects.toMatchObject({ code: "NOT_INITIALISED" });
  const other = {
    ...net.describe(),
    genesis: { ...net.describe().genesis, cid: `${nodeOf(0).node.chain.head.key[0]}` },
  };
  await expect(initNode(store, other, await genesisBytes())).rejects.toMatchObject({ code: "NOT_EMPTY" });
  expect((await initNode(store, net.describe(), await genesisBytes())).height).toBe(0);
  await expect(initNode(store, net.describe(), await genesisBytes())).rejects.toThrow(/a node's data folder already/);
});

test("a description that does not fit the chain is refused: its times, its seed, its miners", async () => {
  const { genesis } = net.describe();
  await expect(joined({ genesis: { ...genesis, time: genesis.time + 1 } })).rejects.toMatchObject({
    code: "OTHER_TIMES",
  });
  const [miner] = net.describe().miners;
  const address = `${miner?.address}`;
  await expect(starting(await joined({ seed: "another" }), [address])).rejects.toMatchObject({
    code: "WRONG_SEED",
    message: expect.stringContaining(`than the chain has for ${address}`),
  });
  await expect(starting(await joined({ miners: [] }), [address])).rejects.toThrow(/its description names none/);
});

test("a node that was told other seconds an epoch says so, as it can follow nobody", async () => {
  const told: string[] = [];
  const node = await starting(await joined({ epochSeconds: 3 }), [], (where, error) => {
    told.push(`${where}: ${(error as Error).message}`);
    return undefined;
  });
  await node.start();
  try {
    await waitFor("what is wrong", () => told.find((text) => text.startsWith("times: ")) ?? null);
    expect(told[0]).toMatch(/^times: the peers' chain has 1 s an epoch, and this node was told 3 s/);
    const alerts = node.services.alerts.filter(({ isActive }) => isActive);
    expect(alerts.map(({ lastActive }) => lastActive?.message)).toEqual(told.slice(0, 1));
  } finally {
    await node.stop();
  }
}, 150_000);

test("a client finds the provider of another node among its peers, which the chain does not name", async () => {
  const [own, other] = [nodeOf(0), nodeOf(1)];
  const [miner] = other.deals.provider?.miners ?? [];
  if (miner === undefined) throw new Error("the node is no provider");
  const { ask } = await own.deals.client.ask(miner, null);
  expect(`${ask.miner}`).toBe(`${miner}`);
});
