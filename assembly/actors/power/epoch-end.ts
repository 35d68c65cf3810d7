/**
 * The end of an epoch: callbacks that miners asked for, and the seals that were submitted, verified together.
 *
 * v0 runs the callbacks first and only zeroes the power of a miner whose callback fails; v2 verifies the seals first,
 * skips miners without a claim, and deletes the claim of a miner whose callback fails. v0 rewrites its claims even when
 * nothing failed, which costs gas and is therefore kept.
 */
import { Bytes } from "../../base/bytes";
import { addressKey, intKey, Multimap } from "../../runtime/collections";
import { Runtime } from "../../runtime/runtime";
import { SealVerifyInfo } from "../../runtime/shared.gen";
import { Address, parseAddress } from "../../types/address";
import { ERR_ILLEGAL_STATE, OK } from "../../types/exit-code";
import { CronEvent, PowerState } from "./codec.gen";
import { callBack, confirmProofs } from "./sends";
import { loadClaims, zeroClaim } from "./state";

/** Takes the due events out of the queue. */
function takeDueEvents(rt: Runtime): Array<CronEvent> {
  const skipsUnknownMiners = rt.version.powerSkipsUnknown;
  const due: Array<CronEvent> = [];
  const st = rt.begin<PowerState>();
  const events = Multimap.load<CronEvent>(rt, st.cronEventQueue);
  const claims = skipsUnknownMiners ? loadClaims(rt, st) : null;
  for (let epoch = st.firstCronEpoch; epoch <= rt.epoch; epoch++) {
    const array = events.get(intKey(epoch));
    if (array === null) continue;
    const found: Array<CronEvent> = [];
    const cursor = array.cursor();
    while (cursor.next()) found.push(cursor.value());
    for (let i = 0; i < found.length; i++) {
      if (claims === null || claims.has(addressKey(found[i].minerAddr))) due.push(found[i]);
    }
    if (found.length == 0) continue;
    rt.require(events.removeAll(intKey(epoch)), ERR_ILLEGAL_STATE, "failed to clear cron events");
  }
  st.firstCronEpoch = rt.epoch + 1;
  st.cronEventQueue = events.root();
  rt.commit(st);
  return due;
}

/** Takes the power (v0) or the claim (v2) of miners whose callback failed. */
function punishFailed(rt: Runtime, failed: Array<Address>): void {
  const deletesClaims = rt.version.powerDeletesClaims;
  if (deletesClaims && failed.length == 0) return;
  const st = rt.begin<PowerState>();
  const claims = loadClaims(rt, st);
  for (let i = 0; i < failed.length; i++) {
    // Errors are only logged in the reference.
    const code = zeroClaim(rt, st, claims, failed[i]);
    if (deletesClaims && code == OK) claims.delete(addressKey(failed[i]));
  }
  st.claims = claims.root();
  rt.commit(st);
}

/** Runs the callbacks that are due. */
export function processDeferredCronEvents(rt: Runtime): void {
  const due = takeDueEvents(rt);
  const failed: Array<Address> = [];
  for (let i = 0; i < due.length; i++) {
    if (callBack(rt, due[i].minerAddr, due[i].callbackPayload) != OK) failed.push(due[i].minerAddr);
  }
  punishFailed(rt, failed);
}

/** The seals that one miner submitted in this epoch. */
@final
class MinerProofs {
  readonly infos: Array<SealVerifyInfo> = [];
  constructor(readonly miner: Address) {}
}

/** Takes all submitted seals out of the state. */
function takeProofs(rt: Runtime): Array<MinerProofs> {
  const skipsUnknownMiners = rt.version.powerSkipsUnknown;
  const taken: Array<MinerProofs> = [];
  const st = rt.begin<PowerState>();
  const batchRoot = st.proofValidationBatch;
  if (batchRoot !== null) {
    const batch = Multimap.load<SealVerifyInfo>(rt, batchRoot);
    const claims = skipsUnknownMiners ? loadClaims(rt, st) : null;
    const cursor = batch.cursor();
    while (cursor.next()) {
      const array = cursor.array();
      const miner = parseAddress(cursor.key);
      if (miner === null) {
        rt.abort(ERR_ILLEGAL_STATE, "failed to parse address key");
        break;
      }
      if (claims !== null && !claims.has(addressKey(miner))) continue;
      const proofs = new MinerProofs(miner);
      const items = array.cursor();
      while (items.next()) proofs.infos.push(items.value());
      taken.push(proofs);
    }
    st.proofValidationBatch = null;
  }
  rt.commit(st);
  return taken;
}

/** Verifies the submitted seals and tells each miner which sectors are proven, duplicates once. */
export function processBatchProofVerifies(rt: Runtime): void {
  const taken = takeProofs(rt);
  const infos: Array<Bytes> = [];
  for (let i = 0; i < taken.length; i++) {
    for (let j = 0; j < taken[i].infos.length; j++) infos.push(rt.encode(taken[i].infos[j]));
  }
  const verdicts = rt.batchVerifySeals(infos);
  let at = 0;
  for (let i = 0; i < taken.length; i++) {
    const sectors: Array<u64> = [];
    for (let j = 0; j < taken[i].infos.length; j++) {
      const number = taken[i].infos[j].sectorID.number;
      if (verdicts[at++] && !sectors.includes(number)) sectors.push(number);
    }
    confirmProofs(rt, taken[i].miner, sectors);
  }
}
