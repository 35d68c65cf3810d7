/**
 * The expirations of a partition: an array from epoch, rounded up to the last epoch of the deadline, to a set of
 * sectors. Source: specs-actors builtin/miner/expiration_queue.go.
 */
import { Big } from "../../../base/big";
import { BitField } from "../../../ipld/bitfield";
import { Cid } from "../../../ipld/cid";
import { ArrayOf } from "../../../runtime/collections";
import { Runtime } from "../../../runtime/runtime";
import { ExpirationSet, PowerPair, SectorOnChainInfo } from "../codec.gen";
import { ADDRESSED_SECTORS_MAX, ENTRY_SECTORS_MAX, SECTORS_MAX } from "../policy";
import { addPower, NO_POWER, subPower } from "../power-pair";
import { QuantSpec } from "../quantize";
import { powerOfSector } from "../sector-power";
import { groupByDeclared, SectorGroup, sortGroups, Wanted } from "./expiration-groups";
import { addToSet, copyInto, expirationSet, isEmptySet, removeFromSet, validateSet } from "./expiration-set";

/** Sectors put into or taken out of the queue. */
@final
export class QueueChange {
  constructor(
    readonly numbers: BitField,
    readonly power: PowerPair,
    readonly pledge: Big,
  ) {}
}

/** What `replace` did. */
@final
export class Replacement {
  constructor(
    readonly removed: QueueChange,
    readonly added: QueueChange,
  ) {}
}

/** What `removeSectors` took out. */
@final
export class Removal {
  recovering: PowerPair = NO_POWER;

  constructor(readonly set: ExpirationSet) {}
}

const NONE: BitField = new BitField();

@final
export class ExpirationQueue {
  private readonly array: ArrayOf<ExpirationSet>;

  constructor(
    private readonly rt: Runtime,
    root: Cid,
    private readonly quant: QuantSpec,
  ) {
    this.array = ArrayOf.load<ExpirationSet>(rt, root);
  }

  root(): Cid {
    return this.array.root();
  }

  /** Adds active sectors at their declared expirations. */
  addActive(sectors: Array<SectorOnChainInfo>, sectorSize: u64): QueueChange {
    const numbers: Array<u64> = [];
    let power = NO_POWER;
    let pledge = Big.ZERO;
    const groups = groupByDeclared(this.rt, sectorSize, sectors, this.quant);
    for (let i = 0; i < groups.length; i++) {
      const group = groups[i];
      const added = group.power;
      this.add(group.epoch, expirationSet(BitField.of(group.numbers), NONE, group.pledge, added, NO_POWER));
      append(numbers, group.numbers);
      power = addPower(power, added);
      pledge = pledge.add(group.pledge);
    }
    return new QueueChange(BitField.of(numbers), power, pledge);
  }

  /** Moves active sectors to another expiration; power and pledge are as before. */
  reschedule(newExpiration: i64, sectors: Array<SectorOnChainInfo>, sectorSize: u64): void {
    if (sectors.length == 0) return;
    const moved = this.removeActive(sectors, sectorSize);
    this.add(newExpiration, expirationSet(moved.numbers, NONE, moved.pledge, moved.power, NO_POWER));
  }

  /**
   * Makes active sectors faulty: they expire early at `newExpiration`, or on time where that comes first (then their
   * pledge stays). Returns their power.
   */
  rescheduleAsFaults(newExpiration: i64, sectors: Array<SectorOnChainInfo>, sectorSize: u64): PowerPair {
    const early: Array<u64> = [];
    let expiring = NO_POWER;
    let rescheduled = NO_POWER;
    const groups = this.activeGroups(sectors, sectorSize);
    for (let i = 0; i < groups.length; i++) {
      const group = groups[i];
      const power = group.power;
      const found = group.set;
      const set = found === null ? this.mustGet(group.epoch) : found;
      set.activePower = subPower(set.activePower, power);
      if (group.epoch <= this.quant.up(newExpiration)) {
        set.faultyPower = addPower(set.faultyPower, power);
        expiring = addPower(expiring, power);
      } else {
        set.onTimeSectors = set.onTimeSectors.subtract(BitField.of(group.numbers));
        set.onTimePledge = set.onTimePledge.sub(group.pledge);
        append(early, group.numbers);
        rescheduled = addPower(rescheduled, power);
      }
      this.updateOrDelete(group.epoch, set);
      validateSet(this.rt, set);
    }
    if (early.length > 0) {
      this.add(newExpiration, expirationSet(NONE, BitField.of(early), Big.ZERO, NO_POWER, rescheduled));
    }
    return addPower(rescheduled, expiring);
  }

  /** Makes all sectors faulty: those that would expire after `faultExpiration` expire early then. */
  rescheduleAllAsFaults(faultExpiration: i64): void {
    const epochs: Array<u64> = [];
    const sectors: Array<BitField> = [];
    let rescheduled = NO_POWER;
    const cursor = this.array.cursor();
    while (cursor.next()) {
      const set = cursor.value();
      if (<i64>cursor.index <= this.quant.up(faultExpiration)) {
        set.faultyPower = addPower(set.faultyPower, set.activePower);
        set.activePower = NO_POWER;
        this.array.set(cursor.index, set);
      } else {
        epochs.push(cursor.index);
        if (!this.rt.version.minerSearchesExpirations) sectors.push(set.earlySectors);
        else if (!set.earlySectors.isEmpty) this.rt.fail("early expirations may not become even earlier");
        sectors.push(set.onTimeSectors);
        rescheduled = addPower(addPower(rescheduled, set.activePower), set.faultyPower);
      }
      validateSet(this.rt, set);
    }
    if (epochs.length == 0) return;
    this.add(faultExpiration, expirationSet(NONE, BitField.unionOf(sectors), Big.ZERO, NO_POWER, rescheduled));
    this.batchDelete(epochs);
  }

  /** Makes faulty sectors active again, at their declared expirations. Returns their power. */
  rescheduleRecovered(sectors: Array<SectorOnChainInfo>, sectorSize: u64): PowerPair {
    const rt = this.rt;
    const remaining = numberSet(sectors);
    const rescheduled: Array<SectorOnChainInfo> = [];
    const emptied: Array<u64> = [];
    let recovered = NO_POWER;
    const cursor = this.array.cursor();
    while (cursor.next()) {
      const set = cursor.value();
      const onTime = this.listed(set.onTimeSectors);
      const early = this.listed(set.earlySectors);
      const leaving: Array<u64> = [];
      let changed = false;
      for (let i = 0; i < sectors.length; i++) {
        const number = sectors[i].sectorNumber;
        const isOnTime = onTime.has(number);
        if (!isOnTime && !early.has(number)) continue;
        const power = powerOfSector(rt, sectorSize, sectors[i]);
        set.faultyPower = subPower(set.faultyPower, power);
        if (isOnTime) set.activePower = addPower(set.activePower, power);
        else {
          leaving.push(number);
          rescheduled.push(sectors[i]);
        }
        recovered = addPower(recovered, power);
        remaining.delete(number);
        changed = true;
      }
      if (leaving.length > 0) set.earlySectors = set.earlySectors.subtract(BitField.of(leaving));
      validateSet(rt, set);
      if (changed) this.updateOrNote(cursor.index, set, emptied);
      if (remaining.size == 0) break;
    }
    this.batchDelete(emptied);
    if (remaining.size > 0) rt.fail("recovered sectors are not in the expiration queue");
    this.addActive(rescheduled, sectorSize);
    return recovered;
  }

  /** Takes out active sectors and puts in others. */
  replace(old: Array<SectorOnChainInfo>, young: Array<SectorOnChainInfo>, sectorSize: u64): Replacement {
    const removed = this.removeActive(old, sectorSize);
    return new Replacement(removed, this.addActive(young, sectorSize));
  }

  /** Takes out sectors of any kind. */
  removeSectors(sectors: Array<SectorOnChainInfo>, faults: BitField, recoveries: BitField, sectorSize: u64): Removal {
    const rt = this.rt;
    const limit = rt.version.minerSearchesExpirations ? ADDRESSED_SECTORS_MAX : SECTORS_MAX;
    if (faults.count() > limit || recoveries.count() > limit) rt.fail("too many faults to list");
    const sound: Array<SectorOnChainInfo> = [];
    const faulty: Array<SectorOnChainInfo> = [];
    for (let i = 0; i < sectors.length; i++) {
      if (faults.has(sectors[i].sectorNumber)) faulty.push(sectors[i]);
      else sound.push(sectors[i]);
    }
    const remaining = numberSet(faulty);
    const active = this.removeActive(sound, sectorSize);
    const out = new Removal(expirationSet(active.numbers, new BitField(), active.pledge, active.power, NO_POWER));
    const emptied: Array<u64> = [];
    const cursor = this.array.cursor();
    while (cursor.next()) {
      const set = cursor.value();
      const onTime = this.listed(set.onTimeSectors);
      const early = this.listed(set.earlySectors);
      const onTimeGone: Array<u64> = [];
      const earlyGone: Array<u64> = [];
      for (let i = 0; i < faulty.length; i++) {
        const sector = faulty[i];
        const number = sector.sectorNumber;
        if (onTime.has(number)) {
          onTimeGone.push(number);
          set.onTimePledge = set.onTimePledge.sub(sector.initialPledge);
          out.set.onTimePledge = out.set.onTimePledge.add(sector.initialPledge);
        } else if (early.has(number)) earlyGone.push(number);
        else continue;
        const power = powerOfSector(rt, sectorSize, sector);
        set.faultyPower = subPower(set.faultyPower, power);
        out.set.faultyPower = addPower(out.set.faultyPower, power);
        if (recoveries.has(number)) out.recovering = addPower(out.recovering, power);
        remaining.delete(number);
      }
      // At once: a set is rewritten whole by every change.
      if (onTimeGone.length > 0) {
        const gone = BitField.of(onTimeGone);
        set.onTimeSectors = set.onTimeSectors.subtract(gone);
        out.set.onTimeSectors = out.set.onTimeSectors.union(gone);
      }
      if (earlyGone.length > 0) {
        const gone = BitField.of(earlyGone);
        set.earlySectors = set.earlySectors.subtract(gone);
        out.set.earlySectors = out.set.earlySectors.union(gone);
      }
      validateSet(rt, set);
      if (onTimeGone.length + earlyGone.length > 0) this.updateOrNote(cursor.index, set, emptied);
      if (remaining.size == 0) break;
    }
    this.batchDelete(emptied);
    if (remaining.size > 0) rt.fail("sectors to remove are not in the expiration queue");
    return out;
  }

  /** Takes out all entries up to and including an epoch. */
  popUntil(until: i64): ExpirationSet {
    const keys: Array<u64> = [];
    const onTime: Array<BitField> = [];
    const early: Array<BitField> = [];
    let pledge = Big.ZERO;
    let active = NO_POWER;
    let faulty = NO_POWER;
    const cursor = this.array.cursor();
    while (cursor.next()) {
      if (<i64>cursor.index > until) break;
      const set = cursor.value();
      keys.push(cursor.index);
      onTime.push(set.onTimeSectors);
      early.push(set.earlySectors);
      pledge = pledge.add(set.onTimePledge);
      active = addPower(active, set.activePower);
      faulty = addPower(faulty, set.faultyPower);
    }
    this.batchDelete(keys);
    return expirationSet(BitField.unionOf(onTime), BitField.unionOf(early), pledge, active, faulty);
  }

  // ---- entries

  private add(rawEpoch: i64, more: ExpirationSet): void {
    const epoch = this.quant.up(rawEpoch);
    const set = this.mayGet(epoch);
    addToSet(this.rt, set, more);
    this.array.set(<u64>epoch, set);
  }

  private removeActive(sectors: Array<SectorOnChainInfo>, sectorSize: u64): QueueChange {
    const numbers: Array<u64> = [];
    let power = NO_POWER;
    let pledge = Big.ZERO;
    const groups = this.activeGroups(sectors, sectorSize);
    for (let i = 0; i < groups.length; i++) {
      const group = groups[i];
      const removed = group.power;
      const epoch = this.quant.up(group.epoch);
      const set = this.mustGet(epoch);
      removeFromSet(
        this.rt,
        set,
        expirationSet(BitField.of(group.numbers), NONE, group.pledge, removed, NO_POWER),
      );
      this.updateOrDelete(epoch, set);
      append(numbers, group.numbers);
      power = addPower(power, removed);
      pledge = pledge.add(group.pledge);
    }
    return new QueueChange(BitField.of(numbers), power, pledge);
  }

  /** Groups of active sectors, earliest first. */
  private activeGroups(sectors: Array<SectorOnChainInfo>, sectorSize: u64): Array<SectorGroup> {
    if (!this.rt.version.minerSearchesExpirations) return groupByDeclared(this.rt, sectorSize, sectors, this.quant);
    return this.findGroups(sectors, sectorSize);
  }

  private findGroups(sectors: Array<SectorOnChainInfo>, sectorSize: u64): Array<SectorGroup> {
    const rt = this.rt;
    const groups: Array<SectorGroup> = [];
    const declared: Array<i64> = [];
    for (let i = 0; i < sectors.length; i++) {
      const epoch = this.quant.up(sectors[i].expiration);
      if (!declared.includes(epoch)) declared.push(epoch);
    }
    const wanted = new Wanted(sectors);
    for (let i = 0; i < declared.length; i++) {
      const group = wanted.take(rt, sectorSize, declared[i], this.mayGet(declared[i]));
      if (group !== null) groups.push(group);
    }
    if (wanted.size > 0) {
      // Quirk of the reference: all groups found here share one set, that of the last entry visited.
      const shared = new ExpirationSet();
      const cursor = this.array.cursor();
      while (cursor.next()) {
        copyInto(shared, cursor.value());
        if (declared.includes(<i64>cursor.index)) continue;
        const early = shared.earlySectors.cursor();
        while (early.next()) if (wanted.has(early.id)) rt.fail("active sector has an early expiration");
        const group = wanted.take(rt, sectorSize, <i64>cursor.index, shared);
        if (group !== null) groups.push(group);
        if (wanted.size == 0) break;
      }
      this.batchDelete([]);
    }
    if (wanted.size > 0) rt.fail("sectors are not in the expiration queue");
    sortGroups(groups);
    return groups;
  }

  /** Members of a set for fast lookup; entries above the limit cannot be listed. */
  private listed(set: BitField): Set<u64> {
    const limit = this.rt.version.minerSearchesExpirations ? ENTRY_SECTORS_MAX : SECTORS_MAX;
    if (set.count() > limit) this.rt.fail("too many sectors in a queue entry");
    const out = new Set<u64>();
    const cursor = set.cursor();
    while (cursor.next()) out.add(cursor.id);
    return out;
  }

  private mayGet(epoch: i64): ExpirationSet {
    const set = this.array.get(<u64>epoch);
    return set === null ? new ExpirationSet() : set;
  }

  private mustGet(epoch: i64): ExpirationSet {
    const set = this.array.get(<u64>epoch);
    if (set === null) {
      this.rt.fail("expiration set is missing");
      return new ExpirationSet();
    }
    return set;
  }

  private updateOrDelete(epoch: i64, set: ExpirationSet): void {
    if (!isEmptySet(set)) this.array.set(<u64>epoch, set);
    else if (!this.array.delete(<u64>epoch)) this.rt.fail("expiration set to delete is missing");
  }

  /** Updates an entry during a walk; an emptied one is noted, to be deleted after it. */
  private updateOrNote(epoch: u64, set: ExpirationSet, emptied: Array<u64>): void {
    if (isEmptySet(set)) emptied.push(epoch);
    else this.array.set(epoch, set);
  }

  private batchDelete(epochs: Array<u64>): void {
    if (!this.array.batchDelete(epochs)) this.rt.fail("expiration set to delete is missing");
  }
}

function append(to: Array<u64>, more: Array<u64>): void {
  for (let i = 0; i < more.length; i++) to.push(more[i]);
}

function numberSet(sectors: Array<SectorOnChainInfo>): Set<u64> {
  const out = new Set<u64>();
  for (let i = 0; i < sectors.length; i++) out.add(sectors[i].sectorNumber);
  return out;
}
