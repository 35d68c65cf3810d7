/** Invariants of the reward actor. */
import { Big } from "../../base/big";
import { CheckContext } from "../../runtime/check";
import { RewardState } from "./codec.gen";
import { BASELINE_TOTAL, SIMPLE_TOTAL } from "./policy";

/** What the global check needs: attoFIL minted so far. */
@final
export class RewardSummary {
  constructor(readonly mined: Big) {}
}

export function checkReward(st: RewardState, at: CheckContext): RewardSummary {
  const totalsInState = at.version.rewardTotalsInState;
  const mined = totalsInState ? st.totalStoragePowerReward : st.totalMined;
  const supply = totalsInState ? st.simpleTotal.add(st.baselineTotal) : SIMPLE_TOTAL.add(BASELINE_TOTAL);
  at.that(st.epoch >= 0, "no epoch was computed yet");
  const inTime = st.effectiveNetworkTime >= 0 && st.effectiveNetworkTime <= st.epoch + 1;
  at.that(inTime, "network time is ahead of the epoch");
  at.that(!st.cumsumRealized.negative, "realized power sums to a negative value");
  at.that(st.cumsumRealized.le(st.cumsumBaseline), "realized power is ahead of the baseline");
  at.that(st.thisEpochBaselinePower.isPositive, "baseline power is not positive");
  at.that(st.effectiveBaselinePower.isPositive, "effective baseline power is not positive");
  at.that(!st.thisEpochReward.negative, "reward is negative");
  at.that(!mined.negative && mined.le(supply), "more was mined than there is");
  return new RewardSummary(mined);
}
