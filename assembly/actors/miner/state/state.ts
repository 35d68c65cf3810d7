/**
 * The state of a miner as a whole: sector numbers, pre-commitments, sectors, deadlines.
 *
 * Every function loads and writes as often as the reference does: block accesses are charged.
 * Source: specs-actors builtin/miner/miner_state.go.
 */
import { Big } from "../../../base/big";
import { BITFIELD_MAX_BYTES, BitField } from "../../../ipld/bitfield";
import { MapOf, uintKey } from "../../../runtime/collections";
import { Runtime } from "../../../runtime/runtime";
import { ERR_FORBIDDEN, ERR_ILLEGAL_ARGUMENT, ERR_NOT_FOUND, ERR_SERIALIZATION } from "../../../types/exit-code";
import {
  Deadline,
  Deadlines,
  MinerState,
  PowerPair,
  SectorOnChainInfo,
  SectorPreCommitOnChainInfo,
} from "../codec.gen";
import { assignDeadlines } from "../deadline-assignment";
import { DeadlineInfo, isDeadlineMutable, quantForDeadline, quantOf } from "../deadline-info";
import { CHALLENGE_WINDOW, PERIOD_DEADLINES } from "../policy";
import { addPower, NO_POWER } from "../power-pair";
import { QuantSpec } from "../quantize";
import { DeadlineSectorMap } from "../sector-map";
import { TerminationResult } from "../termination";
import { BitFieldItem, BitfieldQueue } from "./bitfield-queue";
import { addDeadlineSectors, loadPartitions, mustPartition, rescheduleDeadlineExpirations } from "./deadline";
import { popDeadlineEarlyTerminations } from "./deadline-exit";
import { loadDeadline, saveDeadline } from "./deadlines";
import { Sectors } from "./sectors";

export function deadlineInfo(rt: Runtime, st: MinerState): DeadlineInfo {
  return new DeadlineInfo(st.provingPeriodStart, st.currentDeadline, rt.epoch);
}

/** The grid of a deadline's expirations. */
export function quantFor(st: MinerState, deadline: u64): QuantSpec {
  return quantForDeadline(st.provingPeriodStart, deadline);
}

/** The grid of pre-commitments' expirations: the end of every deadline. */
function quantEveryDeadline(st: MinerState): QuantSpec {
  return new QuantSpec(CHALLENGE_WINDOW, st.provingPeriodStart);
}

export function loadDeadlines(rt: Runtime, st: MinerState): Deadlines {
  return rt.getObject<Deadlines>(st.deadlines);
}

export function saveDeadlines(rt: Runtime, st: MinerState, deadlines: Deadlines): void {
  st.deadlines = rt.putObject(deadlines);
}

/** True if some deadline has sectors whose early termination is not yet paid. */
export function hasEarlyTerminations(st: MinerState): bool {
  return !st.earlyTerminations.isEmpty;
}

// ---- sector numbers

function saveAllocated(rt: Runtime, st: MinerState, allocated: BitField): void {
  const fits = <u64>allocated.encode().length <= BITFIELD_MAX_BYTES;
  rt.require(fits, ERR_SERIALIZATION, "bitfield of allocated sectors too large");
  st.allocatedSectors = rt.putObject(BitFieldItem.of(allocated));
}

/** Marks a sector number as used; it must be new. */
export function allocateSectorNumber(rt: Runtime, st: MinerState, number: u64): void {
  const allocated = rt.getObject<BitFieldItem>(st.allocatedSectors).value;
  rt.require(!allocated.has(number), ERR_ILLEGAL_ARGUMENT, "sector number has been allocated");
  saveAllocated(rt, st, allocated.with(number));
}

/** Marks sector numbers as used, new or not. */
export function maskSectorNumbers(rt: Runtime, st: MinerState, numbers: BitField): void {
  const allocated = rt.getObject<BitFieldItem>(st.allocatedSectors).value;
  saveAllocated(rt, st, allocated.union(numbers));
}

// ---- pre-commitments

function loadPreCommits(rt: Runtime, st: MinerState): MapOf<SectorPreCommitOnChainInfo> {
  return MapOf.load<SectorPreCommitOnChainInfo>(rt, st.preCommittedSectors);
}

export function putPreCommit(rt: Runtime, st: MinerState, info: SectorPreCommitOnChainInfo): void {
  const map = loadPreCommits(rt, st);
  map.put(uintKey(info.info.sectorNumber), info);
  st.preCommittedSectors = map.root();
}

export function getPreCommit(rt: Runtime, st: MinerState, number: u64): SectorPreCommitOnChainInfo | null {
  return loadPreCommits(rt, st).get(uintKey(number));
}

/** The pre-commitments of these sectors; missing ones are passed over. */
export function findPreCommits(rt: Runtime, st: MinerState, numbers: Array<u64>): Array<SectorPreCommitOnChainInfo> {
  const map = loadPreCommits(rt, st);
  const out: Array<SectorPreCommitOnChainInfo> = [];
  for (let i = 0; i < numbers.length; i++) {
    const info = map.get(uintKey(numbers[i]));
    if (info !== null) out.push(info);
  }
  return out;
}

export function deletePreCommits(rt: Runtime, st: MinerState, numbers: Array<u64>): void {
  const map = loadPreCommits(rt, st);
  for (let i = 0; i < numbers.length; i++) {
    if (!map.delete(uintKey(numbers[i]))) rt.fail("pre-commitment to delete is missing");
  }
  st.preCommittedSectors = map.root();
}

export function addPreCommitExpiry(rt: Runtime, st: MinerState, epoch: i64, number: u64): void {
  const queue = new BitfieldQueue(rt, st.preCommittedSectorsExpiry, quantEveryDeadline(st));
  queue.addValues(epoch, [number]);
  st.preCommittedSectorsExpiry = queue.root();
}

/** Removes pre-commitments that were not proven in time. Returns their deposits, to be burnt. */
export function expirePreCommits(rt: Runtime, st: MinerState): Big {
  const queue = new BitfieldQueue(rt, st.preCommittedSectorsExpiry, quantEveryDeadline(st));
  const expired = queue.popUntil(rt.epoch);
  if (expired.modified) st.preCommittedSectorsExpiry = queue.root();
  let deposits = Big.ZERO;
  const toDelete: Array<u64> = [];
  const cursor = expired.values.cursor();
  while (cursor.next()) {
    const info = getPreCommit(rt, st, cursor.id);
    if (info === null) continue;
    toDelete.push(cursor.id);
    deposits = deposits.add(info.preCommitDeposit);
  }
  if (toDelete.length > 0) deletePreCommits(rt, st, toDelete);
  st.preCommitDeposits = st.preCommitDeposits.sub(deposits);
  if (rt.version.minerBreaksOnDeposits) rt.invariant(!st.preCommitDeposits.negative, "negative pre-commit deposits");
  else if (st.preCommitDeposits.negative) rt.fail("negative pre-commit deposits");
  return deposits;
}

// ---- sectors

export function getSector(rt: Runtime, st: MinerState, number: u64): SectorOnChainInfo | null {
  return new Sectors(rt, st.sectors).get(number);
}

export function putSectors(rt: Runtime, st: MinerState, added: Array<SectorOnChainInfo>): void {
  const sectors = new Sectors(rt, st.sectors);
  sectors.store(added);
  st.sectors = sectors.root();
}

export function deleteSectors(rt: Runtime, st: MinerState, numbers: BitField): void {
  const sectors = new Sectors(rt, st.sectors);
  sectors.delete(numbers);
  st.sectors = sectors.root();
}

/** Ends the method unless a sector is where it is said to be and neither faulty nor terminated. */
export function checkSectorHealth(rt: Runtime, st: MinerState, deadline: u64, partition: u64, sector: u64): void {
  const due = loadDeadline(rt, loadDeadlines(rt, st), deadline);
  const p = mustPartition(rt, loadPartitions(rt, due), partition);
  rt.require(p.sectors.has(sector), ERR_NOT_FOUND, "sector is not in the partition");
  rt.require(!p.faults.has(sector), ERR_FORBIDDEN, "sector is faulty");
  rt.require(!p.terminated.has(sector), ERR_NOT_FOUND, "sector is terminated");
}

// ---- deadlines

/** Moves sectors to expire at the next end of their deadline, and returns them. Those not found are passed over. */
export function rescheduleSectorExpirations(
  rt: Runtime,
  st: MinerState,
  sectorSize: u64,
  declared: DeadlineSectorMap,
): Array<SectorOnChainInfo> {
  const deadlines = loadDeadlines(rt, st);
  const sectors = new Sectors(rt, st.sectors);
  let all: Array<SectorOnChainInfo> = [];
  for (let index: u64 = 0; index < PERIOD_DEADLINES; index++) {
    const map = declared.at(index);
    if (map === null) continue;
    const info = new DeadlineInfo(st.provingPeriodStart, index, rt.epoch).nextNotElapsed();
    const deadline = loadDeadline(rt, deadlines, index);
    const moved = rescheduleDeadlineExpirations(rt, deadline, sectors, info.last, map, sectorSize, quantOf(info));
    all = all.concat(moved);
    saveDeadline(rt, deadlines, index, deadline);
  }
  saveDeadlines(rt, st, deadlines);
  return all;
}

/** Gives new sectors to deadlines that do not open soon. Returns the power that they have at once. */
export function assignSectorsToDeadlines(
  rt: Runtime,
  st: MinerState,
  sectors: Array<SectorOnChainInfo>,
  partitionSize: u64,
  sectorSize: u64,
): PowerPair {
  const deadlines = loadDeadlines(rt, st);
  // In the order of numbers, so that bitfields have long runs.
  sectors.sort((a: SectorOnChainInfo, b: SectorOnChainInfo): i32 =>
    a.sectorNumber < b.sectorNumber ? -1 : a.sectorNumber > b.sectorNumber ? 1 : 0,
  );
  const mutable: Array<Deadline | null> = [];
  for (let index: u64 = 0; index < PERIOD_DEADLINES; index++) {
    const deadline = loadDeadline(rt, deadlines, index);
    mutable.push(isDeadlineMutable(st.provingPeriodStart, index, rt.epoch) ? deadline : null);
  }
  const assigned = assignDeadlines(rt, partitionSize, mutable, sectors);
  let power = NO_POWER;
  for (let i = 0; i < assigned.length; i++) {
    if (assigned[i].length == 0) continue;
    const index = <u64>i;
    const deadline = mutable[i]!;
    const quant = quantFor(st, index);
    power = addPower(
      power,
      addDeadlineSectors(rt, deadline, partitionSize, false, assigned[i], sectorSize, quant),
    );
    saveDeadline(rt, deadlines, index, deadline);
  }
  saveDeadlines(rt, st, deadlines);
  return power;
}

@final
export class EarlyTerminations {
  constructor(
    readonly result: TerminationResult,
    /** True if some are left. */
    readonly more: bool,
  ) {}
}

/** Takes early terminations out of the queues of all deadlines, up to limits. */
export function popEarlyTerminations(
  rt: Runtime,
  st: MinerState,
  maxPartitions: u64,
  maxSectors: u64,
): EarlyTerminations {
  const result = new TerminationResult();
  if (!hasEarlyTerminations(st)) return new EarlyTerminations(result, false);
  const deadlines = loadDeadlines(rt, st);
  const cursor = st.earlyTerminations.cursor();
  while (cursor.next()) {
    const deadline = loadDeadline(rt, deadlines, cursor.id);
    const popped = popDeadlineEarlyTerminations(
      rt,
      deadline,
      maxPartitions - result.partitionsProcessed,
      maxSectors - result.sectorsProcessed,
    );
    result.add(popped.result);
    if (!popped.more) st.earlyTerminations = st.earlyTerminations.without(cursor.id);
    saveDeadline(rt, deadlines, cursor.id, deadline);
    if (!result.isBelow(maxPartitions, maxSectors)) break;
  }
  saveDeadlines(rt, st, deadlines);
  return new EarlyTerminations(result, hasEarlyTerminations(st));
}
