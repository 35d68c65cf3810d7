/**
 * The vectors of the FVM with the published actors, in Node, in Deno and in the browser alike. Actors are nobody's to commit: where
 * no bundles are at hand this says so and skips.
 */

import { blake2b } from "@noble/hashes/blake2.js";
import { afterAll, describe, expect, test } from "vitest";
import { toHex, utf8 } from "../../src/base/bytes.ts";
import { type RunOutcome, runVector } from "../../src/conformance/run.ts";
import { givenBundles } from "../support/given-bundles.ts";
import { corpus, readAt } from "../support/vectors.ts";

/** Hash over every receipt, root and new block of the open half, 189 runs: the same on every platform. */
const DIGEST = "0353b99132560506344d934d453248b7";
const LISTED = "3eea18ab3bc49eda742cfd2d07b04261";
const HOW = "set FILIGREE_BUNDLES to a folder with the main network's bundles v9 and v10 (.car or vN.tar.zst)";

const hash = (text: string): string => toHex(blake2b(utf8(text), { dkLen: 16 }));

if (corpus.fvm.length === 0 || corpus.bundles.length === 0) {
  const lacking =
    corpus.fvm.length === 0 ? "no vectors of the FVM beside the checkout" : `no bundles of actors; ${HOW}`;
  console.warn(`skipped: ${lacking}`);
  test.skip(`vectors of the FVM: ${lacking}`, () => undefined);
} else {
  describe("vectors of the FVM", () => {
    const bundles = givenBundles();
    const all: RunOutcome[] = [];
    const short = (file: string): string => file.slice(file.indexOf("extracted/"));
    const actors = new Map<string, string[]>();
    for (const file of corpus.fvm) {
      const folder = short(file).split("/").slice(0, 3).join("/");
      actors.set(folder, [...(actors.get(folder) ?? []), file]);
    }

    test.each([...actors])("%s", { timeout: 600_000 }, async (_, files) => {
      const outcomes: RunOutcome[] = [];
      for (const file of files) {
        const text = new TextDecoder().decode(await readAt(file));
        outcomes.push(...(await runVector(short(file), text, { bundles })).outcomes);
      }
      all.push(...outcomes);
      const failures = outcomes.filter(({ passed }) => !passed);
      expect(failures.map(({ file, differences, skipped }) => ({ file, differences, skipped }))).toEqual([]);
    });

    test("receipts, roots and new blocks are the same on every platform", () => {
      const lines = all.map(({ file, variant, digest }) => `${file} ${variant} ${digest}`).sort();
      const listed = hash(lines.map((line) => line.slice(0, line.lastIndexOf(" "))).join("\n"));
      if (listed !== LISTED) console.warn(`digest of another list of vectors (${listed}): ${hash(lines.join("\n"))}`);
      else expect(hash(lines.join("\n"))).toBe(DIGEST);
    });

    afterAll(() => {
      const passed = all.filter((outcome) => outcome.passed).length;
      console.info(`conformance: ${passed} passed, ${all.length - passed} failed, 0 skipped`);
    });
  });
}
