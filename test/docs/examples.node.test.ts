/**
 * That every page has its examples, and that what they make does not meet. `npm run test:package` runs them, in a project that has the
 * packed package: in JavaScript on every runtime, and in TypeScript.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { examplesOf, expectedCounts, pagesWithExamples, root } from "../support/examples.ts";

test("every page has the examples that it should have", () => {
  const counted = pagesWithExamples().map((page) => [page, examplesOf(page).length]);
  expect(Object.fromEntries(counted)).toEqual(expectedCounts());
});

test("networks of the guide do not meet in one data folder", () => {
  const guide = readFileSync(path.join(root, "docs/guide-command-line.md"), "utf8");
  const places = [...guide.matchAll(/^npx filigree devnet.*$/gm)].map(
    ([line]) => /--memory|--data \S+/.exec(line)?.[0],
  );
  expect(places.length).toBeGreaterThan(3);
  // The first is the one in the default folder.
  expect(places.slice(1)).not.toContain(undefined);
  expect(new Set(places.filter((place) => place !== "--memory")).size).toBe(places.length);
});
