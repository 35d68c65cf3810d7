/**
 * A sector that was pledged without data takes a deal as it is, under the published actors: the deal becomes active in it, and blocks are won
 * meanwhile. That the new replica is proven day by day: `test/miner/updates.long.ts`. Where no bundles are at hand this says so and skips.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Bundles } from "../../src/exec/bundles.ts";
import { findVersion } from "../../src/schema/versions/rows.ts";
import type { View } from "../support/deals.ts";
import { UpdatesNet } from "../support/updates.ts";
import { corpus, readAt } from "../support/vectors.ts";

const HOW = "set FILIGREE_BUNDLES to a folder with packs vN.tar.zst of the reference node";
const VERSION = Number(process.env["FILIGREE_UPDATES_AT"] ?? 28);
/** ProveReplicaUpdates until actors v12, ProveReplicaUpdates3 from v13 on. */
const METHOD = VERSION < 22 ? 27 : 35;

const bundles = new Bundles(corpus.bundles.map((name) => ({ name, read: () => readAt(name) })));
const bundle = await bundles.find("devnet", findVersion(VERSION)?.actors ?? 0);

describe.skipIf(bundle === undefined)(`updates at version ${VERSION}${bundle === undefined ? ` (${HOW})` : ""}`, () => {
  let one: UpdatesNet;
  beforeAll(async () => {
    one = await UpdatesNet.open(bundle, VERSION);
  }, 60_000);
  afterAll(() => one?.close());

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
    // Version 17 was seen to let a sector begin anew with its update, 21 and 28 not.
    if (VERSION >= 21) expect(after["Activation"]).toBe(before["Activation"]);
    expect(after["SectorKeyCID"]).toEqual(before["SealedCID"]);
    const { State: state } = await net.request<View>("StateMarketStorageDeal", sold["DealId"], []);
    expect(state.SectorStartEpoch).toBe(sold["Activated"]);
    const found = await one.status();
    expect(found).toMatchObject({ CommR: after["SealedCID"], Deals: [sold["DealId"]] });
    const { Msg: message } = await net.request<View>("StateReplay", [], found["ReplicaUpdateMessage"]);
    expect(message.Method).toBe(METHOD);
    // The deadline was open when the update was ready.
    expect(found["Log"].map((entry: View) => entry["Message"].split(":")[0])).toContain("WaitMutable");
    const shown = await net.request<View>("Filigree.ClientVerifyDeal", deal);
    expect(shown).toMatchObject({ Sector: number, Offset: 0, CommD: found["CommD"] });
  });

  test("the files of both replicas are sound, and blocks are won by the one that was drawn", async () => {
    expect(await one.check()).toEqual({});
    expect(await one.wins(10)).toBe("verified");
    expect(await one.counts()).toEqual({ Live: 2, Active: 2, Faulty: 0 });
    await expect(one.net.request("SectorAbortUpgrade", one.number)).rejects.toThrow(/cannot be taken back any more/);
  });
});
