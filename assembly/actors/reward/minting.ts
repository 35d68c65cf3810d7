/**
 * How much is minted in an epoch.
 *
 * Two supplies decay exponentially with the same half-life of six years. The simple one, S, runs on the clock; the
 * baseline one, B, runs on theta, the time that the network would have needed for its total realized power if it had
 * followed the baseline exactly:
 *     reward(t) = S (e^lambda - 1) e^(-lambda t)  +  B (e^(-lambda theta') - e^(-lambda theta))
 * The baseline is baseline(t) = baseline(t-1) x exponent, realized power is capped by it, and theta is interpolated
 * inside the epoch at which the sum of the baseline passes the sum of realized power.
 * Source: specs-actors builtin/reward/reward_logic.go, reward_state.go.
 */
import { Big } from "../../base/big";
import { expNeg, mulQ128, ONE_Q128, PRECISION } from "../../runtime/math/fixed-point";
import { newEstimate, nextEstimate } from "../../runtime/math/smoothing";
import { RewardState } from "./codec.gen";
import {
  BASELINE_EXPONENT,
  BASELINE_EXPONENT_EARLY,
  BASELINE_INITIAL_VALUE_V0,
  BASELINE_INITIAL_VALUE_V2,
  BASELINE_TOTAL,
  EXP_LAMBDA_MINUS_ONE,
  INITIAL_REWARD_POSITION,
  INITIAL_REWARD_VELOCITY,
  LAMBDA,
  SIMPLE_TOTAL,
} from "./policy";
import { NetworkVersion } from "../../runtime/versions.gen";

/** Growth of the baseline per epoch under the rules of a network version, Q.128. */
export function baselineExponent(version: NetworkVersion): Big {
  return version.baselineDoublesYearly ? BASELINE_EXPONENT : BASELINE_EXPONENT_EARLY;
}

/** Baseline of the epoch before the first one, such that the first one has the initial value (floored). */
export function baselineBeforeGenesis(initial: Big, exponent: Big): Big {
  return initial.lsh(2 * PRECISION).div(exponent).rsh(PRECISION);
}

/** Theta, Q.128: `time` less the part of its epoch by which the baseline is ahead. */
export function theta(time: i64, baselinePower: Big, realizedSum: Big, baselineSum: Big): Big {
  if (time == 0) return Big.ZERO;
  const ahead = baselineSum.sub(realizedSum).lsh(PRECISION).div(baselinePower);
  return Big.fromI64(time).lsh(PRECISION).sub(ahead);
}

/** Part of `total` minted by the network time `at` (Q.128), as Q.128 attoFIL. */
function mintedByBaseline(total: Big, at: Big): Big {
  return total.mul(ONE_Q128.sub(expNeg(mulQ128(at, LAMBDA))));
}

/** attoFIL minted in `epoch` for all expected winners, while theta goes from `before` to `after` (Q.128). */
export function epochReward(epoch: i64, before: Big, after: Big, simpleTotal: Big, baselineTotal: Big): Big {
  const decay = expNeg(LAMBDA.mul(Big.fromI64(epoch)));
  const simple = simpleTotal.mul(EXP_LAMBDA_MINUS_ONE).mul(decay).rsh(PRECISION);
  const baseline = mintedByBaseline(baselineTotal, after).sub(mintedByBaseline(baselineTotal, before));
  return simple.add(baseline).rsh(PRECISION);
}

/** Steps to the next epoch without computing its reward (null rounds). */
export function advance(st: RewardState, realizedPower: Big, exponent: Big): void {
  st.epoch++;
  st.thisEpochBaselinePower = mulQ128(st.thisEpochBaselinePower, exponent);
  st.cumsumRealized = st.cumsumRealized.add(Big.min(st.thisEpochBaselinePower, realizedPower));
  while (st.cumsumRealized.gt(st.cumsumBaseline)) {
    st.effectiveNetworkTime++;
    st.effectiveBaselinePower = mulQ128(st.effectiveBaselinePower, exponent);
    st.cumsumBaseline = st.cumsumBaseline.add(st.effectiveBaselinePower);
  }
}

function thetaNow(st: RewardState): Big {
  return theta(st.effectiveNetworkTime, st.effectiveBaselinePower, st.cumsumRealized, st.cumsumBaseline);
}

/** Steps to the next epoch and computes its reward. */
export function advanceWithReward(st: RewardState, realizedPower: Big, exponent: Big, version: NetworkVersion): void {
  const totalsInState = version.rewardTotalsInState;
  const before = thetaNow(st);
  advance(st, realizedPower, exponent);
  const simpleTotal = totalsInState ? st.simpleTotal : SIMPLE_TOTAL;
  const baselineTotal = totalsInState ? st.baselineTotal : BASELINE_TOTAL;
  st.thisEpochReward = epochReward(st.epoch, before, thetaNow(st), simpleTotal, baselineTotal);
}

/** Feeds the reward into its filter, `delta` epochs after the last time. */
export function smoothReward(st: RewardState, delta: i64): void {
  st.thisEpochRewardSmoothed = nextEstimate(st.thisEpochRewardSmoothed, st.thisEpochReward, delta);
}

/** State at genesis, for epoch 0. */
export function initialRewardState(realizedPower: Big, version: NetworkVersion): RewardState {
  const initial = version.rewardStartsHigher ? BASELINE_INITIAL_VALUE_V2 : BASELINE_INITIAL_VALUE_V0;
  const exponent = version.rewardStartsHigher ? BASELINE_EXPONENT : BASELINE_EXPONENT_EARLY;
  const st = new RewardState();
  st.effectiveBaselinePower = initial;
  st.thisEpochBaselinePower = baselineBeforeGenesis(initial, exponent);
  st.epoch = -1;
  st.thisEpochRewardSmoothed = newEstimate(INITIAL_REWARD_POSITION, INITIAL_REWARD_VELOCITY);
  st.simpleTotal = SIMPLE_TOTAL;
  st.baselineTotal = BASELINE_TOTAL;
  advanceWithReward(st, realizedPower, exponent, version);
  return st;
}
