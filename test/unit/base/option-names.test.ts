/** Options that nobody knows: told by name, with the one that was meant where one is near. */
import { expect, test } from "vitest";
import { nearestName } from "../../../src/base/nearest-name.ts";
import { checkNames } from "../../../src/base/options.ts";

const KNOWN = ["accounts", "blockTime", "networkVersion", "seed", "data"];

test.each([
  ["account", "accounts"],
  ["acounts", "accounts"],
  ["blocktime", "blockTime"],
  ["block_time", "blockTime"],
  ["netwrokVersion", "networkVersion"],
  ["sede", "seed"],
  ["date", "data"],
  ["nodes", null],
  ["x", null],
  ["", null],
  ["accounts".repeat(1000), null],
])("%s: %s is meant", (given, meant) => {
  expect(nearestName(given, KNOWN)).toBe(meant);
});

test("an unknown name is refused, with what is there instead", () => {
  const names = { accounts: true, seed: true } as const;
  const check = (given: unknown) => () => checkNames("Net.open", given as { accounts: 1; seed: 2 }, names);
  expect(check({ accounts: 1 })).not.toThrow();
  expect(check({ seeed: 1 })).toThrow("seeed: there is no such option of Net.open; is seed meant?");
  expect(check({ port: 1 })).toThrow("port: there is no such option of Net.open; there are accounts, seed");
  expect(check({ constructor: 1 })).toThrow("constructor: there is no such option");
  for (const wrong of [null, 5, "seed", [], undefined])
    expect(check(wrong)).toThrow("options: an object with options of Net.open expected, got");
  expect(check({ ["x".repeat(10_000)]: 1 })).toThrow(/^x{60}: there/);
});
