/** Parameters of a network stand twice: for the host in `src/params`, for the actors in the core. Both must agree. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { DEVNET, MAINNET } from "../../../src/params/networks.ts";
import { WINDOW_POST } from "../../../src/params/proving.ts";

const source = (file: string): string => readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8");

/** Value of a constant as the core writes it: numbers, shifted, joined by `|`. */
function numberOf(text: string): bigint {
  const shifted = text.split("|").map((term) => {
    const [base, by = "0"] = term.replace(/[()\s]/g, "").split("<<");
    return BigInt(base as string) << BigInt(by);
  });
  return shifted.reduce((all, one) => all | one);
}

/** What a pattern's group finds in a text. */
function found(text: string, pattern: string): string {
  const group = new RegExp(pattern).exec(text)?.[1];
  if (group === undefined) throw new Error(`nothing matches ${pattern}`);
  return group;
}

test.each([
  ["MAINNET", MAINNET],
  ["DEVNET", DEVNET],
])("%s", (name, network) => {
  const call = `const ${name}: NetworkProfile = new NetworkProfile\\((.*)\\);`;
  const [sealProofs, delay, minPower] = found(source("assembly/runtime/profile.ts"), call).split(",").map(numberOf);
  expect(network.sealProofs.reduce((bits, proof) => bits | (1n << BigInt(proof)), 0n)).toBe(sealProofs);
  expect(BigInt(network.preCommitChallengeDelay)).toBe(delay);
  expect(network.consensusMinerMinPower).toBe(minPower);
});

test("the clock of window PoSt", () => {
  const policy = source("assembly/actors/miner/policy.ts");
  const of = (name: string): bigint => numberOf(found(policy, `const ${name}: [iu]64 = (\\d+);`));
  const cutoff = found(policy, "const FAULT_DECLARATION_CUTOFF: i64 = CHALLENGE_LOOKBACK \\+ (\\d+);");
  expect(BigInt(WINDOW_POST.challengeWindow)).toBe(of("CHALLENGE_WINDOW"));
  expect(BigInt(WINDOW_POST.challengeLookback)).toBe(of("CHALLENGE_LOOKBACK"));
  expect(BigInt(WINDOW_POST.provingPeriod)).toBe(of("PERIOD_DEADLINES") * of("CHALLENGE_WINDOW"));
  expect(BigInt(WINDOW_POST.faultDeclarationCutoff)).toBe(of("CHALLENGE_LOOKBACK") + BigInt(cutoff));
});
