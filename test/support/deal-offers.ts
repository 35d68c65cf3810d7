/** A provider on `FakeMarket` with a client that is rich, and offers of data that comes by hand. */
import { expect } from "vitest";
import { loadCrypto } from "../../src/core/crypto.ts";
import { signBytes } from "../../src/keys/keys.ts";
import { answerOffer } from "../../src/market/storage/answers.ts";
import { type BoostOffer, newUuid } from "../../src/market/storage/boost-messages.ts";
import { type DealProposal, encodeProposal, proposalCid } from "../../src/market/storage/proposal.ts";
import { DEFAULT_RULES, type DealRules } from "../../src/market/storage/rules.ts";
import { pieceCidV1 } from "../../src/sector/piece/cid.ts";
import { FakeMarket, MINER, rootOf } from "./market-chain.ts";
import { newDisk, openNode, PAYLOAD, PIECE, settle } from "./market-node.ts";
import { keyOfNumber } from "./paych-chain.ts";

const crypto = await loadCrypto();
export const PEER = "12D3KooWGUxcnsNH1QaqqQJmTJNcvy8RjAU9RR13RWFjVtskWDnn";
const RICH = { escrow: 10n ** 18n, locked: 0n };
let uuids = 0;

export function proposalOf(market: FakeMarket, more: Partial<DealProposal> = {}): DealProposal {
  return {
    ...{ pieceCid: pieceCidV1(PIECE.commP), pieceSize: 1024n, verified: false, client: market.client, provider: MINER },
    ...{ label: "a label", startEpoch: 2000n, endEpoch: 2000n + 518_400n, pricePerEpoch: 500n },
    ...{ providerCollateral: 5000n, clientCollateral: 0n, ...more },
  };
}

/** An offer of data that comes by hand, signed by the client unless another number of a key is given. */
export function offerOf(proposal: DealProposal, key = 1, more: Partial<BoostOffer> = {}): BoostOffer {
  return {
    uuid: newUuid((n) => new Uint8Array(n).fill(++uuids)),
    isOffline: true,
    signed: { proposal, signature: signBytes(crypto, keyOfNumber(key), encodeProposal(proposal)) },
    root: rootOf(1),
    transfer: { type: "", clientId: "", params: new Uint8Array(0), size: BigInt(PAYLOAD.length) },
    ...{ removeUnsealed: false, skipAnnounce: false, ...more },
  };
}

export async function rich() {
  const market = new FakeMarket(crypto);
  market.balances.set("f0101", { ...RICH });
  const disk = newDisk();
  return { market, disk, node: await openNode(market, disk) };
}

/** Takes offers with their data, up to the point where they wait to be published. */
export async function ready(count: number, rules: Partial<DealRules> = {}) {
  const { market, disk, node } = await rich();
  await node.provider.setRules({ ...DEFAULT_RULES, publishDelayMs: 3_600_000, ...rules });
  for (let i = 0; i < count; i++) {
    const proposal = proposalOf(market, { label: `deal ${i}` });
    expect((await answerOffer(node.provider, offerOf(proposal), PEER)).message).toBe("");
    const bytes = (async function* () {
      yield PAYLOAD;
    })();
    await node.provider.importData(`${proposalCid(proposal)}`, { bytes, size: PAYLOAD.length });
  }
  await go(market, () => node.provider.pending().deals.length === count);
  return { market, disk, node, states: () => node.provider.list().map(({ state }) => state) };
}

export async function go(market: FakeMarket, done: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !done(); i++) {
    await settle();
    if (!done()) market.mine();
  }
  expect(done()).toBe(true);
}
