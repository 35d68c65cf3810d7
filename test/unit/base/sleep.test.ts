/** Waiting, also for longer than one timer can. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { sleepFor } from "../../../src/base/sleep.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("a wait of more milliseconds than a timer takes is as long as was said, and can be ended", async () => {
  const months = 3 * 2 ** 31;
  let isOver = false;
  const waiting = sleepFor(months, new AbortController().signal).then(() => {
    isOver = true;
  });
  await vi.advanceTimersByTimeAsync(months - 1);
  expect(isOver).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  await waiting;
  expect(isOver).toBe(true);

  const end = new AbortController();
  const ended = sleepFor(months, end.signal);
  ended.catch(() => undefined);
  await vi.advanceTimersByTimeAsync(2 ** 31);
  end.abort(new Error("ended"));
  await expect(ended).rejects.toThrow("ended");
  expect(vi.getTimerCount()).toBe(0);
});
