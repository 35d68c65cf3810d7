import { expect, test } from "vitest";
import { usable } from "../../../src/miner/usable.ts";
import { Address } from "../../../src/types/address.ts";
import type { SignedMessage } from "../../../src/types/message.ts";

const signed = (from: number, nonce: number): SignedMessage => ({
  message: {
    to: Address.id(1),
    from: Address.id(from),
    nonce: BigInt(nonce),
    value: 0n,
    gasLimit: 1n,
    gasFeeCap: 1n,
    gasPremium: 0n,
    method: 0n,
    params: new Uint8Array(0),
  },
  signature: { type: 1, data: new Uint8Array(65) },
});
const names = (list: readonly SignedMessage[]): string[] =>
  list.map(({ message }) => `${message.from.toString().slice(2)}/${message.nonce}`);

/** Attempts that fail where one of these messages is in. */
function world(bad: readonly string[]) {
  const dropped: string[] = [];
  return {
    dropped,
    attempt: async (chosen: readonly SignedMessage[]) => {
      for (const name of names(chosen)) if (bad.includes(name)) throw new Error(`trap in ${name}`);
      return names(chosen);
    },
    drop: async (one: SignedMessage, reason: string) => {
      dropped.push(`${names([one])[0]}: ${reason}`);
    },
  };
}

test("a message that ends the execution is found, dropped with the reason, and its sender's later ones wait", async () => {
  const all = [signed(1, 0), signed(2, 0), signed(2, 1), signed(3, 0), signed(1, 1), signed(2, 2)];
  const parts = world(["2/1"]);
  expect(await usable(all, parts)).toEqual(["1/0", "2/0", "3/0", "1/1"]);
  expect(parts.dropped).toEqual(["2/1: a block with it cannot be executed: trap in 2/1"]);
});

test("several are dropped one after the other; past a limit the block is made without any", async () => {
  const all = Array.from({ length: 40 }, (_, i) => signed(i, 0));
  const few = world(["3/0", "30/0"]);
  expect((await usable(all, few)).length).toBe(38);
  expect(few.dropped.length).toBe(2);
  const many = world(names(all));
  expect(await usable(all, many)).toEqual([]);
  expect(many.dropped.length).toBe(16);
});

test("attempts that are given up blame nobody", async () => {
  const abort = new AbortController();
  const parts = world(["2/0"]);
  const attempt = async (chosen: readonly SignedMessage[]) => {
    abort.signal.throwIfAborted();
    // Given up while the message that fails is looked for.
    if (chosen.length === 0) queueMicrotask(() => abort.abort(new Error("given up")));
    return parts.attempt(chosen);
  };
  const all = [signed(1, 0), signed(2, 0), signed(3, 0)];
  await expect(usable(all, { ...parts, attempt, signal: abort.signal })).rejects.toThrow("given up");
  expect(parts.dropped).toEqual([]);
});

test("a block that fails without any message fails, and no message is blamed", async () => {
  const dropped: unknown[] = [];
  const attempt = (): Promise<never> => Promise.reject(new Error("disk"));
  const drop = async (one: SignedMessage): Promise<void> => void dropped.push(one);
  await expect(usable([signed(1, 0)], { attempt, drop })).rejects.toThrow("disk");
  expect(dropped).toEqual([]);
});
