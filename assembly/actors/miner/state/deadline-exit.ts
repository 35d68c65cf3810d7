/**
 * How sectors leave a deadline: expirations, terminations, and the removal of partitions for compaction.
 * Source: specs-actors builtin/miner/deadline_state.go.
 */
import { BitField } from "../../../ipld/bitfield";
import { ArrayOf } from "../../../runtime/collections";
import { Runtime } from "../../../runtime/runtime";
import { RawItem } from "../../../types/codec";
import { ERR_ILLEGAL_ARGUMENT, ERR_ILLEGAL_STATE } from "../../../types/exit-code";
import { Deadline, ExpirationSet, Partition, PowerPair } from "../codec.gen";
import { addPower, NO_POWER, subPower } from "../power-pair";
import { QuantSpec } from "../quantize";
import { PartitionSectorMap } from "../sector-map";
import { TerminationResult } from "../termination";
import { BitfieldQueue } from "./bitfield-queue";
import { loadPartitions, mustPartition } from "./deadline";
import { liveSectors } from "./partition";
import { popEarlyTerminations, popExpiredSectors, terminateSectors } from "./partition-exit";
import { Sectors } from "./sectors";

/** Terminates the sectors of a deadline that expire up to an epoch, and returns their sum. */
export function popDeadlineExpired(rt: Runtime, deadline: Deadline, until: i64, quant: QuantSpec): ExpirationSet {
  const queue = new BitfieldQueue(rt, deadline.expirationsEpochs, quant);
  const expired = queue.popUntil(until);
  const total = new ExpirationSet();
  if (!expired.modified) return total;
  deadline.expirationsEpochs = queue.root();
  const partitions = loadPartitions(rt, deadline);
  const onTime: Array<BitField> = [];
  const early: Array<BitField> = [];
  const withEarly: Array<u64> = [];
  const cursor = expired.values.cursor();
  while (cursor.next()) {
    const partition = mustPartition(rt, partitions, cursor.id, ERR_ILLEGAL_STATE);
    const popped = popExpiredSectors(rt, partition, until, quant);
    onTime.push(popped.onTimeSectors);
    early.push(popped.earlySectors);
    total.activePower = addPower(total.activePower, popped.activePower);
    total.faultyPower = addPower(total.faultyPower, popped.faultyPower);
    total.onTimePledge = total.onTimePledge.add(popped.onTimePledge);
    if (!popped.earlySectors.isEmpty) withEarly.push(cursor.id);
    partitions.set(cursor.id, partition);
  }
  deadline.partitions = partitions.root();
  for (let i = 0; i < withEarly.length; i++) {
    deadline.earlyTerminations = deadline.earlyTerminations.with(withEarly[i]);
  }
  total.onTimeSectors = BitField.unionOf(onTime);
  total.earlySectors = BitField.unionOf(early);
  deadline.liveSectors -= total.onTimeSectors.count() + total.earlySectors.count();
  deadline.faultyPower = subPower(deadline.faultyPower, total.faultyPower);
  return total;
}

/** Terminates live sectors. Returns the active power lost. */
export function terminateDeadlineSectors(
  rt: Runtime,
  deadline: Deadline,
  sectors: Sectors,
  epoch: i64,
  declared: PartitionSectorMap,
  sectorSize: u64,
  quant: QuantSpec,
): PowerPair {
  let lost = NO_POWER;
  const partitions = loadPartitions(rt, deadline);
  for (let i = 0; i < declared.size; i++) {
    const index = declared.partitions[i];
    const partition = mustPartition(rt, partitions, index);
    const removed = terminateSectors(rt, partition, sectors, epoch, declared.sectors[i], sectorSize, quant);
    partitions.set(index, partition);
    const count = removed.onTimeSectors.count() + removed.earlySectors.count();
    if (count > 0) {
      deadline.earlyTerminations = deadline.earlyTerminations.with(index);
      deadline.liveSectors -= count;
    }
    deadline.faultyPower = subPower(deadline.faultyPower, removed.faultyPower);
    lost = addPower(lost, removed.activePower);
  }
  deadline.partitions = partitions.root();
  return lost;
}

@final
export class DeadlineTerminations {
  constructor(
    readonly result: TerminationResult,
    /** True if partitions are left with early terminations. */
    readonly more: bool,
  ) {}
}

/** Takes early terminations out of the queues of the partitions, up to limits. */
export function popDeadlineEarlyTerminations(
  rt: Runtime,
  deadline: Deadline,
  maxPartitions: u64,
  maxSectors: u64,
): DeadlineTerminations {
  const partitions = loadPartitions(rt, deadline);
  const result = new TerminationResult();
  const finished: Array<u64> = [];
  const cursor = deadline.earlyTerminations.cursor();
  while (cursor.next()) {
    const partition = partitions.get(cursor.id);
    if (partition === null) {
      finished.push(cursor.id);
      continue;
    }
    const popped = popEarlyTerminations(rt, partition, maxSectors - result.sectorsProcessed);
    result.add(popped.result);
    if (!popped.more) finished.push(cursor.id);
    partitions.set(cursor.id, partition);
    if (!result.isBelow(maxPartitions, maxSectors)) break;
  }
  for (let i = 0; i < finished.length; i++) {
    deadline.earlyTerminations = deadline.earlyTerminations.without(finished[i]);
  }
  deadline.partitions = partitions.root();
  return new DeadlineTerminations(result, !deadline.earlyTerminations.isEmpty);
}

/** What `removePartitions` took out. */
@final
export class RemovedPartitions {
  live: BitField = new BitField();
  dead: BitField = new BitField();
  power: PowerPair = NO_POWER;
}

/** Takes partitions out of a deadline; later ones move up. They must have no faults or unproven sectors. */
export function removePartitions(
  rt: Runtime,
  deadline: Deadline,
  toRemove: BitField,
  quant: QuantSpec,
): RemovedPartitions {
  const out = new RemovedPartitions();
  const old = ArrayOf.load<RawItem>(rt, deadline.partitions);
  const count = old.length;
  rt.require(toRemove.count() <= count, ERR_ILLEGAL_ARGUMENT, "more partitions to remove than there are");
  if (toRemove.isEmpty) return out;
  rt.require(toRemove.last() < count, ERR_ILLEGAL_ARGUMENT, "partition index out of range");
  if (!deadline.earlyTerminations.isEmpty) rt.fail("deadline with early terminations cannot be compacted");
  const kept = ArrayOf.empty<RawItem>(rt);
  const live: Array<BitField> = [];
  const dead: Array<BitField> = [];
  const cursor = old.cursor();
  while (cursor.next()) {
    const item = cursor.value();
    if (!toRemove.has(cursor.index)) {
      kept.append(item);
      continue;
    }
    const r = rt.reader(item.bytes);
    const partition = new Partition();
    partition.read(r);
    if (!r.ok) rt.fail("partition does not decode");
    rt.require(partition.faults.isEmpty, ERR_ILLEGAL_ARGUMENT, "partition to remove has faults");
    rt.require(partition.unproven.isEmpty, ERR_ILLEGAL_ARGUMENT, "partition to remove has unproven sectors");
    dead.push(partition.terminated);
    live.push(liveSectors(partition));
    out.power = addPower(out.power, partition.livePower);
  }
  deadline.partitions = kept.root();
  out.dead = BitField.unionOf(dead);
  out.live = BitField.unionOf(live);
  const liveCount = out.live.count();
  deadline.liveSectors -= liveCount;
  deadline.totalSectors -= liveCount + out.dead.count();
  const queue = new BitfieldQueue(rt, deadline.expirationsEpochs, quant);
  queue.cut(toRemove);
  deadline.expirationsEpochs = queue.root();
  return out;
}
