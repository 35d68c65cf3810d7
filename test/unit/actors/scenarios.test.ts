/** Actors against the official modules: seeded scenarios of both generations, every receipt and every state root. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { type ScenarioFile, ScenarioPlayer } from "../../../src/conformance/scenario.ts";

const GENERATIONS = [0, 2] as const;

function load(generation: number): ScenarioFile {
  const url = new URL(`../../fixtures/actors/scenarios-v${generation}.json.gz`, import.meta.url);
  return JSON.parse(gunzipSync(readFileSync(url)).toString("utf8")) as ScenarioFile;
}

/** The machine with the actors of both generations; opened once for each file. */
describe.each(GENERATIONS)("actors v%i", (generation) => {
  const file = load(generation);
  const player = ScenarioPlayer.create(file, { asset: "vm-test.wasm", tracing: true });

  test.each(file.scenarios.map((scenario) => ({ scenario, name: scenario.name, steps: scenario.steps.length })))(
    "$name: exit code, gas, return value and state root of $steps steps are the reference's",
    async ({ scenario }) => {
      expect((await player).play(scenario)).toBeNull();
    },
  );
});
