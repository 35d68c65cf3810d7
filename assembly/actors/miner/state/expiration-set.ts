/**
 * Sectors that leave at one epoch: on time, at the end of their committed life, or early, faulty for too long.
 *
 * On-time sectors may be faulty (they failed shortly before their end); early ones always are; active power belongs to
 * on-time sectors. Source: specs-actors builtin/miner/expiration_queue.go.
 */
import { Big } from "../../../base/big";
import { BitField } from "../../../ipld/bitfield";
import { Runtime } from "../../../runtime/runtime";
import { ExpirationSet, PowerPair } from "../codec.gen";
import { addPower, isNegativePower, subPower } from "../power-pair";

export function expirationSet(
  onTime: BitField,
  early: BitField,
  pledge: Big,
  active: PowerPair,
  faulty: PowerPair,
): ExpirationSet {
  const set = new ExpirationSet();
  set.onTimeSectors = onTime;
  set.earlySectors = early;
  set.onTimePledge = pledge;
  set.activePower = active;
  set.faultyPower = faulty;
  return set;
}

/** Overwrites one set with the contents of another. */
export function copyInto(target: ExpirationSet, source: ExpirationSet): void {
  target.onTimeSectors = source.onTimeSectors;
  target.earlySectors = source.earlySectors;
  target.onTimePledge = source.onTimePledge;
  target.activePower = source.activePower;
  target.faultyPower = source.faultyPower;
}

/** True if there are no sectors; power and pledge are not looked at. */
export function isEmptySet(set: ExpirationSet): bool {
  return set.onTimeSectors.isEmpty && set.earlySectors.isEmpty;
}

/** From v2 on: nothing in a set may be negative. */
export function validateSet(rt: Runtime, set: ExpirationSet): void {
  if (!rt.version.minerValidatesState) return;
  if (set.onTimePledge.negative) rt.fail("expiration set with negative pledge");
  if (isNegativePower(set.activePower)) rt.fail("expiration set with negative active power");
  if (isNegativePower(set.faultyPower)) rt.fail("expiration set with negative faulty power");
}

export function addToSet(rt: Runtime, set: ExpirationSet, more: ExpirationSet): void {
  set.onTimeSectors = set.onTimeSectors.union(more.onTimeSectors);
  set.earlySectors = set.earlySectors.union(more.earlySectors);
  set.onTimePledge = set.onTimePledge.add(more.onTimePledge);
  set.activePower = addPower(set.activePower, more.activePower);
  set.faultyPower = addPower(set.faultyPower, more.faultyPower);
  validateSet(rt, set);
}

/** Removes sectors, which must be there, and what belongs to them. */
export function removeFromSet(rt: Runtime, set: ExpirationSet, less: ExpirationSet): void {
  if (!set.onTimeSectors.containsAll(less.onTimeSectors)) rt.fail("on-time sectors to remove are not in the set");
  if (!set.earlySectors.containsAll(less.earlySectors)) rt.fail("early sectors to remove are not in the set");
  set.onTimeSectors = set.onTimeSectors.subtract(less.onTimeSectors);
  set.earlySectors = set.earlySectors.subtract(less.earlySectors);
  set.onTimePledge = set.onTimePledge.sub(less.onTimePledge);
  set.activePower = subPower(set.activePower, less.activePower);
  set.faultyPower = subPower(set.faultyPower, less.faultyPower);
  if (set.onTimePledge.negative) rt.fail("expiration set pledge underflow");
  if (set.activePower.qa.negative || set.faultyPower.qa.negative) rt.fail("expiration set power underflow");
  validateSet(rt, set);
}
