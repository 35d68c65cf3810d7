/** Money that comes in and has to vest. Source: specs-actors builtin/miner/miner_actor.go. */
import { Bytes } from "../../../base/bytes";
import { NOTHING } from "../../../runtime/actor";
import { Runtime } from "../../../runtime/runtime";
import { ApplyRewardParams } from "../../../runtime/shared.gen";
import { Amount } from "../../../types/codec";
import { ERR_ILLEGAL_ARGUMENT, ERR_INSUFFICIENT_FUNDS } from "../../../types/exit-code";
import { REWARD } from "../../../types/singletons";
import { MinerState } from "../codec.gen";
import { rewardVesting } from "../policy";
import { burn, updatePledge } from "../sends";
import { addFeeDebt, addLockedFunds, repayDebtInPart, unlockedBalance } from "../state/funds";
import { loadInfo } from "../state/info";

/**
 * v0: locks an amount of the unlocked balance, to vest. Allowed: controllers and the reward actor.
 * Exits: 16 negative; 19 not enough unlocked.
 */
export function addLockedFund(rt: Runtime, params: Bytes): Bytes {
  const amount = rt.params<Amount>(params).value;
  rt.require(!amount.negative, ERR_ILLEGAL_ARGUMENT, "cannot lock a negative amount");
  const spec = rewardVesting(rt);
  const st = rt.begin<MinerState>();
  const info = loadInfo(rt, st);
  const allowed = info.controlAddresses.slice(0);
  allowed.push(info.owner);
  allowed.push(info.worker);
  allowed.push(REWARD);
  rt.allowOnly(allowed);
  const covered = unlockedBalance(rt, st).ge(amount);
  rt.require(covered, ERR_INSUFFICIENT_FUNDS, "insufficient funds to lock");
  const vested = addLockedFunds(rt, st, amount, spec);
  rt.commit(st);
  updatePledge(rt, amount.sub(vested));
  return NOTHING;
}

/**
 * v2: locks a block reward, to vest, and charges the block's penalty. Allowed: the reward actor.
 * Exits: 16 negative; 19 not enough unlocked.
 */
export function applyRewards(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<ApplyRewardParams>(params);
  rt.require(!p.reward.negative, ERR_ILLEGAL_ARGUMENT, "cannot lock a negative amount");
  rt.require(!p.penalty.negative, ERR_ILLEGAL_ARGUMENT, "cannot penalize a negative amount");
  const st = rt.begin<MinerState>();
  rt.allowOnly([REWARD]);
  const covered = unlockedBalance(rt, st).ge(p.reward);
  rt.require(covered, ERR_INSUFFICIENT_FUNDS, "insufficient funds to lock");
  const vested = addLockedFunds(rt, st, p.reward, rewardVesting(rt));
  addFeeDebt(rt, st, p.penalty);
  const payment = repayDebtInPart(rt, st);
  rt.commit(st);
  updatePledge(rt, p.reward.sub(vested).sub(payment.fromVesting));
  burn(rt, payment.total);
  return NOTHING;
}
