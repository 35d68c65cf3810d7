/**
 * `chain import --validate` over a change of published actors that came in null rounds: the states tell the versions, the roots the epoch.
 * Where no bundles are at hand this says so and skips.
 */
import { describe, expect, test } from "vitest";
import { Devnet } from "../../src/node/devnet.ts";
import { TEST_OPTIONS } from "../support/devnet.ts";
import { givenBundles, HOW } from "../support/given-bundles.ts";
import { validated } from "../support/validated.ts";

const bundles = givenBundles();
const [v17, v18] = await Promise.all([17, 18].map((version) => bundles.find("devnet", version)));
const isHere = v17 !== undefined && v18 !== undefined;
const FIRST = 5;

describe.skipIf(!isHere)(`from version 27 to 28${isHere ? "" : ` (${HOW})`}`, () => {
  test("a chain is executed over the upgrade, before it, and up to it, from its file alone", async () => {
    const upgrades = [{ networkVersion: 28, epoch: FIRST, ...(v18 === undefined ? {} : { bundle: v18 }) }];
    const first = { networkVersion: 27, ...(v17 === undefined ? {} : { bundle: v17 }) };
    const net = await Devnet.open({ ...TEST_OPTIONS, blockTime: 3600, miners: 1, ...first, upgrades });
    try {
      await net.clock.mine(2);
      await net.clock.skip(4);
      const upgraded = net.head;
      expect(upgraded.height).toBe(7);
      await net.clock.mine(2);
      const all = [
        { epoch: 0, networkVersion: 27, earliest: 0 },
        // Nothing that cron did at them tells which of the null rounds it was.
        { epoch: 7, networkVersion: 28, earliest: 3 },
      ];
      expect(await validated(net.node.chain, net.head)).toMatchObject({ tipsets: net.head.height - 4, versions: all });
      // Its own version nothing in the file tells yet.
      expect(await validated(net.node.chain, upgraded)).toMatchObject({
        tipsets: 2,
        blocks: 3,
        versions: all.slice(0, 1),
      });
    } finally {
      await net.close();
    }
  });
});
