/** The whole legacy corpus, in Node, in Deno and in the browser alike. */
import { blake2b } from "@noble/hashes/blake2.js";
import { afterAll, describe, expect, test } from "vitest";
import { toHex, utf8 } from "../../src/base/bytes.ts";
import { type RunOutcome, runVector } from "../../src/conformance/run.ts";
import { corpus, HOW_TO_GET, readVector } from "../support/vectors.ts";

/**
 * Hash over every receipt, root and new block of the open half of the corpus, 569 runs. A change means that execution
 * gives something else than before, or not the same everywhere.
 */
const DIGEST = "1676db75bed56b0e31dff282177269fb";
const LISTED = "435fe47b036f78cfbf1bae6a752e3a28";

const hash = (text: string): string => toHex(blake2b(utf8(text), { dkLen: 16 }));

/** Files by folder, so that a failure names the method. */
const folders = new Map<string, string[]>();
for (const file of corpus.files) {
  const folder = file.slice(0, file.lastIndexOf("/"));
  folders.set(folder, [...(folders.get(folder) ?? []), file]);
}

if (corpus.files.length === 0) {
  console.warn(`skipped: no conformance vectors at ${corpus.folder}; ${HOW_TO_GET}`);
  test.skip(`conformance vectors: ${HOW_TO_GET}`, () => undefined);
} else {
  describe("legacy corpus", () => {
    const all: RunOutcome[] = [];

    test.each([...folders])("%s", { timeout: 300_000 }, async (_, files) => {
      const outcomes: RunOutcome[] = [];
      for (const file of files) outcomes.push(...(await runVector(file, await readVector(file))).outcomes);
      all.push(...outcomes);
      const failures = outcomes.filter(({ passed }) => !passed);
      expect(failures.map(({ file, variant, differences }) => ({ file, variant, differences }))).toEqual([]);
      expect(outcomes.length).toBeGreaterThanOrEqual(files.length);
    });

    test("receipts, roots and new blocks are the same on every platform", () => {
      const lines = all.map(({ file, variant, digest }) => `${file} ${variant} ${digest}`).sort();
      const listed = hash(lines.map((line) => line.slice(0, line.lastIndexOf(" "))).join("\n"));
      // Another selection of vectors than the one that the line was taken on says nothing about it.
      if (listed !== LISTED) console.warn(`digest of another list of vectors (${listed}): ${hash(lines.join("\n"))}`);
      else expect(hash(lines.join("\n"))).toBe(DIGEST);
    });

    afterAll(() => {
      const passed = all.filter((outcome) => outcome.passed).length;
      console.info(`conformance: ${passed} passed, ${all.length - passed} failed, 0 skipped`);
    });
  });
}
