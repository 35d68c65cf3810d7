/** Signatures asked for in one turn are verified together; each has its own answer. */
import { expect, test } from "vitest";
import { batched, type SignedBytes } from "../../../src/consensus/batched-bls.ts";

/** A signature is right if it is the message's first byte. */
const isRight = ({ message, signature }: SignedBytes): boolean => message[0] === signature[0];

function verifier() {
  const batches: number[] = [];
  let alone = 0;
  const verify = batched({
    all: (signed) => {
      batches.push(signed.length);
      return signed.every(isRight);
    },
    one: (publicKey, message, signature) => {
      alone++;
      return isRight({ publicKey, message, signature });
    },
  });
  const ask = (message: number, signature = message) =>
    Promise.resolve(verify(Uint8Array.of(1), Uint8Array.of(message), Uint8Array.of(signature)));
  return { ask, batches, alone: () => alone };
}

test("all that are asked for in one turn are one batch, the next turn's another; one alone is none", async () => {
  const { ask, batches, alone } = verifier();
  expect(await Promise.all([ask(1), ask(2), ask(3)])).toEqual([true, true, true]);
  expect(await Promise.all([ask(4), ask(5)])).toEqual([true, true]);
  expect([batches, alone()]).toEqual([[3, 2], 0]);
  expect(await ask(6)).toBe(true);
  expect([batches, alone()]).toEqual([[3, 2], 1]);
});

test("in a batch that fails every signature has its own answer", async () => {
  const { ask, alone } = verifier();
  expect(await Promise.all([ask(1), ask(2, 9), ask(3)])).toEqual([true, false, true]);
  expect(alone()).toBe(3);
});

test("a batch is bounded", async () => {
  const { ask, batches } = verifier();
  await Promise.all(Array.from({ length: 150 }, (_, i) => ask(i)));
  expect(batches).toEqual([64, 64, 22]);
});

test("what verifying throws reaches everybody who asked", async () => {
  const verify = batched({
    all: () => {
      throw new Error("out of memory");
    },
    one: () => true,
  });
  const ask = () => Promise.resolve(verify(Uint8Array.of(1), Uint8Array.of(1), Uint8Array.of(1)));
  const done = await Promise.allSettled([ask(), ask()]);
  expect(done.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
});
