/**
 * `npm run test:lab`: ten thousand snapshots and ways back leave no more in the store than a hundred. What is decoded (the last
 * 2,048 tipsets, 16,384 messages) is kept all the same, which bounds the heap. Needs `node --expose-gc`.
 */
import { afterAll, expect, test } from "vitest";
import { Devnet } from "../../src/node/devnet.ts";
import { FIL } from "../../src/types/amount.ts";
import { tipsetKeyText } from "../../src/types/block-header.ts";
import { memoryOf } from "../support/memory-of.ts";

const CYCLES = 10_000;
/** Bytes that the heap may hold more after all cycles than after the first hundred: what is kept decoded. */
const MOST = 128_000_000;

const net = await Devnet.open({ accounts: 2, seed: "cycles" });
afterAll(() => net.close());

function held(): number {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) throw new Error("run with --expose-gc");
  for (let i = 0; i < 3; i++) gc();
  return process.memoryUsage().heapUsed;
}

test(`${CYCLES} cycles, each with another message`, async () => {
  net.clock.setAutomine(false);
  await net.clock.mine(10);
  const [from, to] = net.accounts.map((account) => account.secp256k1.toString("t"));
  const start = tipsetKeyText(net.head.key);
  const store = memoryOf(net.node.chain.blocks);
  const stored = async () => ({ blocks: store.size, facts: (await store.metadataWith("")).length });
  let first = 0;
  let before = { blocks: 0, facts: 0 };
  for (let i = 1; i <= CYCLES; i++) {
    const id = await net.snapshot();
    await net.request("MpoolPushMessage", { From: from, To: to, Value: `${FIL + BigInt(i)}`, Method: 0 }, null);
    await net.clock.mine(1);
    await net.revert(id);
    if (i === 100) {
      await net.node.collector.collect();
      before = await stored();
      first = held();
    }
  }
  expect(tipsetKeyText(net.head.key)).toBe(start);
  expect(net.snapshots.list()).toEqual([]);
  await net.node.collector.collect();
  expect(await stored()).toEqual(before);
  const more = held() - first;
  process.stdout.write(`held more after ${CYCLES} cycles than after 100: ${more} bytes\n`);
  expect(more).toBeLessThan(MOST);
});
