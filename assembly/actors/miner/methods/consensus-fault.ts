/** Consensus faults: two blocks that no honest miner makes. Source: specs-actors builtin/miner/miner_actor.go. */
import { Big } from "../../../base/big";
import { Bytes, EMPTY } from "../../../base/bytes";
import { NOTHING } from "../../../runtime/actor";
import { METHOD_SEND, requireSuccess, signableTypes } from "../../../runtime/builtin";
import { estimate } from "../../../runtime/math/smoothing";
import { Runtime } from "../../../runtime/runtime";
import { ERR_FORBIDDEN, ERR_ILLEGAL_ARGUMENT } from "../../../types/exit-code";
import { BURNT_FUNDS } from "../../../types/singletons";
import { MinerState, ReportConsensusFaultParams } from "../codec.gen";
import { consensusFaultPenalty, reporterReward } from "../monies";
import { CONSENSUS_FAULT_INELIGIBILITY } from "../policy";
import { burn, epochReward, reportFaultToPower, terminateDeals, updatePledge } from "../sends";
import { addFeeDebt, checkBalance, repayDebtInPart } from "../state/funds";
import { loadInfo, saveInfo } from "../state/info";
import { Sectors } from "../state/sectors";

/**
 * Reports a consensus fault of this miner and earns a share of its punishment. Allowed: accounts and multisigs.
 * Exits: 16 not a fault, or not in the past; 18 before the end of an earlier exclusion (v2).
 */
export function reportConsensusFault(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<ReportConsensusFaultParams>(params);
  rt.allowTypes(signableTypes());
  const fault = rt.verifyConsensusFault(p.blockHeader1, p.blockHeader2, p.blockHeaderExtra);
  if (fault === null) {
    rt.abort(ERR_ILLEGAL_ARGUMENT, "consensus fault not verified");
    return NOTHING;
  }
  const age = rt.epoch - fault.epoch;
  rt.require(age > 0, ERR_ILLEGAL_ARGUMENT, "fault is not in the past");
  if (rt.version.minerFinesConsensusFault) penalizeMiner(rt, fault.epoch, age);
  else deleteMiner(rt, age);
  return NOTHING;
}

/** v0: the miner loses everything: power, deals, balance and existence. */
function deleteMiner(rt: Runtime, age: i64): void {
  const reward = reporterReward(rt, age, rt.currentBalance());
  requireSuccess(rt, rt.send(rt.caller, METHOD_SEND, EMPTY, reward), "failed to reward the reporter");
  reportFaultToPower(rt, rt.state<MinerState>().lockedFunds);
  const st = rt.state<MinerState>();
  const deals: Array<u64> = [];
  const sectors = new Sectors(rt, st.sectors).cursor();
  while (sectors.next()) {
    const ids = sectors.value().dealIDs;
    for (let i = 0; i < ids.length; i++) deals.push(ids[i]);
  }
  terminateDeals(rt, rt.epoch, deals);
  rt.deleteActor(BURNT_FUNDS);
}

/** v2: the miner pays a few block rewards and is excluded for a while. */
function penalizeMiner(rt: Runtime, faultEpoch: i64, age: i64): void {
  const penalty = consensusFaultPenalty(estimate(epochReward(rt).thisEpochRewardSmoothed));
  const share = reporterReward(rt, age, penalty);
  const st = rt.begin<MinerState>();
  const info = loadInfo(rt, st);
  rt.require(faultEpoch >= info.consensusFaultElapsed, ERR_FORBIDDEN, "fault before the end of an exclusion");
  addFeeDebt(rt, st, penalty);
  const payment = repayDebtInPart(rt, st);
  // The reporter gets no more than is really paid.
  const reward = Big.min(payment.total, share);
  info.consensusFaultElapsed = rt.epoch + CONSENSUS_FAULT_INELIGIBILITY;
  saveInfo(rt, st, info);
  rt.commit(st);
  // A reporter that cannot be paid changes nothing.
  rt.send(rt.caller, METHOD_SEND, EMPTY, reward);
  burn(rt, payment.total.sub(reward));
  updatePledge(rt, payment.fromVesting.neg());
  checkBalance(rt, rt.state<MinerState>());
}
