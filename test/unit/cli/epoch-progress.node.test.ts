/** How far a network is that passes many epochs, for whoever waits. */
import { afterEach, expect, test, vi } from "vitest";
import { progressText, roughTime, tellingEpochs } from "../../../src/cli/epoch-progress.ts";

const height = async (): Promise<number> => 0;

test("what is left is estimated by what was made so far, where the end is known", () => {
  const known = { height, first: 100, target: 3700 };
  expect(progressText(100, known, 2000)).toBe("epoch 100 of 3700");
  expect(progressText(400, known, 10_000)).toBe("epoch 400 of 3700, about 2 min left");
  expect(progressText(3700, known, 10_000)).toBe("epoch 3700 of 3700, about 0 s left");
  expect(progressText(400, { ...known, target: null }, 10_000)).toBe("epoch 400");
  expect(progressText(400, { ...known, isLimit: true }, 10_000)).toBe("epoch 400 of at most 3700, at most 2 min left");
});

test("times are rough", () => {
  expect([0.2, 89, 91, 5399, 9000].map(roughTime)).toEqual(["1 s", "89 s", "2 min", "90 min", "2.5 h"]);
});

afterEach(() => vi.useRealTimers());

test("without a terminal it is told every ten seconds how far it is, and once what comes there sooner", async () => {
  vi.useFakeTimers();
  const told: string[] = [];
  let at = 100;
  const progress = { height: async () => at, first: 100, target: 2900, isLimit: true, hint: "fast-forward" };
  const screen = { isTTY: false, write: (text: string) => told.push(text) > 0 } as never;
  const work = tellingEpochs(progress, () => new Promise<void>((resolve) => setTimeout(resolve, 35_000)), screen);
  for (let second = 0; second < 35; second++) {
    at += 20;
    await vi.advanceTimersByTimeAsync(1000);
  }
  await work;
  expect(told[0]).toMatch(/^note: this takes a while: epoch \d+ of at most 2900, at most 3 min left; Ctrl-C ends it/);
  expect(told.filter((text) => /^epoch \d+ of at most 2900/.test(text))).toHaveLength(2);
  expect(told.filter((text) => text === "hint: fast-forward\n")).toHaveLength(1);
  expect(told).toHaveLength(4);
});
