/** Signals: the first stops what runs in order, the second, whichever it is, is the system's; one that came for a command is no other's. */
import { afterEach, expect, test, vi } from "vitest";
import { forgetStop, interruptible, stoppedBy, stopSignal, unlessStopped } from "../../../src/cli/interrupt.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;
const listening = (): number[] => SIGNALS.map((signal) => process.listenerCount(signal));
const before = listening();
afterEach(forgetStop);

/** What came together has been looked at. */
const looked = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function hasCome(stop: Promise<void>): Promise<boolean> {
  return Promise.race([stop.then(() => true), new Promise<false>((resolve) => setTimeout(resolve, 20, false))]);
}

test("a stop that comes while nobody looks is not lost, and is all of one command's; the next signal is not caught", async () => {
  const first = stopSignal();
  process.emit("SIGTERM", "SIGTERM");
  expect(await hasCome(stopSignal())).toBe(true);
  expect(await hasCome(first)).toBe(true);
  await looked();
  expect(listening()).toEqual(before);
});

test("the next command of a process is not stopped by what stopped the one before, and a command that is over catches nothing", async () => {
  void stopSignal();
  process.emit("SIGINT", "SIGINT");
  forgetStop();
  const next = stopSignal();
  expect(await hasCome(next)).toBe(false);
  process.emit("SIGINT", "SIGINT");
  expect(await hasCome(next)).toBe(true);
  forgetStop();
  void stopSignal();
  forgetStop();
  expect(listening()).toEqual(before);
});

test("two signals that are looked at only together end the process", async () => {
  const kill = vi.spyOn(process, "kill").mockReturnValue(true);
  try {
    const stop = stopSignal();
    process.emit("SIGINT", "SIGINT");
    process.emit("SIGTERM", "SIGTERM");
    expect(kill.mock.calls).toEqual([[process.pid, "SIGTERM"]]);
    expect(listening()).toEqual(before);
    expect(await hasCome(stop)).toBe(true);
  } finally {
    kill.mockRestore();
  }
});

test("what a server does before it serves ends with the first signal, and says how to go on", async () => {
  const signal = stoppedBy("filigree node start");
  const waiting = unlessStopped(new Promise(() => undefined), "filigree devnet --fork");
  expect(await unlessStopped(Promise.resolve(7), "")).toBe(7);
  expect(signal.aborted).toBe(false);
  process.emit("SIGTERM", "SIGTERM");
  await expect(waiting).rejects.toThrow("interrupted; to go on: filigree devnet --fork");
  expect(signal.reason).toMatchObject({ message: "interrupted; to go on: filigree node start" });
  await looked();
  expect(listening()).toEqual(before);
});

test.each(SIGNALS)("work that %s interrupts catches no second signal of either kind", async (signal) => {
  let end = (): void => undefined;
  const ended = interruptible(
    () =>
      new Promise<void>((resolve) => {
        end = resolve;
      }),
  );
  process.emit(signal, signal);
  await expect(ended).rejects.toThrow("interrupted");
  await looked();
  expect(listening()).toEqual(before);
  end();
});
