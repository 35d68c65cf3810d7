/**
 * Every syscall's frame, and the guest's memory.
 *
 * `enter` settles what the guest has used, charges for the syscall and checks the place of the result, in this order; `leave`
 * gives back the error and sets the guest's counter, also when the guest is ended. A result whose place lies outside of the
 * guest's memory returns without setting the counter.
 * Source: ref-fvm fvm/src/syscalls/bind.rs, context.rs.
 */
import { guestRead, guestSize, guestWrite } from "../../abi/guest";
import { Big } from "../../base/big";
import { Bytes, ptrOf, slice } from "../../base/bytes";
import { varintAt, varintLength } from "../../base/varint";
import { Cid } from "../../ipld/cid";
import { Address, parseAddress } from "../../types/address";
import { Call } from "../call";
import { Context } from "../context";
import { BUFFER_TOO_SMALL, DONE, FATAL, ILLEGAL_ARGUMENT, OUT_OF_GAS } from "../errors";
import { Frame, setCounter } from "../frame";

/** The guest has to be ended: what a syscall answers then. */
export const LEFT: i32 = -1;
/** A call has to be run before the guest goes on. */
export const CALLING: i32 = -2;

/** What syscalls work on: the machine sets these. */
export let ctx: Context = changetype<Context>(0);
export let frame: Frame = changetype<Frame>(0);
/** Calls under way, outermost first. */
export const calls: Array<Call> = [];

export function useContext(context: Context): void {
  ctx = context;
}

/** Makes the frame of the innermost call the one that syscalls work on. */
export function useTop(): void {
  if (calls.length == 0) return;
  const top = calls[calls.length - 1].frame;
  if (top !== null) frame = top;
}

/** What `enter` refused with. */
export let refusal: i32 = DONE;

/** Starts a syscall: false if it goes no further, and then `refusal` is its answer. */
export function enter(left: i64, to: u32, bytes: u32): bool {
  setCounter(left);
  if (frame.settle(ctx, left) != DONE || !ctx.gas.charge(<u64>ctx.prices.syscall)) {
    frame.error = OUT_OF_GAS;
    ctx.why = "out of gas";
    refusal = LEFT;
    return false;
  }
  if (bytes != 0 && !inside(to, bytes)) {
    refusal = ILLEGAL_ARGUMENT;
    return false;
  }
  return true;
}

/** Ends a syscall. */
export function leave(error: i32): i32 {
  frame.reload(ctx);
  if (error < OUT_OF_GAS) return error;
  frame.error = error;
  return LEFT;
}

export function charge(amount: i64): bool {
  return ctx.gas.charge(<u64>amount);
}

/** True if the guest's memory has these bytes. */
export function inside(at: u32, length: u32): bool {
  return <u64>at + <u64>length <= <u64>guestSize();
}

/** A copy of the guest's bytes, or null if they lie outside. */
export function bytesOf(at: u32, length: u32): Bytes | null {
  if (!inside(at, length)) return null;
  const out = new StaticArray<u8>(<i32>length);
  if (length != 0) guestRead(at, ptrOf(out), <i32>length);
  return out;
}

/** Longest CID that is read: four numbers and 64 bytes of digest. */
const MAX_CID: u32 = 104;
const MAX_DIGEST: u64 = 64;

/** The CID at an address, or null: it ends where it ends, wherever that is inside the memory. */
export function cidOf(at: u32): Cid | null {
  const size = guestSize();
  if (at > size) return null;
  const bytes = bytesOf(at, min<u32>(MAX_CID, size - at));
  if (bytes === null) return null;
  const start = ptrOf(bytes);
  const end = start + <usize>bytes.length;
  // Version 0: a bare multihash.
  if (bytes.length >= 34 && bytes[0] == 0x12 && bytes[1] == 0x20) return new Cid(slice(bytes, 0, 34));
  let next = start;
  let value: u64 = 0;
  for (let part = 0; part < 4; part++) {
    const length = varintLength(next, end);
    if (length == 0) return null;
    value = varintAt(next);
    if (part == 0 && value != 1) return null;
    next += <usize>length;
  }
  if (value > MAX_DIGEST || value > <u64>(end - next)) return null;
  return new Cid(slice(bytes, 0, <i32>(next + <usize>value - start)));
}

/** Longest address: protocol, ten bytes of namespace, 54 of subaddress. */
const MAX_ADDRESS: u32 = 65;

/** The address in the guest's bytes, or null. */
export function addressOf(at: u32, length: u32): Address | null {
  if (length > MAX_ADDRESS) return null;
  const bytes = bytesOf(at, length);
  return bytes === null ? null : parseAddress(bytes);
}

/** Writes bytes where there is room for `capacity`, and their number as the result at `to`. */
export function giveBytes(bytes: Bytes, at: u32, capacity: u32, to: u32): i32 {
  if (<u32>bytes.length > capacity) return BUFFER_TOO_SMALL;
  guestWrite(at, ptrOf(bytes), bytes.length);
  return giveU32(to, <u32>bytes.length);
}

const scratch: usize = memory.data(128);

export function giveU32(to: u32, value: u32): i32 {
  store<u32>(scratch, value);
  guestWrite(to, scratch, 4);
  return DONE;
}

/** A verdict as syscalls give it: 0 good, -1 bad. */
export function giveVerdict(to: u32, good: bool): i32 {
  return giveU32(to, good ? 0 : <u32>-1);
}

export function giveU64(to: u32, value: u64): i32 {
  store<u64>(scratch, value);
  guestWrite(to, scratch, 8);
  return DONE;
}

/** A result put together: `field` and `amount` append, `give` writes it. */
let filled: usize = 0;

export function begin(): void {
  filled = 0;
}

export function field64(value: u64): void {
  store<u64>(scratch + filled, value);
  filled += 8;
}

export function field32(value: u32): void {
  store<u32>(scratch + filled, value);
  filled += 4;
}

/** An amount of 128 bits, low half first; false if it is negative or larger. */
export function amount(value: Big): bool {
  if (value.negative || value.bitLength > 128) return false;
  field64(value.lowU64);
  field64(value.rsh(64).lowU64);
  return true;
}

export function give(to: u32): i32 {
  guestWrite(to, scratch, <i32>filled);
  return DONE;
}

/** One amount as the result. */
export function giveAmount(to: u32, value: Big): i32 {
  begin();
  return amount(value) ? give(to) : FATAL;
}
