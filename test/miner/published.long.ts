/**
 * A sector under the published actors that is lost and comes back: a missed window PoSt makes it faulty, it is declared recovered, and
 * the proof that takes it back is verified by the machine when it is submitted. Two days of chain time at network version 28, most of them null
 * rounds. Needs the devnet bundle v18 in FILIGREE_BUNDLES.
 */

import { expect, test } from "vitest";
import { Devnet } from "../../src/node/devnet.ts";
import { TEST_OPTIONS } from "../support/devnet.ts";
import { foundBundles, HOW } from "../support/found-bundles.ts";

const bundles = foundBundles();
const bundle = await bundles.find("devnet", 18);

/** With so many accounts the id of the miner has its sectors' deadline open at this epoch, and a day later again. */
const ACCOUNTS = 23;
const DAY = 2880;
/** Null rounds at a time: elections look back further. */
const MOST_NULL = 800;

test.skipIf(bundle === undefined)(
  `a lost sector comes back${bundle === undefined ? ` (${HOW})` : ""}`,
  async () => {
    const given = bundle === undefined ? {} : { bundle };
    // The other sector wins the blocks meanwhile.
    const net = await Devnet.open({
      ...TEST_OPTIONS,
      ...given,
      networkVersion: 28,
      accounts: ACCOUNTS,
      miners: 1,
      sectors: 2,
    });
    const miner = net.miner.toString("t");
    const skipTo = async (epoch: number): Promise<void> => {
      while (net.head.height < epoch)
        await net.clock.skip(Math.min(MOST_NULL, Math.max(0, epoch - 1 - net.head.height)));
    };
    const counts = () => net.request("StateMinerSectorCount", miner, []);
    try {
      const { Deadline: deadline } = await net.request("StateSectorPartition", miner, 0, []);
      const { PeriodStart: start } = await net.request("StateMinerProvingDeadline", miner, []);
      const open = start + 60 * deadline + (start + 60 * deadline < 1 ? DAY : 0);
      await net.request("Devnet.setSectorFault", miner, 0, "lost");
      await skipTo(open + 1);
      await net.clock.mineTo(open + 64);
      expect(await counts()).toMatchObject({ Live: 2, Active: 1, Faulty: 1 });
      await net.request("Devnet.setSectorFault", miner, 0, "none");
      // Recoveries are declared two deadlines ahead.
      await skipTo(open + DAY - 118);
      await net.clock.mineTo(open + DAY - 75);
      const [partition] = await net.request("StateMinerPartitions", miner, deadline, []);
      expect(partition.RecoveringSectors).toEqual([0, 1]);
      await skipTo(open + DAY + 1);
      await net.clock.mineTo(open + DAY + 10);
      expect(await counts()).toMatchObject({ Live: 2, Active: 2, Faulty: 0 });
      expect((await net.request("StateMinerPower", miner, [])).MinerPower.RawBytePower).toBe("4096");
    } finally {
      await net.close();
    }
  },
  3_600_000,
);
