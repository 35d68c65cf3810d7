/** Who controls a miner and how to reach it. Source: specs-actors builtin/miner/miner_actor.go. */
import { Bytes, EMPTY } from "../../../base/bytes";
import { NOTHING } from "../../../runtime/actor";
import { Runtime } from "../../../runtime/runtime";
import { AddressItem } from "../../../types/codec";
import { ERR_ILLEGAL_ARGUMENT } from "../../../types/exit-code";
import {
  ChangeMultiaddrsParams,
  ChangePeerIDParams,
  ChangeWorkerAddressParams,
  GetControlAddressesReturn,
  MinerState,
  WorkerKeyChange,
} from "../codec.gen";
import { WORKER_KEY_CHANGE_DELAY } from "../policy";
import { CRON_WORKER_KEY_CHANGE, enrollCron } from "../sends";
import {
  allowControllers,
  applyPendingWorker,
  checkControlCount,
  checkPeerInfo,
  loadInfo,
  resolveControls,
  resolveWorker,
  saveInfo,
} from "../state/info";

/** Owner, worker and control addresses. Allowed: anyone. */
export function controlAddresses(rt: Runtime, _params: Bytes): Bytes {
  rt.allowAny();
  const info = loadInfo(rt, rt.state<MinerState>());
  const out = new GetControlAddressesReturn();
  out.owner = info.owner;
  out.worker = info.worker;
  out.controlAddrs = info.controlAddresses;
  return rt.encode(out);
}

/**
 * Replaces the control addresses and asks for another worker, in force after a delay. Allowed: the owner.
 * v0 replaces a pending worker and has cron put it in force; v2 keeps the first one until it is confirmed.
 */
export function changeWorkerAddress(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<ChangeWorkerAddressParams>(params);
  checkControlCount(rt, p.newControlAddrs);
  const worker = resolveWorker(rt, p.newWorker);
  const control = resolveControls(rt, p.newControlAddrs);
  const byCron = !rt.version.minerConfirmsWorker;
  const effective = rt.epoch + WORKER_KEY_CHANGE_DELAY;
  const st = rt.begin<MinerState>();
  const info = loadInfo(rt, st);
  rt.allowOnly([info.owner]);
  info.controlAddresses = control;
  const differs = !worker.eq(info.worker);
  if (differs && (byCron || info.pendingWorkerKey === null)) {
    const change = new WorkerKeyChange();
    change.newWorker = worker;
    change.effectiveAt = effective;
    info.pendingWorkerKey = change;
  }
  saveInfo(rt, st, info);
  rt.commit(st);
  if (differs && byCron) enrollCron(rt, effective, CRON_WORKER_KEY_CHANGE);
  return NOTHING;
}

/** v2: puts the pending worker in force, if its time has come. Allowed: the owner. */
export function confirmUpdateWorkerKey(rt: Runtime, _params: Bytes): Bytes {
  const st = rt.begin<MinerState>();
  const info = loadInfo(rt, st);
  rt.allowOnly([info.owner]);
  applyPendingWorker(rt, st, info);
  rt.commit(st);
  return NOTHING;
}

/**
 * v2: proposes another owner, or confirms the proposal. Allowed: the owner; the proposed owner with its own address.
 * Exits: 16 not an ID address, or a confirmation of another address.
 */
export function changeOwnerAddress(rt: Runtime, params: Bytes): Bytes {
  const proposed = rt.params<AddressItem>(params).value;
  rt.require(proposed.isId, ERR_ILLEGAL_ARGUMENT, "owner address must be an ID address");
  const st = rt.begin<MinerState>();
  const info = loadInfo(rt, st);
  const pending = info.pendingOwnerAddress;
  if (pending === null || rt.caller.eq(info.owner)) {
    rt.allowOnly([info.owner]);
    info.pendingOwnerAddress = proposed;
  } else {
    rt.allowOnly([pending]);
    rt.require(proposed.eq(pending), ERR_ILLEGAL_ARGUMENT, "confirmation of another owner than proposed");
    info.owner = pending;
  }
  // A proposal of the owner itself is none.
  const left = info.pendingOwnerAddress;
  if (left !== null && left.eq(info.owner)) info.pendingOwnerAddress = null;
  saveInfo(rt, st, info);
  rt.commit(st);
  return NOTHING;
}

/** Changes the libp2p identity. Allowed: controllers. */
export function changePeerId(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<ChangePeerIDParams>(params);
  checkPeerInfo(rt, p.newID, []);
  const st = rt.begin<MinerState>();
  const info = loadInfo(rt, st);
  allowControllers(rt, info);
  info.peerId = p.newID;
  saveInfo(rt, st, info);
  rt.commit(st);
  return NOTHING;
}

/** Changes the multiaddresses. Allowed: controllers. */
export function changeMultiaddrs(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<ChangeMultiaddrsParams>(params);
  checkPeerInfo(rt, EMPTY, p.newMultiaddrs);
  const st = rt.begin<MinerState>();
  const info = loadInfo(rt, st);
  allowControllers(rt, info);
  info.multiaddrs = p.newMultiaddrs;
  saveInfo(rt, st, info);
  rt.commit(st);
  return NOTHING;
}
