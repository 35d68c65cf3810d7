/** Answers that race. */
import { expect, test } from "vitest";
import { Latest } from "../../../src/page/tools/latest.ts";

test("the answer to the last question counts, whichever comes last; what was changed wants none", async () => {
  const latest = new Latest();
  const told: string[] = [];
  const open = (): { answer: (text: string) => void; fail: (why: string) => void; over: Promise<void> } => {
    const { promise, resolve, reject } = withResolvers<string>();
    const over = latest.ask(
      () => promise,
      (text) => told.push(text),
      (error) => told.push(`failed: ${error}`),
    );
    return { answer: resolve, fail: reject, over };
  };
  const [slow, wrong, last] = [open(), open(), open()];
  last.answer("last");
  await last.over;
  slow.answer("slow");
  wrong.fail("wrong");
  await Promise.all([slow.over, wrong.over]);
  expect(told).toEqual(["last"]);
  const failing = open();
  failing.fail("disk");
  await failing.over;
  const left = open();
  latest.forget();
  left.answer("left");
  await left.over;
  expect(told).toEqual(["last", "failed: disk"]);
});

/** As `Promise.withResolvers`, which Node has from version 22 on. */
function withResolvers<T>() {
  let resolve: (value: T) => void = () => undefined;
  let reject: (reason: string) => void = () => undefined;
  const promise = new Promise<T>((one, other) => {
    resolve = one;
    reject = other;
  });
  return { promise, resolve, reject };
}
