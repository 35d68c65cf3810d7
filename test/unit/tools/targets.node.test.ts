/** What a WebAssembly target is made of decides whether it is compiled again. */
import { expect, test } from "vitest";
import { sourcesOf, TARGETS } from "../../../src/tools/targets.ts";

test("a target's files are those that its entry reaches, and no others", () => {
  const crypto = sourcesOf(TARGETS["crypto"] as string);
  expect(crypto).toContain("assembly/crypto/field/fp.gen.ts");
  expect(crypto.filter((file) => /assembly\/(?:vm|actors|proofs)\//.test(file))).toEqual([]);
  const vm = sourcesOf(TARGETS["vm"] as string);
  expect(vm).toContain("assembly/runtime/versions.gen.ts");
  expect(vm).toContain("assembly/actors/miner/methods/precommit.ts");
  expect(vm).not.toContain("assembly/entry/probe.ts");
});
