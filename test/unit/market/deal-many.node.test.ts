/** Many deals at once, of which some fail at each of their steps: what was reserved for those is free, and used for the next ones. */
import { expect, test } from "vitest";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import { totalOf } from "../../../src/market/storage/funds.ts";
import { clientFunds } from "../../../src/market/storage/proposal.ts";
import { PieceHasher } from "../../../src/sector/piece/pieces.ts";
import { Address } from "../../../src/types/address.ts";
import { COLLATERAL, FakeMarket, MINER, rootOf } from "../../support/market-chain.ts";
import { newDisk, openNode, PAYLOAD, PIECE, settle } from "../../support/market-node.ts";

const crypto = await loadCrypto();
const CLIENT = Address.id(101);
const PRICE = 500n;
const DURATION = 518_400;
const FUNDS = PRICE * BigInt(DURATION);

test("of many deals at once some are refused, bring other data, or are let go: nothing stays reserved", async () => {
  const market = new FakeMarket(crypto);
  const other = new PieceHasher(await loadProofs()).update(PAYLOAD.subarray(1)).digest();
  const [good, wrongData, letGo, offline] = [rootOf(1), rootOf(2), rootOf(3), rootOf(4)];
  const node = await openNode(market, newDisk(), {
    commit: async (root) => ({ piece: root.equals(wrongData) ? other : PIECE, carSize: PAYLOAD.length }),
  });
  const wanted = { wallet: market.client, miner: MINER, peer: null, duration: DURATION, price: PRICE };
  const make = (root: typeof good, startEpoch: number, more: object = {}) =>
    node.client.deal({ ...wanted, root, startEpoch, ...more });
  const made = await Promise.all([
    ...[2000, 2001, 2002, 2003].map((start) => make(good, start)),
    // Too soon for this provider, and too little for it.
    ...[11, 12].map((start) => make(good, start)),
    ...[2004, 2005].map((start) => make(good, start, { price: 0n, collateral: 1n })),
    ...[2006, 2007].map((start) => make(wrongData, start)),
    ...[2008, 2009].map((start) => make(letGo, start)),
    // Nobody brings its data until its time is over.
    ...[900].map((start) => make(offline, start, { offline: true })),
  ]);
  const states = (): string[] => made.map(({ id }) => node.client.get(id).state);
  const isOver = (state: string): boolean => ["Active", "Failed"].includes(state);
  for (let rounds = 0; rounds < 400 && !states().every(isOver); rounds++) {
    await settle();
    market.mine();
    for (const deal of market.deals) if (deal.proposal.label === `${letGo}`) deal.activated = null;
    if (rounds === 60) market.epoch = 1000;
    if (market.epoch < 1000 || states().filter(isOver).length < made.length - 2) continue;
    market.epoch = 2100;
    for (const deal of market.deals)
      if (deal.proposal.label === `${letGo}` && deal.gone === null) {
        deal.gone = market.epoch;
        market.held(CLIENT).locked -= clientFunds(deal.proposal);
        market.held(MINER).locked -= deal.proposal.providerCollateral;
      }
  }
  const shown = (index: number): Promise<unknown> => node.client.verify((made[index] as (typeof made)[0]).id);
  await expect(shown(8)).rejects.toThrow(/has failed, and is in no sector: the provider says: the data is another/);
  expect(states()).toEqual([...Array(4).fill("Active"), ...Array(9).fill("Failed")]);
  const { client, funds, provider } = node;
  expect(totalOf(await funds.of(CLIENT))).toBe(0n);
  for (let i = 0; i < 10; i++) {
    await settle();
    market.mine();
  }
  expect(
    totalOf(await funds.of(MINER)),
    provider
      .list()
      .map(({ state, error }) => `${state} ${error}`)
      .join("; "),
  ).toBe(0n);
  const { escrow, locked } = market.held(CLIENT);
  expect(locked).toBe(4n * FUNDS);
  // No more was put in than all of them together would have needed, and the next deals are paid out of it.
  expect(escrow).toBeLessThanOrEqual(11n * FUNDS);
  const left = escrow - locked;
  expect(left).toBeGreaterThanOrEqual(FUNDS);
  const next = await make(good, market.epoch + 2000);
  for (let rounds = 0; rounds < 300 && client.get(next.id).state !== "Active"; rounds++) {
    await settle();
    market.mine();
  }
  expect(client.get(next.id)).toMatchObject({ state: "Active", error: "" });
  expect(market.held(CLIENT)).toEqual({ escrow, locked: 5n * FUNDS });
  await node.stop();
});

test.each(["Waiting", "Published", "Active"])(
  "a deal that the chain takes back while its client has it as %s is published anew under another id, for the same money",
  async (state) => {
    const market = new FakeMarket(crypto);
    const node = await openNode(market, newDisk());
    const { client, provider, funds } = node;
    const wanted = {
      wallet: market.client,
      miner: MINER,
      peer: null,
      duration: DURATION,
      price: PRICE,
      startEpoch: 2000,
    };
    const { id } = await client.deal({ ...wanted, root: rootOf(1) });
    const isPast = (): boolean => market.deals.length > 0 && client.get(id).state === state;
    for (let rounds = 0; rounds < 300 && !isPast(); rounds++) {
      if (state !== "Waiting" || market.deals.length === 0) market.mine();
      if (state !== "Active") for (const deal of market.deals) deal.activated = null;
      await settle();
    }
    expect(client.get(id).state).toBe(state);
    if (state === "Waiting")
      await expect(client.verify(id)).rejects.toThrow(/has no DealID yet.*\(state Waiting\).*Active/);
    if (state === "Published")
      await expect(client.verify(id)).rejects.toThrow(/, DealID 0, is published, and its sector is not proven yet/);
    market.reorg();
    await settle();
    // Another deal, or a withdrawal, finds nothing free to take meanwhile.
    expect(totalOf(await funds.of(CLIENT))).toBe(FUNDS);
    expect(totalOf(await funds.of(MINER))).toBe(COLLATERAL);
    await expect(funds.withdraw(market.client, CLIENT, CLIENT, 1n)).rejects.toThrow(/reserved/);
    for (let rounds = 0; rounds < 300; rounds++) {
      market.mine();
      await settle();
      if (client.get(id).state === "Active" && client.get(id).dealId === 1) break;
    }
    expect(client.get(id)).toMatchObject({ state: "Active", error: "", dealId: 1 });
    expect(market.held(CLIENT)).toEqual({ escrow: FUNDS, locked: FUNDS });
    expect(totalOf(await funds.of(CLIENT)) + totalOf(await funds.of(MINER))).toBe(0n);
    expect(provider.list()).toMatchObject([{ state: "Active", dealId: 1, error: "" }]);
    await node.stop();
  },
);

test("a deal that the chain takes back after its start is published nowhere any more: it has failed, and was not slashed", async () => {
  const market = new FakeMarket(crypto);
  const node = await openNode(market, newDisk());
  const { client, provider, funds } = node;
  const wanted = { miner: MINER, peer: null, duration: DURATION, price: PRICE, startEpoch: 2000, root: rootOf(1) };
  const { id } = await client.deal({ ...wanted, wallet: market.client });
  const states = (): unknown[] => [client.get(id).state, provider.list()[0]?.state];
  for (let rounds = 0; rounds < 300 && !states().every((state) => state === "Active"); rounds++) {
    market.mine();
    await settle();
  }
  expect(states()).toEqual(["Active", "Active"]);
  market.epoch = 2100;
  market.reorg();
  for (let rounds = 0; rounds < 50 && states().includes("Active"); rounds++) await settle();
  expect(states()).toEqual(["Failed", "Failed"]);
  const why = "the chain has gone another way, on which no sector had it by epoch 2000";
  expect([client.get(id).error, provider.list()[0]?.error]).toEqual([why, why]);
  expect(totalOf(await funds.of(CLIENT)) + totalOf(await funds.of(MINER))).toBe(0n);
  await node.stop();
});

test("of the same deal asked for twice at once one is made, and none for whoever has left", async () => {
  const market = new FakeMarket(crypto);
  const node = await openNode(market, newDisk());
  const { client } = node;
  const wanted = {
    wallet: market.client,
    miner: MINER,
    peer: null,
    duration: DURATION,
    price: PRICE,
    startEpoch: 2000,
  };
  const again = { ...wanted, root: rootOf(1), unlessOpen: () => true };
  const two = await Promise.allSettled([client.deal(again), client.deal({ ...again, startEpoch: 2001 })]);
  expect(two.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  const { id = "" } = client.list()[0] ?? {};
  expect(`${(two[1] as PromiseRejectedResult).reason}`).toContain(`the same deal is open already (Funding): ${id}`);
  // One that is asked for by name is another.
  await client.deal({ ...wanted, root: rootOf(1), startEpoch: 1999 });
  const left = new AbortController();
  const gone = client.deal({ ...wanted, root: rootOf(2) }, left.signal);
  left.abort(new Error("left"));
  await expect(gone).rejects.toThrow("left");
  expect(client.list()).toHaveLength(2);
  expect((await client.renew(id, { again: false, maxPrice: PRICE })).id).not.toBe(id);
  await expect(client.renew(id, { again: false, duration: DURATION + 1 })).rejects.toThrow(
    /the same deal is open already/,
  );
  await node.stop();
});
