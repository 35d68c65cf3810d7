/** Money that goes out to the owner, or pays debts. Source: specs-actors builtin/miner/miner_actor.go. */
import { Big } from "../../../base/big";
import { Bytes, EMPTY } from "../../../base/bytes";
import { NOTHING } from "../../../runtime/actor";
import { METHOD_SEND, requireSuccess } from "../../../runtime/builtin";
import { Runtime } from "../../../runtime/runtime";
import { ERR_FORBIDDEN, ERR_ILLEGAL_ARGUMENT } from "../../../types/exit-code";
import { MinerState, WithdrawBalanceParams } from "../codec.gen";
import { burn, updatePledge } from "../sends";
import {
  availableBalance,
  checkBalance,
  repayDebtInPart,
  repayDebts,
  requirePledgeCovered,
  unlockVestedFunds,
} from "../state/funds";
import { allowControllers, loadInfo } from "../state/info";
import { hasEarlyTerminations } from "../state/state";

/**
 * Pays the owner up to the amount asked for. Allowed: the owner.
 * Exits: 16 negative; 18 early terminations are not settled; 19 pledge (v0) or fee debt (v2) not covered.
 */
export function withdrawBalance(rt: Runtime, params: Bytes): Bytes {
  const asked = rt.params<WithdrawBalanceParams>(params).amountRequested;
  rt.require(!asked.negative, ERR_ILLEGAL_ARGUMENT, "negative amount to withdraw");
  const st = rt.begin<MinerState>();
  const info = loadInfo(rt, st);
  rt.allowOnly([info.owner]);
  rt.require(!hasEarlyTerminations(st), ERR_FORBIDDEN, "sectors were terminated whose fees are outstanding");
  const vested = unlockVestedFunds(rt, st);
  let available = Big.ZERO;
  let fee = Big.ZERO;
  if (rt.version.minerKeepsFeeDebt) {
    // Before the debt is paid: it is subtracted here already.
    available = availableBalance(rt, st);
    fee = repayDebts(rt, st);
  } else requirePledgeCovered(rt, st);
  rt.commit(st);

  if (!rt.version.minerKeepsFeeDebt) available = availableBalance(rt, st);
  const amount = Big.min(available, asked);
  rt.invariant(!amount.negative, "negative withdrawal");
  // v0 sends nothing, too.
  if (!rt.version.minerKeepsFeeDebt || amount.isPositive) {
    requireSuccess(rt, rt.send(info.owner, METHOD_SEND, EMPTY, amount), "failed to withdraw");
  }
  burn(rt, fee);
  updatePledge(rt, vested.neg());
  checkBalance(rt, st);
  return NOTHING;
}

/** v2: pays as much fee debt as possible. Allowed: controllers. */
export function repayDebt(rt: Runtime, _params: Bytes): Bytes {
  const st = rt.begin<MinerState>();
  const info = loadInfo(rt, st);
  allowControllers(rt, info);
  const payment = repayDebtInPart(rt, st);
  rt.commit(st);
  updatePledge(rt, payment.fromVesting.neg());
  burn(rt, payment.total);
  checkBalance(rt, st);
  return NOTHING;
}
