/**
 * How heavy a chain is, which decides between chains.
 *
 *   weight(tipset) = parentWeight + L · 2^8 + floor( L · 2^8 · wins / (5 · 2) ),  L = log2 of the total power, rounded down
 *
 * The power is that of the state before the tipset. Source: lotus chain/consensus/filcns/weight.go.
 */
import { FilError } from "../base/errors.ts";
import type { StateManager } from "../stmgr/state-manager.ts";
import type { BlockHeader, Tipset } from "../types/block-header.ts";
import { powerTable } from "./power.ts";
import { EXPECTED_LEADERS } from "./win-count.ts";

export type WeightErrorData = { readonly code: "NO_POWER" };
export class WeightError extends FilError<WeightErrorData> {}

/** Share of the wins in the weight. Source: lotus build/buildconstants/params_shared_vals.go, WRatioNum / WRatioDen. */
const WIN_RATIO = { numerator: 1n, denominator: 2n } as const;

/** `totalPower`: quality-adjusted bytes in the state before the tipset. Throws `WeightError` where there is none. */
export function tipsetWeight(tipset: Tipset, totalPower: bigint): bigint {
  if (totalPower <= 0n) throw new WeightError({ code: "NO_POWER" }, "the network has no power left");
  const log2 = BigInt(totalPower.toString(2).length - 1) << 8n;
  const wins = tipset.blocks.reduce((sum, { electionProof }) => sum + (electionProof?.winCount ?? 0n), 0n);
  const ofWins = (log2 * WIN_RATIO.numerator * wins) / (EXPECTED_LEADERS * WIN_RATIO.denominator);
  return (tipset.blocks[0] as BlockHeader).parentWeight + log2 + ofWins;
}

/** Weight of the chain up to and with a tipset, by the power in the state before it. Rejects with `WeightError` NO_POWER. */
export async function chainWeight(states: StateManager, tipset: Tipset): Promise<bigint> {
  const { total } = await powerTable(states.chain.blocks, await states.stateBefore(tipset));
  return tipsetWeight(tipset, total);
}
