/**
 * Payments of deals under the published actors from v13 on, which the market makes only when it is asked (FIP-0074): a provider asks by
 * hand, and its sector ends before the deal does, to the attoFIL. Where no bundles are at hand this says so and skips.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Devnet } from "../../src/node/devnet.ts";
import { findVersion } from "../../src/schema/versions/rows.ts";
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

const VERSION = Number(process.env["FILIGREE_DEALS_AT"] ?? 28);

const bundles = givenBundles();
const bundle = await bundles.find("devnet", findVersion(VERSION)?.actors ?? 0);

describe.skipIf(bundle === undefined)(
  `payments at version ${VERSION}${bundle === undefined ? ` (${HOW})` : ""}`,
  () => {
    let net: Devnet;
    let folder: string;
    beforeAll(async () => {
      const given = bundle === undefined ? {} : { bundle };
      net = await Devnet.open({
        ...TEST_OPTIONS,
        ...given,
        networkVersion: VERSION,
        blockTime: 0,
        miners: 1,
        sectors: 2,
      });
      folder = await mkdtemp(path.join(tmpdir(), "filigree-paid-"));
    }, 60_000);
    afterAll(async () => {
      await net?.close();
      await rm(folder, { recursive: true, force: true });
    });

    test("a provider asks for what a deal has earned; when its sector ends, both see the deal slashed at that epoch", async () => {
      const miner = net.miner.toString("t");
      await makeFile(path.join(folder, "file"), 700);
      const deal = await startDeal(net, await importFile(net, path.join(folder, "file")));
      const { client: bought, provider: sold } = await active(net, deal);
      const { StartEpoch: start, StoragePricePerEpoch, Client: payer } = bought["Proposal"];
      const price = BigInt(StoragePricePerEpoch);
      const before = { payer: await escrow(net, payer), provider: await escrow(net, miner) };
      const paidUntil = async (epoch: number): Promise<void> => {
        const paid = price * BigInt(epoch - start);
        expect((await escrow(net, miner)).escrow).toBe(before.provider.escrow + paid);
        expect((await escrow(net, payer)).escrow).toBe(before.payer.escrow - paid);
      };
      expect(await net.request("Filigree.ProviderSettle", null)).toEqual([]);
      await net.request("Devnet.fastForward", start + 500);
      await paidUntil(start);

      const [sent] = await net.request<{ Message: Link; Deals: Link[] }[]>("Filigree.ProviderSettle", null);
      expect(sent?.Deals).toEqual([deal]);
      const { Height } = await net.request<View>("StateWaitMsg", sent?.Message, 5, -1, true);
      // The result stands in the tipset on top of the one that executed the message.
      const updated = (await net.request<View>("StateMarketStorageDeal", 0, []))["State"].LastUpdatedEpoch;
      expect(updated).toBeLessThan(Height);
      expect(updated).toBeGreaterThan(start + 500);
      await paidUntil(updated);
      const asked = await reached(() => providerView(net, deal), "Active");
      expect(asked["Log"].map(({ Event }: View) => Event)).toEqual(expect.arrayContaining(["settling", "paid"]));

      const ended = await net.request<Link>("Devnet.terminateSectors", miner, [sold["Sector"]]);
      await net.request("StateWaitMsg", ended, 5, -1, true);
      await net.request("Devnet.fastForward", net.head.height + 20);
      const slashed = await reached(() => providerView(net, deal), "Slashed");
      expect(slashed["Slashed"]).toBeGreaterThan(updated);
      expect(await reached(() => clientView(net, deal), "Slashed")).toMatchObject({ Slashed: slashed["Slashed"] });
      const paid = price * BigInt(slashed["Slashed"] - start);
      expect(await escrow(net, payer)).toEqual({ escrow: before.payer.escrow - paid, locked: 0n });
      const collateral = BigInt(bought["Proposal"].ProviderCollateral);
      expect(await escrow(net, miner)).toEqual({ escrow: before.provider.escrow + paid - collateral, locked: 0n });
    }, 600_000);
  },
);
