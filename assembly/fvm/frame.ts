/**
 * One run of a guest: who called whom with what, the blocks at hand, and how its gas is settled.
 *
 * The guest counts its gas down in a counter of its own. At every syscall and at its end what it has used since the kernel
 * last looked is taken from the message's gas (`settle`); then the counter is set again (`reload`). What the kernel last saw is
 * kept in `last`: where a syscall returns without setting the counter, the third generation charges that stretch twice.
 * Source: ref-fvm fvm/src/syscalls/mod.rs (charge_for_exec, update_gas_available).
 */
import { Big } from "../base/big";
import { Cid } from "../ipld/cid";
import { BlockRegistry } from "./blocks";
import { Context } from "./context";
import { DONE, OUT_OF_GAS } from "./errors";
import { Reachable } from "./links";

/** What the guest's counter is set to when the host goes on with it. */
export let counter: i64 = 0;

export function setCounter(value: i64): void {
  counter = value;
}

@final
export class Frame {
  readonly blocks: BlockRegistry = new BlockRegistry();
  /** CIDs that it may use, from the fourth generation on. */
  readonly reachable: Reachable = new Reachable();
  private last: u64 = 0;
  /** How the guest left: exit code and block of `vm.exit`, or an error that ends it. */
  exitCode: u32 = 0;
  exitBlock: u32 = 0;
  error: i32 = DONE;
  /** Where the result of a send under way goes to in the guest's memory. */
  sendTo: u32 = 0;

  constructor(
    readonly caller: u64,
    readonly receiver: u64,
    readonly code: Cid,
    readonly method: u64,
    readonly value: Big,
    readonly readOnly: bool,
    /** Handle of the parameters, or 0. */
    readonly params: u32,
  ) {}

  /** Takes what the guest has used from the message's gas. */
  settle(ctx: Context, left: i64): i32 {
    let used: u64;
    if (ctx.isSecond) {
      used = this.last - <u64>left;
      this.last = <u64>left;
    } else if (left < 0) {
      used = this.last + <u64>-left;
    } else {
      used = this.last > <u64>left ? this.last - <u64>left : 0;
    }
    return ctx.gas.charge(used) ? DONE : OUT_OF_GAS;
  }

  /** Sets the guest's counter to what is left. */
  reload(ctx: Context): void {
    this.last = ctx.gas.available;
    counter = <i64>this.last;
  }
}
