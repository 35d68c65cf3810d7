/** Window PoSt while the chain moves on. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { addressOf } from "../../../src/keys/keys.ts";
import { Devnet } from "../../../src/node/devnet.ts";
import type { LocalMiners } from "../../../src/node/local-miners.ts";
import type { GasEstimator } from "../../../src/stmgr/gas-estimator.ts";
import { Address } from "../../../src/types/address.ts";
import type { Tipset } from "../../../src/types/block-header.ts";
import type { Message } from "../../../src/types/message.ts";

/** More epochs than there are before the first deadline with a sector opens. */
const MOST_EPOCHS = 200;

let net: Devnet;
beforeAll(async () => {
  net = await Devnet.open({ accounts: 2, seed: "elections", genesisTime: 1_700_000_000, miners: 3, sectors: 2 });
});
afterAll(() => net?.close());

/** A poster that takes `head` for the chain's head, and whose gas is estimated by `estimate`. */
function posterAt(head: () => Tipset, estimate: GasEstimator["complete"]) {
  const { states, pool } = net.node;
  const chain = Object.create(states.chain, { head: { get: head } });
  const seen = Object.create(states, { chain: { value: chain } });
  return (net.local as LocalMiners).poster({ states: seen, pool, gas: { complete: estimate } as GasEstimator });
}

test("a proof that fails is made again on the next head; only when it fails there too, somebody is told", async () => {
  const { miners } = net.local as LocalMiners;
  const { chain, pool, crypto } = net.node;
  const asked: string[] = [];
  const looking = posterAt(
    () => chain.head,
    async (message) => {
      asked.push(`${message.to}`);
      throw new Error("found");
    },
  );
  for (let epoch = 0; epoch < MOST_EPOCHS && asked.length === 0; epoch++) {
    await net.clock.mine(1);
    await looking.headMoved(miners);
  }
  const miner = miners.find(({ address }) => `${address}` === asked[0]);
  if (miner === undefined) throw new Error("no deadline opened");
  const worker = addressOf(crypto, miner.worker);

  // What fails for another miner, of which the chain knows nothing, takes no turn from this one.
  let turns = 0;
  const both = posterAt(
    () => chain.head,
    async () => {
      turns++;
      throw new Error("deadline is not open");
    },
  );
  await expect(both.headMoved([{ ...miner, address: Address.id(999_999) }, miner])).rejects.toThrow("999999");
  expect(turns).toBe(1);

  let head = chain.head;
  const later = (epochs: number): Tipset => ({ ...chain.head, height: chain.head.height + epochs });
  let calls = 0;
  let work: (...args: Parameters<GasEstimator["complete"]>) => Promise<Message> = async () => {
    throw new Error("deadline is not open");
  };
  const poster = posterAt(
    () => head,
    (...args) => {
      calls++;
      return work(...args);
    },
  );
  await poster.headMoved([miner]);
  await poster.headMoved([miner]);
  expect(calls).toBe(1);
  head = later(1);
  await expect(poster.headMoved([miner])).rejects.toThrow("deadline is not open");
  // A third into the window it has its next turn, and fails because the head moves: that is not told, however often.
  const fails = work;
  work = async (...args) => {
    head = { ...later(21), key: [] };
    return fails(...args);
  };
  for (let time = 0; time < 3; time++) {
    head = later(20);
    await poster.headMoved([miner]);
    expect(calls).toBe(3 + time);
  }
  const sent: Message[] = [];
  pool.onChange(({ kind, signed }) => {
    if (kind === "add") sent.push(signed.message);
  });
  head = later(20);
  work = async (message) => ({ ...message, gasLimit: 50_000_000n, gasFeeCap: 1_000_000_000n, gasPremium: 100_000n });
  await poster.headMoved([miner]);
  expect(calls).toBe(6);
  expect(sent.map(({ from, to, method }) => [`${from}`, `${to}`, method])).toEqual([
    [`${worker}`, `${miner.address}`, 5n],
  ]);
}, 120_000);
