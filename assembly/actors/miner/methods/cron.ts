/**
 * What cron has a miner do: the end of a deadline, the settlement of early terminations, a new worker key (v0).
 * Source: specs-actors builtin/miner/miner_actor.go, miner_state.go.
 */
import { Big } from "../../../base/big";
import { Bytes } from "../../../base/bytes";
import { NOTHING } from "../../../runtime/actor";
import { Runtime } from "../../../runtime/runtime";
import { POWER } from "../../../types/singletons";
import { CronEventPayload, MinerState, PowerPair } from "../codec.gen";
import { quantOf } from "../deadline-info";
import { Economy, faultPenalty, undeclaredPenalty } from "../monies";
import { FAULT_MAX_AGE, PERIOD_DEADLINES, PROVING_PERIOD } from "../policy";
import { NO_POWER, subPower } from "../power-pair";
import {
  burn,
  CRON_EARLY_TERMINATIONS,
  CRON_PROVING_DEADLINE,
  CRON_WORKER_KEY_CHANGE,
  economy,
  enrollCron,
  updatePledge,
  updatePower,
} from "../sends";
import { processDeadlineEnd } from "../state/deadline";
import { popDeadlineExpired } from "../state/deadline-exit";
import { loadDeadline, saveDeadline } from "../state/deadlines";
import {
  addFeeDebt,
  addInitialPledge,
  penalize,
  repayDebtInPart,
  unlockedBalance,
  unlockVestedFunds,
} from "../state/funds";
import { applyPendingWorker, loadInfo } from "../state/info";
import {
  deadlineInfo,
  expirePreCommits,
  hasEarlyTerminations,
  loadDeadlines,
  saveDeadlines,
} from "../state/state";
import { scheduleSettlement, settleEarlyTerminations } from "./terminate";

/** Allowed: power. An unknown event is nothing. */
export function onDeferredCronEvent(rt: Runtime, params: Bytes): Bytes {
  const event = rt.params<CronEventPayload>(params).eventType;
  rt.allowOnly([POWER]);
  if (event == CRON_PROVING_DEADLINE) endDeadline(rt);
  else if (event == CRON_WORKER_KEY_CHANGE && !rt.version.minerConfirmsWorker) changeWorker(rt);
  else if (event == CRON_EARLY_TERMINATIONS && settleEarlyTerminations(rt)) scheduleSettlement(rt);
  return NOTHING;
}

/** v0: a pending key may have been replaced by a later one; then this is nothing. */
function changeWorker(rt: Runtime): void {
  const st = rt.begin<MinerState>();
  applyPendingWorker(rt, st, loadInfo(rt, st));
  rt.commit(st);
}

/** What the end of a deadline comes to. */
@final
class Outcome {
  power: PowerPair = NO_POWER;
  pledge: Big = Big.ZERO;
  burnt: Big = Big.ZERO;
  /** Early terminations were pending before. */
  pending: bool = false;
}

function endDeadline(rt: Runtime): void {
  const eco = economy(rt);
  const st = rt.begin<MinerState>();
  const out = rt.version.minerKeepsFeeDebt ? endDeadlineV2(rt, st, eco) : endDeadlineV0(rt, st, eco);
  rt.commit(st);

  updatePower(rt, out.power);
  burn(rt, out.burnt);
  updatePledge(rt, out.pledge);
  enrollCron(rt, deadlineInfo(rt, st).last, CRON_PROVING_DEADLINE);
  // What was pending before is settled by an event of its own.
  if (out.pending || !hasEarlyTerminations(st)) return;
  if (settleEarlyTerminations(rt)) scheduleSettlement(rt);
}

function advance(st: MinerState): void {
  st.currentDeadline = (st.currentDeadline + 1) % PERIOD_DEADLINES;
  if (st.currentDeadline == 0) st.provingPeriodStart += PROVING_PERIOD;
}

/** v0: deposits are burnt, missed proofs and ongoing faults paid for as far as funds go. */
function endDeadlineV0(rt: Runtime, st: MinerState, eco: Economy): Outcome {
  const out = new Outcome();
  out.pledge = unlockVestedFunds(rt, st).neg();
  out.burnt = expirePreCommits(rt, st);
  out.pending = hasEarlyTerminations(st);
  const info = deadlineInfo(rt, st);
  // The first call comes just before the first period, when nothing is due.
  if (!info.periodStarted) return out;
  const deadlines = loadDeadlines(rt, st);
  const deadline = loadDeadline(rt, deadlines, info.index);
  const quant = quantOf(info);
  let unlocked = unlockedBalance(rt, st);
  const faultyBefore = deadline.faultyPower.qa;

  const end = processDeadlineEnd(rt, deadline, quant, info.last + FAULT_MAX_AGE);
  out.power = end.delta;
  if (!rt.version.minerForgivesNewFaults) {
    // The ongoing fee is charged below.
    const failed = end.penalized.qa;
    const target = undeclaredPenalty(rt, eco, failed).sub(faultPenalty(rt, eco, failed));
    const paid = penalize(rt, st, target, unlocked);
    unlocked = unlocked.sub(paid.fromBalance);
    out.burnt = out.burnt.add(paid.total);
    out.pledge = out.pledge.sub(paid.fromVesting);
  }
  const ongoing = rt.version.minerForgivesNewFaults ? faultyBefore : deadline.faultyPower.qa;
  const paid = penalize(rt, st, faultPenalty(rt, eco, ongoing), unlocked);
  out.burnt = out.burnt.add(paid.total);
  out.pledge = out.pledge.sub(paid.fromVesting);

  const expired = popDeadlineExpired(rt, deadline, info.last, quant);
  out.pledge = out.pledge.sub(expired.onTimePledge);
  addInitialPledge(rt, st, expired.onTimePledge.neg());
  out.power = subPower(out.power, expired.activePower);
  if (!expired.earlySectors.isEmpty) st.earlyTerminations = st.earlyTerminations.with(info.index);
  saveDeadline(rt, deadlines, info.index, deadline);
  saveDeadlines(rt, st, deadlines);
  advance(st);
  return out;
}

/** v2: deposits and the fee for ongoing faults become debt, which is paid as far as funds go. */
function endDeadlineV2(rt: Runtime, st: MinerState, eco: Economy): Outcome {
  const out = new Outcome();
  out.pledge = unlockVestedFunds(rt, st).neg();
  applyPendingWorker(rt, st, loadInfo(rt, st));
  addFeeDebt(rt, st, expirePreCommits(rt, st));
  out.pending = hasEarlyTerminations(st);
  const faultyBefore = advanceDeadline(rt, st, out);
  addFeeDebt(rt, st, faultPenalty(rt, eco, faultyBefore.qa));
  const paid = repayDebtInPart(rt, st);
  out.burnt = paid.total;
  out.pledge = out.pledge.sub(paid.fromVesting);
  return out;
}

/** v2: goes on to the next deadline. Returns the power that was faulty before this one ended. */
function advanceDeadline(rt: Runtime, st: MinerState, out: Outcome): PowerPair {
  const info = deadlineInfo(rt, st);
  // Miners made under v0 may have their first call just before their first period.
  if (!info.periodStarted) return NO_POWER;
  advance(st);
  const deadlines = loadDeadlines(rt, st);
  const deadline = loadDeadline(rt, deadlines, info.index);
  const faultyBefore = deadline.faultyPower;
  if (deadline.liveSectors == 0) return faultyBefore;
  const quant = quantOf(info);
  const end = processDeadlineEnd(rt, deadline, quant, info.last + FAULT_MAX_AGE);
  const expired = popDeadlineExpired(rt, deadline, info.last, quant);
  out.pledge = out.pledge.sub(expired.onTimePledge);
  addInitialPledge(rt, st, expired.onTimePledge.neg());
  out.power = subPower(end.delta, expired.activePower);
  if (!expired.earlySectors.isEmpty) st.earlyTerminations = st.earlyTerminations.with(info.index);
  saveDeadline(rt, deadlines, info.index, deadline);
  saveDeadlines(rt, st, deadlines);
  return faultyBefore;
}
