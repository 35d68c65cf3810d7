/** The storage miner against the official modules: seeded scenarios of both generations on two networks. */
import { describe, expect, test } from "vitest";
import { type ScenarioFile, ScenarioPlayer } from "../../../src/conformance/scenario.ts";
import { readFixtureJson } from "../../support/files.ts";

const FILES = ["miner-devnet-v0", "miner-devnet-v2", "miner-mainnet-v0", "miner-mainnet-v2"] as const;

const files = await Promise.all(
  FILES.map(async (name) => ({ name, file: await readFixtureJson<ScenarioFile>(`actors/${name}.json.gz`) })),
);

describe.each(files)("$name", ({ file }) => {
  const player = ScenarioPlayer.create(file, { asset: "vm-test.wasm", tracing: true });

  test.each(file.scenarios.map((scenario) => ({ scenario, seed: scenario.name, steps: scenario.steps.length })))(
    "$seed: exit code, gas, return value and state root of $steps steps are the reference's",
    async ({ scenario }) => {
      expect((await player).play(scenario)).toBeNull();
    },
    60_000,
  );
});
