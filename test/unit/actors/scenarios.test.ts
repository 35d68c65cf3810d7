/** Actors against the official modules: seeded scenarios of both generations, every receipt and every state root. */
import { describe, expect, test } from "vitest";
import { type Scenario, type ScenarioFile, ScenarioPlayer } from "../../../src/conformance/scenario.ts";
import { checkState, type StateReport } from "../../../src/core/state-check.ts";
import { parseCid } from "../../../src/types/cid.ts";
import { readFixtureJson } from "../../support/files.ts";

const FILES = ["market-v0", "market-v2", "scenarios-v0", "scenarios-v2"] as const;
/** Stories in which power and callbacks are enrolled in miners' names, without sectors. */
const INVENTED_POWER = /^(power|cron|edges)/;

/** The machine with the actors of both generations; opened once for each file. */
const files = await Promise.all(
  FILES.map(async (name) => ({ name, file: await readFixtureJson<ScenarioFile>(`actors/${name}.json.gz`) })),
);

describe.each(files)("$name", ({ file }) => {
  const player = ScenarioPlayer.create(file, { asset: "vm-test.wasm", tracing: true });

  test.each(file.scenarios.map((scenario) => ({ scenario, name: scenario.name, steps: scenario.steps.length })))(
    "$name: exit code, gas, return value and state root of $steps steps are the reference's",
    async ({ scenario }) => {
      expect((await player).play(scenario)).toBeNull();
    },
  );

  async function checkEnd(scenario: Scenario): Promise<StateReport> {
    (await player).play(scenario);
    const root = scenario.steps.findLast((step) => step.root !== undefined)?.root ?? scenario.root;
    const epoch = scenario.steps.findLast((step) => step.op === "epoch")?.epoch ?? scenario.epoch;
    return checkState(parseCid(root), epoch, (await player).blocks);
  }

  const honest = file.scenarios.filter(({ name }) => !INVENTED_POWER.test(name));
  test.each(honest.map((scenario) => ({ scenario, name: scenario.name })))(
    "$name: every invariant holds at the end",
    async ({ scenario }) => {
      const report = await checkEnd(scenario);
      expect(report.complaints).toEqual([]);
      expect(report.actors).toBeGreaterThan(15);
    },
  );

  const power = file.scenarios.find(({ name }) => /^power-\d/.test(name));
  test.skipIf(power === undefined)("power that no sector has is complained about", async () => {
    const { complaints } = await checkEnd(power as Scenario);
    expect(complaints.some((text) => text.includes("differs from its sectors' power"))).toBe(true);
  });
});
