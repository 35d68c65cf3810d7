/**
 * A call under way, from the message's own to the innermost: resolving the receiver, making it if it does not exist, moving the
 * value, running its code. It never waits inside: `next` goes on until a guest has to run or the call has ended, and the host
 * comes back with how the guest ended (`ended`). So the kernel's own stack stays flat however deep calls are nested.
 *
 * A key address without an actor becomes an account, whose constructor is a guest's run before the call's own.
 * Source: ref-fvm v2.12.1 and v3.14.1, fvm/src/call_manager/default.rs.
 */
import { Big } from "../base/big";
import { Bytes } from "../base/bytes";
import { CborWriter } from "../ipld/cbor-writer";
import { Cid, CODEC_DAG_CBOR } from "../ipld/cid";
import { Address, PROTOCOL_BLS, PROTOCOL_DELEGATED, PROTOCOL_SECP256K1, writeAddress } from "../types/address";
import { OK, SYS_INSUFFICIENT_FUNDS, SYS_INVALID_RECEIVER, SYS_OUT_OF_GAS } from "../types/exit-code";
import { EAM_ID, SYSTEM_ID } from "../types/singletons";
import { Actor } from "./actor";
import * as actors from "./actors";
import { Block, CODEC_CBOR, NO_BLOCK } from "./blocks";
import { Context } from "./context";
import {
  DONE,
  EXITED,
  FATAL,
  ILLEGAL_ARGUMENT,
  INSUFFICIENT_FUNDS,
  LIMIT_EXCEEDED,
  NOT_FOUND,
  OUT_OF_GAS,
  READ_ONLY,
  SYS_ASSERTION_FAILED,
  SYS_ILLEGAL_INSTRUCTION,
  SYS_MISSING_RETURN,
} from "./errors";
import { Frame } from "./frame";
import { TreeMark } from "./tree";

const CONSTRUCTOR: u64 = 1;

// What `next` answers.
export const CALL_ENDED: i32 = 0;
export const RUN_GUEST: i32 = 1;

// How a guest's run ended, as the host says it.
export const GUEST_RETURNED: i32 = 0;
export const GUEST_TRAPPED: i32 = 1;
/** A syscall ended it; the frame knows how. */
export const GUEST_LEFT: i32 = 2;
/** Its code is not at hand, or no guest that this machine runs. */
export const GUEST_MISSING: i32 = 3;

const BEFORE: i32 = 0;
const MAKING_ACCOUNT: i32 = 1;
const RUNNING: i32 = 2;
const OVER: i32 = 3;

@final
export class Call {
  /** Error of the call itself, 0 if it has an exit code. */
  error: i32 = DONE;
  exit: u32 = 0;
  returned: Block | null = null;
  frame: Frame | null = null;

  private stage: i32 = BEFORE;
  private receiver: u64 = 0;
  private treeMark: TreeMark | null = null;
  private accessMark: i32 = 0;
  private eventMark: i32 = 0;

  constructor(
    private readonly ctx: Context,
    private readonly from: u64,
    private readonly to: Address,
    private readonly method: u64,
    private readonly params: Block | null,
    private readonly value: Big,
    /** Milligas that it may use, if it has a limit of its own. */
    private readonly limit: u64,
    private readonly limited: bool,
    readonly readOnly: bool,
    /** Calls under way around it. */
    private readonly depth: i32,
  ) {}

  /** Goes on: a guest has to run (`frame` says which), or the call has ended. */
  next(): i32 {
    if (this.stage == BEFORE) {
      if (!this.begin()) return CALL_ENDED;
      const error = this.resolve();
      if (error != DONE) return this.over(error);
      if (this.frame !== null) {
        this.stage = MAKING_ACCOUNT;
        return RUN_GUEST;
      }
      return this.enter();
    }
    if (this.stage == MAKING_ACCOUNT) {
      // Only an error of the run counts; how the constructor exited does not.
      const error = this.error;
      if (error != DONE) return this.over(error);
      this.frame = null;
      this.exit = 0;
      this.returned = null;
      return this.enter();
    }
    return this.stage == RUNNING ? this.over(this.error) : CALL_ENDED;
  }

  private begin(): bool {
    const ctx = this.ctx;
    const trace = ctx.trace;
    if (trace !== null) {
      const room = (ctx.gas.available + 999) / 1000;
      const limit = this.limited ? min(room, (this.limit + 999) / 1000) : room;
      trace.begin(this.from, this.to, this.value, this.method, this.params, limit, this.readOnly, <u64>ctx.gas.usedGas);
    }
    if (this.limited) ctx.gas.pushLimit(this.limit);
    if (this.depth >= ctx.generation.maxDepth) {
      // The reference's third generation leaves the limit pushed here.
      if (this.limited && ctx.tracksLinks) ctx.gas.popLimit();
      this.error = actors.refuse(ctx, LIMIT_EXCEEDED, "calls are nested too deep");
      this.stage = OVER;
      this.traceEnd();
      return false;
    }
    this.treeMark = ctx.tree.mark();
    this.accessMark = ctx.access.mark();
    this.eventMark = ctx.events.mark();
    return true;
  }

  /** Finds the receiver, or makes it; a constructor that has to run for that is left in `frame`. */
  private resolve(): i32 {
    const ctx = this.ctx;
    const known = ctx.tree.resolve(this.to);
    if (known >= 0) {
      this.receiver = <u64>known;
      return DONE;
    }
    const protocol = this.to.protocol;
    if (protocol == PROTOCOL_BLS || protocol == PROTOCOL_SECP256K1) {
      if (this.readOnly) return actors.refuse(ctx, READ_ONLY, "a read-only call makes no account");
      return this.makeAccount();
    }
    if (!ctx.isSecond && protocol == PROTOCOL_DELEGATED && this.to.bytes[1] == <u8>EAM_ID) {
      if (this.readOnly) return actors.refuse(ctx, READ_ONLY, "a read-only call makes no placeholder");
      const error = actors.createFromSend(ctx, this.to, Actor.empty(this.codeNamed("placeholder"), this.to));
      this.receiver = actors.made;
      return error;
    }
    return actors.refuse(ctx, NOT_FOUND, "the receiver does not exist");
  }

  private codeNamed(name: string): Cid {
    const code = this.ctx.manifest.named(name);
    if (code === null) this.ctx.store.fail("the bundle lacks an actor that the machine needs");
    return code!;
  }

  private makeAccount(): i32 {
    const ctx = this.ctx;
    if (ctx.isSecond) {
      const error = actors.charge(ctx, ctx.prices.createActor);
      if (error != DONE) return error;
      if (isZeroBls(this.to)) return actors.refuse(ctx, ILLEGAL_ARGUMENT, "the zero key has no account");
      this.receiver = ctx.tree.register(this.to);
      ctx.tree.set(this.receiver, Actor.empty(this.codeNamed("account"), null));
    } else {
      if (isZeroBls(this.to)) return actors.refuse(ctx, ILLEGAL_ARGUMENT, "the zero key has no account");
      const error = actors.createFromSend(ctx, this.to, Actor.empty(this.codeNamed("account"), null));
      if (error != DONE) return error;
      this.receiver = actors.made;
    }
    const w = new CborWriter();
    writeAddress(w, this.to);
    const params = new Block(ctx.isSecond ? CODEC_DAG_CBOR : CODEC_CBOR, w.finish());
    return this.prepare(SYSTEM_ID, CONSTRUCTOR, params, Big.ZERO, false);
  }

  /** The call proper, once the receiver is known. */
  private enter(): i32 {
    this.traceReceiver();
    const error = this.prepare(this.from, this.method, this.params, this.value, this.readOnly);
    if (error != DONE || this.frame === null) return this.over(error);
    this.stage = RUNNING;
    return RUN_GUEST;
  }

  /** Charges, moves the value, and puts together what the guest starts with; no frame if there is no method to run. */
  private prepare(from: u64, method: u64, params: Block | null, value: Big, readOnly: bool): i32 {
    const ctx = this.ctx;
    const prices = ctx.prices;
    let error = actors.getActor(ctx, this.receiver);
    if (error != DONE) return error;
    const actor = actors.found;
    if (actor === null) return actors.refuse(ctx, NOT_FOUND, "the receiver does not exist");
    if (ctx.isSecond) {
      let price = prices.callBase;
      if (!value.isZero) price += prices.transfer + (method == 0 ? prices.transferOnly : 0);
      if (method != 0) price += prices.method;
      error = actors.charge(ctx, price);
    } else if (!value.isZero) error = actors.charge(ctx, prices.transfer);
    if (error == DONE && !value.isZero) error = actors.transfer(ctx, from, this.receiver, value);
    if (error != DONE || method == 0) return error;
    const links = params === null ? 0 : params.links.length;
    if (!ctx.isSecond) error = actors.charge(ctx, prices.method + prices.linkTracked * <i64>links);
    if (error != DONE) return error;
    const frame = new Frame(from, this.receiver, actor.code, method, value, readOnly, params === null ? NO_BLOCK : 1);
    if (params !== null) {
      error = frame.blocks.put(params);
      if (error != DONE) return error;
      frame.reachable.addAll(params);
    }
    this.frame = frame;
    return DONE;
  }

  /** Charges for the memory that the guest starts with, and sets its counter. False: it does not run. */
  start(pages: u32, tableEntries: u32): bool {
    const ctx = this.ctx;
    const frame = this.frame!;
    const perByte = <u64>ctx.prices.memoryPerByte;
    const fits =
      ctx.gas.charge(perByte * <u64>tableEntries * 8) && ctx.gas.charge(perByte * <u64>pages * 65536);
    if (!fits) {
      frame.error = OUT_OF_GAS;
      ctx.why = "out of gas";
    }
    frame.reload(ctx);
    return fits;
  }

  /** The guest has run: `value` is what it returned, `left` its counter. */
  ended(how: i32, value: u32, left: i64): void {
    const ctx = this.ctx;
    const frame = this.frame!;
    if (how == GUEST_MISSING) frame.error = FATAL;
    else if (frame.settle(ctx, left) != DONE) {
      frame.error = OUT_OF_GAS;
      ctx.why = "out of gas";
    } else if (how == GUEST_TRAPPED) {
      frame.error = EXITED;
      frame.exitCode = <u32>SYS_ILLEGAL_INSTRUCTION;
      ctx.why = "the actor trapped";
    }
    this.conclude(how, value);
  }

  /** Turns how the guest ended into the result of its run. */
  private conclude(how: i32, value: u32): void {
    const ctx = this.ctx;
    const frame = this.frame!;
    this.error = DONE;
    this.exit = OK;
    let handle = value;
    if (frame.error == EXITED) {
      this.exit = frame.exitCode;
      handle = frame.exitBlock;
    } else if (frame.error != DONE) {
      this.error = frame.error;
      return;
    }
    this.returned = null;
    if (handle == NO_BLOCK) return;
    const block = frame.blocks.get(handle);
    if (block === null) {
      if (frame.error == EXITED) this.error = FATAL;
      else {
        this.exit = <u32>SYS_MISSING_RETURN;
        ctx.why = "the block to be returned does not exist";
      }
      return;
    }
    this.returned = block;
    // The message's own call pays for what goes to the chain (the second generation when it is over), others for links.
    if (ctx.isSecond) return;
    const chain = this.depth == 0;
    const price = chain ? ctx.prices.returnPerByte * <i64>block.data.length : ctx.prices.linkTracked * <i64>block.links.length;
    this.error = actors.charge(ctx, price);
  }

  /** Ends the call: what it did is taken back unless it succeeded. */
  private over(error: i32): i32 {
    const ctx = this.ctx;
    this.error = error;
    this.stage = OVER;
    this.frame = null;
    if (ctx.isSecond && this.depth == 0 && error == DONE && this.exit == OK) {
      const block = this.returned;
      const bytes = block === null ? 0 : block.data.length;
      this.error = actors.charge(ctx, ctx.prices.returnPerByte * <i64>bytes);
    }
    if (this.error != DONE || this.exit != OK) {
      ctx.tree.rollBack(this.treeMark!);
      ctx.access.rollBack(this.accessMark);
      ctx.events.rollBack(this.eventMark);
    }
    if (this.limited) ctx.gas.popLimit();
    if (this.error == OUT_OF_GAS && !ctx.isSecond && ctx.gas.available != 0) {
      this.error = DONE;
      this.exit = SYS_OUT_OF_GAS;
      this.returned = null;
    }
    this.traceEnd();
    return CALL_ENDED;
  }

  private traceReceiver(): void {
    const trace = this.ctx.trace;
    if (trace === null) return;
    const actor = this.ctx.tree.get(this.receiver);
    if (actor !== null) trace.receiver(this.receiver, actor);
  }

  private traceEnd(): void {
    const trace = this.ctx.trace;
    if (trace === null) return;
    const error = this.error;
    const exit = error == DONE ? this.exit : exitOf(error);
    const why = exit == <u32>OK ? "" : this.ctx.why;
    trace.end(exit, error == DONE ? this.returned : null, <u64>this.ctx.gas.usedGas, why);
  }
}

/** The exit code that stands for an error of a call. Source: lotus' FFI (fvm/machine.rs, build_lotus_trace). */
function exitOf(error: i32): u32 {
  if (error == OUT_OF_GAS) return <u32>SYS_OUT_OF_GAS;
  if (error == INSUFFICIENT_FUNDS) return <u32>SYS_INSUFFICIENT_FUNDS;
  return error == NOT_FOUND ? <u32>SYS_INVALID_RECEIVER : <u32>SYS_ASSERTION_FAILED;
}

/** The BLS address of the point at infinity, which is nobody's key: one byte 0xc0 and 47 of 0. */
function isZeroBls(address: Address): bool {
  const bytes: Bytes = address.bytes;
  if (address.protocol != PROTOCOL_BLS || bytes[1] != 0xc0) return false;
  for (let i = 2; i < bytes.length; i++) if (bytes[i] != 0) return false;
  return true;
}
