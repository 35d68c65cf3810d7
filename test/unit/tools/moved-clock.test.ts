/** The clock of demonstrations: who waits by it is woken when it is moved past the end of the wait, and no earlier. */
import { expect, test } from "vitest";
import { MovedClock } from "../../../src/tools/demo/moved-clock.ts";

test("a wait ends when the clock is moved past its end; an aborted one at once", async () => {
  const clock = new MovedClock(5_000);
  expect(Math.abs(clock.now() - Date.now() - 5_000)).toBeLessThan(1_000);
  const { signal } = new AbortController();
  const woken: string[] = [];
  const day = clock.sleep(86_400_000, signal).then(() => woken.push("day"));
  const hour = clock.sleep(3_600_000, signal).then(() => woken.push("hour"));
  clock.move(5_000 + 3_600_001);
  await hour;
  await new Promise((resolve) => setTimeout(resolve, 0));
  expect(woken).toEqual(["hour"]);
  clock.move(5_000 + 86_400_001);
  await day;
  expect(woken).toEqual(["hour", "day"]);
  const ending = new AbortController();
  const never = clock.sleep(86_400_000, ending.signal);
  ending.abort(new Error("over"));
  await expect(never).rejects.toThrow("over");
});
