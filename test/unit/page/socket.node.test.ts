/** The worker of a tab: what it fails by before it runs, and after. */
import { afterEach, expect, test, vi } from "vitest";
import { startTab } from "../../../src/page/tab/socket.ts";

/** A worker by hand. */
class FakeWorker extends EventTarget {
  static last: FakeWorker;
  constructor() {
    super();
    FakeWorker.last = this;
  }
  postMessage(): void {}
  says(data: unknown): void {
    this.dispatchEvent(Object.assign(new Event("message"), { data }));
  }
  fails(message?: string): void {
    this.dispatchEvent(Object.assign(new Event("error"), { message }));
  }
}

afterEach(() => vi.unstubAllGlobals());

function start() {
  vi.stubGlobal("Worker", FakeWorker);
  const told: string[] = [];
  const started = startTab({ kind: "join", url: "ws://127.0.0.1:1", token: null }, (text) => told.push(text));
  return { started, told, worker: FakeWorker.last };
}

test("what goes wrong before it runs is why it did not start", async () => {
  for (const [fail, why] of [
    [(worker: FakeWorker) => worker.fails("no memory"), "no memory"],
    [(worker: FakeWorker) => worker.fails(), "cannot be loaded"],
    [(worker: FakeWorker) => worker.says({ kind: "failed", text: "another tab" }), "another tab"],
    [(worker: FakeWorker) => worker.says({ kind: "trouble", text: "disk" }), "disk"],
  ] as const) {
    const { started, told, worker } = start();
    fail(worker);
    await expect(started).rejects.toThrow(why);
    expect(told).toEqual([]);
  }
});

test("what goes wrong once it runs is told", async () => {
  const { started, told, worker } = start();
  worker.says({ kind: "ready" });
  await started;
  worker.fails("no memory");
  worker.says({ kind: "trouble", text: "disk" });
  expect(told).toEqual(["no memory", "disk"]);
});
