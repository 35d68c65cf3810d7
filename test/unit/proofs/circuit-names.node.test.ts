/** The names of places in circuits stand twice: as numbers in the core, as texts in the host. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { PATH_NAMES } from "../../../src/sector/snark/circuit.ts";

test("the host has a text for every number, in order", () => {
  const source = readFileSync("assembly/proofs/circuit/path.ts", "utf8");
  const numbers = [...source.matchAll(/^export const AT_\w+: u32 = (\d+);$/gm)].map((match) => Number(match[1]));
  expect(numbers).toEqual(PATH_NAMES.map((_, i) => i));
});
