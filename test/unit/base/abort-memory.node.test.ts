import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { untilAborted } from "../../../src/base/abort.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

test("items of a stream that a signal may end are let go when they were taken", async () => {
  const seen: WeakRef<object>[] = [];
  async function* items(): AsyncGenerator<object> {
    for (let i = 0; i < 100; i++) yield { i };
  }
  for await (const item of untilAborted(items(), new AbortController().signal)) {
    seen.push(new WeakRef(item));
    if (seen.length < 100) continue;
    // A turn of the loop: what a WeakRef was asked for lives until the turn ends.
    await new Promise((resolve) => setTimeout(resolve, 0));
    collect();
    expect(seen.filter((one) => one.deref() !== undefined).length).toBeLessThan(5);
  }
  expect(seen).toHaveLength(100);
});
