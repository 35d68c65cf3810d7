/** Answers that are larger than any node's: they end by name, by HTTP and the package `ws` as they come, by other WebSockets before they are parsed. */
import { afterEach, expect, test, vi } from "vitest";
import { MOST_OF_ANSWER, readText } from "../../../src/base/answer-text.ts";
import { connect, type SocketLike } from "../../../src/client.ts";

afterEach(() => void vi.unstubAllGlobals());

test("by HTTP: the connection is let go of once the limit is passed", async () => {
  let ended = false;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(MOST_OF_ANSWER + 1)),
    cancel() {
      ended = true;
    },
  });
  vi.stubGlobal("fetch", async () => new Response(body));
  await expect(connect("http://127.0.0.1:1/rpc/v1").ChainHead()).rejects.toMatchObject({
    code: 0,
    message: expect.stringMatching(/^http:.* an answer of more than 268435456 bytes/),
  });
  expect(ended).toBe(true);
});

test("what is as long as the limit is read", async () => {
  expect(await readText(new Response("\u00e9t\u00e9"), 5)).toBe("\u00e9t\u00e9");
  await expect(readText(new Response("\u00e9t\u00e9s"), 5)).rejects.toThrow("more than 5 bytes");
  expect(await readText(new Response(null), 5)).toBe("");
});

/** A socket that opens, and answers what is sent by an event. */
function socketThatAnswers(type: "message" | "error", event: object) {
  const listeners: [string, (event: never) => void][] = [];
  const emit = (type: string, event: object): void => {
    for (const [one, listener] of listeners) if (one === type) listener(event as never);
  };
  const seen = { closed: 0, open: () => emit("open", {}) };
  class Socket {
    addEventListener(type: string, listener: (event: never) => void): void {
      listeners.push([type, listener]);
    }
    send(): void {
      emit(type, event);
    }
    close(): void {
      seen.closed++;
    }
  }
  return { seen, WebSocket: Socket as unknown as new (url: string) => SocketLike };
}

test("by WebSocket: the connection ends, with what waits on it", async () => {
  const { seen, WebSocket } = socketThatAnswers("message", { data: " ".repeat(MOST_OF_ANSWER + 1) });
  const node = connect("ws://127.0.0.1:1/rpc/v1", { WebSocket });
  const asked = expect(node.ChainHead()).rejects.toThrow("more than 268435456 bytes");
  seen.open();
  await asked;
  expect(seen.closed).toBe(1);
  await expect(node.ChainHead()).rejects.toThrow("more than 268435456 bytes");
});

test("by WebSocket: why a connection has ended is told where the socket says it", async () => {
  const { seen, WebSocket } = socketThatAnswers("error", { error: new Error("Max payload size exceeded") });
  const asked = expect(connect("ws://127.0.0.1:1/rpc/v1", { WebSocket }).ChainHead()).rejects.toThrow(
    "has ended: Max payload size exceeded; connect anew",
  );
  seen.open();
  await asked;
});

test("the limit is an option, by HTTP and by WebSocket, and has a range", async () => {
  const answer = JSON.stringify({ jsonrpc: "2.0", id: 1, result: { Height: 7 } });
  vi.stubGlobal("fetch", async () => new Response(answer));
  const url = "http://127.0.0.1:1/rpc/v1";
  await expect(connect(url, { answerBytes: answer.length }).ChainHead()).resolves.toEqual({ Height: 7 });
  await expect(connect(url, { answerBytes: answer.length - 1 }).ChainHead()).rejects.toMatchObject({
    message: expect.stringContaining("give a larger answerBytes"),
    cause: { name: "AnswerSizeError" },
  });
  const { seen, WebSocket } = socketThatAnswers("message", { data: answer });
  const node = connect("ws://127.0.0.1:1/rpc/v1", { WebSocket, answerBytes: answer.length - 1 });
  const asked = expect(node.ChainHead()).rejects.toThrow(`more than ${answer.length - 1} bytes`);
  seen.open();
  await asked;
  expect(() => connect(url, { answerBytes: 0 })).toThrow("answerBytes");
});
