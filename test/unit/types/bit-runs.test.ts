/** Sets of numbers as run lengths, against sets. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { countRuns, hasBit, subtractRuns, unionRuns } from "../../../src/types/bit-runs.ts";

const runs = fc.array(fc.bigInt(0n, 6n), { maxLength: 12 });

function setOf(lengths: readonly bigint[]): Set<bigint> {
  const out = new Set<bigint>();
  let at = 0n;
  lengths.forEach((length, i) => {
    for (let k = 0n; k < length; k++) if (i % 2 === 1) out.add(at + k);
    at += length;
  });
  return out;
}
const sorted = (set: Iterable<bigint>): bigint[] => [...set].sort((a, b) => Number(a - b));

test("union and difference are those of sets, and nothing is empty but a first run", () => {
  fc.assert(
    fc.property(runs, runs, (a, b) => {
      const [x, y] = [setOf(a), setOf(b)];
      const both = unionRuns(a, b);
      const less = subtractRuns(a, b);
      expect(sorted(setOf(both))).toEqual(sorted(new Set([...x, ...y])));
      expect(sorted(setOf(less))).toEqual(sorted([...x].filter((one) => !y.has(one))));
      expect([...both.slice(1), ...less.slice(1)]).not.toContain(0n);
      expect(countRuns(a)).toBe(BigInt(x.size));
      for (let i = 0n; i < 40n; i++) expect(hasBit(a, i)).toBe(x.has(i));
    }),
  );
});

test("runs of 2^60 cost no more than short ones", () => {
  expect(subtractRuns([0n, 1n << 60n], [5n, 1n])).toEqual([0n, 5n, 1n, (1n << 60n) - 6n]);
});
