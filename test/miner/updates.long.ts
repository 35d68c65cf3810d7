/** A sector whose data came later is proven day by day: by its second replica, and after the first is gone by that alone. */

import { afterAll, expect, test } from "vitest";
import { findVersion } from "../../src/schema/versions/rows.ts";
import { foundBundles, HOW } from "../support/found-bundles.ts";
import { DEADLINE, UpdatesNet } from "../support/updates.ts";

const VERSION = 28;
const PERIOD = 2880;

const bundles = foundBundles();
const bundle = await bundles.find("devnet", findVersion(VERSION)?.actors ?? 0);
let one: UpdatesNet | undefined;
afterAll(() => one?.close());

test.skipIf(bundle === undefined)(
  `an updated sector for two days${bundle === undefined ? ` (${HOW})` : ""}`,
  async () => {
    one = await UpdatesNet.open(bundle, VERSION);
    const { net } = one;
    await one.pledge();
    await one.prove();
    await net.request("SectorMarkForUpgrade", one.number, true);
    const { sold } = await one.deal();
    expect(sold["Sector"]).toBe(one.number);
    for (const day of [1, 2]) {
      // The deadline is proven by the second replica, both of them there on the first day until 900 epochs have passed.
      await net.request("Devnet.fastForward", DEADLINE + day * PERIOD + 20);
      await one.until("Proving");
      expect(await one.counts()).toEqual({ Live: 2, Active: 2, Faulty: 0 });
      expect(await one.check()).toEqual({});
      expect(await one.wins(20)).toBe("verified");
    }
  },
);
