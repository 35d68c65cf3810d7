import { describe, expect, test } from "vitest";
import type { FullBlock } from "../../../src/consensus/validator.ts";
import type { SimNode } from "../../../src/sim/node.ts";
import { FAULT_KINDS } from "../../../src/sim/weather.ts";
import { simulated } from "../../support/simulated.ts";

/** The share of the long runs (`npm run sim -- --seeds`) that is run every time. */
describe("a simulated network", () => {
  test("holds all properties under all faults", async () => {
    const report = await simulated({ seed: "6", nodes: 4, epochs: 26, faults: FAULT_KINDS });
    expect(report.failure).toBeNull();
    expect(report.height).toBeGreaterThan(20);
    for (const event of [
      "adversary",
      "down",
      "parted",
      "healed",
      "signed",
      "invalid",
      "markedBad",
      "withhold",
      "reported",
    ])
      expect(report.counts[event]).toBeGreaterThan(0);
  });

  test("does the same again from the same seed, and something else from another", async () => {
    const options = { seed: "again", nodes: 3, epochs: 6, faults: ["loss"] } as const;
    const first = await simulated(options);
    const again = await simulated(options);
    const other = await simulated({ ...options, seed: "other" });
    expect(again).toEqual(first);
    expect(other.digest).not.toBe(first.digest);
  });

  test("does the same when every node computes all by itself", async () => {
    const options = { seed: "own", nodes: 3, epochs: 7, faults: FAULT_KINDS } as const;
    expect(await simulated({ ...options, isSharing: false })).toEqual(await simulated(options));
  });
});

describe("properties are seen to fail", () => {
  test("memory: a process that holds too much", async () => {
    let held = 0;
    const memory = () => {
      held += 200 << 20;
      return held;
    };
    const report = await simulated({ seed: "1", nodes: 2, epochs: 1, faults: [], memory });
    expect(report.failure).toMatchObject({ property: "memory", epoch: 1 });
    expect(report.memory).toBeGreaterThan(350 << 20);
  });

  test("slashing: a producer that signs twice", async () => {
    const report = await simulated({
      seed: "1",
      nodes: 3,
      epochs: 8,
      faults: [],
      defect: () => ({
        submit: async (node, block) => {
          node.publish(block);
          node.publish({ ...block, header: { ...block.header, forkSignaling: 1n } });
        },
      }),
    });
    expect(report.failure).toMatchObject({ property: "slashing" });
  });

  test("agreement: nodes that keep their blocks for themselves", async () => {
    const defect = () => ({ submit: async (node: SimNode, block: FullBlock) => node.take(block) });
    const report = await simulated({ seed: "1", nodes: 3, epochs: 20, faults: [], defect });
    expect(report.failure).toMatchObject({ property: "agreement" });
  });

  test("growth: nodes that make no blocks", async () => {
    const report = await simulated({
      seed: "1",
      nodes: 2,
      epochs: 30,
      faults: [],
      defect: () => ({ submit: async () => undefined }),
    });
    expect(report.failure).toMatchObject({ property: "growth" });
  });

  test("validity: a node that takes what it should refuse", async () => {
    const report = await simulated({
      seed: "1",
      nodes: 4,
      epochs: 26,
      faults: ["invalid"],
      defect: () => ({ takesAll: true }),
    });
    expect(report.failure).toMatchObject({ property: "validity" });
  });
});
