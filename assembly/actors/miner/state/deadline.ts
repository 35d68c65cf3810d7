/**
 * A deadline: partitions, in order, and the epochs at which some of them may have expirations.
 *
 * Here: adding sectors, faults, recoveries and proofs. `deadline-exit.ts` has expirations, terminations and compaction.
 * Source: specs-actors builtin/miner/deadline_state.go.
 */
import { BitField } from "../../../ipld/bitfield";
import { ArrayOf } from "../../../runtime/collections";
import { Runtime } from "../../../runtime/runtime";
import { ERR_NOT_FOUND } from "../../../types/exit-code";
import { Deadline, Partition, PoStPartition, PowerPair, SectorOnChainInfo } from "../codec.gen";
import { addPower, isNoPower, NO_POWER, subPower } from "../power-pair";
import { QuantSpec } from "../quantize";
import { PartitionSectorMap } from "../sector-map";
import { BitfieldQueue } from "./bitfield-queue";
import {
  activateUnproven,
  addSectors,
  declareFaults,
  declareRecoveries,
  isAllFaulty,
  newPartition,
  recordMissedPost,
  recordSkippedFaults,
  recoverFaults,
  rescheduleExpirations,
} from "./partition";
import { Sectors } from "./sectors";

export function loadPartitions(rt: Runtime, deadline: Deadline): ArrayOf<Partition> {
  return ArrayOf.load<Partition>(rt, deadline.partitions);
}

/** A partition that must exist; ends with `absent` if it does not. */
export function mustPartition(
  rt: Runtime,
  partitions: ArrayOf<Partition>,
  index: u64,
  absent: i32 = ERR_NOT_FOUND,
): Partition {
  const partition = partitions.get(index);
  if (partition === null) {
    rt.abort(absent, "no such partition");
    return new Partition();
  }
  return partition;
}

/** Notes that partitions may have expirations at an epoch. */
export function addExpirationPartitions(
  rt: Runtime,
  deadline: Deadline,
  epoch: i64,
  partitions: Array<u64>,
  quant: QuantSpec,
): void {
  if (partitions.length == 0) return;
  const queue = new BitfieldQueue(rt, deadline.expirationsEpochs, quant);
  queue.addValues(epoch, partitions);
  deadline.expirationsEpochs = queue.root();
}

/** Adds sound sectors, filling the last partition and then new ones. Returns the power that they have at once. */
export function addDeadlineSectors(
  rt: Runtime,
  deadline: Deadline,
  partitionSize: u64,
  proven: bool,
  sectors: Array<SectorOnChainInfo>,
  sectorSize: u64,
  quant: QuantSpec,
): PowerPair {
  if (sectors.length == 0) return NO_POWER;
  deadline.liveSectors += <u64>sectors.length;
  deadline.totalSectors += <u64>sectors.length;
  const epochs: Array<i64> = [];
  const lists: Array<Array<u64>> = [];
  const position = new Map<i64, i32>();
  let power = NO_POWER;
  const partitions = loadPartitions(rt, deadline);
  let index = partitions.length;
  if (index > 0) index--;
  for (let done = 0; done < sectors.length; index++) {
    let partition = partitions.get(index);
    if (partition === null) partition = newPartition(ArrayOf.empty<Partition>(rt).root());
    const count = partition.sectors.count();
    if (count >= partitionSize) continue;
    const size = <i32>min(partitionSize - count, <u64>(sectors.length - done));
    const fitting = sectors.slice(done, done + size);
    done += size;
    power = addPower(power, addSectors(rt, partition, proven, fitting, sectorSize, quant));
    partitions.set(index, partition);
    for (let i = 0; i < fitting.length; i++) {
      const epoch = fitting[i].expiration;
      if (!position.has(epoch)) {
        position.set(epoch, epochs.length);
        epochs.push(epoch);
        lists.push([]);
      }
      const list = lists[position.get(epoch)];
      if (list.length == 0 || list[list.length - 1] != index) list.push(index);
    }
  }
  deadline.partitions = partitions.root();
  const queue = new BitfieldQueue(rt, deadline.expirationsEpochs, quant);
  queue.addMany(epochs, lists);
  deadline.expirationsEpochs = queue.root();
  return power;
}

/** Declares sectors faulty. Returns the change of active power. */
export function declareDeadlineFaults(
  rt: Runtime,
  deadline: Deadline,
  sectors: Sectors,
  sectorSize: u64,
  quant: QuantSpec,
  faultExpiration: i64,
  declared: PartitionSectorMap,
): PowerPair {
  const partitions = loadPartitions(rt, deadline);
  const touched: Array<u64> = [];
  let delta = NO_POWER;
  for (let i = 0; i < declared.size; i++) {
    const index = declared.partitions[i];
    const partition = mustPartition(rt, partitions, index);
    const change = declareFaults(rt, partition, sectors, declared.sectors[i], faultExpiration, sectorSize, quant);
    deadline.faultyPower = addPower(deadline.faultyPower, change.newFaulty);
    delta = addPower(delta, change.delta);
    if (!change.newFaults.isEmpty) touched.push(index);
    partitions.set(index, partition);
  }
  deadline.partitions = partitions.root();
  addExpirationPartitions(rt, deadline, faultExpiration, touched, quant);
  return delta;
}

/** Declares faulty sectors as recovering. */
export function declareDeadlineRecoveries(
  rt: Runtime,
  deadline: Deadline,
  sectors: Sectors,
  sectorSize: u64,
  declared: PartitionSectorMap,
): void {
  const partitions = loadPartitions(rt, deadline);
  for (let i = 0; i < declared.size; i++) {
    const index = declared.partitions[i];
    const partition = mustPartition(rt, partitions, index);
    declareRecoveries(rt, partition, sectors, declared.sectors[i], sectorSize);
    partitions.set(index, partition);
  }
  deadline.partitions = partitions.root();
}

/** What the end of a deadline found. */
@final
export class DeadlineEnd {
  constructor(
    /** Change of active power. */
    readonly delta: PowerPair,
    /** Power newly faulty or failed to recover. */
    readonly penalized: PowerPair,
  ) {}
}

/** Marks what was not proven as faulty and forgets the proofs of the period. */
export function processDeadlineEnd(
  rt: Runtime,
  deadline: Deadline,
  quant: QuantSpec,
  faultExpiration: i64,
): DeadlineEnd {
  let delta = NO_POWER;
  let penalized = NO_POWER;
  const rescheduled: Array<u64> = [];
  let changed = false;
  const partitions = loadPartitions(rt, deadline);
  for (let index: u64 = 0; index < partitions.length; index++) {
    if (deadline.postSubmissions.has(index)) continue;
    const partition = partitions.get(index);
    if (partition === null) {
      rt.fail("partition is missing");
      continue;
    }
    if (isAllFaulty(partition)) continue;
    changed = true;
    const missed = recordMissedPost(rt, partition, faultExpiration, quant);
    if (!isNoPower(missed.newFaulty)) rescheduled.push(index);
    partitions.set(index, partition);
    deadline.faultyPower = addPower(deadline.faultyPower, missed.newFaulty);
    delta = addPower(delta, missed.delta);
    penalized = addPower(penalized, missed.penalized);
  }
  if (changed) deadline.partitions = partitions.root();
  addExpirationPartitions(rt, deadline, faultExpiration, rescheduled, quant);
  deadline.postSubmissions = new BitField();
  return new DeadlineEnd(delta, penalized);
}

/** What a window PoSt changes if its proof is good. */
@final
export class PostResult {
  /** Change of active power. */
  delta: PowerPair = NO_POWER;
  newFaulty: PowerPair = NO_POWER;
  retracted: PowerPair = NO_POWER;
  recovered: PowerPair = NO_POWER;
  /** Sectors of the partitions proven. */
  sectors: BitField = new BitField();
  /** Those of them that the proof leaves out. */
  ignored: BitField = new BitField();
}

/** Records partitions as proven, taking the proof to be good. Partitions proven before are passed over. */
export function recordProvenSectors(
  rt: Runtime,
  deadline: Deadline,
  sectors: Sectors,
  sectorSize: u64,
  quant: QuantSpec,
  faultExpiration: i64,
  posts: Array<PoStPartition>,
): PostResult {
  const result = new PostResult();
  const partitions = loadPartitions(rt, deadline);
  const proven: Array<BitField> = [];
  const ignored: Array<BitField> = [];
  const rescheduled: Array<u64> = [];
  for (let i = 0; i < posts.length; i++) {
    const index = posts[i].index;
    if (deadline.postSubmissions.has(index)) continue;
    const partition = mustPartition(rt, partitions, index);
    const skipped = recordSkippedFaults(rt, partition, sectors, posts[i].skipped, faultExpiration, sectorSize, quant);
    if (skipped !== null) {
      if (!skipped.newFaults.isEmpty) rescheduled.push(index);
      result.delta = addPower(result.delta, skipped.delta);
      result.newFaulty = addPower(result.newFaulty, skipped.newFaulty);
      result.retracted = addPower(result.retracted, skipped.retracted);
    }
    const recovered = recoverFaults(rt, partition, sectors, sectorSize, quant);
    result.delta = addPower(addPower(result.delta, activateUnproven(partition)), recovered);
    result.recovered = addPower(result.recovered, recovered);
    partitions.set(index, partition);
    deadline.postSubmissions = deadline.postSubmissions.with(index);
    proven.push(partition.sectors);
    ignored.push(partition.faults);
    ignored.push(partition.terminated);
  }
  addExpirationPartitions(rt, deadline, faultExpiration, rescheduled, quant);
  deadline.faultyPower = addPower(subPower(deadline.faultyPower, result.recovered), result.newFaulty);
  deadline.partitions = partitions.root();
  result.sectors = BitField.unionOf(proven);
  result.ignored = BitField.unionOf(ignored);
  return result;
}

/** Moves active sectors to another expiration and returns them. Sectors and partitions not found are passed over. */
export function rescheduleDeadlineExpirations(
  rt: Runtime,
  deadline: Deadline,
  sectors: Sectors,
  expiration: i64,
  declared: PartitionSectorMap,
  sectorSize: u64,
  quant: QuantSpec,
): Array<SectorOnChainInfo> {
  const partitions = loadPartitions(rt, deadline);
  const rescheduled: Array<u64> = [];
  let all: Array<SectorOnChainInfo> = [];
  for (let i = 0; i < declared.size; i++) {
    const index = declared.partitions[i];
    const partition = partitions.get(index);
    if (partition === null) continue;
    const moved = rescheduleExpirations(rt, partition, sectors, expiration, declared.sectors[i], sectorSize, quant);
    if (moved.length == 0) continue;
    all = all.concat(moved);
    rescheduled.push(index);
    partitions.set(index, partition);
  }
  if (rescheduled.length > 0) {
    deadline.partitions = partitions.root();
    addExpirationPartitions(rt, deadline, expiration, rescheduled, quant);
  }
  return all;
}
