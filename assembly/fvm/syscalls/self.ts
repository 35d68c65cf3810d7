/**
 * self and vm: the actor's own state and balance, the message it was sent, and its end.
 * Source: ref-fvm fvm/src/syscalls/sself.rs, vm.rs, fvm/src/kernel/default.rs (SelfOps, MessageOps).
 */
import { Big } from "../../base/big";
import { toText } from "../../base/bytes";
import { Address } from "../../types/address";
import { BURNT_FUNDS_ID } from "../../types/singletons";
import * as actors from "../actors";
import { NO_BLOCK } from "../blocks";
import {
  DONE,
  EXITED,
  FATAL,
  FIRST_USER_EXIT,
  FORBIDDEN,
  ILLEGAL_ARGUMENT,
  ILLEGAL_OPERATION,
  NOT_FOUND,
  OUT_OF_GAS,
  READ_ONLY,
  SYS_ILLEGAL_EXIT_CODE,
} from "../errors";
import * as guest from "./guest";

/** Longest part of an abort's text that is kept, bytes. */
const MAX_TEXT: u32 = 1024;

function textOf(at: u32, length: u32): string {
  if (length == 0) return "the actor aborted";
  const bytes = guest.bytesOf(at, min(length, MAX_TEXT));
  return bytes === null ? "the actor aborted without a readable text" : toText(bytes);
}

/** vm.exit: leaves with a code and a block. Codes below 16 are the system's; 0 is no failure. */
export function vmExit(left: i64, code: u32, block: u32, at: u32, length: u32): i32 {
  if (!guest.enter(left, 0, 0)) return guest.refusal;
  return exit(code, code != 0 && code < FIRST_USER_EXIT, block, at, length);
}

/** vm.abort of the second generation: no block, and no exit with 0. */
export function vmAbort(left: i64, code: u32, at: u32, length: u32): i32 {
  if (!guest.enter(left, 0, 0)) return guest.refusal;
  return exit(code, code < FIRST_USER_EXIT, NO_BLOCK, at, length);
}

function exit(code: u32, reserved: bool, block: u32, at: u32, length: u32): i32 {
  const frame = guest.frame;
  guest.ctx.why = reserved ? `the actor aborted with the system's code ${code}` : textOf(at, length);
  frame.exitCode = reserved ? <u32>SYS_ILLEGAL_EXIT_CODE : code;
  frame.exitBlock = block;
  return guest.leave(EXITED);
}

/** vm.message_context. */
export function vmMessageContext(left: i64, to: u32): i32 {
  if (!guest.enter(left, to, 80)) return guest.refusal;
  const ctx = guest.ctx;
  const frame = guest.frame;
  guest.begin();
  guest.field64(ctx.origin);
  guest.field64(ctx.nonce);
  guest.field64(frame.caller);
  guest.field64(frame.receiver);
  guest.field64(frame.method);
  if (!guest.amount(frame.value) || !guest.amount(ctx.premium)) return guest.leave(FATAL);
  guest.field64(frame.readOnly ? 1 : 0);
  return guest.leave(guest.give(to));
}

/** vm.context of the second generation. */
export function vmContext(left: i64, to: u32): i32 {
  if (!guest.enter(left, to, 52)) return guest.refusal;
  const ctx = guest.ctx;
  const frame = guest.frame;
  guest.begin();
  if (!guest.amount(frame.value)) return guest.leave(FATAL);
  guest.field64(frame.caller);
  guest.field64(frame.receiver);
  guest.field64(frame.method);
  guest.field64(<u64>ctx.epoch);
  guest.field32(ctx.networkVersion);
  return guest.leave(guest.give(to));
}

export function selfRoot(left: i64, to: u32, at: u32, capacity: u32): i32 {
  if (!guest.enter(left, to, 4)) return guest.refusal;
  return guest.leave(root(to, at, capacity));
}

function root(to: u32, at: u32, capacity: u32): i32 {
  if (!guest.inside(at, capacity)) return ILLEGAL_ARGUMENT;
  if (!guest.charge(guest.ctx.prices.linkTracked)) return OUT_OF_GAS;
  const error = actors.getActor(guest.ctx, guest.frame.receiver);
  if (error != DONE) return error;
  const actor = actors.found;
  if (actor === null) return ILLEGAL_OPERATION;
  guest.frame.reachable.add(actor.head);
  return guest.giveBytes(actor.head.bytes, at, capacity, to);
}

export function selfSetRoot(left: i64, cidAt: u32): i32 {
  if (!guest.enter(left, 0, 0)) return guest.refusal;
  return guest.leave(setRoot(cidAt));
}

function setRoot(cidAt: u32): i32 {
  const cid = guest.cidOf(cidAt);
  if (cid === null) return ILLEGAL_ARGUMENT;
  const frame = guest.frame;
  if (frame.readOnly) return READ_ONLY;
  if (!guest.charge(guest.ctx.prices.linkChecked)) return OUT_OF_GAS;
  if (guest.ctx.tracksLinks && !frame.reachable.has(cid)) return NOT_FOUND;
  const error = actors.getActor(guest.ctx, frame.receiver);
  if (error != DONE) return error;
  const actor = actors.found;
  if (actor === null) return ILLEGAL_OPERATION;
  const changed = actor.copy();
  changed.head = cid;
  return actors.setActor(guest.ctx, frame.receiver, changed);
}

export function selfCurrentBalance(left: i64, to: u32): i32 {
  if (!guest.enter(left, to, 16)) return guest.refusal;
  const error = actors.getActor(guest.ctx, guest.frame.receiver);
  if (error != DONE) return guest.leave(error);
  const actor = actors.found;
  return guest.leave(guest.giveAmount(to, actor === null ? Big.ZERO : actor.balance));
}

/** self.self_destruct from the fourth generation on: what is left is burnt if the actor says so. */
export function selfDestruct4(left: i64, burn: u32): i32 {
  if (!guest.enter(left, 0, 0)) return guest.refusal;
  return guest.leave(burnAndDestruct(burn != 0));
}

function burnAndDestruct(burn: bool): i32 {
  const ctx = guest.ctx;
  const self = guest.frame.receiver;
  if (guest.frame.readOnly) return READ_ONLY;
  const error = actors.getActor(ctx, self);
  if (error != DONE) return error;
  const actor = actors.found;
  if (actor !== null && !actor.balance.isZero) {
    if (!burn) return ILLEGAL_OPERATION;
    const failed = actors.transfer(ctx, self, BURNT_FUNDS_ID, actor.balance);
    // Even the end of the gas is an error of the machine here.
    if (failed != DONE) return FATAL;
  }
  return actors.setActor(ctx, self, null);
}

export function selfDestruct(left: i64, at: u32, length: u32): i32 {
  if (!guest.enter(left, 0, 0)) return guest.refusal;
  const heir = guest.addressOf(at, length);
  return guest.leave(heir === null ? ILLEGAL_ARGUMENT : destruct(heir));
}

function destruct(heir: Address): i32 {
  const ctx = guest.ctx;
  const self = guest.frame.receiver;
  if (guest.frame.readOnly) return READ_ONLY;
  if (!guest.charge(ctx.prices.deleteActor)) return OUT_OF_GAS;
  const error = actors.getActor(ctx, self);
  if (error != DONE) return error;
  const actor = actors.found;
  if (actor !== null && !actor.balance.isZero) {
    const id = ctx.tree.resolve(heir);
    if (id < 0) return NOT_FOUND;
    if (<u64>id == self) return FORBIDDEN;
    const failed = actors.transfer(ctx, self, <u64>id, actor.balance);
    if (failed != DONE) return failed;
  }
  return actors.setActor(ctx, self, null);
}
