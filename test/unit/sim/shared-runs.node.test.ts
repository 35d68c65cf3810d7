import { describe, expect, test } from "vitest";
import type { Execution, ExecutionResult, RandomnessSource, TipsetInput } from "../../../src/exec/types.ts";
import { NotedReads, SharedRuns, SharingExecution } from "../../../src/sim/shared-runs.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { cidOfBlock } from "../../../src/types/cid.ts";

const bytes = Uint8Array.of(0x81, 1);
const root = cidOfBlock(bytes);
const input: TipsetInput = { stateRoot: root, parentEpoch: 1, epoch: 2, baseFee: 100n, blocks: [] };
const rules = { networkVersionAt: () => 5, circulatingSupply: 0n };

function randomnessOf(seed: number): RandomnessSource {
  const draw = (): Uint8Array => Uint8Array.of(seed);
  return { ticketRandomness: draw, beaconRandomness: async () => draw() };
}

/** A node whose execution reads a block, draws randomness, and comes to a result of its own. */
function node(shared: SharedRuns, seed: number, { has = true, result = "a" } = {}) {
  const store = new MemoryStore();
  if (has) store.writeNow({ blocks: [{ cid: root.bytes, bytes }] });
  const reads = new NotedReads(store);
  let runs = 0;
  const refuse = (): never => {
    throw new Error("not asked for");
  };
  const own: Execution = {
    applyMessage: refuse,
    simulate: refuse,
    close: async () => undefined,
    async applyTipset(_input, _rules, options) {
      runs++;
      reads.peek(root.bytes);
      await options?.randomness?.beaconRandomness(1, 2, Uint8Array.of(3));
      const made = { stateRoot: root, receiptsRoot: cidOfBlock(new TextEncoder().encode(result)) };
      return { ...made, applied: [], blocks: [] } satisfies ExecutionResult;
    },
  };
  const execution = new SharingExecution(own, reads, shared);
  return {
    run: () => execution.applyTipset(input, rules, { randomness: randomnessOf(seed) }),
    runs: () => runs,
  };
}

describe("executions that nodes share", () => {
  test("what one has executed another takes over, and some of it is executed again", async () => {
    const shared = new SharedRuns();
    const [one, other] = [node(shared, 1), node(shared, 1)];
    const first = await one.run();
    for (let i = 0; i < 15; i++) expect(await other.run()).toBe(first);
    expect(other.runs()).toBe(0);
    expect(await other.run()).toEqual(first);
    expect(other.runs()).toBe(1);
    expect(shared).toMatchObject({ taken: 16, checked: 1 });
  });

  test("not with other randomness, another input, or without a block that was read", async () => {
    const shared = new SharedRuns();
    await node(shared, 1).run();
    const [drawsElse, lacks] = [node(shared, 2), node(shared, 2, { has: false })];
    await drawsElse.run();
    await lacks.run();
    expect([drawsElse.runs(), lacks.runs(), shared.taken]).toEqual([1, 1, 0]);
  });

  test("two results of the same run are a fault", async () => {
    const shared = new SharedRuns();
    await node(shared, 1).run();
    const other = node(shared, 1, { result: "b" });
    for (let i = 0; i < 15; i++) await other.run();
    await expect(other.run()).rejects.toMatchObject({ data: { code: "RUN_DIFFERS" } });
  });
});
