/**
 * A node with a deal of its own user dies at every write, before and after it is on the disk, and is started again: the deal
 * ends where it would have ended, and nothing was sent, locked or sealed twice.
 */
import { expect, test } from "vitest";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import { totalOf } from "../../../src/market/storage/funds.ts";
import { clientFunds } from "../../../src/market/storage/proposal.ts";
import { PieceHasher } from "../../../src/sector/piece/pieces.ts";
import { Address } from "../../../src/types/address.ts";
import { FakeMarket, MINER, rootOf } from "../../support/market-chain.ts";
import { type Disk, type MarketNode, newDisk, openNode, PAYLOAD, settle } from "../../support/market-node.ts";

const crypto = await loadCrypto();
const WANTED = { root: rootOf(1), miner: MINER, peer: null, duration: 518_400, price: 500n, startEpoch: 2000 };
const CLIENT = Address.id(101);
const died = new Error("the process has died");

/** Runs until the deal is active on both sides; gives the writes that it took. */
async function run(market: FakeMarket, disk: Disk, dieAt: number, when: "before" | "after"): Promise<number> {
  let writes = 0;
  let isDead = false;
  const onWrite = (count: number, now: "before" | "after"): void => {
    if (isDead) throw died;
    writes = count;
    if (count !== dieAt || now !== when) return;
    isDead = true;
    throw died;
  };
  let node: MarketNode | null = await openNode(market, disk, { onWrite });
  let wanted = true;
  for (let rounds = 0; rounds < 300; rounds++) {
    if (isDead) {
      await node?.stop();
      node = await openNode(market, disk);
      isDead = false;
    }
    if (wanted && node.client.list().length === 0)
      await node.client.deal({ ...WANTED, wallet: market.client }).then(
        () => {
          wanted = false;
        },
        (error: unknown) => {
          if (error !== died) throw error;
        },
      );
    else wanted = false;
    await settle();
    const [bought] = node.client.list();
    const [sold] = node.provider.list();
    if (bought?.state === "Active" && sold?.state === "Active" && !isDead) break;
    if (!isDead) market.mine();
  }
  const [bought] = node.client.list();
  const [sold] = node.provider.list();
  const at = `${when} write ${dieAt}`;
  expect([bought?.state, bought?.error, sold?.state, sold?.error], at).toEqual(["Active", "", "Active", ""]);
  expect([market.deals.length, market.placed], at).toEqual([1, [0]]);
  expect(totalOf(await node.funds.of(CLIENT)) + totalOf(await node.funds.of(MINER)), at).toBe(0n);
  const { proposal } = market.deals[0] as (typeof market.deals)[0];
  expect(market.held(CLIENT), at).toEqual({ escrow: clientFunds(proposal), locked: clientFunds(proposal) });
  expect(market.held(MINER), at).toEqual({ escrow: 5000n, locked: 5000n });
  expect(disk.files.files.size, at).toBe(0);
  await node.stop();
  return writes;
}

test("a deal that is not disturbed takes a known number of writes, and its messages are three", async () => {
  const market = new FakeMarket(crypto);
  const writes = await run(market, newDisk(), 0, "before");
  expect(writes).toBeGreaterThan(20);
  expect(market.executed.map(({ message }) => message.method)).toEqual([2n, 2n, 4n]);
});

test("the smallest deal, of exactly 128 bytes, is sealed at once", async () => {
  const market = new FakeMarket(crypto);
  const data = PAYLOAD.subarray(0, 127);
  const piece = new PieceHasher(await loadProofs()).update(data).digest();
  const node = await openNode(market, newDisk(), {
    commit: async () => ({ piece, carSize: data.length }),
    local: async () =>
      (async function* () {
        yield data;
      })(),
  });
  const { id } = await node.client.deal({ ...WANTED, wallet: market.client });
  for (let rounds = 0; rounds < 300 && node.client.get(id).state !== "Active"; rounds++) {
    await settle();
    market.mine();
  }
  expect(node.client.get(id)).toMatchObject({ state: "Active", error: "" });
  expect([market.deals[0]?.proposal.pieceSize, market.placed, market.closed]).toEqual([128n, [0], [1]]);
  await node.stop();
});

test.each(["before", "after"] as const)(
  "a node that dies %s any write goes on with its deal",
  async (when) => {
    const whole = await run(new FakeMarket(crypto), newDisk(), 0, when);
    for (let at = 1; at <= whole; at++) await run(new FakeMarket(crypto), newDisk(), at, when);
  },
  60_000,
);
