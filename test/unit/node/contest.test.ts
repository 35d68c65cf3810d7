/** How long mining waits for a fork that may be heavier. */
import { expect, test } from "vitest";
import { Contest } from "../../../src/node/contest.ts";
import type { Syncer } from "../../../src/sync/syncer.ts";
import type { Tipset } from "../../../src/types/block-header.ts";

test("mining waits for a fork as high as the head while it is fetched, and never longer than is allowed at a time", () => {
  let now = 0;
  let heights: number[] = [];
  const status = (): ReturnType<Syncer["status"]> =>
    ({ active: heights.map((height) => ({ target: { height } })) }) as unknown as ReturnType<Syncer["status"]>;
  const contest = new Contest({ status }, { head: { height: 10 } as Tipset }, 1000, () => now);
  expect(contest.isOpen()).toBe(false);
  heights = [9];
  expect(contest.isOpen()).toBe(false);
  heights = [9, 10];
  expect(contest.isOpen()).toBe(true);
  now = 999;
  expect(contest.isOpen()).toBe(true);
  now = 1000;
  expect(contest.isOpen()).toBe(false);
  // After a block was made it may wait again.
  expect(contest.isOpen()).toBe(true);
  heights = [];
  expect(contest.isOpen()).toBe(false);
});
