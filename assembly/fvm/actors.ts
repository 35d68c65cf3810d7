/**
 * Reaching actors as a message does: each access is charged once (third generation), and funds move.
 *
 * A function answers with an error (0: none) and leaves the actor it found in `found`, as AssemblyScript has no pairs.
 * Source: ref-fvm v3.14.1 fvm/src/call_manager/default.rs; v2.12.1 fvm/src/machine/default.rs.
 */
import { Big } from "../base/big";
import { Address } from "../types/address";
import { Actor } from "./actor";
import { Context } from "./context";
import { DONE, ILLEGAL_ARGUMENT, INSUFFICIENT_FUNDS, NOT_FOUND, OUT_OF_GAS } from "./errors";

/** The actor that the last `getActor` found, or null. */
export let found: Actor | null = null;

export function charge(ctx: Context, amount: i64): i32 {
  if (ctx.gas.charge(<u64>amount)) return DONE;
  ctx.why = "out of gas";
  return OUT_OF_GAS;
}

export function getActor(ctx: Context, id: u64): i32 {
  if (!ctx.isSecond && !ctx.access.isRead(id)) {
    const error = charge(ctx, ctx.prices.lookup);
    if (error != DONE) return error;
  }
  found = ctx.tree.get(id);
  if (!ctx.isSecond) ctx.access.read(id);
  return DONE;
}

/** Puts an actor, or with null deletes it. */
export function setActor(ctx: Context, id: u64, actor: Actor | null): i32 {
  if (!ctx.isSecond) {
    let error = DONE;
    if (!ctx.access.isRead(id)) error = charge(ctx, ctx.prices.lookup);
    if (error == DONE && !ctx.access.isUpdated(id)) error = charge(ctx, ctx.prices.update);
    if (error != DONE) return error;
  }
  ctx.tree.set(id, actor);
  if (!ctx.isSecond) ctx.access.update(id);
  return DONE;
}

/** Moves funds; a transfer to oneself ends after the check of the balance. */
export function transfer(ctx: Context, from: u64, to: u64, value: Big): i32 {
  if (value.negative) return refuse(ctx, ILLEGAL_ARGUMENT, "a negative amount cannot be transferred");
  let error = getActor(ctx, from);
  if (error != DONE) return error;
  const sender = found;
  if (sender === null || sender.balance.lt(value)) return refuse(ctx, INSUFFICIENT_FUNDS, "not enough funds");
  if (from == to) return DONE;
  error = getActor(ctx, to);
  if (error != DONE) return error;
  const receiver = found;
  if (receiver === null) return refuse(ctx, NOT_FOUND, "the receiver of a transfer does not exist");
  error = setActor(ctx, from, sender.withBalance(sender.balance.sub(value)));
  if (error != DONE) return error;
  return setActor(ctx, to, receiver.withBalance(receiver.balance.add(value)));
}

export function refuse(ctx: Context, error: i32, why: string): i32 {
  ctx.why = why;
  return error;
}

/** Makes an actor at an address that has none yet, and charges for both; its id is left in `made`. */
export function createFromSend(ctx: Context, address: Address, actor: Actor): i32 {
  const prices = ctx.prices;
  const error = charge(ctx, prices.createActor + prices.newAddress);
  if (error != DONE) return error;
  made = ctx.tree.register(address);
  return setActor(ctx, made, actor);
}

/** Id that `createFromSend` gave. */
export let made: u64 = 0;
