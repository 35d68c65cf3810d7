/**
 * Bytes that are equal are seen to be so at once: the comparison that `toEqual` has of its own takes microseconds for every byte. What differs
 * is left to it, which shows where.
 */
import { expect } from "vitest";
import { equal } from "../../src/base/bytes.ts";

/** Files that share a process run this once each, and share the list of comparisons. */
const DONE = Symbol.for("filigree.test.equal-bytes");
const shared = globalThis as { [DONE]?: true };

if (shared[DONE] === undefined) {
  shared[DONE] = true;
  expect.addEqualityTesters([
    (a: unknown, b: unknown): boolean | undefined =>
      a instanceof Uint8Array && b instanceof Uint8Array && a.constructor === b.constructor && equal(a, b)
        ? true
        : undefined,
  ]);
}
