/** Funds for deals while heads move faster than they are looked at: nothing is sent twice, nothing forgotten. */
import { expect, test } from "vitest";
import { loadCrypto } from "../../../src/core/crypto.ts";
import type { MarketChain } from "../../../src/market/storage/chain-access.ts";
import { MarketFunds, totalOf } from "../../../src/market/storage/funds.ts";
import type { DealProposal } from "../../../src/market/storage/proposal.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { Address } from "../../../src/types/address.ts";
import { FakeMarket, MINER, rootOf } from "../../support/market-chain.ts";

const crypto = await loadCrypto();
const CLIENT = Address.id(101);

test("a message that leaves the pool while the balance is read is not sent again", async () => {
  const market = new FakeMarket(crypto);
  const plain = market.chain();
  // Each look at the balance finds another head behind it; with the last one the message is executed.
  let looks = 0;
  const chain = Object.create(plain, {
    escrow: {
      async value(id: Address) {
        const found = await plain.escrow(id);
        if (++looks === 5) market.mine();
        else market.epoch++;
        return found;
      },
    },
  }) as MarketChain;
  const blocks = new MemoryStore();
  const funds = new MarketFunds({ blocks, chain, isWaiting: market.isWaiting });
  const hold = (deal: string, amount: bigint) => {
    looks = 0;
    return funds.hold(market.client, CLIENT, deal, amount);
  };
  await hold("a", 100n);
  await hold("b", 50n);
  for (let i = 0; i < 20 && !(await funds.isCovered(CLIENT)); i++) {
    await hold("a", 100n);
    await hold("b", 50n);
  }
  market.mine();
  expect(await funds.isCovered(CLIENT)).toBe(true);
  expect(market.held(CLIENT)).toEqual({ escrow: 150n, locked: 0n });
  expect(totalOf(await funds.of(CLIENT))).toBe(150n);
  await funds.drop(CLIENT, "a");
  await funds.drop(CLIENT, "a");
  expect(totalOf(await funds.of(CLIENT))).toBe(50n);
  await expect(funds.withdraw(market.client, CLIENT, CLIENT, 101n)).rejects.toThrow(/reserved: 50 attoFIL/);
  // What was never sent is not there for the next one to count on.
  await funds.reserve(market.client, CLIENT, 200n);
  market.mine();
  expect(market.held(CLIENT).escrow).toBe(250n);
});

test("what is held for a deal that the market has locked already is not put in again for the next one", async () => {
  const market = new FakeMarket(crypto);
  const funds = new MarketFunds({
    ...{ blocks: new MemoryStore(), chain: market.chain(), isWaiting: market.isWaiting },
  });
  const proposal = (label: string): DealProposal => ({
    ...{ pieceCid: rootOf(1), pieceSize: 128n, verified: false, client: market.client, provider: MINER, label },
    ...{ startEpoch: 100n, endEpoch: 200n, pricePerEpoch: 1n, providerCollateral: 0n, clientCollateral: 0n },
  });
  const [one, two] = [proposal("one"), proposal("two")];
  const hold = (deal: string, wanted: DealProposal) => funds.hold(market.client, CLIENT, deal, 100n, wanted);
  expect(await hold("one", one)).not.toBeNull();
  market.mine();
  // Published: the market has locked the price, and the client has not heard of it yet.
  const onChain = market.normalised(one) as DealProposal;
  market.deals.push({ proposal: onChain, activated: null, slashed: null, updated: null, gone: null });
  market.held(CLIENT).locked += 100n;
  expect(await funds.isCovered(CLIENT)).toBe(true);
  expect(await hold("two", two)).not.toBeNull();
  market.mine();
  expect(market.held(CLIENT)).toEqual({ escrow: 200n, locked: 100n });
  expect(await funds.isCovered(CLIENT)).toBe(true);
  await funds.drop(CLIENT, "one");
  expect(await funds.isCovered(CLIENT)).toBe(true);
});
