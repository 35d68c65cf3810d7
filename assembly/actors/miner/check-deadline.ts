/**
 * Invariants of deadlines, partitions and their queues.
 *
 * Not among them: that a deadline knows all epochs at which its partitions have expirations. In both generations an
 * extension leaves out its new epoch, and the reference's checker does not ask.
 * Source: specs-actors builtin/miner/testing.go (v2.1.0).
 */
import { Big } from "../../base/big";
import { BitField } from "../../ipld/bitfield";
import { CheckContext } from "../../runtime/check";
import { ArrayOf } from "../../runtime/collections";
import { Deadline, ExpirationSet, Partition, PowerPair, SectorOnChainInfo } from "./codec.gen";
import { addPower, NO_POWER, powerPair, samePower, subPower } from "./power-pair";
import { QuantSpec } from "./quantize";
import { weighedPower } from "./sector-power";
import { BitFieldItem } from "./state/bitfield-queue";
import { activeSectors, liveSectors } from "./state/partition";

/** Power of a deadline's sectors, by state. */
@final
export class DeadlinePower {
  live: PowerPair = NO_POWER;
  active: PowerPair = NO_POWER;
  faulty: PowerPair = NO_POWER;
}

/** What all checks of one deadline need. */
@final
class Scope {
  constructor(
    readonly at: CheckContext,
    readonly quant: QuantSpec,
    readonly sectorSize: u64,
    readonly sectors: Map<u64, SectorOnChainInfo>,
  ) {}

  /** Power of a set of sectors; unknown ones are a complaint. */
  power(numbers: BitField, name: string): PowerPair {
    let qa = Big.ZERO;
    let count: u64 = 0;
    const cursor = numbers.cursor();
    while (cursor.next()) {
      if (!this.sectors.has(cursor.id)) {
        this.at.report.add(name + ": sector " + cursor.id.toString() + " does not exist");
        continue;
      }
      const s = this.sectors.get(cursor.id);
      qa = qa.add(weighedPower(this.sectorSize, s.expiration - s.activation, s.dealWeight, s.verifiedDealWeight));
      count++;
    }
    return powerPair(Big.fromU64(this.sectorSize).mul(Big.fromU64(count)), qa);
  }

  same(actual: PowerPair, expected: PowerPair, what: string): void {
    this.at.that(samePower(actual, expected), what + " does not match the sectors");
  }
}

/** What a partition's queues say. */
@final
class QueueSummary {
  onTime: BitField = new BitField();
  early: BitField = new BitField();
}

export function checkDeadline(
  deadline: Deadline,
  at: CheckContext,
  name: string,
  quant: QuantSpec,
  sectorSize: u64,
  sectors: Map<u64, SectorOnChainInfo>,
): DeadlinePower {
  const scope = new Scope(at, quant, sectorSize, sectors);
  const power = new DeadlinePower();
  let all = new BitField();
  let live: u64 = 0;
  let count: u64 = 0;
  const withEarly: Array<u64> = [];
  const cursor = ArrayOf.load<Partition>(at, deadline.partitions).cursor();
  while (cursor.next()) {
    const index = cursor.index;
    const partition = cursor.value();
    const label = name + ", partition " + index.toString();
    at.that(index == count, label + ": partitions are not numbered in sequence");
    count++;
    checkPartition(partition, scope, label);
    at.that(!all.containsAny(partition.sectors), label + ": a sector is in two partitions");
    all = all.union(partition.sectors);
    live += liveSectors(partition).count();
    power.live = addPower(power.live, partition.livePower);
    power.faulty = addPower(power.faulty, partition.faultyPower);
    const idle = addPower(partition.faultyPower, partition.unprovenPower);
    power.active = addPower(power.active, subPower(partition.livePower, idle));
    if (hasEarlyTerminations(partition, at, label)) withEarly.push(index);
  }
  const posts = deadline.postSubmissions;
  at.that(posts.isEmpty || posts.last() < count, name + ": proof of a partition that does not exist");
  at.that(deadline.liveSectors == live, name + ": number of live sectors is wrong");
  at.that(deadline.totalSectors == all.count(), name + ": number of sectors is wrong");
  scope.same(deadline.faultyPower, power.faulty, name + ": faulty power");
  const early = BitField.of(withEarly);
  at.that(deadline.earlyTerminations.eq(early), name + ": early terminations are not those of partitions");
  return power;
}

function checkPartition(p: Partition, scope: Scope, name: string): void {
  const at = scope.at;
  const live = liveSectors(p);
  const active = activeSectors(p);
  at.that(live.containsAll(p.faults), name + ": faults that are not live");
  at.that(live.containsAll(p.unproven), name + ": unproven sectors that are not live");
  at.that(p.faults.containsAll(p.recoveries), name + ": recoveries that are not faulty");
  at.that(!p.faults.containsAny(p.unproven), name + ": unproven sectors that are faulty");
  at.that(p.sectors.containsAll(p.terminated), name + ": terminated sectors that are not in the partition");
  scope.same(p.livePower, scope.power(live, name), name + ": live power");
  scope.same(p.unprovenPower, scope.power(p.unproven, name), name + ": unproven power");
  scope.same(p.faultyPower, scope.power(p.faults, name), name + ": faulty power");
  scope.same(p.recoveringPower, scope.power(p.recoveries, name), name + ": recovering power");
  const idle = addPower(p.faultyPower, p.unprovenPower);
  scope.same(subPower(p.livePower, idle), scope.power(active, name), name + ": active power");
  const queues = checkExpirations(p, live, scope, name);
  at.that(queues.onTime.union(queues.early).eq(live), name + ": live sectors are not those of the expiration queue");
}

function checkExpirations(p: Partition, live: BitField, scope: Scope, name: string): QueueSummary {
  const at = scope.at;
  const summary = new QueueSummary();
  let first: i64 = -1;
  const cursor = ArrayOf.load<ExpirationSet>(at, p.expirationsEpochs).cursor();
  while (cursor.next()) {
    const epoch = <i64>cursor.index;
    const set = cursor.value();
    const label = name + ", expirations at " + epoch.toString();
    if (first < 0) first = epoch;
    at.that(scope.quant.up(epoch) == epoch, label + ": epoch is not on the grid");
    const both = set.onTimeSectors.union(set.earlySectors);
    const seen = summary.onTime.union(summary.early);
    const twice = seen.containsAny(both) || set.onTimeSectors.containsAny(set.earlySectors);
    at.that(!twice, label + ": a sector is there twice");
    at.that(live.containsAll(both), label + ": sectors that are not live");
    at.that(p.faults.containsAll(set.earlySectors), label + ": early sectors that are not faulty");
    checkEpochs(set, epoch, first, scope, label);
    scope.same(set.activePower, scope.power(both.subtract(p.faults), label), label + ": active power");
    scope.same(set.faultyPower, scope.power(both.intersect(p.faults), label), label + ": faulty power");
    summary.onTime = summary.onTime.union(set.onTimeSectors);
    summary.early = summary.early.union(set.earlySectors);
  }
  return summary;
}

/** Sectors are on time at their expiration, or in the first entry (when they are replaced); early before it. */
function checkEpochs(set: ExpirationSet, epoch: i64, first: i64, scope: Scope, name: string): void {
  let pledge = Big.ZERO;
  const onTime = set.onTimeSectors.cursor();
  while (onTime.next()) {
    if (!scope.sectors.has(onTime.id)) continue;
    const sector = scope.sectors.get(onTime.id);
    pledge = pledge.add(sector.initialPledge);
    const due = epoch == scope.quant.up(sector.expiration) || epoch == first;
    scope.at.that(due, name + ": sector " + onTime.id.toString() + " does not expire then");
  }
  scope.at.that(pledge.eq(set.onTimePledge), name + ": pledge does not match the sectors");
  const early = set.earlySectors.cursor();
  while (early.next()) {
    if (!scope.sectors.has(early.id)) continue;
    const target = scope.quant.up(scope.sectors.get(early.id).expiration);
    scope.at.that(epoch < target, name + ": sector " + early.id.toString() + " is early but late");
  }
}

/** True if the queue of early terminations has sectors; they must be terminated, and there only once. */
function hasEarlyTerminations(p: Partition, at: CheckContext, name: string): bool {
  let seen = new BitField();
  const cursor = ArrayOf.load<BitFieldItem>(at, p.earlyTerminated).cursor();
  while (cursor.next()) {
    const sectors = cursor.value().value;
    at.that(!seen.containsAny(sectors), name + ": a sector is terminated early twice");
    seen = seen.union(sectors);
  }
  at.that(p.terminated.containsAll(seen), name + ": early terminations that are not terminated");
  return !seen.isEmpty;
}
