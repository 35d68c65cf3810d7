/** `npm run test:lab`: ten thousand snapshots and ways back hold no more than a hundred. Needs `node --expose-gc`. */
import { afterAll, expect, test } from "vitest";
import { Devnet } from "../../src/node/devnet.ts";
import { FIL } from "../../src/types/amount.ts";
import { tipsetKeyText } from "../../src/types/block-header.ts";

const CYCLES = 10_000;
/** Bytes that the heap may hold more after all cycles than after the first hundred. */
const MOST = 4_000_000;

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
  let first = 0;
  for (let i = 1; i <= CYCLES; i++) {
    const id = await net.snapshot();
    await net.request("MpoolPushMessage", { From: from, To: to, Value: `${FIL + BigInt(i)}`, Method: 0 }, null);
    await net.clock.mine(1);
    await net.revert(id);
    if (i === 100) {
      await net.node.collector.collect();
      first = held();
    }
  }
  expect(tipsetKeyText(net.head.key)).toBe(start);
  expect(net.snapshots.list()).toEqual([]);
  await net.node.collector.collect();
  const more = held() - first;
  process.stdout.write(`held more after ${CYCLES} cycles than after 100: ${more} bytes\n`);
  expect(more).toBeLessThan(MOST);
});
