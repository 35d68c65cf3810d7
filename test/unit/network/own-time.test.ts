/** Time in which a node got to what its peers sent: deadlines that a standstill does not use up, and room for what waited. */
import { describe, expect, test } from "vitest";
import { OwnTime, TICK_MS } from "../../../src/network/own-time.ts";
import { RateLimiter } from "../../../src/network/rate-limit.ts";

function told() {
  let [at, stopped] = [0, false];
  let tick = (): void => undefined;
  const time = new OwnTime({
    ticker: (callback) => {
      tick = callback;
      return () => {
        stopped = true;
      };
    },
    clock: () => at,
  });
  /** `ms` pass, and then there is a tick. */
  const pass = (ms = TICK_MS): void => {
    at += ms;
    tick();
  };
  const ticks = (count: number): void => {
    for (let i = 0; i < count; i++) pass();
  };
  return { time, pass, ticks, now: () => at, isStopped: () => stopped };
}

describe("a deadline", () => {
  test("is over after its time and the two ticks in which the rest is read; who ends it hears nothing", () => {
    const { time, ticks } = told();
    const waited: number[] = [];
    const patience = time.patience(4 * TICK_MS, "too slow", (ms) => waited.push(ms));
    const ended = time.patience(TICK_MS, "too slow");
    ended.end();
    ticks(5);
    expect(patience.isOver).toBe(false);
    ticks(1);
    expect(patience.isOver).toBe(true);
    expect(patience.signal.reason).toMatchObject({ message: "too slow" });
    ticks(10);
    expect(waited).toEqual([1, 2, 3, 4, 5, 6].map((count) => count * TICK_MS));
    expect(ended.isOver).toBe(false);
  });

  test("is not over because the process stood still, be it for an hour", () => {
    const { time, pass, ticks } = told();
    const patience = time.patience(10_000, "too slow");
    for (let i = 0; i < 10; i++) pass(3_600_000);
    expect([patience.isOver, time.now(), time.late]).toEqual([false, 10 * TICK_MS, 10 * (3_600_000 - TICK_MS)]);
    ticks(31);
    expect(patience.isOver).toBe(false);
    ticks(1);
    expect(patience.isOver).toBe(true);
  });

  test("ends no more once the time is stopped", () => {
    const { time, ticks, isStopped } = told();
    const patience = time.patience(1, "too slow");
    time.stop();
    ticks(10);
    expect([patience.isOver, isStopped()]).toEqual([false, true]);
  });

  test("a tick that is a little late is no standstill", () => {
    const { time, pass } = told();
    for (let i = 0; i < 100; i++) pass(1.9 * TICK_MS);
    expect(time.late).toBe(0);
  });
});

test("what waited during a standstill is let through, for a while and no more than was allowed in that time", () => {
  const { time, pass, ticks, now } = told();
  const limit = new RateLimiter({ burst: 4, perSecond: 2 }, now, () => time.late);
  const taken = (tries: number): number => Array.from({ length: tries }, () => limit.allow("a")).filter(Boolean).length;
  expect(taken(10)).toBe(4);
  pass(60_000);
  expect(taken(1000)).toBe(Math.floor((2 * 60_000) / 1000));
  expect(taken(10)).toBe(0);
  // What it had more than its burst is gone after a while.
  pass(60_000);
  expect(taken(1)).toBe(1);
  ticks(100);
  expect(taken(1000)).toBe(4);
});
