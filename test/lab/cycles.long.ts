/**
 * `npm run test:lab`: ten thousand snapshots and ways back leave no more in the store than a hundred, and no more on the heap than
 * the first 2,500, in which caches fill that forget by number (1,024 results of tipsets among them). Needs `node --expose-gc`.
 */
import { afterAll, expect, test } from "vitest";
import { Devnet } from "../../src/node/devnet.ts";
import { FIL } from "../../src/types/amount.ts";
import { tipsetKeyText } from "../../src/types/block-header.ts";
import { memoryOf } from "../support/memory-of.ts";

const CYCLES = 10_000;
const WARM = 2500;
/** Bytes that the heap may hold more after all cycles than after those: 2 KiB for each would be. */
const MOST = 16_000_000;

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
    }
    if (i === WARM) {
      await net.node.collector.collect();
      first = held();
    }
  }
  expect(tipsetKeyText(net.head.key)).toBe(start);
  expect(net.snapshots.list()).toEqual([]);
  await net.node.collector.collect();
  expect(await stored()).toEqual(before);
  const more = held() - first;
  process.stdout.write(`held more after ${CYCLES} cycles than after ${WARM}: ${more} bytes\n`);
  expect(more).toBeLessThan(MOST);
});
