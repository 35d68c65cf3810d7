/** What of a request's text and of what was parsed is still held while one of its calls waits: nothing but its parameters. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, expect, test } from "vitest";
import { boolean, text } from "../../../src/rpc/codec/codec.ts";
import { Dispatcher } from "../../../src/rpc/dispatcher.ts";
import { group, method, param } from "../../../src/rpc/method.ts";
import { Registry } from "../../../src/rpc/registry.ts";
import type { NodeServices } from "../../../src/rpc/services.ts";
import { Session } from "../../../src/rpc/session.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

let finish = (): void => {};
const Wait = method({
  summary: "",
  params: [param("name", text(50))],
  result: boolean,
  cost: "wait",
  run: () =>
    new Promise<boolean>((resolve) => {
      finish = () => resolve(true);
    }),
});
const dispatcher = new Dispatcher(new Registry([group("Test", "", { Wait })]), {
  network: { prefix: "t" },
  run: { isStopped: false },
} as unknown as NodeServices);

const { parse } = JSON;
let parsed: WeakRef<object>[] = [];
afterEach(() => {
  JSON.parse = parse;
});

/** How many of the values that were parsed cannot be let go. */
async function held(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    collect();
  }
  return parsed.filter((one) => one.deref() !== undefined).length;
}

const WAIT = '{"id":1,"method":"Filecoin.Wait","params":["a"],"x":[{},{},{}]}';
test.each([
  ["a request", WAIT, 1],
  ["a batch", `[${WAIT},{"x":[{},{}]},{"id":7,"method":"Filecoin.Nothing"}]`, 2],
])("%s", async (_, request, answers) => {
  parsed = [];
  JSON.parse = ((...args: Parameters<typeof parse>) => {
    const value = parse(...args) as object;
    parsed.push(new WeakRef(value));
    return value;
  }) as typeof parse;
  const reply = dispatcher.handle(request, new Session({ permissions: ["read"] }));
  expect(parsed.length).toBeGreaterThan(0);
  expect(await held()).toBe(0);
  finish();
  const answered = [parse((await reply) as string) as unknown].flat();
  expect(answered).toHaveLength(answers);
  expect(answered[0]).toMatchObject({ id: 1, result: true });
});
