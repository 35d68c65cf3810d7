/** Scenarios of several nodes: parted, stopped, with bad links; the same from the same seed; what is not so, and what is no step there, is named. */
import { expect } from "vitest";
import { NodesLab } from "../../../src/scenario/nodes-lab.ts";
import { runScenario } from "../../../src/scenario/run.ts";
import { test } from "../../../src/vitest.ts";

const run = (steps: readonly unknown[], options = {}) =>
  runScenario({ name: "several", network: { seed: "several", nodes: 2, accounts: 2 }, steps }, options);

test("the fixture: sides of a parted network go their own ways, and one gives way to the other", async ({ nodes }) => {
  await nodes.part([[0, 1], [2]]);
  await nodes.send({ from: "alice-bls", to: "bob", value: "5 FIL" });
  await nodes.expectBalance({ of: "bob", gained: "5 FIL" });
  await nodes.expectBalance({ of: "bob", gained: "0 FIL", node: 2 });
  await nodes.expectPeers({ node: 1, are: [0] });
  await nodes.expectPeers({ node: 2, are: [] });
  await expect(nodes.expectChains({ is: 1 })).rejects.toThrow("expected 1 chain, found 2 chains: of nodes 0+1, 2");
  await expect(nodes.setNode({ node: 3, on: false })).rejects.toThrow("there is no node 3; there are 0 to 2");
  await nodes.setNode({ node: 0, on: false });
  await expect(nodes.send({ from: "alice", to: "bob", value: "1 FIL" })).rejects.toThrow("node 0 is down");
  await nodes.heal({});
  await nodes.mine(2);
  await nodes.expectPeers({ node: 1, are: [2] });
  await nodes.setNode({ node: 0, on: true });
  await nodes.mine(2);
  await nodes.expectChains({ is: 1 });
  await nodes.expectBalance({ of: "bob", gained: "5 FIL", node: 2 });
  await nodes.expectReorg({ node: 2, atLeast: 1 });
});

test("the same steps and seed come to the same chains; another seed to others", async () => {
  const steps = [{ setLinks: { between: [0, 1], latency: 900, loss: 0.5 } }, { pass: "61s" }];
  const seen: string[] = [];
  const first = await run(steps, {
    onStep: ({ verb, epoch }: { verb: string; epoch: number }) => seen.push(`${verb} ${epoch}`),
  });
  expect(seen).toEqual(["setLinks 0", "pass 3"]);
  expect(first.nodes).toHaveLength(2);
  expect(await run(steps)).toEqual(first);
  expect((await run(steps, { seed: "other" })).head).not.toBe(first.head);
});

test("a link is as slow and lossy as it is told to be; no step passes more than can be waited for", async () => {
  const { network, steps } = await NodesLab.open({ nodes: 2, accounts: 1 });
  const arrived = async (ms: number): Promise<number> => {
    let count = 0;
    for (let i = 0; i < 200; i++) network.links.send(0, 1, 0, () => count++, true);
    await network.during(new Promise<void>((resolve) => network.after(ms, resolve)));
    return count;
  };
  await steps.setLinks({ latency: 3000 });
  expect(await arrived(2900)).toBe(0);
  expect(await arrived(3100)).toBe(200);
  await steps.setLinks({ between: [0, 1], loss: 0.5 });
  const some = await arrived(3100);
  expect(some).toBeGreaterThan(50);
  expect(some).toBeLessThan(150);
  const tooFar = "one step passes 100000 epochs at most";
  await expect(steps.pass("999999999d")).rejects.toThrow(tooFar);
  await expect(steps.mineTo(10 ** 12)).rejects.toThrow(tooFar);
});

test("what is no step of such a network, or only of such a one, is refused before anything is done", async () => {
  const cases: readonly (readonly [unknown, string])[] = [
    [{ pledge: { as: "x" } }, "step 1: there is no step pledge on a network of several nodes; there are mine"],
    [{ mines: 1 }, "step 1: there is no step mines; there are mine"],
    [{ part: [["a"]] }, "step 1.part[0][0]: a whole number from 0 to 15 is needed"],
    [{ setLinks: { loss: 1 } }, "step 1.setLinks.loss: a number from 0 to 0.9 is needed"],
    [{ setLinks: { between: [1] } }, "step 1.setLinks.between: two nodes are needed"],
    [{ heal: true }, "step 1.heal"],
  ];
  for (const [step, why] of cases) await expect(run([step])).rejects.toThrow(why);
  const alone = { name: "one", steps: [{ part: [[0]] }] };
  await expect(runScenario(alone)).rejects.toThrow("there is no step part on a network of one node (network.nodes");
  const one = { name: "one", network: { nodes: 1 }, steps: [] };
  await expect(runScenario(one)).rejects.toThrow("network.nodes: a whole number from 2 to 16");
  await expect(run([], { onEnd: async () => undefined })).rejects.toThrow("cannot be handed on or saved");
});

test("what failed in a node by itself ends the step that it failed in, also the last one; of no node there is no chain", async () => {
  const lab = await NodesLab.open({ seed: "faults", nodes: 2, accounts: 1 });
  const { failed } = lab.network as unknown as { failed(index: number, where: string, cause: Error): void };
  failed.call(lab.network, 1, "mining", new Error("it broke"));
  await expect(lab.steps.heal({})).rejects.toThrow("step 1 (heal {}): node 1 failed by itself (mining): it broke");
  await lab.steps.heal({});
  for (const node of [0, 1]) await lab.steps.setNode({ node, on: false });
  await expect(lab.steps.expectChains({ is: 1 })).rejects.toThrow("expected 1 chain, found no node that is up");
});
