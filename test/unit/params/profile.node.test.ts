/** The clock of window PoSt stands twice: for the host in `src/params`, for the actors in the core. Both must agree. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { WINDOW_POST } from "../../../src/params/proving.ts";

const source = (file: string): string => readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8");

/** What a pattern's group finds in a text. */
function found(text: string, pattern: string): string {
  const group = new RegExp(pattern).exec(text)?.[1];
  if (group === undefined) throw new Error(`nothing matches ${pattern}`);
  return group;
}

test("the clock of window PoSt", () => {
  const policy = source("assembly/actors/miner/policy.ts");
  const of = (name: string): bigint => BigInt(found(policy, `const ${name}: [iu]64 = (\\d+);`));
  const cutoff = found(policy, "const FAULT_DECLARATION_CUTOFF: i64 = CHALLENGE_LOOKBACK \\+ (\\d+);");
  expect(BigInt(WINDOW_POST.challengeWindow)).toBe(of("CHALLENGE_WINDOW"));
  expect(BigInt(WINDOW_POST.challengeLookback)).toBe(of("CHALLENGE_LOOKBACK"));
  expect(BigInt(WINDOW_POST.provingPeriod)).toBe(of("PERIOD_DEADLINES") * of("CHALLENGE_WINDOW"));
  expect(BigInt(WINDOW_POST.faultDeclarationCutoff)).toBe(of("CHALLENGE_LOOKBACK") + BigInt(cutoff));
});
