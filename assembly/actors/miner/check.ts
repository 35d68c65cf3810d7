/** Invariants of a miner. Deadlines: `check-deadline.ts`. Source: specs-actors builtin/miner/testing.go (v2.1.0). */
import { Big } from "../../base/big";
import { BitField } from "../../ipld/bitfield";
import { CheckContext } from "../../runtime/check";
import { ArrayOf, MapOf, parseUintKey } from "../../runtime/collections";
import { isSealProof, partitionSectors, sectorSize } from "../../runtime/sector-policy";
import {
  Deadline,
  Deadlines,
  MinerInfo,
  MinerState,
  PowerPair,
  SectorOnChainInfo,
  SectorPreCommitOnChainInfo,
  VestingFunds,
} from "./codec.gen";
import { checkDeadline } from "./check-deadline";
import { quantForDeadline } from "./deadline-info";
import { CHALLENGE_WINDOW, PERIOD_DEADLINES } from "./policy";
import { addPower, NO_POWER } from "./power-pair";
import { QuantSpec } from "./quantize";
import { BitFieldItem } from "./state/bitfield-queue";

/** What the global check compares with the power actor's claims and totals. */
@final
export class MinerSummary {
  livePower: PowerPair = NO_POWER;
  activePower: PowerPair = NO_POWER;
  faultyPower: PowerPair = NO_POWER;
  /** attoFIL that count in the network's pledge: initial pledge and vesting funds. */
  pledge: Big = Big.ZERO;
  sealProof: i64 = -1;
}

export function checkMiner(st: MinerState, at: CheckContext): MinerSummary {
  const summary = new MinerSummary();
  const info = at.object<MinerInfo>(st.info, "miner info");
  if (info === null) return summary;
  summary.sealProof = info.sealProofType;
  summary.pledge = st.lockedFunds.add(initialPledge(st, at));
  checkInfo(info, at);
  checkMoney(st, at);
  const allocated = at.object<BitFieldItem>(st.allocatedSectors, "set of allocated sectors");
  if (allocated === null || !allocated.value.valid) return summary;
  checkPreCommits(st, at, allocated.value);
  const sectors = loadSectors(st, at, allocated.value);
  at.that(st.currentDeadline < PERIOD_DEADLINES, "current deadline is out of range");
  const deadlines = at.object<Deadlines>(st.deadlines, "deadlines");
  if (deadlines === null) return summary;
  at.that(<u64>deadlines.due.length == PERIOD_DEADLINES, "number of deadlines is wrong");
  const early: Array<u64> = [];
  for (let i = 0; i < deadlines.due.length; i++) {
    const name = "deadline " + i.toString();
    const deadline = at.object<Deadline>(deadlines.due[i], name);
    if (deadline === null) continue;
    const quant = quantForDeadline(st.provingPeriodStart, <u64>i);
    const power = checkDeadline(deadline, at, name, quant, info.sectorSize, sectors);
    summary.livePower = addPower(summary.livePower, power.live);
    summary.activePower = addPower(summary.activePower, power.active);
    summary.faultyPower = addPower(summary.faultyPower, power.faulty);
    if (!deadline.earlyTerminations.isEmpty) early.push(<u64>i);
  }
  at.that(st.earlyTerminations.containsAll(BitField.of(early)), "deadlines with early terminations are not all noted");
  return summary;
}

function initialPledge(st: MinerState, at: CheckContext): Big {
  return at.version.minerLocksInitialPledge ? st.initialPledge : st.initialPledgeRequirement;
}

function checkInfo(info: MinerInfo, at: CheckContext): void {
  at.that(info.owner.isId, "owner is not an ID address");
  at.that(info.worker.isId, "worker is not an ID address");
  for (let i = 0; i < info.controlAddresses.length; i++) {
    at.that(info.controlAddresses[i].isId, "a control address is not an ID address");
  }
  const worker = info.pendingWorkerKey;
  if (worker !== null) {
    at.that(worker.newWorker.isId, "pending worker is not an ID address");
    // v0 leaves a pending key when the old one is asked for again.
    at.that(!at.version.workerPendingDiffers || !worker.newWorker.eq(info.worker), "pending worker is the worker");
  }
  const owner = info.pendingOwnerAddress;
  if (owner !== null) {
    at.that(owner.isId, "pending owner is not an ID address");
    at.that(!owner.eq(info.owner), "pending owner is the owner");
  }
  if (!isSealProof(info.sealProofType)) {
    at.report.add("unknown seal proof type");
    return;
  }
  at.that(info.sectorSize == sectorSize(info.sealProofType), "sector size does not fit the seal proof type");
  const partition = partitionSectors(info.sealProofType);
  at.that(info.windowPoStPartitionSectors == partition, "partition size does not fit the seal proof type");
}

function checkMoney(st: MinerState, at: CheckContext): void {
  const pledge = initialPledge(st, at);
  at.that(!at.balance.negative, "balance is negative");
  at.that(!st.lockedFunds.negative, "locked funds are negative");
  at.that(!st.preCommitDeposits.negative, "pre-commit deposits are negative");
  at.that(!pledge.negative, "initial pledge is negative");
  at.that(!st.feeDebt.negative, "fee debt is negative");
  // In v0 rewards and penalties may have drawn on the initial pledge.
  let least = st.lockedFunds.add(st.preCommitDeposits);
  if (at.version.minerLocksInitialPledge) least = least.add(pledge);
  at.that(at.balance.ge(least), "balance does not cover what is locked");
  const table = at.object<VestingFunds>(st.vestingFunds, "vesting table");
  if (table === null) return;
  const quant = new QuantSpec(CHALLENGE_WINDOW, st.provingPeriodStart);
  let sum = Big.ZERO;
  for (let i = 0; i < table.funds.length; i++) {
    const entry = table.funds[i];
    const name = "vesting entry at epoch " + entry.epoch.toString();
    at.that(entry.amount.isPositive, name + " is not positive");
    at.that(quant.up(entry.epoch) == entry.epoch, name + " is not on the grid");
    at.that(i == 0 || table.funds[i - 1].epoch < entry.epoch, name + " is out of order");
    sum = sum.add(entry.amount);
  }
  at.that(sum.eq(st.lockedFunds), "vesting table does not sum to the locked funds");
}

function checkPreCommits(st: MinerState, at: CheckContext, allocated: BitField): void {
  const quant = new QuantSpec(CHALLENGE_WINDOW, st.provingPeriodStart);
  let expiring = new BitField();
  const queue = ArrayOf.load<BitFieldItem>(at, st.preCommittedSectorsExpiry).cursor();
  while (queue.next()) {
    const epoch = <i64>queue.index;
    at.that(quant.up(epoch) == epoch, "pre-commit expiration " + epoch.toString() + " is not on the grid");
    expiring = expiring.union(queue.value().value);
  }
  let deposits = Big.ZERO;
  const cursor = MapOf.load<SectorPreCommitOnChainInfo>(at, st.preCommittedSectors).cursor();
  while (cursor.next()) {
    const number = parseUintKey(cursor.key);
    const name = "pre-commitment of sector " + number.toString();
    const item = cursor.value();
    at.that(item.info.sectorNumber == number, name + " is of another sector");
    at.that(allocated.has(number), name + " has no allocated number");
    at.that(expiring.has(number), name + " never expires");
    deposits = deposits.add(item.preCommitDeposit);
  }
  at.that(deposits.eq(st.preCommitDeposits), "pre-commitments do not sum to the deposits");
}

function loadSectors(st: MinerState, at: CheckContext, allocated: BitField): Map<u64, SectorOnChainInfo> {
  const sectors = new Map<u64, SectorOnChainInfo>();
  const cursor = ArrayOf.load<SectorOnChainInfo>(at, st.sectors).cursor();
  while (cursor.next()) {
    const sector = cursor.value();
    const name = "sector " + cursor.index.toString();
    at.that(sector.sectorNumber == cursor.index, name + " has another number");
    at.that(allocated.has(cursor.index), name + " has no allocated number");
    at.that(sector.expiration > sector.activation, name + " expires before its activation");
    if (sector.expiration != sector.activation) sectors.set(cursor.index, sector);
  }
  return sectors;
}
