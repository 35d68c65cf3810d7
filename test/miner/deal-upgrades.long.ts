/**
 * A deal that cron paid before the market was to be asked (FIP-0074), over the upgrades from version 18 to 23: a provider asks for its
 * payments, its sector is proven, and when that ends both sides see the deal slashed, to the attoFIL. At version 18 cron pays every day. From
 * 23 on it pays no such deal: the published market finds the deals of an epoch by another key than those before wrote. Where no bundles are
 * at hand this says so and skips.
 *
 * Source: builtin-actors v10.0.0 runtime/src/runtime/policy.rs (DEAL_UPDATES_INTERVAL); v13.0.0, v14.0.0 actors/market/src/state.rs
 * (get_deals_for_epoch: an epoch as an unsigned varint, then as a signed one).
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
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
import { foundBundles, HOW } from "../support/found-bundles.ts";

const DAY = 2880;
const bundles = foundBundles();
const [v10, ...later] = await Promise.all([10, 11, 12, 13, 14].map((version) => bundles.find("devnet", version)));
const isHere = v10 !== undefined && later.every((one) => one !== undefined);
const upgrades = [19, 21, 22, 23].map((networkVersion, i) => ({
  ...{ networkVersion, epoch: DAY + 20 * (i + 1) },
  ...(later[i] === undefined ? {} : { bundle: later[i] }),
}));

test.skipIf(!isHere)(`a deal that cron pays, from version 18 to 23${isHere ? "" : ` (${HOW})`}`, async () => {
  const given = v10 === undefined ? {} : { bundle: v10 };
  const options = { ...TEST_OPTIONS, ...given, networkVersion: 18, blockTime: 0, miners: 1, sectors: 2 };
  const net = await Devnet.open({ ...options, upgrades });
  const folder = await mkdtemp(path.join(tmpdir(), "filigree-deal-upgrades-"));
  try {
    const miner = net.miner.toString("t");
    await makeFile(path.join(folder, "file"), 700);
    const deal = await startDeal(net, await importFile(net, path.join(folder, "file")));
    const { client: bought, provider: sold } = await active(net, deal);
    const { StartEpoch: start, StoragePricePerEpoch, Client: payer, ProviderCollateral } = bought["Proposal"];
    const price = BigInt(StoragePricePerEpoch);
    const before = { payer: await escrow(net, payer), provider: await escrow(net, miner) };
    const expectPaid = async (epoch: number): Promise<void> => {
      // What null rounds came to stands in the tipset on top of the one behind them.
      await net.clock.mine(1);
      expect((await net.request<View>("StateMarketStorageDeal", 0, []))["State"].LastUpdatedEpoch).toBe(epoch);
      const paid = price * BigInt(epoch - start);
      expect((await escrow(net, miner)).escrow).toBe(before.provider.escrow + paid);
      expect((await escrow(net, payer)).escrow).toBe(before.payer.escrow - paid);
    };

    await net.request("Devnet.fastForward", DAY + 5);
    await expectPaid(DAY);
    expect(await net.request("StateNetworkVersion", [])).toBe(18);
    await net.request("Devnet.fastForward", DAY + 100);
    expect(await net.request("StateNetworkVersion", [])).toBe(23);
    await expectPaid(DAY);
    const { CommD } = await net.request<View>("SectorsStatus", sold["Sector"], true);
    expect(await net.request<View>("Filigree.ClientVerifyDeal", deal)).toMatchObject({ Sector: sold["Sector"], CommD });

    const [sent] = await net.request<{ Message: Link; Deals: Link[] }[]>("Filigree.ProviderSettle", null);
    expect(sent?.Deals).toEqual([deal]);
    await net.request("StateWaitMsg", sent?.Message, 5, -1, true);
    await net.clock.mine(1);
    const { State: asked } = await net.request<View>("StateMarketStorageDeal", 0, []);
    expect(asked.LastUpdatedEpoch).toBeGreaterThan(DAY + 100);
    await expectPaid(asked.LastUpdatedEpoch);
    await reached(() => providerView(net, deal), "Active");

    await net.request("Devnet.fastForward", 2 * DAY + 5);
    await expectPaid(asked.LastUpdatedEpoch);
    expect(await net.request("StateMinerSectorCount", miner, [])).toEqual({ Live: 3, Active: 3, Faulty: 0 });
    expect((await net.request<View>("StateMinerPower", miner, []))["MinerPower"].RawBytePower).toBe(`${3 * 2048}`);
    await active(net, deal);

    const ended = await net.request<Link>("Devnet.terminateSectors", miner, [sold["Sector"]]);
    await net.request("StateWaitMsg", ended, 5, -1, true);
    await net.request("Devnet.fastForward", net.head.height + 20);
    const { Slashed: slashed } = await reached(() => providerView(net, deal), "Slashed");
    expect(slashed).toBeGreaterThan(2 * DAY);
    expect(await reached(() => clientView(net, deal), "Slashed")).toMatchObject({ Slashed: slashed });
    const paid = price * BigInt(slashed - start);
    expect(await escrow(net, payer)).toEqual({ escrow: before.payer.escrow - paid, locked: 0n });
    const collateral = BigInt(ProviderCollateral);
    expect(await escrow(net, miner)).toEqual({ escrow: before.provider.escrow + paid - collateral, locked: 0n });
  } finally {
    await net.close();
    await rm(folder, { recursive: true, force: true });
  }
});
