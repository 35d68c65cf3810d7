/**
 * Mistakes of the first actors that the upgrade mends, in the layouts of v0.
 *
 * A sector could stand twice in the expiration queue of a partition (a replaced sector that became faulty, or a fault of a
 * sector already terminated). Its power was then subtracted twice, which could stop the miner's cron. Where duplicates are
 * found they are removed and the power of each set recomputed; then the miner's claim is computed anew and its cron
 * scheduled again. A miner whose proving period or deadline lags behind the epoch has missed its cron: it is moved on and
 * its submissions and recoveries are forgotten.
 * Peculiar, and kept: the faulty power of a changed deadline counts only the partitions that were changed.
 * Source: specs-actors v2.1.0 actors/migration/miner_corrections.go.
 */
import { Big } from "../../base/big";
import { BitField } from "../../ipld/bitfield";
import { Cid } from "../../ipld/cid";
import { ArrayOf } from "../../runtime/collections";
import { Address } from "../../types/address";
import {
  CronEventPayload,
  Deadline,
  Deadlines,
  ExpirationSet,
  MinerInfo,
  MinerState,
  Partition,
  PowerPair,
  SectorOnChainInfo,
} from "../miner/codec.gen";
import { addPower, NO_POWER, powerPair, samePower, subPower } from "../miner/power-pair";
import { weighedPower } from "../miner/sector-power";
import { Claim, CronEvent } from "../power/codec.gen";
import { PowerUpdates } from "./power";
import { VersionStore } from "./stores";

const PROVING_PERIOD: i64 = 2880;
const CHALLENGE_WINDOW: i64 = 60;
const CRON_PROVING_DEADLINE: i64 = 1;

/** Head of the corrected state (the same one if nothing can be wrong). */
export function correctMiner(
  store: VersionStore,
  head: Cid,
  address: Address,
  priorEpoch: i64,
  updates: PowerUpdates,
): Cid {
  const epoch = priorEpoch + 1;
  const st = store.object<MinerState>(head);
  // The proving period of a new miner may not have begun.
  if (st.provingPeriodStart > epoch) return head;
  const size = store.object<MinerInfo>(st.info).sectorSize;
  const sectors = ArrayOf.load<SectorOnChainInfo>(store, st.sectors);
  if (new Correction(store, sectors, size).correct(st, epoch)) {
    updates.miners.push(address);
    updates.claims.push(claimOf(store, st));
    updates.epochs.push(st.provingPeriodStart + (<i64>st.currentDeadline + 1) * CHALLENGE_WINDOW - 1);
    updates.events.push(provingCron(store, address));
  }
  return store.putObject(st);
}

function provingCron(store: VersionStore, address: Address): CronEvent {
  const payload = new CronEventPayload();
  payload.eventType = CRON_PROVING_DEADLINE;
  const event = new CronEvent();
  event.minerAddr = address;
  event.callbackPayload = store.encode(payload);
  return event;
}

/** Power of all sectors that are not faulty. */
function claimOf(store: VersionStore, st: MinerState): Claim {
  const deadlines = store.object<Deadlines>(st.deadlines);
  let active = NO_POWER;
  for (let i = 0; i < deadlines.due.length; i++) {
    const deadline = store.object<Deadline>(deadlines.due[i]);
    const cursor = ArrayOf.load<Partition>(store, deadline.partitions).cursor();
    while (cursor.next()) {
      const partition = cursor.value();
      active = addPower(active, subPower(partition.livePower, partition.faultyPower));
    }
  }
  const claim = new Claim();
  claim.rawBytePower = active.raw;
  claim.qualityAdjPower = active.qa;
  return claim;
}

/** Sums over a corrected queue. */
@final
class QueueSums {
  active: PowerPair = NO_POWER;
  faulty: PowerPair = NO_POWER;
}

@final
class Correction {
  constructor(
    private readonly store: VersionStore,
    private readonly sectors: ArrayOf<SectorOnChainInfo>,
    private readonly sectorSize: u64,
  ) {}

  /** Corrects a miner's state; true if a deadline was changed. */
  correct(st: MinerState, epoch: i64): bool {
    const missedCron = moveOn(st, epoch);
    const deadlines = this.store.object<Deadlines>(st.deadlines);
    let changed = false;
    for (let i = 0; i < deadlines.due.length; i++) {
      const deadline = this.store.object<Deadline>(deadlines.due[i]);
      if (!this.correctDeadline(deadline, missedCron)) continue;
      deadlines.due[i] = this.store.putObject(deadline);
      changed = true;
    }
    if (changed) st.deadlines = this.store.putObject(deadlines);
    return changed;
  }

  private correctDeadline(deadline: Deadline, missedCron: bool): bool {
    const partitions = ArrayOf.load<Partition>(this.store, deadline.partitions);
    const indices: Array<u64> = [];
    const altered: Array<Partition> = [];
    let faulty = NO_POWER;
    const cursor = ArrayOf.load<Partition>(this.store, deadline.partitions).cursor();
    while (cursor.next()) {
      const partition = cursor.value();
      const sums = this.correctQueue(partition);
      if (sums === null) continue;
      partition.livePower = addPower(sums.active, sums.faulty);
      partition.faultyPower = sums.faulty;
      if (missedCron) {
        partition.recoveries = new BitField();
        partition.recoveringPower = NO_POWER;
      }
      faulty = addPower(faulty, partition.faultyPower);
      indices.push(cursor.index);
      altered.push(partition);
    }
    if (missedCron) deadline.postSubmissions = new BitField();
    if (altered.length == 0) return missedCron;
    for (let i = 0; i < altered.length; i++) partitions.set(indices[i], altered[i]);
    deadline.partitions = partitions.root();
    deadline.faultyPower = faulty;
    return true;
  }

  /** Removes duplicates from a partition's queue and recomputes it; null if there are none. */
  private correctQueue(partition: Partition): QueueSums | null {
    const epochs: Array<u64> = [];
    const sets: Array<ExpirationSet> = [];
    const cursor = ArrayOf.load<ExpirationSet>(this.store, partition.expirationsEpochs).cursor();
    while (cursor.next()) {
      epochs.push(cursor.index);
      sets.push(cursor.value());
    }
    let gone = partition.terminated;
    let suspect = false;
    for (let i = 0; i < sets.length; i++) {
      const set = sets[i];
      if (set.earlySectors.containsAny(gone)) {
        set.earlySectors = set.earlySectors.subtract(gone);
        suspect = true;
      }
      if (set.onTimeSectors.containsAny(gone)) {
        set.onTimeSectors = set.onTimeSectors.subtract(gone);
        suspect = true;
      }
      gone = gone.union(set.earlySectors).union(set.onTimeSectors);
    }
    if (!suspect) return null;
    const queue = ArrayOf.load<ExpirationSet>(this.store, partition.expirationsEpochs);
    const sums = new QueueSums();
    for (let i = 0; i < sets.length; i++) {
      this.recompute(sets[i], partition.faults);
      sums.active = addPower(sums.active, sets[i].activePower);
      sums.faulty = addPower(sums.faulty, sets[i].faultyPower);
      queue.set(epochs[i], sets[i]);
    }
    partition.expirationsEpochs = queue.root();
    return sums;
  }

  private recompute(set: ExpirationSet, faults: BitField): void {
    const all = set.onTimeSectors.union(set.earlySectors);
    const active = this.powerOf(all.subtract(faults));
    if (!samePower(active, set.activePower)) set.activePower = active;
    const faulty = this.powerOf(all.intersect(faults));
    if (!samePower(faulty, set.faultyPower)) set.faultyPower = faulty;
    let pledge = Big.ZERO;
    const cursor = set.onTimeSectors.cursor();
    while (cursor.next()) pledge = pledge.add(this.sector(cursor.id).initialPledge);
    set.onTimePledge = pledge;
  }

  private powerOf(numbers: BitField): PowerPair {
    let raw = Big.ZERO;
    let qa = Big.ZERO;
    const cursor = numbers.cursor();
    while (cursor.next()) {
      const sector = this.sector(cursor.id);
      const duration = sector.expiration - sector.activation;
      raw = raw.add(Big.fromU64(this.sectorSize));
      qa = qa.add(weighedPower(this.sectorSize, duration, sector.dealWeight, sector.verifiedDealWeight));
    }
    return powerPair(raw, qa);
  }

  private sector(number: u64): SectorOnChainInfo {
    const sector = this.sectors.get(number);
    if (sector === null) {
      this.store.fail("a sector in an expiration queue does not exist");
      return new SectorOnChainInfo();
    }
    return sector;
  }
}

/** Moves proving period and deadline to where the epoch is; true if they lagged behind. */
function moveOn(st: MinerState, epoch: i64): bool {
  let missed = false;
  while (st.provingPeriodStart + PROVING_PERIOD <= epoch) {
    st.provingPeriodStart += PROVING_PERIOD;
    missed = true;
  }
  const deadline = <u64>((epoch - st.provingPeriodStart) / CHALLENGE_WINDOW);
  if (deadline == st.currentDeadline) return missed;
  st.currentDeadline = deadline;
  return true;
}
