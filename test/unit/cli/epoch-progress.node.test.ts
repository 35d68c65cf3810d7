/** How far a network is that passes many epochs, for whoever waits. */
import { expect, test } from "vitest";
import { progressText, roughTime } from "../../../src/cli/epoch-progress.ts";

const height = async (): Promise<number> => 0;

test("what is left is estimated by what was made so far, where the end is known", () => {
  const known = { height, first: 100, target: 3700 };
  expect(progressText(100, known, 2000)).toBe("epoch 100 of 3700");
  expect(progressText(400, known, 10_000)).toBe("epoch 400 of 3700, about 2 min left");
  expect(progressText(3700, known, 10_000)).toBe("epoch 3700 of 3700, about 0 s left");
  expect(progressText(400, { ...known, target: null }, 10_000)).toBe("epoch 400");
});

test("times are rough", () => {
  expect([0.2, 89, 91, 5399, 9000].map(roughTime)).toEqual(["1 s", "89 s", "2 min", "90 min", "2.5 h"]);
});
