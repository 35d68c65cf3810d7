/** Who a miner is and who controls it. Source: specs-actors builtin/miner/miner_state.go, miner_actor.go. */
import { Bytes, equal } from "../../../base/bytes";
import { builtinCode } from "../../../runtime/actor";
import { Runtime } from "../../../runtime/runtime";
import { partitionSectors, sectorSize } from "../../../runtime/sector-policy";
import { Address, PROTOCOL_BLS } from "../../../types/address";
import { ERR_ILLEGAL_ARGUMENT } from "../../../types/exit-code";
import { MinerInfo, MinerState } from "../codec.gen";
import { MAX_CONTROL_ADDRESSES, MAX_MULTIADDR_BYTES, MAX_PEER_ID_BYTES } from "../policy";
import { pubkeyAddress } from "../sends";

/** Information of a new miner; the proof type must be known. */
export function newInfo(
  owner: Address,
  worker: Address,
  control: Array<Address>,
  peerId: Bytes,
  multiaddrs: Array<Bytes>,
  sealProof: i64,
): MinerInfo {
  const info = new MinerInfo();
  info.owner = owner;
  info.worker = worker;
  info.controlAddresses = control;
  info.peerId = peerId;
  info.multiaddrs = multiaddrs;
  info.sealProofType = sealProof;
  info.sectorSize = sectorSize(sealProof);
  info.windowPoStPartitionSectors = partitionSectors(sealProof);
  info.consensusFaultElapsed = -1;
  return info;
}

export function loadInfo(rt: Runtime, st: MinerState): MinerInfo {
  return rt.getObject<MinerInfo>(st.info);
}

export function saveInfo(rt: Runtime, st: MinerState, info: MinerInfo): void {
  st.info = rt.putObject(info);
}

/** Allows the owner, the worker and the control addresses. */
export function allowControllers(rt: Runtime, info: MinerInfo): void {
  const allowed = info.controlAddresses.slice(0);
  allowed.push(info.owner);
  allowed.push(info.worker);
  rt.allowOnly(allowed);
}

/** True while a miner is excluded after a consensus fault (v2). */
export function consensusFaultActive(rt: Runtime, info: MinerInfo): bool {
  return rt.epoch <= info.consensusFaultElapsed;
}

/** Puts a pending worker key in force if its time has come. True if it did. */
export function applyPendingWorker(rt: Runtime, st: MinerState, info: MinerInfo): bool {
  const pending = info.pendingWorkerKey;
  if (pending === null || rt.epoch < pending.effectiveAt) return false;
  info.worker = pending.newWorker;
  info.pendingWorkerKey = null;
  saveInfo(rt, st, info);
  return true;
}

function hasCode(rt: Runtime, address: Address, name: string): bool {
  const code = rt.codeOf(address);
  return code !== null && equal(code.bytes, builtinCode(rt.actorsVersion, name).bytes);
}

function resolve(rt: Runtime, raw: Address): Address {
  const resolved = rt.resolveAddress(raw);
  if (resolved === null) {
    rt.abort(ERR_ILLEGAL_ARGUMENT, "unable to resolve an address");
    return raw;
  }
  return resolved;
}

/** ID address of an account or multisig. */
export function resolveControl(rt: Runtime, raw: Address): Address {
  const resolved = resolve(rt, raw);
  const principal = hasCode(rt, resolved, "account") || hasCode(rt, resolved, "multisig");
  rt.require(principal, ERR_ILLEGAL_ARGUMENT, "owner and control addresses must be accounts or multisigs");
  return resolved;
}

/** ID address of an account with a BLS key (the worker draws lots with it). */
export function resolveWorker(rt: Runtime, raw: Address): Address {
  const resolved = resolve(rt, raw);
  rt.require(hasCode(rt, resolved, "account"), ERR_ILLEGAL_ARGUMENT, "worker must be an account");
  if (raw.protocol != PROTOCOL_BLS) {
    const key = pubkeyAddress(rt, resolved);
    rt.require(key.protocol == PROTOCOL_BLS, ERR_ILLEGAL_ARGUMENT, "worker must have a BLS key");
  }
  return resolved;
}

export function resolveControls(rt: Runtime, raw: Array<Address>): Array<Address> {
  const out: Array<Address> = [];
  for (let i = 0; i < raw.length; i++) out.push(resolveControl(rt, raw[i]));
  return out;
}

// ---- limits (v2)

export function checkControlCount(rt: Runtime, control: Array<Address>): void {
  if (!rt.version.minerLimitsPeerInfo) return;
  rt.require(control.length <= MAX_CONTROL_ADDRESSES, ERR_ILLEGAL_ARGUMENT, "too many control addresses");
}

export function checkPeerInfo(rt: Runtime, peerId: Bytes, multiaddrs: Array<Bytes>): void {
  if (!rt.version.minerLimitsPeerInfo) return;
  rt.require(peerId.length <= MAX_PEER_ID_BYTES, ERR_ILLEGAL_ARGUMENT, "peer id too long");
  let total = 0;
  for (let i = 0; i < multiaddrs.length; i++) {
    rt.require(multiaddrs[i].length > 0, ERR_ILLEGAL_ARGUMENT, "empty multiaddress");
    total += multiaddrs[i].length;
  }
  rt.require(total <= MAX_MULTIADDR_BYTES, ERR_ILLEGAL_ARGUMENT, "multiaddresses too long");
}
