/**
 * Operations on the power actor's state: claims and the totals over them, pledge, the cron queue.
 *
 * Two sums are kept of raw and of quality-adjusted power: over all claims ("committed"), and over the claims that reach
 * the network's minimum. A claim that crosses the minimum moves in or out of the second sum as a whole. What is held
 * against the minimum is quality-adjusted power in v0, raw power in v2.
 */
import { Big } from "../../base/big";
import { Address } from "../../types/address";
import { ERR_ILLEGAL_STATE, ERR_NOT_FOUND, OK } from "../../types/exit-code";
import { addressKey, intKey, MapOf, Multimap } from "../../runtime/collections";
import { nextEstimate } from "../../runtime/math/smoothing";
import { ObjectStore } from "../../runtime/object-store";
import { NetworkProfile } from "../../runtime/profile.gen";
import { Runtime } from "../../runtime/runtime";
import { isSealProof } from "../../runtime/sector-policy";
import { Claim, CronEvent, PowerState } from "./codec.gen";
import { NetworkVersion } from "../../runtime/versions.gen";

export function loadClaims(store: ObjectStore, st: PowerState): MapOf<Claim> {
  return MapOf.load<Claim>(store, st.claims);
}

/** Stores a claim; traps if it is negative. */
export function setClaim(rt: Runtime, claims: MapOf<Claim>, miner: Address, claim: Claim): void {
  rt.invariant(!claim.rawBytePower.negative, "negative claimed raw byte power");
  rt.invariant(!claim.qualityAdjPower.negative, "negative claimed quality adjusted power");
  claims.put(addressKey(miner), claim);
}

/** True if a claim's power counts for consensus. */
export function meetsMinimum(claim: Claim, version: NetworkVersion, profile: NetworkProfile): bool {
  const power = version.powerMeasuresRaw ? claim.rawBytePower : claim.qualityAdjPower;
  return power.ge(Big.fromU64(profile.consensusMinerMinPower));
}

/**
 * Adds (possibly negative) power to a miner's claim and to the totals.
 * Returns an exit code: ERR_NOT_FOUND without a claim, ERR_ILLEGAL_STATE for an unknown proof type (v2); the committed
 * totals are already changed in the latter case. Traps if anything becomes negative.
 */
export function addToClaim(rt: Runtime, st: PowerState, claims: MapOf<Claim>, miner: Address, raw: Big, qa: Big): i32 {
  const before = claims.get(addressKey(miner));
  if (before === null) return ERR_NOT_FOUND;
  st.totalQABytesCommitted = st.totalQABytesCommitted.add(qa);
  st.totalBytesCommitted = st.totalBytesCommitted.add(raw);

  const after = new Claim();
  after.sealProofType = before.sealProofType;
  after.rawBytePower = before.rawBytePower.add(raw);
  after.qualityAdjPower = before.qualityAdjPower.add(qa);
  if (rt.version.powerKnowsSealProof && !isSealProof(before.sealProofType)) return ERR_ILLEGAL_STATE;
  const counted = meetsMinimum(before, rt.version, rt.profile);
  const counts = meetsMinimum(after, rt.version, rt.profile);
  if (counts && !counted) {
    st.minerAboveMinPowerCount++;
    addToTotals(st, after.rawBytePower, after.qualityAdjPower);
  } else if (counted && !counts) {
    st.minerAboveMinPowerCount--;
    addToTotals(st, before.rawBytePower.neg(), before.qualityAdjPower.neg());
  } else if (counts) {
    addToTotals(st, raw, qa);
  }
  rt.invariant(!after.rawBytePower.negative, "negative claimed raw byte power");
  rt.invariant(!after.qualityAdjPower.negative, "negative claimed quality adjusted power");
  rt.invariant(st.minerAboveMinPowerCount >= 0, "negative number of miners above the minimum");
  setClaim(rt, claims, miner, after);
  return OK;
}

function addToTotals(st: PowerState, raw: Big, qa: Big): void {
  st.totalRawBytePower = st.totalRawBytePower.add(raw);
  st.totalQualityAdjPower = st.totalQualityAdjPower.add(qa);
}

/** Takes away a miner's whole power; a miner without a claim is left alone. */
export function zeroClaim(rt: Runtime, st: PowerState, claims: MapOf<Claim>, miner: Address): i32 {
  const claim = claims.get(addressKey(miner));
  if (claim === null) return ERR_NOT_FOUND;
  return addToClaim(rt, st, claims, miner, claim.rawBytePower.neg(), claim.qualityAdjPower.neg());
}

/** Traps if pledge becomes negative. */
export function addPledgeTotal(rt: Runtime, st: PowerState, amount: Big): void {
  st.totalPledgeCollateral = st.totalPledgeCollateral.add(amount);
  rt.invariant(!st.totalPledgeCollateral.negative, "pledged amount cannot be negative");
}

/** Queues an event; one in the past moves the queue's start back, so that it will be found. */
export function appendCronEvent(st: PowerState, events: Multimap<CronEvent>, epoch: i64, event: CronEvent): void {
  if (epoch < st.firstCronEpoch) st.firstCronEpoch = epoch;
  events.add(intKey(epoch), event);
}

/** Fixes power and pledge for the coming epoch and feeds the filter, `delta` epochs after the last time. */
export function closeEpoch(rt: Runtime, st: PowerState, delta: i64): void {
  const minimumApplies = st.minerAboveMinPowerCount >= rt.version.consensusMinMiners;
  st.thisEpochPledgeCollateral = st.totalPledgeCollateral;
  st.thisEpochQualityAdjPower = minimumApplies ? st.totalQualityAdjPower : st.totalQABytesCommitted;
  st.thisEpochRawBytePower = minimumApplies ? st.totalRawBytePower : st.totalBytesCommitted;
  rt.invariant(delta != 0, "division by zero epochs");
  st.thisEpochQAPowerSmoothed = nextEstimate(st.thisEpochQAPowerSmoothed, st.thisEpochQualityAdjPower, delta);
}
