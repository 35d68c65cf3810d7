/** Waiting, also for longer than one timer can. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { sleepFor } from "../../../src/base/sleep.ts";

/** Timers of months alone are held here: what else runs in a page that tests share keeps its own. */
const LONG_MS = 2 ** 30;
const held = new Map<number, { readonly run: () => void; readonly ms: number }>();

beforeEach(() => {
  const [set, clear] = [globalThis.setTimeout, globalThis.clearTimeout];
  let last = -1;
  vi.spyOn(globalThis, "setTimeout").mockImplementation(((run: () => void, ms = 0) => {
    if (ms < LONG_MS) return set(run, ms);
    held.set(--last, { run, ms });
    return last;
  }) as unknown as typeof setTimeout);
  vi.spyOn(globalThis, "clearTimeout").mockImplementation(((id: number) => {
    if (!held.delete(id)) clear(id);
  }) as unknown as typeof clearTimeout);
});
afterEach(() => {
  vi.restoreAllMocks();
  held.clear();
});

/** Lets the one timer go off that is held; returns its milliseconds. */
function goOff(): number {
  const [[id, timer] = [0, undefined]] = held;
  if (timer === undefined || held.size > 1) throw new Error(`${held.size} timers are held`);
  held.delete(id);
  timer.run();
  return timer.ms;
}

test("a wait of more milliseconds than a timer takes is as long as was said, and can be ended", async () => {
  const months = 2 * (2 ** 31 - 1) + LONG_MS;
  let isOver = false;
  const waiting = sleepFor(months, new AbortController().signal).then(() => {
    isOver = true;
  });
  let passed = 0;
  while (held.size > 0) {
    await Promise.resolve();
    expect(isOver).toBe(false);
    const ms = goOff();
    expect(ms).toBeLessThan(2 ** 31);
    passed += ms;
  }
  await waiting;
  expect(passed).toBe(months);

  const end = new AbortController();
  const ended = sleepFor(months, end.signal);
  ended.catch(() => undefined);
  goOff();
  end.abort(new Error("ended"));
  await expect(ended).rejects.toThrow("ended");
  expect(held.size).toBe(0);
});
