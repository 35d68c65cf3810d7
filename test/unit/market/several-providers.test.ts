/** Several providers of one node: what one of them cannot send keeps no other's messages from being sent. */
import { expect, test } from "vitest";
import { loadCrypto } from "../../../src/core/crypto.ts";
import type { MarketChain, OnChainDeal } from "../../../src/market/storage/chain-access.ts";
import { encodeSignedProposal, proposalCid } from "../../../src/market/storage/proposal.ts";
import { type ProviderDeal, proposalOfDeal } from "../../../src/market/storage/provider-record.ts";
import { Publisher } from "../../../src/market/storage/publisher.ts";
import { RecordBook } from "../../../src/market/storage/record-book.ts";
import { DEFAULT_RULES } from "../../../src/market/storage/rules.ts";
import { Settler } from "../../../src/market/storage/settler.ts";
import { MemoryStore } from "../../../src/storage/memory.ts";
import { Address } from "../../../src/types/address.ts";
import { offerOf, proposalOf } from "../../support/deal-offers.ts";
import { FakeMarket } from "../../support/market-chain.ts";

const [WITHOUT_KEY, FIRST, SECOND] = [1000n, 1001n, 1002n].map(Address.id) as [Address, Address, Address];

/** A deal of each provider in a state; the key of the first one's worker is not here. */
async function made(state: "Active" | "Publishing") {
  const market = new FakeMarket(await loadCrypto());
  market.paysWhenAsked = true;
  market.epoch = 600_000;
  const book = await RecordBook.open<ProviderDeal>(new MemoryStore(), "provider", () => 1, { isOver: () => false });
  const chain: MarketChain = {
    ...market.chain(),
    epoch: market.epoch,
    paysWhenAsked: true,
    provider: async (miner) => {
      const worker = miner.equals(WITHOUT_KEY) ? Address.id(7) : market.worker;
      return { worker, senders: [worker], sectorBytes: 2048 };
    },
    deal: async () => ({ proposal: proposalOf(market), activated: 10, updated: null, slashed: null }) as OnChainDeal,
  };
  for (const [dealId, provider] of [WITHOUT_KEY, FIRST, SECOND].entries()) {
    const { signed } = offerOf(proposalOf(market, { provider }));
    const record = {
      ...{ id: `${proposalCid(signed.proposal)}`, state, uuid: null, peer: null, signed: encodeSignedProposal(signed) },
      ...{ root: null, source: { kind: "offline" }, size: 1, received: 1, attempts: 0, keepUnsealed: true },
      ...{ announce: false, publish: null, dealId, sector: 1, offset: 0, activated: 10, slashed: null },
    };
    await book.add(record as never, "");
  }
  const of = (provider: Address) => book.all().find((deal) => proposalOfDeal(deal).provider.equals(provider));
  return { market, chain, book, of };
}

test("payments of the others are asked for, and who asks is told of both", async () => {
  const { market, chain, book, of } = await made("Active");
  const settler = new Settler({ book: () => book, chain, every: () => 0, onStep: () => undefined });
  await expect(settler.now(null)).rejects.toThrow(/^2 messages were sent, 1 could not be, .* no key of a worker/);
  expect(market.pool).toHaveLength(2);
  expect([WITHOUT_KEY, FIRST, SECOND].map((one) => of(one)?.state)).toEqual(["Active", "Settling", "Settling"]);
  expect(of(WITHOUT_KEY)?.error).toMatch(/no key of a worker/);
});

test("deals of the others are published, and why one is not is told in its record", async () => {
  const { market, chain, book, of } = await made("Publishing");
  for (const id of ["f0101", "f01000"]) market.balances.set(id, { escrow: 10n ** 18n, locked: 0n });
  let steps = 0;
  const publisher = new Publisher({
    ...{ book: () => book, chain, rules: () => DEFAULT_RULES, failed: async () => ({}) },
    onStep: () => void steps++,
  });
  publisher.ready();
  for (let i = 0; i < 500 && (steps < 2 || of(WITHOUT_KEY)?.error === ""); i++)
    await new Promise((resolve) => setTimeout(resolve, 2));
  expect([WITHOUT_KEY, FIRST, SECOND].map((one) => of(one)?.state)).toEqual([
    "Publishing",
    "PublishWait",
    "PublishWait",
  ]);
  expect(of(WITHOUT_KEY)?.error).toMatch(/no key of a worker/);
  await publisher.stop();
});
