/** Which epoch a tipset of the page's chain tells about. */
import { expect, test } from "vitest";
import { type TipsetView, withParents } from "../../../src/page/chain.ts";

const at = (...epochs: readonly number[]): TipsetView[] => epochs.map((epoch) => ({ epoch }) as TipsetView);
const epochsOf = (shown: readonly TipsetView[]): number[] => withParents(shown).map(({ epoch }) => epoch);

test("each is told of by the one above it, over null rounds; the genesis tells of nothing", () => {
  expect(epochsOf(at(0, 1, 4, 5))).toEqual([4, 1, 0]);
  expect(epochsOf(at(0, 3))).toEqual([0]);
  expect(epochsOf(at(0))).toEqual([]);
  // Of the lowest one that is known nothing but its own epoch is.
  expect(epochsOf(at(7, 8))).toEqual([7, 6]);
});
