/** Premiums by percentiles of the gas used. Source of the table: lotus node/impl/eth/reward_test.go (TestRewardPercentiles). */
import { expect, test } from "vitest";
import { MIN_PREMIUM, rewardsOf } from "../../../../src/rpc/eth/fees.ts";

const PAID = [
  [0n, 300n],
  [100n, 200n],
  [350n, 100n],
  [500n, 600n],
  [300n, 700n],
].map(([gasUsed, premium]) => ({ gasUsed: gasUsed as bigint, premium: premium as bigint }));

test("the premium behind the message with which the percentile is reached; the least one without messages", () => {
  expect(rewardsOf(PAID, 1250n, [25, 50, 75, 100])).toEqual([200n, 700n, 700n, 700n]);
  expect(rewardsOf(PAID, 1250n, [0, 0, 8, 28])).toEqual([100n, 100n, 200n, 200n]);
  expect(rewardsOf([], 0n, [25, 50])).toEqual([MIN_PREMIUM, MIN_PREMIUM]);
});
