/**
 * A sector that was pledged without data takes a deal as it is, under the published actors: the deal becomes active in it, and blocks are won
 * meanwhile. That the new replica is proven day by day: `test/miner/updates.long.ts`. Where no bundles are at hand this says so and skips.
 * Network versions other than the last: FILIGREE_UPDATES_AT=16,17,18.
 */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findVersion } from "../../src/schema/versions/rows.ts";
import type { View } from "../support/deals.ts";
import { givenBundles, HOW } from "../support/given-bundles.ts";
import { UpdatesNet } from "../support/updates.ts";

const VERSIONS = (process.env["FILIGREE_UPDATES_AT"] ?? "28").split(",").map(Number);
/**
 * ProveReplicaUpdates, ProveReplicaUpdates2 and ProveReplicaUpdates3, by the actors that have them. The second wants what the first wants, and
 * CommD besides: it is not sent. Source: builtin-actors v8.0.0 to v18.0.0 actors/miner/src/lib.rs (Method).
 */
const UPDATES = [
  { method: 27, since: 8, until: 16 },
  { method: 29, since: 9, until: 12 },
  { method: 35, since: 13, until: 18 },
] as const;
const UNHANDLED = 22;

const bundles = givenBundles();
const given = await Promise.all(
  VERSIONS.map(async (version) => {
    const actors = findVersion(version)?.actors ?? 0;
    return { version, actors, bundle: await bundles.find("devnet", actors) };
  }),
);

for (const { version, actors, bundle } of given)
  describe.skipIf(bundle === undefined)(
    `updates at version ${version}${bundle === undefined ? ` (${HOW})` : ""}`,
    () => {
      let one: UpdatesNet;
      beforeAll(async () => {
        one = await UpdatesNet.open(bundle, version);
      }, 60_000);
      afterAll(() => one?.close());
      const taken = UPDATES.filter(({ since, until }) => since <= actors && actors <= until).map(
        ({ method }) => method,
      );

      test("the methods that prove updates are those of the version", async () => {
        const from = `${one.net.accounts[0]?.secp256k1}`;
        const exits = await Promise.all(
          UPDATES.map(async ({ method }) => {
            const message = { To: one.miner, From: from, Value: "0", Method: method };
            const { MsgRct } = await one.net.request<View>("StateCall", message, []);
            return [method, MsgRct.ExitCode] as const;
          }),
        );
        expect(exits.filter(([, exit]) => exit !== UNHANDLED).map(([method]) => method)).toEqual(taken);
        expect(exits.every(([, exit]) => exit !== 0)).toBe(true);
      });

      test("a sector without data is marked once the chain has seen it proven", async () => {
        const { net } = one;
        await one.pledge();
        const { number } = one;
        await expect(net.request("SectorMarkForUpgrade", number, true)).rejects.toThrow(/first window PoSt/);
        await expect(net.request("SectorMarkForUpgrade", 0, true)).rejects.toThrow(/sealed with the network's genesis/);
        await expect(net.request("SectorMarkForUpgrade", number, false)).rejects.toThrow(/in the place of another/);
        await one.prove();
        expect(await one.counts()).toEqual({ Live: 2, Active: 2, Faulty: 0 });
        await net.request("SectorMarkForUpgrade", number, true);
        expect(await one.status()).toMatchObject({ State: "Available", ToUpgrade: true });
      });

      test("a deal becomes active in it, and its client can show that its data is there", async () => {
        const { net, number, miner } = one;
        const before = await net.request<View>("StateSectorGetInfo", miner, number, []);
        const { deal, sold } = await one.deal();
        expect(sold).toMatchObject({ Sector: number, Error: "" });
        await one.until("UpdateActivating");
        const after = await net.request<View>("StateSectorGetInfo", miner, number, []);
        expect(after["SealedCID"]).not.toEqual(before["SealedCID"]);
        expect(after["Expiration"]).toBe(before["Expiration"]);
        // Until actors v11 a sector begins anew with its update. Source: actors/miner/src/lib.rs of v11.0.0 and v12.0.0.
        expect(after["Activation"]).toBe(actors < 12 ? sold["Activated"] : before["Activation"]);
        expect(after["SectorKeyCID"]).toEqual(before["SealedCID"]);
        const { State: state } = await net.request<View>("StateMarketStorageDeal", sold["DealId"], []);
        expect(state.SectorStartEpoch).toBe(sold["Activated"]);
        const found = await one.status();
        expect(found).toMatchObject({ CommR: after["SealedCID"], Deals: [sold["DealId"]] });
        const { Msg: message } = await net.request<View>("StateReplay", [], found["ReplicaUpdateMessage"]);
        const method = actors < 13 ? 27 : 35;
        expect(message.Method).toBe(method);
        expect(taken).toContain(method);
        // The deadline was open when the update was ready.
        expect(found["Log"].map((entry: View) => entry["Message"].split(":")[0])).toContain("WaitMutable");
        const shown = await net.request<View>("Filigree.ClientVerifyDeal", deal);
        expect(shown).toMatchObject({ Sector: number, Offset: 0, CommD: found["CommD"] });
      });

      test("the files of both replicas are sound, and blocks are won by the one that was drawn", async () => {
        expect(await one.check()).toEqual({});
        expect(await one.wins(10)).toBe("verified");
        expect(await one.counts()).toEqual({ Live: 2, Active: 2, Faulty: 0 });
        await expect(one.net.request("SectorAbortUpgrade", one.number)).rejects.toThrow(
          /cannot be taken back any more/,
        );
      });
    },
  );
