/** The dispatcher over methods made up for the purpose, and a node of which nothing is there but what they use. */
import { expect, test } from "vitest";
import { boolean, integer, list, nothing, text } from "../../../src/rpc/codec/codec.ts";
import { Dispatcher, RPC_LIMITS } from "../../../src/rpc/dispatcher.ts";
import { Gates, withTimeLimit } from "../../../src/rpc/limits.ts";
import { group, method, param, subscription } from "../../../src/rpc/method.ts";
import { Registry } from "../../../src/rpc/registry.ts";
import type { NodeServices } from "../../../src/rpc/services.ts";
import { MAX_CALLS, MAX_CHANNELS, Session } from "../../../src/rpc/session.ts";

const node = { network: { prefix: "t" }, run: { isStopped: false } } as unknown as NodeServices;
let stopped = 0;
let ended = 0;
const emitters: ((value: number) => void)[] = [];

const methods = {
  Echo: method({ summary: "", params: [param("text", text(5))], result: text(), run: ([given]) => given }),
  Sum: method({
    summary: "",
    params: [param("numbers", list(integer(0, 9), 3))],
    result: integer(0, 99),
    run: ([numbers]) => numbers.reduce((a, b) => a + b, 0),
  }),
  Write: method({ summary: "", permission: "write", result: nothing, run: () => null }),
  Break: method({ summary: "", result: nothing, run: () => (undefined as unknown as { x(): null }).x() }),
  Wait: method({
    summary: "",
    result: boolean,
    cost: "wait",
    run: (_, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          ended++;
          reject(signal.reason);
        });
      }),
  }),
  Watch: subscription({
    summary: "",
    result: integer(0, 99),
    run: () => (emit) => {
      emit(1);
      emitters.push(emit);
      return () => {
        stopped++;
      };
    },
  }),
  Huge: method({ summary: "", result: text(), run: () => "x".repeat(RPC_LIMITS.replyBytes * 0.6) }),
  OnlyNew: method({ summary: "", result: text(), run: () => "new" }),
};
const old = group("Old", "", { OnlyNew: method({ summary: "", result: text(), run: () => "old" }) }, ["v0"]);
const { OnlyNew, ...both } = methods;
const registry = new Registry([group("Test", "", both), group("New", "", { OnlyNew }, ["v1"]), old]);
const dispatcher = new Dispatcher(registry, node);

type Reply = { id?: unknown; result?: unknown; error?: { code: number; message: string } };
async function ask(
  request: unknown,
  session = new Session({ permissions: ["read"] }),
): Promise<Reply | Reply[] | null> {
  const text = typeof request === "string" ? request : JSON.stringify(request);
  const reply = await dispatcher.handle(text, session);
  return reply === null ? null : (JSON.parse(reply) as Reply);
}
const call = (name: string, params: unknown = [], session?: Session) =>
  ask({ jsonrpc: "2.0", id: 1, method: `Filecoin.${name}`, params }, session) as Promise<Reply>;

test("parameters are decoded, answers come with the id", async () => {
  expect(await call("Echo", ["hi"])).toEqual({ jsonrpc: "2.0", id: 1, result: "hi" });
  expect((await call("Sum", [[1, 2, 3]])).result).toBe(6);
  expect((await call("Sum")).result).toBe(0);
  expect((await call("Sum", null)).result).toBe(0);
});

test("wrong parameters end with -32602 and say which, and what was wanted", async () => {
  expect((await call("Echo", ["too long"])).error).toEqual({
    code: -32602,
    message: "text: text of at most 5 characters expected, got 8",
  });
  expect((await call("Sum", [[1, 10]])).error?.message).toBe("numbers[1]: integer from 0 to 9 expected, got 10");
  expect((await call("Echo", ["a", "b"])).error?.message).toBe("Filecoin.Echo takes 1 parameters, got 2");
});

test("unknown methods, missing permissions, and faults of ours have their codes", async () => {
  expect((await call("Nothing")).error?.code).toBe(-32601);
  expect((await call("Write")).error).toMatchObject({ code: 1, message: expect.stringContaining("(need 'write')") });
  expect((await call("Break")).error?.message).toMatch(/^internal error: /);
});

test("versions have methods of the same name and another form", async () => {
  expect((await call("OnlyNew")).result).toBe("new");
  expect((await call("OnlyNew", [], new Session({ permissions: ["read"], version: "v0" }))).result).toBe("old");
});

test("requests without id are not answered, in a batch either", async () => {
  expect(await ask({ jsonrpc: "2.0", method: "Filecoin.Nothing" })).toBeNull();
  const batch = await ask([
    { method: "Filecoin.Echo", params: ["x"] },
    { id: "b", method: "Filecoin.Echo", params: ["y"] },
    7,
  ]);
  expect(batch).toMatchObject([
    { id: "b", result: "y" },
    { id: null, error: { code: -32600 } },
  ]);
});

test("a cancelled call ends with its work; one with another id goes on", async () => {
  const session = new Session({ permissions: ["read"] });
  const waits = ["9007199254740993", "1", '"1"'].map(
    (id) => dispatcher.handle(`{"id":${id},"method":"Filecoin.Wait"}`, session) as Promise<string>,
  );
  ended = 0;
  await dispatcher.handle('{"method":"xrpc.cancel","params":[9007199254740993]}', session);
  expect(await waits[0]).toContain('"id":9007199254740993');
  expect(ended).toBe(1);
  await dispatcher.handle('{"method":"xrpc.cancel","params":["1"]}', session);
  expect(await waits[2]).toContain("cancelled");
  expect(ended).toBe(2);
  session.close();
  expect(await waits[1]).toContain("went away");
  expect(ended).toBe(3);
});

test("a connection has a bounded number of calls and of subscriptions", async () => {
  const sent: string[] = [];
  const session = new Session({ permissions: ["read"], push: (text) => sent.push(text) });
  const waits = Array.from({ length: MAX_CALLS }, (_, id) =>
    dispatcher.handle(`{"id":${id},"method":"Filecoin.Wait"}`, session),
  );
  expect((await call("Echo", ["x"], session)).error?.code).toBe(-32005);
  session.close();
  await Promise.all(waits);
  const next = new Session({ permissions: ["read"], push: (text) => sent.push(text) });
  for (let i = 0; i < MAX_CHANNELS; i++) expect((await call("Watch", [], next)).error).toBeUndefined();
  expect((await call("Watch", [], next)).error?.code).toBe(-32005);
  stopped = 0;
  next.close();
  expect(stopped).toBe(MAX_CHANNELS);
});

test("a subscription's number comes before its values, and nothing after it was cancelled", async () => {
  const sent: string[] = [];
  const session = new Session({ permissions: ["read"], push: (text) => sent.push(text) });
  emitters.length = 0;
  await dispatcher.answer('{"id":5,"method":"Filecoin.Watch"}', session, (text) => sent.push(text));
  emitters[0]?.(2);
  await dispatcher.answer('{"method":"xrpc.cancel","params":[5]}', session, (text) => sent.push(text));
  emitters[0]?.(3);
  const [reply, ...rest] = sent.map((text) => JSON.parse(text) as Record<string, unknown>);
  const number = reply?.["result"];
  expect(rest).toEqual([
    { jsonrpc: "2.0", method: "xrpc.ch.val", params: [number, 1] },
    { jsonrpc: "2.0", method: "xrpc.ch.val", params: [number, 2] },
    { jsonrpc: "2.0", method: "xrpc.ch.close", params: [number] },
  ]);
  expect((await call("Watch")).error?.message).toContain("WebSocket");
});

test("values of a subscription in a batch with a slow call come after its number, whatever is answered meanwhile", async () => {
  const sent: string[] = [];
  const session = new Session({ permissions: ["read"], push: (text) => sent.push(text) });
  const send = (text: string) => sent.push(text);
  const batch = '[{"id":1,"method":"Filecoin.Watch"},{"id":2,"method":"Filecoin.Wait"}]';
  const answered = dispatcher.answer(batch, session, send);
  await dispatcher.answer('{"id":3,"method":"Filecoin.Echo","params":["x"]}', session, send);
  expect(sent.map((text) => (JSON.parse(text) as Reply).id)).toEqual([3]);
  await dispatcher.answer('{"method":"xrpc.cancel","params":[2]}', session, send);
  await answered;
  const [, reply, value] = sent.map((text) => JSON.parse(text) as Reply[] & { method: string; params: number[] });
  expect(reply).toMatchObject([{ id: 1 }, { id: 2, error: { code: 1 } }]);
  expect(value).toMatchObject({ method: "xrpc.ch.val", params: [reply?.[0]?.result, 1] });
});

test("items of a batch are read when their turn has come", async () => {
  const tricky = [
    '{"id":1,"method":"Filecoin.Echo","params":["],{"]}',
    " 7 ",
    '{"id":"\\"","method":"Filecoin.Sum"}',
    "[[],{}]",
  ];
  const replies = (await ask(`[ ${tricky.join(",")}]`)) as Reply[];
  expect(replies.map(({ id, result, error }) => [id, result ?? error?.code])).toEqual([
    [1, "],{"],
    [null, -32600],
    ['"', 0],
    [null, -32600],
  ]);
});

test("a batch whose answers are too large ends with an error that says so", async () => {
  const item = { id: 1, method: "Filecoin.Huge" };
  const replies = (await ask([item, item, item, item])) as Reply[];
  expect(replies.map(({ error }) => error?.code)).toEqual([undefined, undefined, -32005]);
});

test("a call that takes too long is ended, and its work told", async () => {
  const abort = new AbortController();
  const never = withTimeLimit("Slow", "light", abort, () => new Promise(() => undefined));
  abort.abort(new Error("as the timer does"));
  await expect(never).rejects.toThrow("as the timer does");
});

test("dear calls take turns, and those that leave the line leave it", async () => {
  const gates = new Gates();
  const free: (() => void)[] = [];
  let running = 0;
  let most = 0;
  const work = () =>
    new Promise<void>((resolve) => {
      most = Math.max(most, ++running);
      free.push(() => {
        running--;
        resolve();
      });
    });
  const gone = new AbortController();
  const calls = Array.from({ length: 10 }, (_, i) =>
    gates
      .run("execute", i === 6 ? gone.signal : new AbortController().signal, work)
      .catch((error: Error) => error.message),
  );
  gone.abort(new Error("gone"));
  for (let i = 0; i < 20; i++) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    free.shift()?.();
  }
  expect(await Promise.all(calls)).toEqual(Array.from({ length: 10 }, (_, i) => (i === 6 ? "gone" : undefined)));
  expect(most).toBe(4);
});
