/** The clock of window PoSt and who counts for consensus: the same on every network. Epochs, unless said otherwise. */

/** Source: specs-actors v2.1.0 actors/builtin/miner/policy.go. */
export const WINDOW_POST = {
  /** a day, in which every sector is proven once */
  provingPeriod: 2880,
  /** one of the period's deadlines */
  challengeWindow: 60,
  /** before a deadline opens: its challenge is drawn */
  challengeLookback: 20,
  /** before a deadline opens: faults may no longer be declared for it */
  faultDeclarationCutoff: 70,
} as const;

/** Miners above the minimum power from which on the minimum is enforced. Source: specs-actors builtin/power v2.1.0. */
const CONSENSUS_MINER_MIN_MINERS = 4n;

/**
 * Whether a miner's power counts for consensus, under actors v2: it reaches the minimum, or it is any power at all and
 * too few miners reach the minimum. Powers in bytes. Source: specs-actors v2.1.0 builtin/power/power_state.go.
 */
export function countsForConsensus(rawPower: bigint, minPower: bigint, minersAboveMinPower: bigint): boolean {
  return rawPower >= minPower || (minersAboveMinPower < CONSENSUS_MINER_MIN_MINERS && rawPower > 0n);
}
