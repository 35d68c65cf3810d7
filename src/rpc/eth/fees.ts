/** Fees of past blocks. Source: lotus at b835fab702eb node/impl/eth/gas.go (EthFeeHistory, calculateRewardsAndGasUsed). */
import { CHAIN_LIMITS } from "../../params/networks.ts";
import type { Tipset } from "../../types/block-header.ts";
import { breather } from "../limits.ts";
import type { NodeServices } from "../services.ts";
import { firstOf } from "./blocks.ts";
import { type EthJson, executed, quantityText } from "./executed.ts";

/** attoFIL per gas: the least premium that is proposed. Source: lotus node/impl/gasutils (MinGasPremium). */
export const MIN_PREMIUM = 100_000n;

export type Paid = { readonly premium: bigint; readonly gasUsed: bigint };

type HistoryOptions = {
  readonly count: number;
  readonly percentiles: readonly number[] | null;
  readonly signal: AbortSignal;
};

/** Of `count` blocks up to `newest`, or as many as there are. */
export async function feeHistory(
  node: NodeServices,
  newest: Tipset,
  { count, percentiles, signal }: HistoryOptions,
): Promise<EthJson> {
  const breath = breather(signal);
  const fees: bigint[] = [firstOf(newest).parentBaseFee];
  const ratios: number[] = [];
  const rewards: bigint[][] = [];
  let oldest = newest.height;
  let at: Tipset | null = newest;
  for (let i = 0; i < count && at !== null && (at.height > 0 || i === 0); i++) {
    await breath();
    const { messages, receipts } = await executed(node, at);
    const baseFee = firstOf(at).parentBaseFee;
    const paid = messages.map(({ message }, k) => {
      const room = message.gasFeeCap - baseFee;
      const premium = message.gasPremium < room ? message.gasPremium : room;
      return { premium: premium < 0n ? 0n : premium, gasUsed: receipts[k]?.gasUsed ?? 0n };
    });
    const used = paid.reduce((sum, { gasUsed }) => sum + gasUsed, 0n);
    fees.push(baseFee);
    ratios.push(Number(used) / Number(CHAIN_LIMITS.blockGasLimit * BigInt(at.blocks.length)));
    rewards.push(rewardsOf(paid, used, percentiles ?? []));
    oldest = at.height;
    at = await node.chain.parent(at);
  }
  return {
    oldestBlock: quantityText(oldest),
    baseFeePerGas: fees.reverse().map(quantityText),
    gasUsedRatio: ratios.reverse(),
    ...(percentiles === null ? {} : { reward: rewards.reverse().map((each) => each.map(quantityText)) }),
  };
}

/**
 * For each percentile, of which each is as large as the one before it, a premium, cheapest first: that of the message behind the one with which so
 * much of the gas is used. That the one itself is not meant is the reference's choice.
 */
export function rewardsOf(paid: readonly Paid[], used: bigint, percentiles: readonly number[]): bigint[] {
  const sorted = [...paid].sort((a, b) => (a.premium < b.premium ? -1 : a.premium > b.premium ? 1 : 0));
  let at = 0;
  let sum = 0n;
  return percentiles.map((percent) => {
    const threshold = BigInt(Math.trunc((Number(used) * percent) / 100));
    for (; sum < threshold && at < sorted.length - 1; at++) sum += (sorted[at] as Paid).gasUsed;
    return sorted[at]?.premium ?? MIN_PREMIUM;
  });
}
