/** What an operator may set of the pool. Source: lotus chain/messagepool/config.go, chain/types/mpool.go. */
import type { Address } from "../types/address.ts";
import { POOL_LIMITS, refuse } from "./rules.ts";

export type PoolConfig = {
  /** Senders whose messages are chosen before all others. */
  readonly priorityAddresses: readonly Address[];
  /** Messages above which the pool drops the worst of those that are not this node's own. */
  readonly sizeLimitHigh: number;
  /** Messages that it keeps then. */
  readonly sizeLimitLow: number;
  /** Premium of a suggested replacement over the old one: 1.25 is a quarter more. */
  readonly replaceByFeeRatio: number;
  /** Milliseconds between two such drops. */
  readonly pruneCooldown: number;
  /** Gas limit of a completed message over the gas it used when tried. */
  readonly gasLimitOverestimation: number;
};

export const DEFAULT_POOL_CONFIG: PoolConfig = {
  priorityAddresses: [],
  sizeLimitHigh: POOL_LIMITS.pendingTotal,
  sizeLimitLow: 20_000,
  replaceByFeeRatio: 1.25,
  pruneCooldown: 60_000,
  gasLimitOverestimation: 1.25,
};

/** Throws `PoolError` BAD_CONFIG. */
export function checkPoolConfig(config: PoolConfig): void {
  const { sizeLimitHigh, sizeLimitLow, replaceByFeeRatio, gasLimitOverestimation, pruneCooldown } = config;
  const least = Number(POOL_LIMITS.replacePercent) / 100;
  if (!(replaceByFeeRatio >= least))
    refuse("BAD_CONFIG", `'ReplaceByFeeRatio' is less than required ${replaceByFeeRatio} < ${least}`);
  if (!(gasLimitOverestimation >= 1)) refuse("BAD_CONFIG", "'GasLimitOverestimation' cannot be less than 1");
  if (!Number.isSafeInteger(sizeLimitHigh) || sizeLimitHigh < 1 || sizeLimitHigh > POOL_LIMITS.pendingTotal)
    refuse("BAD_CONFIG", `'SizeLimitHigh' must be from 1 to ${POOL_LIMITS.pendingTotal}`);
  if (!Number.isSafeInteger(sizeLimitLow) || sizeLimitLow < 0 || sizeLimitLow > sizeLimitHigh)
    refuse("BAD_CONFIG", "'SizeLimitLow' must be from 0 to SizeLimitHigh");
  if (!(pruneCooldown >= 0)) refuse("BAD_CONFIG", "'PruneCooldown' cannot be negative");
}
