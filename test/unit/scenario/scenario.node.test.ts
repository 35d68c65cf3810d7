/** Scenarios: the same seed gives the same head; what is not so, and what is no scenario, is named by its place. */
import { expect, test } from "vitest";
import { runScenario } from "../../../src/scenario/run.ts";
import type { LabStep } from "../../../src/scenario/types.ts";

const network = { seed: "scenarios", accounts: 2 };
const run = (steps: readonly unknown[], options = {}) => runScenario({ name: "one", network, steps }, options);
const send: LabStep = { send: { from: "alice", to: "bob", value: "5 FIL" } };

test("the same steps and seed come to the same head; another seed to another", async () => {
  const steps: LabStep[] = [send, { snapshot: "paid" }, send, { revert: "paid" }, { expectHead: { as: "paid" } }, send];
  const seen: string[] = [];
  const first = await run(steps, {
    onStep: ({ step, verb }: { step: number; verb: string }) => seen.push(`${step} ${verb}`),
  });
  expect(seen).toEqual(["1 send", "2 snapshot", "3 send", "4 revert", "5 expectHead", "6 send"]);
  expect(await run(steps)).toEqual(first);
  expect((await run(steps, { seed: "other" })).head).not.toBe(first.head);
});

test("a step that is not so names itself, what was expected and what was found", async () => {
  await expect(run([send, { expectBalance: { of: "bob", gained: "6 FIL" } }])).rejects.toMatchObject({
    message: 'step 2 (expectBalance {"of":"bob","gained":"6 FIL"}): expected 6 FIL gained, found 5 FIL gained',
    data: {
      code: "EXPECTATION_FAILED",
      step: 2,
      verb: "expectBalance",
      expected: "6 FIL gained",
      found: "5 FIL gained",
    },
  });
  const cases: readonly (readonly [unknown, string])[] = [
    [{ expectHead: { is: 7 } }, "expected a head at epoch 7, found a head at epoch 0"],
    [{ expectHead: { atMost: -0, atLeast: 1 } }, "expected at least a head at epoch 1"],
    [{ expectCall: { method: "ChainHead", has: { Height: 3 } } }, "(see .Height)"],
    [{ send: { from: "alice", to: "t01", value: "1 FIL", exit: 16 } }, "expected exit code 16, found exit code 0"],
  ];
  for (const [step, why] of cases) await expect(run([step])).rejects.toThrow(why);
});

test("what cannot be done names its step, and names that no step has given", async () => {
  await expect(run([{ mine: 1 }, { revert: "never" }])).rejects.toMatchObject({
    data: { code: "STEP_FAILED", step: 2, verb: "revert" },
    message: "step 2 (revert never): no step has named a snapshot never",
  });
  const [early, late] = [{ snapshot: "early" }, { snapshot: "late" }];
  await expect(run([early, { mine: 1 }, late, { revert: "early" }, { revert: "late" }])).rejects.toThrow(
    "step 5 (revert late): snapshot late is over, as the network went back to one before it; there are early",
  );
  await expect(run([{ send: { from: "nobody", to: "bob", value: "1 FIL" } }])).rejects.toThrow("nobody is no account");
  await expect(run([{ pledge: { as: "new" } }])).rejects.toThrow("give the network miners");
});

test("what would end the chain is refused, and done where a step says that it is wanted anyway", async () => {
  const alone = { seed: "the last", accounts: 2, miners: 1 };
  const tried = (...steps: unknown[]) => runScenario({ name: "the last", network: alone, steps });
  await expect(tried({ mine: 2 }, { skipProofs: {} })).rejects.toThrow("would end the chain for good");
  await tried({ mine: 2 }, { skipProofs: { anyway: true } }, { terminate: { sectors: [0], anyway: true } });
  await expect(tried({ equivocate: { anyway: "yes" } })).rejects.toThrow("true or false is needed");
});

test("a deal that is not as a step says is told with the state that it has; a name that no step gave, with those there are", async () => {
  const network = { seed: "scenario deals", accounts: 2, miners: 1 };
  const deal = { deal: { client: "bob", as: "one", maxPrice: "500 attoFIL" } };
  const tried = (...steps: unknown[]) => runScenario({ name: "deals", network, steps: [{ mine: 1 }, deal, ...steps] });
  await expect(tried({ expectDeal: { deal: "one", state: "Active" } })).rejects.toMatchObject({
    data: { code: "EXPECTATION_FAILED", step: 3, expected: "state Active", found: "state Waiting" },
  });
  await expect(tried({ toDeal: { deal: "two", state: "Active" } })).rejects.toThrow(
    "no step has named a deal two; there are one",
  );
  await expect(tried({ toDeal: { deal: "one", state: "Active", epochs: 2 } })).rejects.toMatchObject({
    data: { code: "EXPECTATION_FAILED", step: 3, verb: "toDeal" },
  });
});

test("what was gained may be less than nothing", async () => {
  const [lost] = await Promise.allSettled([run([send, { expectBalance: { of: "alice", gained: "-5 FIL" } }])]);
  // The message has cost something besides.
  expect(String((lost as PromiseRejectedResult).reason)).toMatch(/expected -5 FIL gained, found -5\.0/);
});

test("what is no scenario is refused at its place, before a network is made", async () => {
  const cases: readonly (readonly [unknown, string])[] = [
    [null, "the scenario: an object"],
    [{ name: "x" }, "the scenario.steps: it is missing"],
    [{ name: "x", steps: [{ fly: 1 }] }, "step 1: there is no step fly; there are mine, "],
    [{ name: "x", steps: [{ mine: 1, pass: "1s" }] }, "step 1: an object with one verb"],
    [{ name: "x", steps: [{ mine: 1 }, { mine: -1 }] }, "step 2.mine: a whole number from 1"],
    [{ name: "x", steps: [{ pass: "soon" }] }, "step 1.pass: a duration"],
    [
      { name: "x", steps: [{ send: { from: "alice", to: "bob", value: "5 FIM" } }] },
      "step 1.send.value: not an amount",
    ],
    [
      { name: "x", steps: [{ send: { from: "alice", to: "bob", value: "5" } }] },
      'step 1.send.value: an amount needs its unit: "5 FIL"',
    ],
    [
      { name: "x", steps: [{ send: { from: "alice", to: "bob", vale: "5" } }] },
      "step 1.send.vale: there is no such field",
    ],
    [
      { name: "x", steps: [{ send: { from: "alice", to: "bob", value: "-1 FIL" } }] },
      'step 1.send.value: an amount is not negative, "-1 FIL" is',
    ],
    [
      { name: "x", steps: [{ channel: { from: "alice", to: "bob", amount: "-1 aFIL", as: "x" } }] },
      "step 1.channel.amount: an amount is not negative",
    ],
    [
      { name: "x", steps: [{ expectBalance: { of: "bob", atLeast: "-1 FIL" } }] },
      "step 1.expectBalance.atLeast: an amount is not negative",
    ],
    [
      {
        name: "x",
        network: { nodes: 2 },
        steps: [{ send: { from: "alice", to: "bob", value: "-1 FIL" } }],
      },
      "step 1.send.value: an amount is not negative",
    ],
    [
      { name: "x", network: { networkVersion: 28 }, steps: [] },
      "there are seed, accounts, miners, sectors; nodes, in place of miners and sectors, makes a network of several; scenarios are of network version 5",
    ],
    [
      { name: "x", network: { nodes: 2, miners: 2 }, steps: [] },
      "there are seed, accounts, nodes; miners and sectors are for",
    ],
    [{ name: "x", network: { miners: 99 }, steps: [] }, "the scenario.network.miners: a whole number from 0 to 16"],
    [{ name: "x", steps: [{ setSector: { sector: 1, fault: "eaten" } }] }, "one of none, lost, changed"],
    [JSON.parse('{"name":"x","steps":[{"__proto__":1}]}'), "there is no step __proto__"],
  ];
  for (const [given, why] of cases)
    await expect(runScenario(given)).rejects.toMatchObject({
      data: { code: "BAD_SCENARIO" },
      message: expect.stringContaining(why),
    });
});

test("a value of lists within lists without end is refused at its place", async () => {
  const deep = JSON.parse("[".repeat(5000) + "]".repeat(5000)) as unknown;
  const why = "lists and objects within each other, at most 64";
  await expect(run([{ expectCall: { method: "ChainHead", has: deep } }])).rejects.toThrow(
    `step 1.expectCall.has: ${why}`,
  );
  await expect(run([{ call: { method: "ChainHead", params: [deep] } }])).rejects.toThrow(
    `step 1.call.params[0]: ${why}`,
  );
});

test("a scenario that comes as data calls no method that reads or writes files", async () => {
  const tried = (step: unknown, files = false) => runScenario({ name: "x", steps: [step] }, { files });
  const file = { Path: "/none/such", IsCAR: false };
  for (const step of [
    { call: { method: "ClientImport", params: [file] } },
    { call: { method: "Filecoin.ClientExport", params: [{ Root: { "/": "x" } }, file] } },
    { expectCall: { method: "Filecoin.ClientGenCar", params: [file, "out"], has: null } },
    { call: { method: "ClientDealPieceCID", params: [] } },
    { call: { method: "Filigree.RetrievalGet", params: [] } },
    { call: { method: "Filigree.ClientImportDagJson", params: ["/none/such"] } },
    { call: { method: "DealsImportData", params: [] } },
    { call: { method: "StorageAddLocal", params: ["/none/such"] } },
  ])
    await expect(tried(step), JSON.stringify(step)).rejects.toMatchObject({
      data: { code: "BAD_SCENARIO" },
      message: expect.stringContaining("reads or writes files"),
    });
  await expect(tried({ call: { method: "ClientImport", params: [file] } }, true)).rejects.toThrow("step 1 (call");
  await tried({ call: { method: "ChainHead" } });
});
