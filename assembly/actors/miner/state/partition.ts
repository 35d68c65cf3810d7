/**
 * A partition: sectors that are proven together, and what has become of them.
 *
 *   sectors ⊇ terminated, faults ⊇ recoveries, unproven;  terminated, faults and unproven are disjoint
 *   power:  live = active + unproven + faulty,  faulty ≥ recovering
 *
 * The functions here add sectors and record faults and recoveries; `partition-exit.ts` has the ways out.
 * v0 has no unproven sectors: there the set is empty and its power zero, and the same formulas hold.
 * Source: specs-actors builtin/miner/partition_state.go.
 */
import { Big } from "../../../base/big";
import { BitField } from "../../../ipld/bitfield";
import { Cid } from "../../../ipld/cid";
import { Runtime } from "../../../runtime/runtime";
import { ERR_ILLEGAL_ARGUMENT, ERR_ILLEGAL_STATE, ERR_NOT_FOUND } from "../../../types/exit-code";
import { Partition, PowerPair, SectorOnChainInfo } from "../codec.gen";
import { addPower, isNegativePower, isNoPower, negPower, NO_POWER, subPower } from "../power-pair";
import { QuantSpec } from "../quantize";
import { powerOfSectors } from "../sector-power";
import { ExpirationQueue, Replacement } from "./expiration-queue";
import { Sectors, selectSectors } from "./sectors";

/** What faults change. */
@final
export class FaultChange {
  constructor(
    readonly newFaults: BitField,
    /** Change of active power. */
    readonly delta: PowerPair,
    readonly newFaulty: PowerPair,
    /** Power of recoveries taken back. */
    readonly retracted: PowerPair,
  ) {}
}

/** What a missed proof changes. */
@final
export class MissedChange {
  constructor(
    /** Change of active power. */
    readonly delta: PowerPair,
    /** Power newly faulty or failed to recover. */
    readonly penalized: PowerPair,
    readonly newFaulty: PowerPair,
  ) {}
}

export function newPartition(emptyArray: Cid): Partition {
  const partition = new Partition();
  partition.expirationsEpochs = emptyArray;
  partition.earlyTerminated = emptyArray;
  return partition;
}

/** Sectors not terminated. */
export function liveSectors(p: Partition): BitField {
  return p.sectors.subtract(p.terminated);
}

/** Sectors that have power. */
export function activeSectors(p: Partition): BitField {
  return liveSectors(p).subtract(p.faults).subtract(p.unproven);
}

/** Adds new sectors, which are sound. Returns the power that they have at once. */
export function addSectors(
  rt: Runtime,
  p: Partition,
  proven: bool,
  sectors: Array<SectorOnChainInfo>,
  sectorSize: u64,
  quant: QuantSpec,
): PowerPair {
  const queue = new ExpirationQueue(rt, p.expirationsEpochs, quant);
  const added = queue.addActive(sectors, sectorSize);
  p.expirationsEpochs = queue.root();
  if (p.sectors.containsAny(added.numbers)) rt.fail("a sector is in the partition already");
  p.sectors = p.sectors.union(added.numbers);
  p.livePower = addPower(p.livePower, added.power);
  const active = proven || !rt.version.minerPowerAwaitsProof;
  if (!active) {
    p.unprovenPower = addPower(p.unprovenPower, added.power);
    p.unproven = p.unproven.union(added.numbers);
  }
  validatePartition(rt, p);
  return active ? added.power : NO_POWER;
}

/** Marks active or unproven sectors faulty. */
function addFaults(
  rt: Runtime,
  p: Partition,
  numbers: BitField,
  sectors: Array<SectorOnChainInfo>,
  faultExpiration: i64,
  sectorSize: u64,
  quant: QuantSpec,
  retracted: PowerPair,
): FaultChange {
  const queue = new ExpirationQueue(rt, p.expirationsEpochs, quant);
  const newFaulty = queue.rescheduleAsFaults(faultExpiration, sectors, sectorSize);
  p.expirationsEpochs = queue.root();
  p.faults = p.faults.union(numbers);
  p.faultyPower = addPower(p.faultyPower, newFaulty);
  let delta = negPower(newFaulty);
  if (rt.version.minerPowerAwaitsProof) {
    const unproven = numbers.intersect(p.unproven);
    p.unproven = p.unproven.subtract(unproven);
    const selected = selectSectors(rt, sectors, unproven);
    if (selected.length > 0) {
      const lost = powerOfSectors(rt, sectorSize, selected);
      p.unprovenPower = subPower(p.unprovenPower, lost);
      delta = addPower(delta, lost);
    }
  }
  validatePartition(rt, p);
  return new FaultChange(numbers, delta, newFaulty, retracted);
}

/** Declares sectors faulty. Known faults and terminated sectors are passed over, recoveries taken back. */
export function declareFaults(
  rt: Runtime,
  p: Partition,
  sectors: Sectors,
  numbers: BitField,
  faultExpiration: i64,
  sectorSize: u64,
  quant: QuantSpec,
): FaultChange {
  rt.require(p.sectors.containsAll(numbers), ERR_ILLEGAL_ARGUMENT, "not all sectors are in the partition");
  const retracted = p.recoveries.intersect(numbers);
  const newFaults = numbers.subtract(retracted).subtract(p.terminated).subtract(p.faults);
  let change = new FaultChange(newFaults, NO_POWER, NO_POWER, NO_POWER);
  const loaded = sectors.load(newFaults);
  if (loaded.length > 0) {
    change = addFaults(rt, p, newFaults, loaded, faultExpiration, sectorSize, quant, NO_POWER);
  }
  const retractedSectors = sectors.load(retracted);
  if (retractedSectors.length > 0) removeRecoveries(p, retracted, powerOfSectors(rt, sectorSize, retractedSectors));
  validatePartition(rt, p);
  return change;
}

/** Records sectors left out of a window PoSt; null if there are none. */
export function recordSkippedFaults(
  rt: Runtime,
  p: Partition,
  sectors: Sectors,
  skipped: BitField,
  faultExpiration: i64,
  sectorSize: u64,
  quant: QuantSpec,
): FaultChange | null {
  rt.require(skipped.valid, ERR_ILLEGAL_ARGUMENT, "bitfield of skipped sectors is malformed");
  if (skipped.isEmpty) return null;
  rt.require(p.sectors.containsAll(skipped), ERR_ILLEGAL_ARGUMENT, "skipped sectors are not in the partition");
  const absent = rt.version.minerMissesAreNotFound ? ERR_NOT_FOUND : ERR_ILLEGAL_STATE;
  const retracted = p.recoveries.intersect(skipped);
  const retractedPower = powerOfSectors(rt, sectorSize, sectors.load(retracted, absent));
  const newFaults = skipped.subtract(p.terminated).subtract(p.faults);
  const loaded = sectors.load(newFaults, absent);
  const change = addFaults(rt, p, newFaults, loaded, faultExpiration, sectorSize, quant, retractedPower);
  removeRecoveries(p, retracted, retractedPower);
  validatePartition(rt, p);
  return change;
}

/** Makes all recoveries sound again; the proof is taken to succeed. Returns their power. */
export function recoverFaults(
  rt: Runtime,
  p: Partition,
  sectors: Sectors,
  sectorSize: u64,
  quant: QuantSpec,
): PowerPair {
  const recovered = sectors.load(p.recoveries);
  const queue = new ExpirationQueue(rt, p.expirationsEpochs, quant);
  const power = queue.rescheduleRecovered(recovered, sectorSize);
  p.expirationsEpochs = queue.root();
  p.faults = p.faults.subtract(p.recoveries);
  p.recoveries = new BitField();
  p.faultyPower = subPower(p.faultyPower, power);
  p.recoveringPower = subPower(p.recoveringPower, power);
  validatePartition(rt, p);
  return power;
}

/** Gives unproven sectors their power, and returns it. */
export function activateUnproven(p: Partition): PowerPair {
  const power = p.unprovenPower;
  p.unprovenPower = NO_POWER;
  p.unproven = new BitField();
  return power;
}

/** Declares faulty sectors as recovering. Sound and recovering ones are passed over. */
export function declareRecoveries(
  rt: Runtime,
  p: Partition,
  sectors: Sectors,
  numbers: BitField,
  sectorSize: u64,
): void {
  if (!p.sectors.containsAll(numbers)) rt.fail("not all sectors are in the partition");
  const recoveries = numbers.intersect(p.faults).subtract(p.recoveries);
  const loaded = sectors.load(recoveries, ERR_ILLEGAL_STATE);
  p.recoveries = p.recoveries.union(recoveries);
  p.recoveringPower = addPower(p.recoveringPower, powerOfSectors(rt, sectorSize, loaded));
  validatePartition(rt, p);
}

function removeRecoveries(p: Partition, numbers: BitField, power: PowerPair): void {
  if (numbers.isEmpty) return;
  p.recoveries = p.recoveries.subtract(numbers);
  p.recoveringPower = subPower(p.recoveringPower, power);
}

/** Moves active sectors to another expiration; sectors that are not active here are passed over. */
export function rescheduleExpirations(
  rt: Runtime,
  p: Partition,
  sectors: Sectors,
  newExpiration: i64,
  numbers: BitField,
  sectorSize: u64,
  quant: QuantSpec,
): Array<SectorOnChainInfo> {
  const movable = numbers.intersect(p.sectors).subtract(p.terminated).subtract(p.faults);
  const loaded = sectors.load(movable);
  const queue = new ExpirationQueue(rt, p.expirationsEpochs, quant);
  queue.reschedule(newExpiration, loaded, sectorSize);
  p.expirationsEpochs = queue.root();
  validatePartition(rt, p);
  return loaded;
}

/** Replaces active sectors by others. */
export function replaceSectors(
  rt: Runtime,
  p: Partition,
  old: Array<SectorOnChainInfo>,
  young: Array<SectorOnChainInfo>,
  sectorSize: u64,
  quant: QuantSpec,
): Replacement {
  const queue = new ExpirationQueue(rt, p.expirationsEpochs, quant);
  const replaced = queue.replace(old, young, sectorSize);
  p.expirationsEpochs = queue.root();
  if (!activeSectors(p).containsAll(replaced.removed.numbers)) rt.fail("sectors to replace are not active");
  p.sectors = p.sectors.subtract(replaced.removed.numbers).union(replaced.added.numbers);
  p.livePower = addPower(p.livePower, subPower(replaced.added.power, replaced.removed.power));
  validatePartition(rt, p);
  return replaced;
}

/** Makes all sectors faulty after a proof was missed. */
export function recordMissedPost(rt: Runtime, p: Partition, faultExpiration: i64, quant: QuantSpec): MissedChange {
  const queue = new ExpirationQueue(rt, p.expirationsEpochs, quant);
  queue.rescheduleAllAsFaults(faultExpiration);
  p.expirationsEpochs = queue.root();
  const newFaulty = subPower(p.livePower, p.faultyPower);
  const penalized = addPower(p.recoveringPower, newFaulty);
  // Unproven power was never active.
  const delta = negPower(subPower(newFaulty, p.unprovenPower));
  p.faults = liveSectors(p);
  p.recoveries = new BitField();
  p.unproven = new BitField();
  p.faultyPower = p.livePower;
  p.recoveringPower = NO_POWER;
  p.unprovenPower = NO_POWER;
  validatePartition(rt, p);
  return new MissedChange(delta, penalized, newFaulty);
}

/** True if a missed proof would change nothing: all is faulty and nothing recovers. */
export function isAllFaulty(p: Partition): bool {
  return isNoPower(p.recoveringPower) && p.faultyPower.raw.eq(p.livePower.raw) && p.faultyPower.qa.eq(p.livePower.qa);
}

/** The first rule that a partition breaks, or the empty string. */
export function brokenPartitionRule(p: Partition): string {
  if (isNegativePower(p.livePower)) return "negative live power";
  if (isNegativePower(p.unprovenPower)) return "negative unproven power";
  if (isNegativePower(p.faultyPower)) return "negative faulty power";
  if (isNegativePower(p.recoveringPower)) return "negative recovering power";
  const live: Big = p.livePower.raw;
  if (p.unprovenPower.raw.gt(live)) return "more unproven than live power";
  if (p.faultyPower.raw.gt(live)) return "more faulty than live power";
  if (p.recoveringPower.raw.gt(p.faultyPower.raw)) return "more recovering than faulty power";
  const troubled = p.unproven.union(p.faults);
  if (p.terminated.containsAny(troubled)) return "terminated sectors that are faulty or unproven";
  if (!p.sectors.containsAll(troubled.union(p.terminated))) return "sectors in a state but not in the partition";
  if (!p.faults.containsAll(p.recoveries)) return "recoveries that are not faulty";
  return "";
}

/** From v2 on: the partition must be consistent after each change. */
export function validatePartition(rt: Runtime, p: Partition): void {
  if (!rt.version.minerValidatesState) return;
  const rule = brokenPartitionRule(p);
  if (rule.length > 0) rt.fail("partition left with " + rule);
}
