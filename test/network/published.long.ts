/**
 * Three nodes at network version 28, each with a store, peers and a miner of its own, under the published actors: each validates what the
 * others make, and all come to one head, over an upgrade from version 27 on the way. Needs the devnet bundles v17 and v18 in FILIGREE_BUNDLES.
 */

import { expect, test } from "vitest";
import { PUBLIC_MNEMONIC } from "../../src/node/accounts.ts";
import { LocalNetwork } from "../../src/node/local-network.ts";
import { FIL } from "../../src/types/amount.ts";
import { foundBundles, HOW } from "../support/found-bundles.ts";
import { until } from "../support/until.ts";

const bundles = foundBundles();
const [v17, v18] = await Promise.all([17, 18].map((version) => bundles.find("devnet", version)));
const isHere = v17 !== undefined && v18 !== undefined;
const UPGRADE = 4;

test.skipIf(!isHere)(
  `nodes agree under the published actors${isHere ? "" : ` (${HOW})`}`,
  async () => {
    const net = await LocalNetwork.open({
      ...{
        nodes: 3,
        miners: 3,
        sectors: 1,
        accounts: 2,
        balance: 1000n * FIL,
        seed: "test",
        mnemonic: PUBLIC_MNEMONIC,
      },
      ...{ blockTime: 6, genesisTime: Math.floor(Date.now() / 1000) + 20, listen: "/ip4/127.0.0.1/tcp/0" },
      ...{ dataOf: null, reset: false, repair: false, machine: "thread", version: "test", networkVersion: 27 },
      ...(v17 === undefined ? {} : { bundle: v17 }),
      upgrades: [{ networkVersion: 28, epoch: UPGRADE, ...(v18 === undefined ? {} : { bundle: v18 }) }],
    });
    try {
      const chains = net.nodes.map(({ node }) => node.chain);
      // Some epochs below the heads all have the same chain, beyond the upgrade, of more than one miner.
      const agreed = async (): Promise<boolean> => {
        const height = Math.min(...chains.map(({ head }) => head.height)) - 2;
        if (height <= UPGRADE) return false;
        const below = await Promise.all(chains.map((chain) => chain.tipsetAtOrBefore(height, chain.head)));
        const makers = new Set<string>();
        for (
          let at = below[0];
          at !== undefined && at.height > UPGRADE;
          at = (await chains[0]?.parent(at)) ?? undefined
        )
          for (const { miner } of at.blocks) makers.add(`${miner}`);
        return new Set(below.map(({ key }) => `${key}`)).size === 1 && makers.size > 1;
      };
      await until("one chain of several miners beyond the upgrade", agreed, 600_000);
      const [first] = net.nodes;
      expect(first?.node.states.networkVersionAt(UPGRADE)).toBe(28);
    } finally {
      await net.close();
    }
  },
  900_000,
);
