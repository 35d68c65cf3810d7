/**
 * Which past tipset and state decide the power and the worker key for a new block.
 * Source: lotus chain/stmgr/utils.go (GetLookbackTipSetForRound) at b835fab702eb.
 */
import type { Chain } from "../chain/chain.ts";
import type { TipsetResult } from "../chain/result-store.ts";
import { chainRule } from "../schema/versions/chain-rules.ts";
import type { BlockHeader, Tipset } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";
import { StateManagerError } from "./errors.ts";

export type Lookback = {
  readonly tipset: Tipset;
  /** State after `tipset`. */
  readonly stateRoot: CID;
};

/** The part of a state manager that is asked. */
type States = {
  readonly chain: Chain;
  networkVersionAt(epoch: number): number;
  result(tipset: Tipset): Promise<TipsetResult>;
};

/** Epochs back to the set of sectors that win blocks. Source: lotus chain/actors/policy (WinningPoStSectorSetLookback). */
export const LOOKBACK = 900;
const FIRST_LOOKBACK = 10;

export async function lookbackAt(states: States, tipset: Tipset, round: number): Promise<Lookback> {
  const isFar = chainRule("electionLooksBackFinality", states.networkVersionAt(round));
  const distance = isFar ? LOOKBACK : FIRST_LOOKBACK;
  const height = Math.max(0, round - distance);
  if (height >= tipset.height) {
    // More null rounds than the lookback: the first versions took the tipset itself.
    if (isFar && tipset.height > 0)
      throw new StateManagerError(
        { code: "LOOKBACK_AHEAD", height },
        `lookback height ${height} is at or after base height ${tipset.height}`,
      );
    return { tipset, stateRoot: (await states.result(tipset)).stateRoot };
  }
  const next = await states.chain.tipsetAtOrAfter(height + 1, tipset);
  const { parents, parentStateRoot } = next.blocks[0] as BlockHeader;
  return { tipset: await states.chain.tipset(parents), stateRoot: parentStateRoot };
}
