/** A deal as the chain has it or had it, for its provider and its client alike. */
import type { DealEnd, MarketChain, OnChainDeal } from "./chain-access.ts";
import { type DealProposal, proposalCid } from "./proposal.ts";

/** Epochs between two looks at an active deal. */
const LOOK_EPOCHS = 10;

type Chain = Pick<MarketChain, "deal" | "endOf" | "normalised">;

/** A deal as the market has it under an id; null if it has none there, or another one. */
export async function dealOnChain(chain: Chain, id: number, proposal: DealProposal): Promise<OnChainDeal | null> {
  return ifOurs(chain, proposal, await chain.deal(id));
}

/** Epoch from which on an active deal is looked at again; 0: with the next head, as a chain that goes another way may take it back. */
export function nextLook(epoch: number, activated: number | null): number {
  return epoch <= (activated ?? 0) + LOOK_EPOCHS ? 0 : epoch + LOOK_EPOCHS;
}

/**
 * How a deal left the market that is not there under its id; `last` is null if this chain never had it there since an epoch, or has
 * another one under the id.
 */
export async function endOnChain(chain: Chain, id: number, proposal: DealProposal, since: number): Promise<DealEnd> {
  const { epoch, last } = await chain.endOf(id, since);
  return { epoch, last: last === undefined ? last : await ifOurs(chain, proposal, last) };
}

/** Whether a deal that was active never was on this chain: it has gone another way since. */
export function wasNeverActive({ last }: DealEnd): boolean {
  return last === null || last?.activated === null;
}

/**
 * The epoch at which an active deal was slashed; null if it came to its end. Actors before v13 keep a slashed deal for a while with that
 * epoch, those after them let go of it at once. Where the states are not kept of the epochs in which it went, the epoch is a later one.
 */
export function slashOf({ epoch, last }: DealEnd, endEpoch: number): number | null {
  return last?.slashed ?? (epoch < endEpoch ? epoch : null);
}

async function ifOurs(chain: Chain, proposal: DealProposal, found: OnChainDeal | null): Promise<OnChainDeal | null> {
  const own = found === null ? null : await chain.normalised(proposal);
  return found !== null && own !== null && proposalCid(found.proposal).equals(proposalCid(own)) ? found : null;
}
