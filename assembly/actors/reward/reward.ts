/**
 * Reward actor: holds what is left to mint and pays the producers of blocks.
 *
 * The system calls it once per block; the power actor's cron tells it the network's power once per epoch, which sets
 * the next epoch's reward. A reward that a miner does not take is burnt.
 * Exits: 16 bad amounts or win count, 17 unknown miner, 20 the gas reward is not there.
 * Source: specs-actors builtin/reward, v0.9.12 and v2.1.0.
 */
import { Big } from "../../base/big";
import { Bytes } from "../../base/bytes";
import { ActorDef, NOTHING } from "../../runtime/actor";
import { EXPECTED_LEADERS_PER_EPOCH, requireSuccess } from "../../runtime/builtin";
import { Runtime } from "../../runtime/runtime";
import { ThisEpochRewardReturn } from "../../runtime/shared.gen";
import { Amount } from "../../types/codec";
import { ERR_ILLEGAL_ARGUMENT, ERR_ILLEGAL_STATE, ERR_NOT_FOUND } from "../../types/exit-code";
import { POWER, SYSTEM } from "../../types/singletons";
import { AwardBlockRewardParams, RewardState } from "./codec.gen";
import { advance, advanceWithReward, baselineExponent, initialRewardState, smoothReward } from "./minting";
import { PENALTY_MULTIPLIER } from "./policy";
import { burn, payMiner } from "./sends";

export function rewardActor(): ActorDef {
  return new ActorDef("reward")
    .asSingleton()
    .method(1, "Constructor", construct)
    .method(2, "AwardBlockReward", awardBlockReward)
    .method(3, "ThisEpochReward", thisEpochReward)
    .method(4, "UpdateNetworkKPI", updateNetworkKpi);
}

/** Allowed: the system. */
function construct(rt: Runtime, params: Bytes): Bytes {
  const realizedPower = rt.params<Amount>(params).value;
  rt.allowOnly([SYSTEM]);
  rt.create(initialRewardState(realizedPower, rt.version));
  return NOTHING;
}

/** Pays for one block: its share of the epoch's reward and its tips, less (v0) its penalty. Allowed: the system. */
function awardBlockReward(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<AwardBlockRewardParams>(params);
  rt.allowOnly([SYSTEM]);
  const balance = rt.currentBalance();
  rt.require(!p.penalty.negative, ERR_ILLEGAL_ARGUMENT, "negative penalty");
  rt.require(!p.gasReward.negative, ERR_ILLEGAL_ARGUMENT, "negative gas reward");
  rt.require(balance.ge(p.gasReward), ERR_ILLEGAL_STATE, "balance insufficient to pay gas reward");
  rt.require(p.winCount > 0, ERR_ILLEGAL_ARGUMENT, "invalid win count");
  const miner = rt.resolveAddress(p.miner);
  if (miner === null) {
    rt.abort(ERR_NOT_FOUND, "failed to resolve the miner's address");
    return NOTHING;
  }

  const st = rt.begin<RewardState>();
  let blockReward = st.thisEpochReward.mul(Big.fromI64(p.winCount)).div(Big.fromI64(EXPECTED_LEADERS_PER_EPOCH));
  let total = blockReward.add(p.gasReward);
  if (total.gt(balance)) {
    total = balance;
    blockReward = total.sub(p.gasReward);
    rt.invariant(!blockReward.negative, "block reward below zero");
  }
  if (rt.version.rewardTotalsInState) st.totalStoragePowerReward = st.totalStoragePowerReward.add(blockReward);
  else st.totalMined = st.totalMined.add(blockReward);
  rt.commit(st);

  if (rt.version.minerAppliesPenalty) {
    rt.invariant(total.le(balance), "reward exceeds balance");
    if (!payMiner(rt, miner, total, p.penalty.mul(Big.fromU64(PENALTY_MULTIPLIER))).ok) burn(rt, total);
    return NOTHING;
  }
  const penalty = Big.min(p.penalty, total);
  const payable = total.sub(penalty);
  rt.invariant(payable.add(penalty).le(balance), "reward and penalty exceed balance");
  if (!payMiner(rt, miner, payable, penalty).ok) burn(rt, payable);
  if (penalty.isPositive) requireSuccess(rt, burn(rt, penalty), "failed to send penalty to burnt funds actor");
  return NOTHING;
}

/** What is known about the reward since the last cron. Allowed: anyone. */
function thisEpochReward(rt: Runtime, _params: Bytes): Bytes {
  rt.allowAny();
  const st = rt.state<RewardState>();
  const result = new ThisEpochRewardReturn();
  result.thisEpochReward = st.thisEpochReward;
  result.thisEpochRewardSmoothed = st.thisEpochRewardSmoothed;
  result.thisEpochBaselinePower = st.thisEpochBaselinePower;
  return rt.encode(result);
}

/** Computes the next epoch's reward, catching up null rounds. Allowed: the power actor. */
function updateNetworkKpi(rt: Runtime, params: Bytes): Bytes {
  const realizedPower = rt.params<Amount>(params).value;
  rt.allowOnly([POWER]);
  const exponent = baselineExponent(rt.version);
  const st = rt.begin<RewardState>();
  const last = st.epoch;
  while (st.epoch < rt.epoch) advance(st, realizedPower, exponent);
  advanceWithReward(st, realizedPower, exponent, rt.version);
  smoothReward(st, st.epoch - last);
  rt.commit(st);
  return NOTHING;
}
