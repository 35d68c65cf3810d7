/**
 * actor and send: other actors, new ones, and calls.
 * Source: ref-fvm fvm/src/syscalls/actor.rs, send.rs, fvm/src/kernel/default.rs (ActorOps), fvm/src/call_manager/default.rs.
 */
import { Big } from "../../base/big";
import { be64, concat } from "../../base/bytes";
import { CborWriter } from "../../ipld/cbor-writer";
import { Cid } from "../../ipld/cid";
import { Address, writeAddress } from "../../types/address";
import { INIT_ID } from "../../types/singletons";
import { Actor } from "../actor";
import * as actors from "../actors";
import { Block, NO_BLOCK } from "../blocks";
import { Call } from "../call";
import {
  BUFFER_TOO_SMALL,
  DONE,
  FATAL,
  FORBIDDEN,
  ILLEGAL_ARGUMENT,
  INVALID_HANDLE,
  NOT_FOUND,
  OUT_OF_GAS,
  READ_ONLY,
} from "../errors";
import { milligas } from "../gas-tracker";
import * as guest from "./guest";
import { findKey, keyFound } from "./keys";

/** Bytes of an actor address. */
const ACTOR_ADDRESS: u32 = 21;

export function actorResolveAddress(left: i64, to: u32, at: u32, length: u32): i32 {
  if (!guest.enter(left, to, 8)) return guest.refusal;
  const address = guest.addressOf(at, length);
  if (address === null) return guest.leave(ILLEGAL_ARGUMENT);
  const id = guest.ctx.tree.resolve(address);
  return guest.leave(id < 0 ? NOT_FOUND : guest.giveU64(to, <u64>id));
}

/** Bytes of an actor's code, delegated address or nothing. */
function codeOf(id: u64): i32 {
  const error = actors.getActor(guest.ctx, id);
  if (error != DONE) return error;
  return actors.found === null ? NOT_FOUND : DONE;
}

export function actorGetActorCodeCid(left: i64, to: u32, id: u64, at: u32, capacity: u32): i32 {
  if (!guest.enter(left, to, 4)) return guest.refusal;
  if (!guest.inside(at, capacity)) return guest.leave(ILLEGAL_ARGUMENT);
  const error = codeOf(id);
  return guest.leave(error != DONE ? error : guest.giveBytes(actors.found!.code.bytes, at, capacity, to));
}

export function actorLookupDelegatedAddress(left: i64, to: u32, id: u64, at: u32, capacity: u32): i32 {
  if (!guest.enter(left, to, 4)) return guest.refusal;
  if (!guest.inside(at, capacity)) return guest.leave(ILLEGAL_ARGUMENT);
  const error = codeOf(id);
  if (error != DONE) return guest.leave(error);
  const delegated = actors.found!.delegated;
  return guest.leave(delegated === null ? guest.giveU32(to, 0) : guest.giveBytes(delegated.bytes, at, capacity, to));
}

export function actorBalanceOf(left: i64, to: u32, id: u64): i32 {
  if (!guest.enter(left, to, 16)) return guest.refusal;
  const error = codeOf(id);
  return guest.leave(error != DONE ? error : guest.giveAmount(to, actors.found!.balance));
}

export function actorGetBuiltinActorType(left: i64, to: u32, cidAt: u32): i32 {
  if (!guest.enter(left, to, 4)) return guest.refusal;
  const cid = guest.cidOf(cidAt);
  return guest.leave(cid === null ? ILLEGAL_ARGUMENT : guest.giveU32(to, <u32>guest.ctx.manifest.typeOf(cid)));
}

export function actorGetCodeCidForType(left: i64, to: u32, type: u32, at: u32, capacity: u32): i32 {
  if (!guest.enter(left, to, 4)) return guest.refusal;
  if (!guest.inside(at, capacity)) return guest.leave(ILLEGAL_ARGUMENT);
  const code = guest.ctx.manifest.codeOf(type);
  return guest.leave(code === null ? ILLEGAL_ARGUMENT : guest.giveBytes(code.bytes, at, capacity, to));
}

function newAddress(from: Address, index: u64): Address {
  const w = new CborWriter();
  writeAddress(w, from);
  return Address.actor(concat(w.finish(), concat(be64(guest.ctx.nonce), be64(index))));
}

/** actor.next_actor_address: derived from the origin as the message spells it; the count moves when the actor is made. */
export function actorNextActorAddress(left: i64, to: u32, at: u32, capacity: u32): i32 {
  if (!guest.enter(left, to, 4)) return guest.refusal;
  if (!guest.inside(at, capacity)) return guest.leave(ILLEGAL_ARGUMENT);
  if (capacity < ACTOR_ADDRESS) return guest.leave(BUFFER_TOO_SMALL);
  const address = newAddress(guest.ctx.originAddress, guest.ctx.actorsCreated);
  return guest.leave(guest.giveBytes(address.bytes, at, capacity, to));
}

/** actor.new_actor_address of the second generation: derived from the origin's key, and counted at once. */
export function actorNewActorAddress(left: i64, to: u32, at: u32, capacity: u32): i32 {
  if (!guest.enter(left, to, 4)) return guest.refusal;
  if (!guest.inside(at, capacity)) return guest.leave(ILLEGAL_ARGUMENT);
  if (capacity < ACTOR_ADDRESS) return guest.leave(BUFFER_TOO_SMALL);
  const error = findKey(guest.ctx.originAddress, false);
  if (error != DONE) return guest.leave(error == OUT_OF_GAS ? error : FATAL);
  const address = newAddress(keyFound, guest.ctx.actorsCreated++);
  return guest.leave(guest.giveBytes(address.bytes, at, capacity, to));
}

/** actor.create_actor: an actor with a code, which only the init actor may make; a placeholder is taken over. */
export function actorCreateActor(left: i64, id: u64, cidAt: u32, at: u32, length: u32): i32 {
  if (!guest.enter(left, 0, 0)) return guest.refusal;
  const code = guest.cidOf(cidAt);
  if (code === null) return guest.leave(ILLEGAL_ARGUMENT);
  let delegated: Address | null = null;
  if (length > 0) {
    delegated = guest.addressOf(at, length);
    if (delegated === null) return guest.leave(ILLEGAL_ARGUMENT);
  }
  return guest.leave(create(id, code, delegated));
}

function create(id: u64, code: Cid, delegated: Address | null): i32 {
  const ctx = guest.ctx;
  if (guest.frame.receiver != INIT_ID) return FORBIDDEN;
  if (guest.frame.readOnly) return READ_ONLY;
  if (ctx.manifest.is(code, "placeholder")) return FORBIDDEN;
  const error = actors.getActor(ctx, id);
  if (error != DONE) return error;
  const there = actors.found;
  let actor: Actor;
  if (there === null) {
    if (!guest.charge(ctx.prices.createActor)) return OUT_OF_GAS;
    actor = Actor.empty(code, delegated);
  } else {
    if (!ctx.manifest.is(there.code, "placeholder")) return FORBIDDEN;
    const given = there.delegated;
    if (given === null) return FATAL;
    if (delegated === null || !delegated.eq(given)) return FORBIDDEN;
    actor = there.copy();
    actor.code = code;
  }
  const failed = actors.setActor(ctx, id, actor);
  if (failed == DONE) ctx.actorsCreated++;
  return failed;
}

/** actor.create_actor of the second generation: any builtin actor that is no singleton, by any actor. */
export function actorCreateActor2(left: i64, id: u64, cidAt: u32): i32 {
  if (!guest.enter(left, 0, 0)) return guest.refusal;
  const code = guest.cidOf(cidAt);
  if (code === null) return guest.leave(ILLEGAL_ARGUMENT);
  const ctx = guest.ctx;
  if (ctx.manifest.typeOf(code) == 0 || ctx.manifest.isSingleton(code) || ctx.tree.get(id) !== null) {
    return guest.leave(FORBIDDEN);
  }
  if (!guest.charge(ctx.prices.createActor)) return guest.leave(OUT_OF_GAS);
  ctx.tree.set(id, Actor.empty(code, null));
  return guest.leave(DONE);
}

const NO_LIMIT: u64 = u64.MAX_VALUE;

/** send.send: the call is put on the stack, and the host runs it before the guest goes on. */
export function sendSend(
  left: i64,
  to: u32,
  at: u32,
  length: u32,
  method: u64,
  params: u32,
  valueHigh: u64,
  valueLow: u64,
  limit: u64,
  flags: u64,
): i32 {
  if (!guest.enter(left, to, 20)) return guest.refusal;
  const receiver = guest.addressOf(at, length);
  if (receiver === null || flags > 1) return guest.leave(ILLEGAL_ARGUMENT);
  const value = Big.fromU64(valueHigh).lsh(64).add(Big.fromU64(valueLow));
  return begin(to, receiver, method, params, value, limit, flags == 1);
}

/** send.send of the second generation: without limit and flags. */
export function sendSend2(
  left: i64,
  to: u32,
  at: u32,
  length: u32,
  method: u64,
  params: u32,
  valueHigh: u64,
  valueLow: u64,
): i32 {
  return sendSend(left, to, at, length, method, params, valueHigh, valueLow, NO_LIMIT, 0);
}

function begin(
  to: u32,
  receiver: Address,
  method: u64,
  params: u32,
  value: Big,
  limit: u64,
  readOnly: bool,
): i32 {
  const frame = guest.frame;
  const quiet = frame.readOnly || readOnly;
  if (quiet && !value.isZero) return guest.leave(READ_ONLY);
  let block: Block | null = null;
  if (params != NO_BLOCK) {
    block = frame.blocks.get(params);
    if (block === null) return guest.leave(INVALID_HANDLE);
  }
  frame.sendTo = to;
  const limited = limit != NO_LIMIT;
  guest.calls.push(
    new Call(
      guest.ctx,
      frame.receiver,
      receiver,
      method,
      block,
      value,
      limited ? milligas(limit) : 0,
      limited,
      quiet,
      guest.calls.length,
    ),
  );
  return guest.CALLING;
}

/** The call that a send began has ended: the send's answer. */
export function sendEnded(): i32 {
  const call = guest.calls.pop();
  guest.useTop();
  if (call.error != DONE) return guest.leave(call.error);
  let handle: u32 = NO_BLOCK;
  let codec: u64 = 0;
  let bytes: u32 = 0;
  const block = call.returned;
  if (block !== null) {
    if (guest.frame.blocks.put(block) != DONE) return guest.leave(FATAL);
    guest.frame.reachable.addAll(block);
    handle = guest.frame.blocks.last;
    codec = block.codec;
    bytes = <u32>block.data.length;
  }
  guest.begin();
  guest.field32(call.exit);
  guest.field32(handle);
  guest.field64(codec);
  guest.field32(bytes);
  return guest.leave(guest.give(guest.frame.sendTo));
}
