/** How deals that the market has let go of have ended, as the states tell that are kept. */
import { expect, test } from "vitest";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { endBetween, type OnChainDeal } from "../../../src/market/storage/chain-access.ts";
import { dealOnChain, endOnChain, slashOf, wasNeverActive } from "../../../src/market/storage/deal-end.ts";
import type { DealProposal } from "../../../src/market/storage/proposal.ts";
import { FakeMarket, MINER, rootOf } from "../../support/market-chain.ts";

const market = new FakeMarket(await loadCrypto());
const [START, END] = [100, 1000];
const proposal = (label: string): DealProposal => ({
  ...{ pieceCid: rootOf(1), pieceSize: 128n, verified: false, client: market.client, provider: MINER, label },
  ...{ startEpoch: BigInt(START), endEpoch: BigInt(END), pricePerEpoch: 1n },
  ...{ providerCollateral: 0n, clientCollateral: 0n },
});
const seen = (slashed: number | null = null): OnChainDeal => ({
  ...{ proposal: proposal("ours"), activated: 90, updated: null, slashed },
});

/** A chain on which a deal is until an epoch, slashed from another on, and whose states are kept from a third on. */
const states = (gone: number, { slashed = gone, kept = 0 } = {}) => {
  const asked: number[] = [];
  const at = async (epoch: number): Promise<OnChainDeal | null | undefined> => {
    asked.push(epoch);
    if (epoch < kept) return undefined;
    return epoch >= gone ? null : seen(epoch >= slashed ? slashed : null);
  };
  return { at, asked };
};

test.each([
  ["between two looks", 400, {}, { epoch: 400, slashed: 400 }],
  ["at the last epoch", 5000, {}, { epoch: 5000, slashed: null }],
  ["with its end", END, {}, { epoch: END, slashed: null }],
  ["some time after it was slashed", 700, { slashed: 650 }, { epoch: 700, slashed: 650 }],
  ["before all states that are kept", 400, { kept: 800 }, { epoch: 800, slashed: 800, isUnseen: true }],
  ["after its end, of which no state is kept", END, { kept: 2000 }, { epoch: 2000, slashed: null, isUnseen: true }],
])("a deal that went %s", async (_, gone, more, expected) => {
  const { at, asked } = states(gone, more);
  const end = await endBetween(90, 5000, at);
  const { epoch, slashed, isUnseen = false } = expected as typeof expected & { isUnseen?: boolean };
  expect([end.epoch, slashOf(end, END), end.last === undefined]).toEqual([epoch, slashed, isUnseen]);
  expect(wasNeverActive(end)).toBe(false);
  expect(asked.length).toBeLessThanOrEqual(14);
});

test("a deal that the chain never had, or not in a sector, was never active there", async () => {
  const never = await endBetween(90, 5000, async () => null);
  expect([never.last, wasNeverActive(never)]).toEqual([null, true]);
  const unproven = await endBetween(90, 5000, async (epoch) => (epoch > START ? null : { ...seen(), activated: null }));
  expect([unproven.epoch, wasNeverActive(unproven)]).toEqual([START + 1, true]);
});

test("another deal under the id is not this one: neither while it is there, nor for how it ended", async () => {
  const other = market.normalised(proposal("another's")) as DealProposal;
  const onChain: OnChainDeal = { proposal: other, activated: 95, updated: null, slashed: 500 };
  const chain = {
    deal: async () => onChain,
    endOf: async () => ({ epoch: 510, last: onChain }),
    normalised: async (one: DealProposal) => market.normalised(one),
  };
  expect(await dealOnChain(chain, 0, proposal("another's"))).toBe(onChain);
  expect(await dealOnChain(chain, 0, proposal("ours"))).toBeNull();
  expect((await endOnChain(chain, 0, proposal("another's"), 90)).last).toBe(onChain);
  expect(await endOnChain(chain, 0, proposal("ours"), 90)).toEqual({ epoch: 510, last: null });
});
