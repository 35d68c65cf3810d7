/** How an active deal ended, for its provider and its client alike. */
import type { MarketChain, OnChainDeal } from "./chain-access.ts";

/**
 * The epoch at which an active deal was slashed that the market has slashed or let go of; null if it came to its end. Actors before v13
 * keep a slashed deal for a while with that epoch, those after them let go of it at once; `found`: the deal as the market has it now.
 * Where the states are not kept of the epochs in which it went, the epoch is a later one.
 */
export async function slashOf(
  chain: Pick<MarketChain, "endOf">,
  id: number,
  found: OnChainDeal | null,
  activated: number | null,
  endEpoch: number,
): Promise<number | null> {
  if (found !== null) return found.slashed;
  const { epoch, last } = await chain.endOf(id, activated ?? 0);
  const slashed = last?.slashed ?? null;
  if (slashed !== null) return slashed;
  return epoch < endEpoch ? epoch : null;
}
