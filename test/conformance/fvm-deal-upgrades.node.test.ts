/**
 * Deals over the upgrades from version 21 to 25, at which the market comes to know what is in sectors (22), and sectors forget it (25): one
 * that is active before, and one whose sector is pre-committed before and proven after the first of them. Both go on for provider and client,
 * are shown to be there, are paid when the market is asked (FIP-0074), and end with their sector, to the attoFIL. A deal that cron has paid
 * before: `test/miner/deal-upgrades.long.ts`. Where no bundles are at hand this says so and skips.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Devnet } from "../../src/node/devnet.ts";
import {
  active,
  clientView,
  escrow,
  importFile,
  type Link,
  makeFile,
  providerView,
  reached,
  startDeal,
  type View,
} from "../support/deals.ts";
import { TEST_OPTIONS } from "../support/devnet.ts";
import { givenBundles, HOW } from "../support/given-bundles.ts";

const bundles = givenBundles();
const [v12, ...later] = await Promise.all([12, 13, 14, 15, 16].map((version) => bundles.find("devnet", version)));
const isHere = v12 !== undefined && later.every((one) => one !== undefined);
/** The first upgrade, and epochs between two: a sector whose proof might come after the second would be pre-committed after the first. */
const UPGRADE = 240;
const STEP = 60;
const upgrades = later.map((bundle, i) => ({
  ...{ networkVersion: 22 + i, epoch: UPGRADE + STEP * i },
  ...(bundle === undefined ? {} : { bundle }),
}));

describe.skipIf(!isHere)(`deals from version 21 to 25${isHere ? "" : ` (${HOW})`}`, () => {
  let net: Devnet;
  let folder: string;
  let miner: string;
  const deals: Link[] = [];
  beforeAll(async () => {
    const given = v12 === undefined ? {} : { bundle: v12 };
    const options = { ...TEST_OPTIONS, ...given, networkVersion: 21, blockTime: 0, miners: 1, sectors: 2 };
    net = await Devnet.open({ ...options, upgrades });
    folder = await mkdtemp(path.join(tmpdir(), "filigree-deal-upgrades-"));
    miner = net.miner.toString("t");
  }, 60_000);
  afterAll(async () => {
    await net?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** A deal that waits for the seed of its sector's proof. */
  async function begun(name: string, bytes: number): Promise<{ readonly deal: Link; readonly sector: number }> {
    const file = path.join(folder, name);
    await makeFile(file, bytes);
    const deal = await startDeal(net, await importFile(net, file), { StartEpoch: UPGRADE + 700 });
    const { Sector: sector } = await reached(() => providerView(net, deal), "Sealing");
    await net.request("Devnet.mineToSector", miner, sector, "WaitSeed", 100);
    deals.push(deal);
    return { deal, sector };
  }
  const onChain = (id: number) => net.request<View>("StateMarketStorageDeal", id, []);
  const version = () => net.request<number>("StateNetworkVersion", []);
  const sectors: number[] = [];
  /** Both sides see both deals as active, and each client is shown its data. */
  async function expectBoth(): Promise<void> {
    for (const deal of deals) await active(net, deal);
    // A tipset's result stands in the one on top of it.
    await net.clock.mine(1);
    for (const [i, deal] of deals.entries()) {
      const { client, provider } = await active(net, deal);
      expect(provider).toMatchObject({ DealId: i, Sector: sectors[i], Error: "" });
      expect(client).toMatchObject({ DealId: i, Activated: provider["Activated"], Slashed: null });
      expect((await onChain(i))["State"]).toMatchObject({ SectorStartEpoch: provider["Activated"], SlashEpoch: -1 });
      const { CommD } = await net.request<View>("SectorsStatus", sectors[i], true);
      const shown = await net.request<View>("Filigree.ClientVerifyDeal", deal);
      expect(shown).toEqual({ Sector: sectors[i], Offset: 0, SectorBytes: 2048, CommD });
    }
  }

  test("at 21 one is active, and the sector of the other is pre-committed with it", async () => {
    const from = net.head.height;
    const first = await begun("one", 700);
    const took = net.head.height - from;
    sectors.push(first.sector);
    await active(net, first.deal);
    await expectBoth();
    await net.clock.mineTo(UPGRADE - took - 5);
    const second = await begun("two", 1500);
    sectors.push(second.sector);
    expect(second.sector).not.toBe(first.sector);
    expect(await version()).toBe(21);
    expect(net.head.height).toBeLessThan(UPGRADE);
  });

  test("at 22 the sector is proven as it was begun, and the market has the deals of both", async () => {
    const { DealId: id } = await providerView(net, deals[1] as Link);
    await net.request("Devnet.mineToSector", miner, sectors[1], "Proving", 60);
    expect(await version()).toBeGreaterThanOrEqual(22);
    await expectBoth();
    expect((await onChain(id))["State"].SectorStartEpoch).toBeGreaterThanOrEqual(UPGRADE);
  });

  test("at each version to 25 both go on", async () => {
    for (const { networkVersion, epoch } of upgrades.slice(1)) {
      if (net.head.height < epoch + 2) await net.clock.mineTo(epoch + 2);
      expect(await version()).toBeGreaterThanOrEqual(networkVersion);
      await expectBoth();
    }
    expect(await version()).toBe(25);
  });

  test("both are paid when the market is asked; one whose sector ends is slashed, and the other goes on", async () => {
    const found = await Promise.all(deals.map((deal) => clientView(net, deal)));
    const terms = found.map(({ Proposal }) => Proposal as View);
    const payer: string = terms[0]?.["Client"];
    const start: number = terms[0]?.["StartEpoch"];
    const prices = terms.map((one) => BigInt(one["StoragePricePerEpoch"]));
    const price = prices.reduce((sum, one) => sum + one, 0n);
    const before = { payer: await escrow(net, payer), provider: await escrow(net, miner) };
    await net.request("Devnet.fastForward", start + 300);
    expect(await escrow(net, miner)).toEqual(before.provider);

    const [sent] = await net.request<{ Message: Link; Deals: Link[] }[]>("Filigree.ProviderSettle", null);
    expect(sent?.Deals).toEqual(deals);
    await net.request("StateWaitMsg", sent?.Message, 5, -1, true);
    const updated: number = (await onChain(0))["State"].LastUpdatedEpoch;
    expect(updated).toBeGreaterThan(start + 300);
    expect((await onChain(1))["State"].LastUpdatedEpoch).toBe(updated);
    const paid = price * BigInt(updated - start);
    expect((await escrow(net, miner)).escrow).toBe(before.provider.escrow + paid);
    expect((await escrow(net, payer)).escrow).toBe(before.payer.escrow - paid);

    for (const deal of deals) await reached(() => providerView(net, deal), "Active");
    const ended = await net.request<Link>("Devnet.terminateSectors", miner, [sectors[0]]);
    await net.request("StateWaitMsg", ended, 5, -1, true);
    await net.request("Devnet.fastForward", net.head.height + 20);
    const { Slashed: slashed } = await reached(() => providerView(net, deals[0] as Link), "Slashed");
    expect(slashed).toBeGreaterThan(updated);
    expect(await reached(() => clientView(net, deals[0] as Link), "Slashed")).toMatchObject({ Slashed: slashed });
    const whole = paid + (prices[0] as bigint) * BigInt(slashed - updated);
    const left = (prices[1] as bigint) * BigInt(terms[1]?.["EndEpoch"] - updated);
    expect(await escrow(net, payer)).toEqual({ escrow: before.payer.escrow - whole, locked: left });
    const [lost, kept] = terms.map((one) => BigInt(one["ProviderCollateral"])) as [bigint, bigint];
    expect(await escrow(net, miner)).toEqual({ escrow: before.provider.escrow + whole - lost, locked: kept });
    expect(await active(net, deals[1] as Link)).toMatchObject({ provider: { Error: "" } });
  }, 600_000);
});
