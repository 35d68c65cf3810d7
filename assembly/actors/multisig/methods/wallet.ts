/** Method 1 and methods 5 to 9: the wallet's making, its signers, threshold and lock. */
import { Big } from "../../../base/big";
import { Bytes } from "../../../base/bytes";
import { NOTHING } from "../../../runtime/actor";
import { resolveToId } from "../../../runtime/builtin";
import { MapOf } from "../../../runtime/collections";
import { Runtime } from "../../../runtime/runtime";
import { Address } from "../../../types/address";
import { ERR_FORBIDDEN, ERR_ILLEGAL_ARGUMENT, SYS_INVALID_METHOD } from "../../../types/exit-code";
import { INIT } from "../../../types/singletons";
import {
  AddSignerParams,
  ChangeNumApprovalsThresholdParams,
  ConstructorParams,
  LockBalanceParams,
  MultisigState,
  RemoveSignerParams,
  SwapSignerParams,
  Transaction,
} from "../codec.gen";
import { MAX_SIGNERS } from "../policy";
import { indexOf, isSigner, purgeApprovals, setLocked, without } from "../state";

/** Allowed: the init actor. */
export function construct(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<ConstructorParams>(params);
  rt.allowOnly([INIT]);
  const limitsSigners = rt.version.multisigLimitsSigners;
  const startIsGiven = rt.version.multisigStartIsGiven;
  const count = p.signers.length;
  rt.require(count >= 1, ERR_ILLEGAL_ARGUMENT, "must have at least one signer");
  rt.require(!limitsSigners || count <= MAX_SIGNERS, ERR_ILLEGAL_ARGUMENT, "too many signers");

  const signers: Array<Address> = [];
  for (let i = 0; i < count; i++) {
    const resolved = resolveToId(rt, p.signers[i]);
    rt.require(indexOf(signers, resolved) < 0, ERR_ILLEGAL_ARGUMENT, "duplicate signer not allowed");
    signers.push(resolved);
  }
  const threshold = p.numApprovalsThreshold;
  rt.require(threshold <= <u64>count, ERR_ILLEGAL_ARGUMENT, "must not require more approvals than signers");
  rt.require(threshold >= 1, ERR_ILLEGAL_ARGUMENT, "must require at least one approval");
  rt.require(p.unlockDuration >= 0, ERR_ILLEGAL_ARGUMENT, "negative unlock duration disallowed");

  const st = new MultisigState();
  st.pendingTxns = MapOf.empty<Transaction>(rt).root();
  st.signers = signers;
  st.numApprovalsThreshold = threshold;
  st.initialBalance = Big.ZERO;
  if (p.unlockDuration != 0) {
    setLocked(st, startIsGiven ? p.startEpoch : rt.epoch, p.unlockDuration, rt.valueReceived);
  }
  rt.create(st);
  return NOTHING;
}

/** Allowed: the wallet itself. */
export function addSigner(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<AddSignerParams>(params);
  rt.allowOnly([rt.receiver]);
  const signer = resolveToId(rt, p.signer);

  const st = rt.begin<MultisigState>();
  const limitsSigners = rt.version.multisigLimitsSigners;
  const hasRoom = !limitsSigners || st.signers.length < MAX_SIGNERS;
  rt.require(hasRoom, ERR_FORBIDDEN, "too many signers");
  rt.require(!isSigner(st, signer), ERR_FORBIDDEN, "already a signer");
  st.signers.push(signer);
  if (p.increase) st.numApprovalsThreshold++;
  rt.commit(st);
  return NOTHING;
}

/** Allowed: the wallet itself. */
export function removeSigner(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<RemoveSignerParams>(params);
  rt.allowOnly([rt.receiver]);
  const signer = resolveToId(rt, p.signer);

  const st = rt.begin<MultisigState>();
  rt.require(isSigner(st, signer), ERR_FORBIDDEN, "not a signer");
  rt.require(st.signers.length != 1, ERR_FORBIDDEN, "cannot remove only signer");
  const threshold = st.numApprovalsThreshold;
  const enoughLeft = p.decrease || <u64>(st.signers.length - 1) >= threshold;
  rt.require(enoughLeft, ERR_ILLEGAL_ARGUMENT, "fewer signers than the threshold would be left");
  if (p.decrease) {
    const keepsOneApproval = !rt.version.multisigKeepsThreshold || threshold >= 2;
    rt.require(keepsOneApproval, ERR_ILLEGAL_ARGUMENT, "threshold cannot fall below one");
    st.numApprovalsThreshold = threshold - 1;
  }
  if (rt.version.multisigPurgesApprovals) purgeApprovals(st, rt, signer);
  st.signers = without(st.signers, signer);
  rt.commit(st);
  return NOTHING;
}

/** Allowed: the wallet itself. */
export function swapSigner(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<SwapSignerParams>(params);
  rt.allowOnly([rt.receiver]);
  const from = resolveToId(rt, p.from);
  const to = resolveToId(rt, p.to);

  const st = rt.begin<MultisigState>();
  rt.require(isSigner(st, from), ERR_FORBIDDEN, "not a signer");
  rt.require(!isSigner(st, to), ERR_ILLEGAL_ARGUMENT, "already a signer");
  st.signers = without(st.signers, from);
  st.signers.push(to);
  if (rt.version.multisigPurgesApprovals) purgeApprovals(st, rt, from);
  rt.commit(st);
  return NOTHING;
}

/** Allowed: the wallet itself. */
export function changeThreshold(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<ChangeNumApprovalsThresholdParams>(params);
  rt.allowOnly([rt.receiver]);

  const st = rt.begin<MultisigState>();
  const fits = p.newThreshold != 0 && p.newThreshold <= <u64>st.signers.length;
  rt.require(fits, ERR_ILLEGAL_ARGUMENT, "new threshold not supported");
  st.numApprovalsThreshold = p.newThreshold;
  rt.commit(st);
  return NOTHING;
}

/** Allowed: the wallet itself, once. */
export function lockBalance(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<LockBalanceParams>(params);
  rt.require(rt.version.multisigLocksBalance, SYS_INVALID_METHOD, "invalid method until network version 2");
  rt.allowOnly([rt.receiver]);
  rt.require(p.unlockDuration > 0, ERR_ILLEGAL_ARGUMENT, "unlock duration must be positive");
  const st = rt.begin<MultisigState>();
  rt.require(st.unlockDuration == 0, ERR_FORBIDDEN, "modification of unlock disallowed");
  setLocked(st, p.startEpoch, p.unlockDuration, p.amount);
  rt.commit(st);
  return NOTHING;
}
