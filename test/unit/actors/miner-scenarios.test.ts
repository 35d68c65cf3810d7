/** The storage miner against the official modules: seeded scenarios of both generations on two networks. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { type ScenarioFile, ScenarioPlayer } from "../../../src/conformance/scenario.ts";

const FILES = ["miner-devnet-v0", "miner-devnet-v2", "miner-mainnet-v0", "miner-mainnet-v2"] as const;

function load(name: string): ScenarioFile {
  const url = new URL(`../../fixtures/actors/${name}.json.gz`, import.meta.url);
  return JSON.parse(gunzipSync(readFileSync(url)).toString("utf8")) as ScenarioFile;
}

describe.each(FILES)("%s", (name) => {
  const file = load(name);
  const player = ScenarioPlayer.create(file, { asset: "vm-test.wasm", tracing: true });

  test.each(file.scenarios.map((scenario) => ({ scenario, seed: scenario.name, steps: scenario.steps.length })))(
    "$seed: exit code, gas, return value and state root of $steps steps are the reference's",
    async ({ scenario }) => {
      expect((await player).play(scenario)).toBeNull();
    },
    60_000,
  );
});
