/** The genesis of a network that a tab joins, from a node that may be anybody's. */
import { afterEach, expect, test, vi } from "vitest";
import { toBase64 } from "../../../src/base/bytes.ts";
import { genesisOf } from "../../../src/page/tab/join.ts";

afterEach(() => void vi.useRealTimers());

/** A node that sends these, and says no more. */
function node(...values: readonly unknown[]) {
  return {
    ChainGetGenesis: async () => ({ Cids: [], Blocks: [], Height: 0 }),
    request: async (_: string, take: unknown) => {
      queueMicrotask(() => {
        for (const value of values) (take as (value: unknown) => void)(value);
      });
      return { ended: new Promise<void>(() => undefined), stop: () => undefined };
    },
  } as never;
}

test("its parts come one after another, and an empty one ends it", async () => {
  const { size, read } = await genesisOf(node(toBase64(Uint8Array.of(1, 2)), toBase64(Uint8Array.of(3)), ""));
  expect([size, await read(1, 2)]).toEqual([3, Uint8Array.of(2, 3)]);
});

test("what is no base64, or nothing, is not waited for", async () => {
  for (const wrong of ["*", 7, null, { a: 1 }]) await expect(genesisOf(node(wrong))).rejects.toThrow(/no base64/);
  vi.useFakeTimers();
  const silent = expect(genesisOf(node())).rejects.toThrow(/not here after 300 s/);
  await vi.advanceTimersByTimeAsync(300_000);
  await silent;
});
