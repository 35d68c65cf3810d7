/** Faults and recoveries as miners declare them. Source: specs-actors builtin/miner/miner_actor.go. */
import { Big } from "../../../base/big";
import { Bytes } from "../../../base/bytes";
import { NOTHING } from "../../../runtime/actor";
import { Runtime } from "../../../runtime/runtime";
import { ERR_FORBIDDEN, ERR_ILLEGAL_ARGUMENT } from "../../../types/exit-code";
import { DeclareFaultsParams, DeclareFaultsRecoveredParams, MinerState } from "../codec.gen";
import { DeadlineInfo, quantOf } from "../deadline-info";
import { ADDRESSED_SECTORS_MAX, FAULT_MAX_AGE, PERIOD_DEADLINES } from "../policy";
import { addPower, NO_POWER } from "../power-pair";
import { DeadlineSectorMap } from "../sector-map";
import { burn, updatePower } from "../sends";
import { declareDeadlineFaults, declareDeadlineRecoveries } from "../state/deadline";
import { loadDeadline, saveDeadline } from "../state/deadlines";
import { checkBalance, repayDebts } from "../state/funds";
import { allowControllers, consensusFaultActive, loadInfo } from "../state/info";
import { Sectors } from "../state/sectors";
import { loadDeadlines, saveDeadlines } from "../state/state";

/** v2 limits the number of declarations in a message. */
export function requireFewDeclarations(rt: Runtime, count: i32): void {
  if (!rt.version.minerLimitsDeclarations) return;
  rt.require(<u64>count <= <u64>rt.version.addressedPartitionsMax, ERR_ILLEGAL_ARGUMENT, "too many declarations");
}

/** Refuses more partitions or sectors than one message may name. */
export function requireAddressable(rt: Runtime, map: DeadlineSectorMap): void {
  map.check(rt, <u64>rt.version.addressedPartitionsMax, ADDRESSED_SECTORS_MAX);
}

/** The instance of a deadline that a declaration is for; it must not be too late. */
function declarationDeadline(rt: Runtime, st: MinerState, index: u64): DeadlineInfo {
  const info = new DeadlineInfo(st.provingPeriodStart, index, rt.epoch).nextNotElapsed();
  rt.require(!info.faultCutoffPassed, ERR_ILLEGAL_ARGUMENT, "late fault or recovery declaration");
  return info;
}

/**
 * Declares sectors faulty; they lose their power at once. Allowed: controllers.
 * Exits: 16 too many, too late, or not in the partition; 17 no such partition.
 */
export function declareFaults(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<DeclareFaultsParams>(params);
  requireFewDeclarations(rt, p.faults.length);
  const declared = new DeadlineSectorMap();
  for (let i = 0; i < p.faults.length; i++) {
    declared.add(rt, p.faults[i].deadline, p.faults[i].partition, p.faults[i].sectors);
  }
  requireAddressable(rt, declared);

  const st = rt.begin<MinerState>();
  const info = loadInfo(rt, st);
  allowControllers(rt, info);
  const deadlines = loadDeadlines(rt, st);
  const sectors = new Sectors(rt, st.sectors);
  let delta = NO_POWER;
  for (let index: u64 = 0; index < PERIOD_DEADLINES; index++) {
    const map = declared.at(index);
    if (map === null) continue;
    const target = declarationDeadline(rt, st, index);
    const deadline = loadDeadline(rt, deadlines, index);
    const expiration = target.last + FAULT_MAX_AGE;
    const quant = quantOf(target);
    const change = declareDeadlineFaults(rt, deadline, sectors, info.sectorSize, quant, expiration, map);
    saveDeadline(rt, deadlines, index, deadline);
    delta = addPower(delta, change);
  }
  saveDeadlines(rt, st, deadlines);
  rt.commit(st);

  updatePower(rt, delta);
  return NOTHING;
}

/**
 * Declares faulty sectors as recovering, to be proven next time. Allowed: controllers.
 * Exits: 16 too many or too late; 17 no such partition; 18 consensus fault (v2); 19 fee debt (v2); 20 not in the
 * partition.
 */
export function declareFaultsRecovered(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<DeclareFaultsRecoveredParams>(params);
  requireFewDeclarations(rt, p.recoveries.length);
  const declared = new DeadlineSectorMap();
  for (let i = 0; i < p.recoveries.length; i++) {
    declared.add(rt, p.recoveries[i].deadline, p.recoveries[i].partition, p.recoveries[i].sectors);
  }
  requireAddressable(rt, declared);

  const st = rt.begin<MinerState>();
  const fee = rt.version.minerKeepsFeeDebt ? repayDebts(rt, st) : Big.ZERO;
  const info = loadInfo(rt, st);
  allowControllers(rt, info);
  if (rt.version.minerKeepsFeeDebt) {
    rt.require(!consensusFaultActive(rt, info), ERR_FORBIDDEN, "recovery during a consensus fault");
  }
  const deadlines = loadDeadlines(rt, st);
  const sectors = new Sectors(rt, st.sectors);
  for (let index: u64 = 0; index < PERIOD_DEADLINES; index++) {
    const map = declared.at(index);
    if (map === null) continue;
    declarationDeadline(rt, st, index);
    const deadline = loadDeadline(rt, deadlines, index);
    declareDeadlineRecoveries(rt, deadline, sectors, info.sectorSize, map);
    saveDeadline(rt, deadlines, index, deadline);
  }
  saveDeadlines(rt, st, deadlines);
  rt.commit(st);

  if (rt.version.minerKeepsFeeDebt) {
    burn(rt, fee);
    checkBalance(rt, rt.state<MinerState>());
  }
  return NOTHING;
}
