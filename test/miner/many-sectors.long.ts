/** A miner with 200 sectors, in 100 partitions of 48 deadlines: all are proven every day, and memory does not grow with the days. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkState } from "../../src/core/state-check.ts";
import type { MemoryStore } from "../../src/storage/memory.ts";
import type { LabMiner } from "../support/miner-lab.ts";
import { MinerLab } from "../support/miner-lab.ts";

const SECTORS = 200;
const DAY = 2880;
const DAYS = 8;
/** Days after which the 1,000 tipsets that are kept have been made, and caches are full. */
const SETTLED = 5;
/** MiB that memory may differ from one day to another: the store keeps the states of the last 1,000 tipsets. */
const GROWTH_MIB = 16;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** MiB in use: objects and buffers. */
function used(): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 2 ** 20;
}

let lab: MinerLab;
let miner: LabMiner;
beforeAll(async () => {
  lab = await MinerLab.open({ miners: 1, sectors: SECTORS, accounts: 2, balance: 10n ** 20n });
  miner = lab.miners[0] as LabMiner;
}, 600_000);
afterAll(() => lab?.close());

test("every deadline is proven, nothing is faulty, memory stays flat", async () => {
  const memory: number[] = [];
  let posts = 0;
  const { chain, states } = lab.net.node;
  chain.onHeadChange(async (changes) => {
    for (const { type, tipset } of changes)
      if (type === "apply")
        for (const { message } of await chain.tipsetMessages(tipset)) if (message.method === 5n) posts++;
  });
  const deadlines = (await lab.deadlinesOf(miner)).length;
  for (let day = 1; day <= DAYS; day++) {
    await lab.passTo(day * DAY);
    memory.push(used());
    const { sectors, power } = await lab.lab.report(miner.own.address);
    expect(sectors.active).toHaveLength(SECTORS);
    expect([sectors.faulty, sectors.unproven]).toEqual([[], []]);
    expect(power.raw).toBe(BigInt(SECTORS) * 2048n);
    const { stateRoot } = await states.result(lab.net.head);
    const checked = await checkState(stateRoot, lab.height, chain.blocks as MemoryStore, { profile: "devnet" });
    expect(checked.complaints).toEqual([]);
  }
  expect(lab.told).toEqual([]);
  expect(posts).toBeGreaterThanOrEqual((DAYS - 1) * deadlines);
  const settled = memory.slice(SETTLED - 1);
  expect(Math.max(...settled) - Math.min(...settled)).toBeLessThan(GROWTH_MIB);
  process.stdout.write(
    `${deadlines} deadlines, ${posts} proofs, MiB: ${memory.map((one) => one.toFixed(0)).join(", ")}\n`,
  );
}, 7_200_000);
