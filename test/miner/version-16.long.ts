/**
 * A miner at version 16, the first of the published actors, and over the upgrade to 17: its sectors of the genesis win blocks, a deal is
 * published and activated, a sector is proven before the upgrade and one is begun before and proven after it, each by the methods of its
 * version and for the pledge that was told. Where no bundles are at hand this says so and skips.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Devnet } from "../../src/node/devnet.ts";
import { active, importFile, makeFile, startDeal, type View } from "../support/deals.ts";
import { TEST_OPTIONS } from "../support/devnet.ts";
import { foundBundles, HOW } from "../support/found-bundles.ts";
import { methodsFrom, powerOf } from "../support/miner-messages.ts";

const bundles = foundBundles();
const [v8, v9] = await Promise.all([8, 9].map((version) => bundles.find("devnet", version)));
const isHere = v8 !== undefined && v9 !== undefined;
/** A new sector takes some 20 epochs. */
const UPGRADE = 120;
const METHOD = { preCommit: 6, proveCommit: 7, preCommitBatch2: 28 } as const;

describe.skipIf(!isHere)(`from version 16 to 17 with a miner${isHere ? "" : ` (${HOW})`}`, () => {
  let net: Devnet;
  let folder: string;
  let miner: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "filigree-16-"));
    const next = { networkVersion: 17, epoch: UPGRADE, ...(v9 === undefined ? {} : { bundle: v9 }) };
    net = await Devnet.open({
      ...{ ...TEST_OPTIONS, blockTime: 0, miners: 1, networkVersion: 16, upgrades: [next] },
      ...(v8 === undefined ? {} : { bundle: v8 }),
    });
    miner = net.miner.toString("t");
  }, 60_000);
  afterAll(async () => {
    await net?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** That a sector's pledge is what was told for it before; the answer leaves a tenth of room. */
  async function expectToldPledge(number: number): Promise<void> {
    const found = await net.request("StateSectorGetInfo", miner, number, []);
    const before = await net.request("ChainGetTipSetByHeight", found.Activation, []);
    const duration = found.Expiration - found.Activation;
    const told = await net.request("StateMinerInitialPledgeForSector", duration, 2048, 0, before.Cids);
    expect(told).toBe(`${(BigInt(found.InitialPledge) * 110n) / 100n}`);
  }

  test("at 16: its sector of the genesis has power, its blocks are valid, a new sector is pledged and proven", async () => {
    expect(await net.request("StateNetworkVersion", [])).toBe(16);
    expect(await powerOf(net)).toBe("2048");
    await net.clock.mine(2);
    const [header] = net.head.blocks;
    if (header === undefined) throw new Error("no block");
    const report = await net.local
      ?.validator(net.node.states)
      .validate({ header, messages: await net.node.chain.messages(header) });
    expect(report?.winningPost).toBe("verified");
    const { Number: number } = await net.request("PledgeSector", miner);
    await net.request("Devnet.mineToSector", miner, number, "Proving", 60);
    expect(await methodsFrom(net, 1)).toEqual([METHOD.preCommit, METHOD.proveCommit]);
    await expectToldPledge(number);
  });

  test("at 16: a deal is published and activated by its sector's proof", async () => {
    await makeFile(path.join(folder, "one"), 700);
    const deal = await startDeal(net, await importFile(net, path.join(folder, "one")), { Duration: 500 * 2880 });
    const { client, provider } = await active(net, deal);
    expect(provider).toMatchObject({ DealId: 0, Error: "" });
    expect(client).toMatchObject({ DealId: 0, Activated: provider["Activated"], Slashed: null });
    await net.clock.mine(1);
    const { State } = await net.request<View>("StateMarketStorageDeal", 0, []);
    expect(State.SectorStartEpoch).toBe(provider["Activated"]);
  });

  test("over the upgrade: a sector begun before is proven after, the deal goes on, and another is pledged", async () => {
    await net.clock.mineTo(UPGRADE - 12);
    const { Number: begun } = await net.request("PledgeSector", miner);
    await net.request("Devnet.mineToSector", miner, begun, "WaitSeed", 10);
    expect(net.head.height).toBeLessThan(UPGRADE);
    expect(await methodsFrom(net, UPGRADE - 12)).toEqual([METHOD.preCommit]);
    const from = net.head.height;
    await net.request("Devnet.mineToSector", miner, begun, "Proving", 60);
    expect(await net.request("StateNetworkVersion", [])).toBe(17);
    const { State } = await net.request<View>("StateMarketStorageDeal", 0, []);
    expect(State.SectorStartEpoch).toBeGreaterThan(0);
    await expectToldPledge(begun);
    const { Number: after } = await net.request("PledgeSector", miner);
    await net.request("Devnet.mineToSector", miner, after, "Proving", 60);
    await expectToldPledge(after);
    expect(await methodsFrom(net, from + 1)).toEqual([METHOD.proveCommit, METHOD.preCommitBatch2, METHOD.proveCommit]);
  });

  test("after a day of deadlines all of it has power, and nothing is faulty", async () => {
    await net.request("Devnet.fastForward", net.head.height + 2 * 2880);
    expect(await powerOf(net)).toBe("10240");
    expect(await net.request("StateMinerSectorCount", miner, [])).toEqual({ Live: 5, Active: 5, Faulty: 0 });
  });
});
