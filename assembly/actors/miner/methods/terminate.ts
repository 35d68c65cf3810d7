/**
 * Termination of sectors before their time. The sectors leave at once; their deals, pledge and fees are settled in
 * batches, here and by cron. Source: specs-actors builtin/miner/miner_actor.go.
 */
import { Big } from "../../../base/big";
import { Bytes } from "../../../base/bytes";
import { Runtime } from "../../../runtime/runtime";
import { MinerState, TerminateSectorsParams, TerminateSectorsReturn } from "../codec.gen";
import { terminationPenalty } from "../monies";
import { ADDRESSED_SECTORS_MAX, PERIOD_DEADLINES } from "../policy";
import { NO_POWER, subPower } from "../power-pair";
import { DeadlineSectorMap } from "../sector-map";
import {
  burn,
  CRON_EARLY_TERMINATIONS,
  economy,
  enrollCron,
  terminateDeals,
  updatePledge,
  updatePower,
} from "../sends";
import { terminateDeadlineSectors } from "../state/deadline-exit";
import { loadDeadline, saveDeadline } from "../state/deadlines";
import { addFeeDebt, addInitialPledge, Payment, penalize, repayDebtInPart, unlockedBalance } from "../state/funds";
import { allowControllers, loadInfo } from "../state/info";
import { Sectors } from "../state/sectors";
import { hasEarlyTerminations, loadDeadlines, popEarlyTerminations, quantFor, saveDeadlines } from "../state/state";
import { requireAddressable, requireFewDeclarations } from "./faults";

/**
 * Terminates live sectors and settles as many early terminations as a message may. Without sectors it only settles.
 * Allowed: controllers. Exits: 16 too many, or not live; 17 no such partition or sector.
 */
export function terminateSectors(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<TerminateSectorsParams>(params);
  requireFewDeclarations(rt, p.terminations.length);
  const declared = new DeadlineSectorMap();
  for (let i = 0; i < p.terminations.length; i++) {
    declared.add(rt, p.terminations[i].deadline, p.terminations[i].partition, p.terminations[i].sectors);
  }
  requireAddressable(rt, declared);

  const st = rt.begin<MinerState>();
  const pending = hasEarlyTerminations(st);
  const info = loadInfo(rt, st);
  allowControllers(rt, info);
  const deadlines = loadDeadlines(rt, st);
  const sectors = new Sectors(rt, st.sectors);
  let power = NO_POWER;
  for (let index: u64 = 0; index < PERIOD_DEADLINES; index++) {
    const map = declared.at(index);
    if (map === null) continue;
    const quant = quantFor(st, index);
    const deadline = loadDeadline(rt, deadlines, index);
    const lost = terminateDeadlineSectors(rt, deadline, sectors, rt.epoch, map, info.sectorSize, quant);
    st.earlyTerminations = st.earlyTerminations.with(index);
    power = subPower(power, lost);
    saveDeadline(rt, deadlines, index, deadline);
  }
  saveDeadlines(rt, st, deadlines);
  rt.commit(st);

  const more = settleEarlyTerminations(rt);
  // Cron is at work already if something was pending before.
  if (more && !pending) scheduleSettlement(rt);
  updatePower(rt, power);
  const out = new TerminateSectorsReturn();
  out.done = !more;
  return rt.encode(out);
}

/** Asks to be called at the next epoch to settle more. */
export function scheduleSettlement(rt: Runtime): void {
  enrollCron(rt, rt.epoch + 1, CRON_EARLY_TERMINATIONS);
}

/** Settles early terminations up to the limits of a message. True if some are left. */
export function settleEarlyTerminations(rt: Runtime): bool {
  const eco = economy(rt);
  const st = rt.begin<MinerState>();
  const popped = popEarlyTerminations(rt, st, <u64>rt.version.addressedPartitionsMax, ADDRESSED_SECTORS_MAX);
  const result = popped.result;
  if (result.isEmpty) {
    rt.commit(st);
    return popped.more;
  }
  const info = loadInfo(rt, st);
  const sectors = new Sectors(rt, st.sectors);
  const deals: Array<Array<u64>> = [];
  let pledge = Big.ZERO;
  let penalty = Big.ZERO;
  for (let i = 0; i < result.epochs.length; i++) {
    const ended = sectors.load(result.sectors[i]);
    const ids: Array<u64> = [];
    for (let j = 0; j < ended.length; j++) {
      for (let k = 0; k < ended[j].dealIDs.length; k++) ids.push(ended[j].dealIDs[k]);
      pledge = pledge.add(ended[j].initialPledge);
    }
    penalty = penalty.add(terminationPenalty(rt, eco, info.sectorSize, result.epochs[i], ended));
    deals.push(ids);
  }
  const payment = payTermination(rt, st, penalty, pledge);
  rt.commit(st);

  burn(rt, payment.total);
  updatePledge(rt, pledge.add(payment.fromVesting).neg());
  for (let i = 0; i < deals.length; i++) terminateDeals(rt, result.epochs[i], deals[i]);
  return popped.more;
}

/** Pays the penalty and frees the pledge; from v2 on in the other order, so that the pledge helps to pay. */
function payTermination(rt: Runtime, st: MinerState, penalty: Big, pledge: Big): Payment {
  if (rt.version.minerKeepsFeeDebt) {
    addFeeDebt(rt, st, penalty);
    addInitialPledge(rt, st, pledge.neg());
    return repayDebtInPart(rt, st);
  }
  const payment = penalize(rt, st, penalty, unlockedBalance(rt, st));
  addInitialPledge(rt, st, pledge.neg());
  return payment;
}
