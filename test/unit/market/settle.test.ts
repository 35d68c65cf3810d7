/** Payments that the market makes only when it is asked: when they are asked for, what comes of it, and what a break or a refusal leaves. */
import * as dagCbor from "@ipld/dag-cbor";
import { expect, test } from "vitest";
import type { OnChainDeal } from "../../../src/market/storage/chain-access.ts";
import { isPayable, paidIn } from "../../../src/market/storage/settler.ts";
import { EXPORTED } from "../../../src/schema/published/exported.ts";
import { bigToBytes } from "../../../src/types/amount.ts";
import { go, ready } from "../../support/deal-offers.ts";
import { type FakeMarket, MINER } from "../../support/market-chain.ts";
import { openNode } from "../../support/market-node.ts";

const [START, LENGTH, PRICE, DAY] = [2000, 518_400, 500n, 2880];
const asked = (market: FakeMarket) =>
  market.executed.filter(({ message }) => message.method === BigInt(EXPORTED.SettleDealPayments));

/** Active deals on a market that pays when it is asked. */
async function active(count: number, settleEpochs: number) {
  const made = await ready(count, { settleEpochs });
  made.market.paysWhenAsked = true;
  made.node.provider.publishNow();
  await go(made.market, () => made.states().every((state) => state === "Active"));
  return made;
}

/** Moves time, and waits until a deal has gone so many steps further that it is at rest in a state. */
async function passTo(market: FakeMarket, epoch: number, done: () => boolean): Promise<void> {
  market.epoch = epoch;
  await go(market, done);
}

test("deals are paid at times that they share, several in one message, and at their end, to the attoFIL", async () => {
  const { market, node, states } = await active(3, 10 * DAY);
  const before = market.held(MINER).escrow;
  const earned = () => market.held(MINER).escrow - before;
  const paid = () => node.provider.list().map((deal) => BigInt(deal.paid ?? "0"));
  await passTo(market, START + 4 * DAY, () => true);
  expect(asked(market)).toHaveLength(0);
  await passTo(market, 10 * DAY, () => paid().every((sum) => sum > 0n) && states().every((one) => one === "Active"));
  expect(asked(market).map(({ message }) => dagCbor.decode(message.params))).toEqual([[0, 1, 2]]);
  const until = market.deals.map(({ updated }) => updated as number);
  expect(paid()).toEqual(until.map((epoch) => BigInt(epoch - START) * PRICE));
  expect(earned()).toBe(paid().reduce((sum, one) => sum + one));
  await passTo(market, START + LENGTH, () => states().every((one) => one === "Expired"));
  expect(asked(market)).toHaveLength(2);
  expect(paid()).toEqual([BigInt(LENGTH) * PRICE, BigInt(LENGTH) * PRICE, BigInt(LENGTH) * PRICE]);
  expect(earned()).toBe(3n * BigInt(LENGTH) * PRICE);
  await node.stop();
});

test("by hand all that was earned is asked for, or some; nothing of a deal that has not begun", async () => {
  const { market, node } = await active(2, 0);
  expect(await node.provider.settle(null)).toEqual([]);
  market.epoch = START + 100;
  const [first, second] = node.provider.list().map(({ id }) => id) as [string, string];
  const sent = await node.provider.settle([second]);
  expect(sent).toMatchObject([{ deals: [second] }]);
  expect(node.provider.get(second).state).toBe("Settling");
  await expect(node.provider.settle([second])).rejects.toThrow(/in state Settling, not Active/);
  await go(market, () => node.provider.get(second).state === "Active");
  expect([node.provider.get(first).paid, node.provider.get(second).paid]).toEqual([undefined, `${101n * PRICE}`]);
  market.paysWhenAsked = false;
  await expect(node.provider.settle(null)).rejects.toThrow(/pays by itself/);
  await node.stop();
});

test("a node that ends once its message is written down sends no other", async () => {
  const { market, disk, node, states } = await active(2, 0);
  market.epoch = START + LENGTH - 1;
  await go(market, () => states().every((state) => state === "Settling"));
  await node.stop();
  const again = await openNode(market, disk);
  await go(market, () => again.provider.list().every(({ state }) => state === "Expired"));
  expect(asked(market)).toHaveLength(1);
  await again.stop();
});

test("a message that fails is told of, and asked again after a while", async () => {
  const { market, node, states } = await active(1, 0);
  market.settleExit = 20;
  await passTo(market, START + LENGTH, () => asked(market).length === 1 && states()[0] === "Active");
  const [deal] = node.provider.list();
  const told = (await node.provider.log(deal?.id as string)).at(-1);
  expect(told).toMatchObject({ event: "unpaid", text: expect.stringMatching(/failed with exit code 20/) });
  market.settleExit = 0;
  await passTo(market, market.epoch + 60, () => true);
  expect([asked(market).length, states()[0]]).toEqual([1, "Active"]);
  await passTo(market, market.epoch + 80, () => states()[0] === "Expired");
  expect(asked(market)).toHaveLength(2);
  await node.stop();
});

test("of what cannot be paid for the others' payments are read right", () => {
  const returned = dagCbor.encode([
    [2, [[1, 32]]],
    [
      [bigToBytes(7n), false],
      [bigToBytes(0n), true],
    ],
  ]);
  expect([0, 1, 2].map((index) => paidIn(returned, index))).toEqual([
    { payment: 7n },
    { exitCode: 32 },
    { payment: 0n },
  ]);
});

test.each([
  ["not proven", { activated: null }, START + LENGTH, 100, false],
  ["not begun", {}, START - 1, 100, false],
  ["slashed", { slashed: 5 }, START + LENGTH, 100, false],
  ["at its end", {}, START + LENGTH, 0, true],
  ["before its end, paid at that alone", {}, START + LENGTH - 1, 0, false],
  ["just begun as the time comes round", {}, 3000, 3000, false],
  ["as the next time comes round", {}, 6000, 3000, true],
  ["paid at that time", { updated: 6001 }, 8999, 3000, false],
  ["and once more", { updated: 6001 }, 9000, 3000, true],
] as const)("payments of a deal that is %s", (_, more, epoch, every, is) => {
  const proposal = { startEpoch: BigInt(START), endEpoch: BigInt(START + LENGTH) };
  const deal = { proposal, activated: 10, updated: null, slashed: null, ...more } as OnChainDeal;
  expect(isPayable({}, deal, epoch, every)).toBe(is);
  expect(isPayable({ settleFrom: epoch + 1 }, deal, epoch, every)).toBe(false);
});
