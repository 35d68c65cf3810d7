/**
 * Payment channel: one account funds it, vouchers signed off-chain say what the other may take.
 *
 * Either party redeems vouchers signed by the other one. Settle closes the channel after a delay; Collect pays the
 * payee what was redeemed and deletes the actor, which returns the rest to the payer.
 * Exits: 16 the voucher does not count, 17 an address is unknown (v0), 18 not an account or not settled yet,
 * 20 already settling, 32 settled already (v2).
 * Source: specs-actors builtin/paych, v0.9.12 and v2.1.0.
 */
import { Bytes, equal } from "../../base/bytes";
import { ActorDef, builtinCode, NOTHING } from "../../runtime/actor";
import { resolveToId } from "../../runtime/builtin";
import { ArrayOf } from "../../runtime/collections";
import { Runtime } from "../../runtime/runtime";
import { Address } from "../../types/address";
import { ERR_FORBIDDEN, ERR_ILLEGAL_ARGUMENT, ERR_ILLEGAL_STATE, ERR_NOT_FOUND } from "../../types/exit-code";
import { ConstructorParams, LaneState, PaychState, SignedVoucher, UpdateChannelStateParams } from "./codec.gen";
import { ERR_CHANNEL_STATE_UPDATE_AFTER_SETTLED, MAX_SECRET_BYTES, SETTLE_DELAY } from "./policy";
import { payOut, verifyPayment } from "./sends";
import { redeem } from "./state";

export function paychActor(): ActorDef {
  return new ActorDef("paymentchannel")
    .method(1, "Constructor", construct)
    .method(2, "UpdateChannelState", updateChannelState)
    .method(3, "Settle", settle)
    .method(4, "Collect", collect);
}

/** Allowed: the init actor. */
function construct(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<ConstructorParams>(params);
  rt.allowTypes(["init"]);
  const st = new PaychState();
  st.to = resolveAccount(rt, p.to);
  st.from = resolveAccount(rt, p.from);
  st.laneStates = ArrayOf.empty<LaneState>(rt).root();
  rt.create(st);
  return NOTHING;
}

/** The ID address of an account; v2 makes accounts of key addresses that it does not know. */
function resolveAccount(rt: Runtime, raw: Address): Address {
    let resolved = raw;
  if (rt.version.paychMakesAccounts) resolved = resolvedOrIllegalState(rt, raw);
  else {
    const known = rt.resolveAddress(raw);
    if (known === null) rt.abort(ERR_NOT_FOUND, "failed to resolve address");
    else resolved = known;
  }
  const code = rt.codeOf(resolved);
  if (code === null) {
    rt.abort(rt.version.paychMakesAccounts ? ERR_ILLEGAL_ARGUMENT : ERR_FORBIDDEN, "no code for address");
    return resolved;
  }
  rt.require(code.eq(builtinCode(rt.actorsVersion, "account")), ERR_FORBIDDEN, "actor must be an account");
  return resolved;
}

/** As `resolveToId`, but every failure is an illegal state, also that of the send. */
function resolvedOrIllegalState(rt: Runtime, raw: Address): Address {
  return resolveToId(rt, raw, ERR_ILLEGAL_STATE, ERR_ILLEGAL_STATE);
}

/** Redeems a voucher. Allowed: both parties; the voucher must be signed by the one that does not call. */
function updateChannelState(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<UpdateChannelStateParams>(params);
  const st = rt.state<PaychState>();
  rt.allowOnly([st.from, st.to]);
  const signer = rt.caller.eq(st.from) ? st.to : st.from;
  const voucher = p.sv;
  const signature = voucher.signature;
  if (signature === null) {
    rt.abort(ERR_ILLEGAL_ARGUMENT, "voucher has no signature");
    return NOTHING;
  }
  if (rt.version.paychClosesWhenSettled) {
    const settled = st.settlingAt != 0 && rt.epoch >= st.settlingAt;
    rt.require(!settled, ERR_CHANNEL_STATE_UPDATE_AFTER_SETTLED, "no vouchers after the settling epoch");
    rt.require(p.secret.length <= MAX_SECRET_BYTES, ERR_ILLEGAL_ARGUMENT, "secret is too long");
  }
  voucher.signature = null;
  const signed = rt.verifySignature(signature, signer, rt.encode(voucher));
  rt.require(signed, ERR_ILLEGAL_ARGUMENT, "voucher signature invalid");
  checkConditions(rt, voucher, p.secret);
  const extra = voucher.extra;
  if (extra !== null) verifyPayment(rt, extra, p.proof);

  const changed = rt.begin<PaychState>();
  redeem(rt, changed, voucher);
  rt.commit(changed);
  return NOTHING;
}

/** Ends with 16 unless the voucher is for this channel, for now, and its secret is the right one. */
function checkConditions(rt: Runtime, voucher: SignedVoucher, secret: Bytes): void {
    let channel: Address | null = voucher.channelAddr;
  if (rt.version.paychResolvesChannel) channel = rt.resolveAddress(voucher.channelAddr);
  const isOurs = channel !== null && channel.eq(rt.receiver);
  rt.require(isOurs, ERR_ILLEGAL_ARGUMENT, "voucher is for another channel");
  rt.require(rt.epoch >= voucher.timeLockMin, ERR_ILLEGAL_ARGUMENT, "cannot use this voucher yet");
  const expired = voucher.timeLockMax != 0 && rt.epoch > voucher.timeLockMax;
  rt.require(!expired, ERR_ILLEGAL_ARGUMENT, "this voucher has expired");
  rt.require(!voucher.amount.negative, ERR_ILLEGAL_ARGUMENT, "voucher amount must be non-negative");
  if (voucher.secretPreimage.length == 0) return;
  const hashed = rt.hashBlake2b(secret);
  rt.require(equal(hashed, voucher.secretPreimage), ERR_ILLEGAL_ARGUMENT, "incorrect secret");
}

/** Starts the delay after which the channel can be collected. Allowed: both parties. */
function settle(rt: Runtime, _params: Bytes): Bytes {
  const st = rt.begin<PaychState>();
  rt.allowOnly([st.from, st.to]);
  rt.require(st.settlingAt == 0, ERR_ILLEGAL_STATE, "channel already settling");
  st.settlingAt = max(rt.epoch + SETTLE_DELAY, st.minSettleHeight);
  rt.commit(st);
  return NOTHING;
}

/** Pays out and deletes the channel. Allowed: both parties, once it has settled. */
function collect(rt: Runtime, _params: Bytes): Bytes {
  const st = rt.state<PaychState>();
  rt.allowOnly([st.from, st.to]);
  const settled = st.settlingAt != 0 && rt.epoch >= st.settlingAt;
  rt.require(settled, ERR_FORBIDDEN, "payment channel not settling or settled");
  payOut(rt, st.to, st.toSend);
  rt.deleteActor(st.from);
  return NOTHING;
}
