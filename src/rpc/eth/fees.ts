/** Fees of past blocks. Source: lotus at b835fab702eb node/impl/eth/gas.go (EthFeeHistory, calculateRewardsAndGasUsed). */
import { CHAIN_LIMITS } from "../../params/networks.ts";
import type { Tipset } from "../../types/block-header.ts";
import { breather } from "../limits.ts";
import type { NodeServices } from "../services.ts";
import { firstOf } from "./blocks.ts";
import { type EthJson, executed, quantityText } from "./executed.ts";

/** attoFIL per gas: the least premium that is proposed. Source: lotus node/impl/gasutils (MinGasPremium). */
export const MIN_PREMIUM = 100_000n;

type Paid = { readonly premium: bigint; readonly gasUsed: bigint };

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

/** For each percentile of the gas used the premium at which it is reached, cheapest first. */
function rewardsOf(paid: readonly Paid[], used: bigint, percentiles: readonly number[]): bigint[] {
  const sorted = [...paid].sort((a, b) => (a.premium < b.premium ? -1 : a.premium > b.premium ? 1 : 0));
  return percentiles.map((percent) => {
    const threshold = (Number(used) * percent) / 100;
    let sum = 0;
    for (const { premium, gasUsed } of sorted) {
      sum += Number(gasUsed);
      if (sum >= threshold) return premium;
    }
    return MIN_PREMIUM;
  });
}
