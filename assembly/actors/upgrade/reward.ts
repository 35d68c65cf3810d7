/**
 * Reward: the baseline is set to what it would be if the second actors' parameters had held since the start of the
 * network, and the total still to be minted against it is reduced so that what remains to be minted stays the same.
 *
 * With g the growth of the baseline per epoch, tau one epoch and B0 the baseline at the start:
 *     theta' = ln(1 + realized * g tau / B0) / (g tau)        the network time of the realized power so far
 *     sum'   = (baseline(theta') - B0) / (g tau)
 *     total' = total * e^(-lambda (theta - theta'))
 * The filter of rewards starts from the reward that the closed form gives for the epoch. Fixed point is Q.128.
 * Source: specs-actors v2.1.0 actors/migration/reward.go.
 */
import { Big } from "../../base/big";
import { Cid } from "../../ipld/cid";
import { expNeg, ln, mulQ128, ONE_Q128, powQ128, PRECISION } from "../../runtime/math/fixed-point";
import { newEstimate } from "../../runtime/math/smoothing";
import { PowerState } from "../power/codec.gen";
import { RewardState } from "../reward/codec.gen";
import { theta } from "../reward/minting";
import {
  BASELINE_EXPONENT,
  BASELINE_INITIAL_VALUE_V2,
  BASELINE_TOTAL,
  EXP_LAMBDA_MINUS_ONE,
  LAMBDA,
  SIMPLE_TOTAL,
} from "../reward/policy";
import { Sides } from "./stores";

/** g tau / B0 and 1 / (g tau), Q.128. */
const GROWTH_BY_INITIAL: Big = Big.parse("77669179383316");
const ONE_BY_GROWTH: Big = Big.parse("516058975841646949912583456815941211282956743");
/** Blocks' worth of epochs over which the closed form looks back. */
const SIX: Big = Big.fromU64(6);
/** Velocity of the filter: 31 x 10^51. */
const REWARD_VELOCITY: Big = Big.parse("31000000000000000000000000000000000000000000000000000");

/** `powerHead`: the power actor after its upgrade. */
export function upgradeReward(sides: Sides, head: Cid, powerHead: Cid, priorEpoch: i64): Cid {
  const st = sides.before.object<RewardState>(head);
  const rawPower = sides.after.object<PowerState>(powerHead).thisEpochRawBytePower;
  const initial = BASELINE_INITIAL_VALUE_V2;
  const realized = st.cumsumRealized.lsh(PRECISION);

  const before = theta(st.effectiveNetworkTime, st.effectiveBaselinePower, st.cumsumRealized, st.cumsumBaseline);
  const after = mulQ128(ln(mulQ128(realized, GROWTH_BY_INITIAL).add(ONE_Q128)), ONE_BY_GROWTH);
  const time = after.rsh(PRECISION).add(Big.ONE);
  if (!time.isI64) sides.before.fail("effective network time out of bounds");

  const baseline = initial.mul(powQ128(BASELINE_EXPONENT, time.lowI64));
  const baselineSum = baseline.sub(initial.lsh(PRECISION)).mul(ONE_BY_GROWTH).rsh(2 * PRECISION);
  const adjustment = expNeg(mulQ128(LAMBDA, before.sub(after)));
  const baselineTotal = mulQ128(BASELINE_TOTAL, adjustment);

  // Reward of the epoch by the closed form: the baseline's part, then the simple part.
  const reach = initial.mul(ONE_BY_GROWTH).add(realized);
  const pace = ln(rawPower.lsh(2 * PRECISION).div(reach).add(ONE_Q128));
  const share = ONE_Q128.sub(expNeg(pace.lsh(PRECISION).div(SIX.lsh(PRECISION))));
  const byBaseline = mulQ128(share, expNeg(mulQ128(after, LAMBDA))).mul(baselineTotal);
  const decay = expNeg(Big.fromI64(priorEpoch).mul(LAMBDA));
  const byTime = mulQ128(decay.mul(SIMPLE_TOTAL), EXP_LAMBDA_MINUS_ONE);

  st.cumsumBaseline = baselineSum;
  st.effectiveNetworkTime = time.lowI64;
  st.effectiveBaselinePower = baseline.rsh(PRECISION);
  st.thisEpochBaselinePower = mulQ128(initial, powQ128(BASELINE_EXPONENT, priorEpoch));
  st.thisEpochRewardSmoothed = newEstimate(Big.ZERO, Big.ZERO);
  st.thisEpochRewardSmoothed.positionEstimate = byBaseline.add(byTime);
  st.thisEpochRewardSmoothed.velocityEstimate = REWARD_VELOCITY;
  st.totalStoragePowerReward = st.totalMined;
  st.simpleTotal = SIMPLE_TOTAL;
  st.baselineTotal = baselineTotal;
  return sides.after.putObject(st);
}
