/** Long times in few tipsets. */
import { expect, test } from "vitest";
import type { MinerChain } from "../../../src/miner/chain-side/chain.ts";
import { Devnet } from "../../../src/node/devnet.ts";
import { type FastForward, fastForward } from "../../../src/node/fast-forward.ts";
import type { Tipset } from "../../../src/types/block-header.ts";

const PERIOD = 2880;
const WINDOW = 60;
const INDEX = 5;

/** A network that makes whatever is asked for, and a miner with a sector in one deadline. */
function faked(pool: { size: number } = { size: 0 }) {
  const made: number[] = [];
  let height = 0;
  const head = () => ({ height }) as Tipset;
  const pass = (epochs: number): Tipset => {
    height += epochs;
    made.push(height);
    return head();
  };
  const nulls: number[] = [];
  const clock = {
    skip: async (count: number) => {
      nulls.push(count);
      return pass(count + 1);
    },
    mine: async (count: number) => {
      for (let i = 0; i < count; i++) pass(1);
      return head();
    },
  };
  const chain = {
    head: async () => head(),
    deadline: async () => ({
      index: Math.floor((height % PERIOD) / WINDOW),
      open: height - (height % WINDOW),
    }),
    sectorsDue: async (index: number) => ({ partitions: index === INDEX ? [{ sectors: [0], terminated: [] }] : [] }),
  } as unknown as MinerChain;
  const parts: FastForward = { clock, pool, head, chains: () => [chain] };
  return { parts, made, nulls };
}

test("tipsets where sectors are tried and proven, null rounds elsewhere, no more in a row than elections bear", async () => {
  const { parts, made, nulls } = faked();
  const { height } = await fastForward(parts, 2 * PERIOD);
  expect(height).toBe(2 * PERIOD);
  const open = INDEX * WINDOW;
  for (const period of [0, PERIOD])
    for (const stop of [open - 2 * WINDOW, open])
      for (let i = 1; i <= 3; i++) expect(made).toContain(period + stop + i);
  expect(Math.max(...nulls)).toBeLessThanOrEqual(800);
  expect(made.length).toBeLessThan(50);
});

test("what waits is carried before time goes on; a signal ends it", async () => {
  const pool = { size: 1 };
  const { parts, nulls } = faked(pool);
  expect((await fastForward(parts, 10)).height).toBe(10);
  expect(nulls).toEqual([]);
  expect((await fastForward(parts, 1000, AbortSignal.abort())).height).toBe(10);
});

test("it ends with a clock that has stopped", async () => {
  const { parts } = faked({ size: 1 });
  const clock = { ...parts.clock, mine: async () => parts.head() };
  expect((await fastForward({ ...parts, clock }, 10)).height).toBe(0);
});

test("a day of a real network: its deadline is proven, power is what it was", async () => {
  const net = await Devnet.open({ accounts: 24, seed: "lab", genesisTime: 1_700_000_000, miners: 1, sectors: 2 });
  try {
    const { Height } = await net.request<{ Height: number }>("Devnet.fastForward", 200);
    expect(Height).toBeGreaterThanOrEqual(200);
    const [report] = await net.request("Devnet.minerReport", null);
    expect(report).toMatchObject({ Power: { Raw: "4096" }, Sectors: { Active: [0, 1], Faulty: [] } });
    const wanted = { To: net.miner.toString("t"), From: null };
    // One proof of its deadline, which opened at 110; tipsets at few epochs.
    expect(await net.request("StateListMessages", wanted, null, 1)).toHaveLength(1);
    let tipsets = 0;
    for (let at = net.head; at.height > 0; tipsets++) at = (await net.node.chain.parent(at)) ?? at;
    expect(tipsets).toBeLessThan(20);
    await expect(net.request("Devnet.fastForward", 3_000_000)).rejects.toThrow(/at most/);
  } finally {
    await net.close();
  }
});
