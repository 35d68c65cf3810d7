/**
 * Two days of a local network: three miners with four sectors each, every deadline proven, nothing faulty, all invariants of
 * the state at every 100th epoch, and the CPU time of an epoch. FILIGREE_DAYS: another number of days, also a part of one.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkState } from "../../src/core/state-check.ts";
import { Devnet, type DevnetOptions } from "../../src/node/devnet.ts";
import type { LocalMiners } from "../../src/node/local-miners.ts";
import { ObjectReader } from "../../src/state/actor-reader.ts";
import { allPartitions } from "../../src/state/miner-reader.ts";
import { sectorsOf } from "../../src/state/miner-sectors.ts";
import { memoryOf } from "../support/memory-of.ts";

const DAYS = Number(process.env["FILIGREE_DAYS"] ?? 2);
const EPOCHS = 2880 * DAYS;
const STEP = 100;
const OPTIONS: Partial<DevnetOptions> = { accounts: 2, seed: "two days", genesisTime: 1_700_000_000 };

/** CPU milliseconds of this process. */
function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

let net: Devnet;
beforeAll(async () => {
  net = await Devnet.open({ ...OPTIONS, miners: 3, sectors: 4 });
}, 600_000);
afterAll(() => net?.close());

test("every deadline is proven, claims equal sectors, the invariants hold", async () => {
  const { states, chain } = net.node;
  const { miners } = net.local as LocalMiners;
  const posts = new Map<string, number>();
  chain.onHeadChange(async (changes) => {
    for (const { type, tipset } of changes)
      if (type === "apply")
        for (const { message } of await chain.tipsetMessages(tipset))
          if (message.method === 5n) posts.set(`${message.to}`, (posts.get(`${message.to}`) ?? 0) + 1);
  });
  let spent = 0;
  while (net.head.height < EPOCHS) {
    const before = cpu();
    await net.request("Devnet.mine", STEP);
    spent += cpu() - before;
    const { stateRoot } = await states.result(net.head);
    const checked = await checkState(stateRoot, net.head.height, memoryOf(chain.blocks), { profile: "devnet" });
    expect(checked.complaints, `epoch ${net.head.height}`).toEqual([]);
    const view = await states.stateAfter(net.head);
    for (const { address } of miners) {
      const state = await ObjectReader.open(chain.blocks, await view.requireActor(address), "t");
      for await (const { faulty } of allPartitions(state)) expect(sectorsOf(faulty)).toEqual([]);
      expect((await net.laboratory?.report(address))?.power.raw).toBe(4n * 2048n);
    }
  }
  // Each miner's sectors are proven once a day, in as many messages as it has deadlines with sectors.
  for (const { address } of miners) expect(posts.get(`${address}`) ?? 0).toBeGreaterThanOrEqual(Math.floor(DAYS));
  process.stdout.write(`${net.head.height} epochs: ${(spent / net.head.height).toFixed(2)} ms CPU each\n`);
}, 3_600_000);
