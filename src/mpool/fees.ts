/**
 * Estimates of fees. Source of the shapes: lotus node/impl/full/gas.go.
 *
 * Fee cap: the base fee after growing by an eighth for some epochs, plus the premium. Premium: what the cheapest
 * messages of recent blocks paid, or a small constant on a quiet chain.
 */

/** attoFIL per gas on a chain without recent messages. */
export const QUIET_PREMIUM = 100_000n;
/** Epochs of growth that a fee cap must outlast. */
export const FEE_CAP_EPOCHS = 20;
/** Room above measured gas: 1.25. */
const OVERESTIMATION = { numerator: 5n, denominator: 4n } as const;

export function estimateFeeCap(baseFee: bigint, premium: bigint, epochs = FEE_CAP_EPOCHS): bigint {
  let future = baseFee;
  for (let i = 0; i < epochs; i++) future += future / 8n + 1n;
  return future + premium;
}

/** Premium that enters the next block, given the premiums of recent messages. */
export function estimatePremium(recent: readonly bigint[]): bigint {
  if (recent.length === 0) return QUIET_PREMIUM;
  const sorted = [...recent].sort((a, b) => (a < b ? -1 : 1));
  const median = sorted[sorted.length >> 1] as bigint;
  return median < QUIET_PREMIUM ? QUIET_PREMIUM : median;
}

/** Gas limit for a message that used `gasUsed` when tried. */
export function roomyGasLimit(gasUsed: bigint): bigint {
  return (gasUsed * OVERESTIMATION.numerator) / OVERESTIMATION.denominator;
}
