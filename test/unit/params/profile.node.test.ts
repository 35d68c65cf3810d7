/** What stands twice, for the host and for the actors in the core: both must agree. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { SECTOR_SIZES, sectorSizeOf, WINDOW_POST } from "../../../src/params/proving.ts";
import type { Address } from "../../../src/types/address.ts";
import * as singletons from "../../../src/types/singletons.ts";

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

test("sizes of sectors, by the number of the proof", () => {
  const row = found(source("assembly/runtime/sector-policy.ts"), "SECTOR_SIZES: StaticArray<u64> = \\[(.*)\\];");
  const sizes = row.split(", ").map((text) => {
    const [base, by] = text.split(" << ").map(Number) as [number, number];
    return base * 2 ** by;
  });
  expect(SECTOR_SIZES).toEqual(sizes);
  expect([0, 4, 5, 14].map(sectorSizeOf)).toEqual([sizes[0], sizes[4], sizes[0], sizes[4]]);
  expect([-1, 0.5].map(sectorSizeOf)).toEqual([undefined, undefined]);
});

test("ids of the singleton actors", () => {
  const core = source("assembly/types/singletons.ts");
  const { FIRST_NON_SINGLETON_ID, RESERVE, ...shared } = singletons;
  for (const [name, address] of Object.entries<Address>(shared))
    expect(`${address.actorId}`, name).toBe(found(core, `const ${name}_ID: u64 = (\\d+);`));
  expect(`${FIRST_NON_SINGLETON_ID}`).toBe(found(core, "const FIRST_NON_SINGLETON_ID: u64 = (\\d+);"));
  expect(`${RESERVE.actorId}`).toBe(found(source("assembly/vm/circulating-supply.ts"), "RESERVE_ID: u64 = (\\d+);"));
});
