/**
 * The machine: messages in, receipts and a state root out, with guests that the host runs in between.
 *
 *   begin        checks the message, buys its gas and puts its call on the stack
 *   next         goes on with the innermost call: a guest has to run, or the call has ended
 *   end          shares out the gas money and gives the receipt
 *
 * A message of the chain that fails a check has no effect but a penalty for the producer:
 *   1  its length costs more than its gas limit           exit 7   penalty base fee * cost
 *   2  the sender does not exist, or is no account        exit 1   penalty base fee * gas limit (also for the rest)
 *   3  the nonce is not the sender's                      exit 2
 *   4  gas limit * fee cap is above the sender's balance  exit 2
 * A placeholder with an address of Ethereum that sends its first message becomes an account of Ethereum.
 * An error of the machine itself costs the whole gas limit and exits with 10.
 * Source: ref-fvm fvm/src/executor/default.rs.
 */
import { endRun, MALFORMED, NOT_APPLICABLE } from "../abi/engine";
import { Big } from "../base/big";
import { Bytes, EMPTY, utf8 } from "../base/bytes";
import { Amt } from "../ipld/amt";
import { CborReader } from "../ipld/cbor-reader";
import { CborWriter } from "../ipld/cbor-writer";
import { Cid, CODEC_DAG_CBOR, CODEC_RAW } from "../ipld/cid";
import { PROTOCOL_DELEGATED } from "../types/address";
import { Message } from "../types/chain.gen";
import {
  OK,
  SYS_INSUFFICIENT_FUNDS,
  SYS_INVALID_RECEIVER,
  SYS_OUT_OF_GAS,
  SYS_SENDER_INVALID,
  SYS_SENDER_STATE_INVALID,
} from "../types/exit-code";
import { BURNT_FUNDS_ID, EAM_ID, REWARD_ID } from "../types/singletons";
import { GasOutputs, gasOutputs } from "../vm/gas/outputs";
import { Actor, ANY_ADDRESS } from "./actor";
import { Block, CODEC_CBOR } from "./blocks";
import { Call } from "./call";
import { Context } from "./context";
import { DONE, FATAL, INSUFFICIENT_FUNDS, NOT_FOUND, OUT_OF_GAS, SYS_ASSERTION_FAILED } from "./errors";
import * as guest from "./syscalls/guest";

@final
export class Machine {
  private receipts: Array<Bytes> = [];
  private message: Message = new Message();
  private implicit: bool = false;
  private payer: u64 = 0;
  /** Bytes of the receipt, or of what became of a message without one. */
  answer: Bytes = EMPTY;
  /** Why the last message could not be taken: `MALFORMED` or `NOT_APPLICABLE`. */
  refusal: i32 = 0;

  constructor(readonly context: Context) {}

  /** Takes a message: true if its call is on the stack now; else `refusal`, or if that is 0 `answer`, says what became of it. */
  begin(bytes: Bytes, chainLength: i32, implicit: bool): bool {
    this.refusal = 0;
    const message = new Message();
    const r = new CborReader(bytes, ANY_ADDRESS);
    message.read(r);
    r.finish();
    if (!r.ok || message.version != 0) this.refusal = MALFORMED;
    else if (message.gasLimit <= 0 || message.gasFeeCap.negative || message.gasPremium.negative) {
      this.refusal = NOT_APPLICABLE;
    }
    if (this.refusal != 0) return false;
    this.message = message;
    this.implicit = implicit;
    const ctx = this.context;
    ctx.why = "";
    ctx.gas.start(<u64>message.gasLimit, ctx.isSecond);
    if (implicit) {
      const id = ctx.tree.resolve(message.from);
      if (id < 0) return this.refused(SYS_SENDER_INVALID, Big.ZERO, "the sender does not exist");
      this.payer = <u64>id;
    } else if (!this.preflight(chainLength)) return false;
    this.call();
    return true;
  }

  private preflight(chainLength: i32): bool {
    const ctx = this.context;
    const message = this.message;
    const prices = ctx.prices;
    const inclusion = prices.message + prices.messagePerByte * <i64>chainLength;
    const inclusionGas = (inclusion + 999) / 1000;
    if (inclusionGas > message.gasLimit) {
      const penalty = ctx.baseFee.mul(Big.fromI64(inclusionGas));
      return this.refused(SYS_OUT_OF_GAS, penalty, "gas limit below the message's cost");
    }
    const penalty = ctx.baseFee.mul(Big.fromI64(message.gasLimit));
    const id = ctx.tree.resolve(message.from);
    const sender: Actor | null = id < 0 ? null : ctx.tree.get(<u64>id);
    if (sender === null) return this.refused(SYS_SENDER_INVALID, penalty, "the sender does not exist");
    const code = this.senderCode(sender);
    if (code === null) return this.refused(SYS_SENDER_INVALID, penalty, "the sender is no account");
    if (message.nonce != sender.nonce) return this.refused(SYS_SENDER_STATE_INVALID, penalty, "wrong nonce");
    const price = Big.fromI64(message.gasLimit).mul(message.gasFeeCap);
    if (sender.balance.lt(price)) {
      return this.refused(SYS_SENDER_STATE_INVALID, penalty, "balance below the gas price");
    }
    const paid = sender.withBalance(sender.balance.sub(price));
    paid.code = code;
    paid.nonce++;
    ctx.tree.set(<u64>id, paid);
    this.payer = <u64>id;
    ctx.gas.charge(<u64>inclusion);
    return true;
  }

  /** The code that a sender has from its message on, or null if it may send none. */
  private senderCode(sender: Actor): Cid | null {
    const manifest = this.context.manifest;
    if (manifest.is(sender.code, "account")) return sender.code;
    if (this.context.isSecond) return null;
    if (manifest.is(sender.code, "ethaccount")) return sender.code;
    const delegated = sender.delegated;
    if (delegated === null || sender.nonce != 0 || !manifest.is(sender.code, "placeholder")) return null;
    const ethereum = delegated.protocol == PROTOCOL_DELEGATED && delegated.bytes[1] == <u8>EAM_ID;
    return ethereum ? manifest.named("ethaccount") : null;
  }

  /** Puts the message's own call on the stack. */
  private call(): void {
    const ctx = this.context;
    const message = this.message;
    ctx.tree.settle();
    ctx.events.start();
    ctx.origin = this.payer;
    ctx.originAddress = message.from;
    ctx.nonce = message.nonce;
    ctx.actorsCreated = 0;
    const room = message.gasFeeCap.sub(ctx.baseFee);
    ctx.premium = Big.max(Big.min(message.gasPremium, room), Big.ZERO);
    ctx.access.start();
    ctx.access.update(this.payer);
    const receiver = ctx.tree.resolve(message.to);
    if (receiver >= 0) ctx.access.read(<u64>receiver);
    let params: Block | null = null;
    if (message.params.length != 0) {
      // Links that come from outside of the chain lead nowhere: plain CBOR, from the third generation on.
      const codec = ctx.isSecond ? CODEC_DAG_CBOR : message.method == 0 ? CODEC_RAW : CODEC_CBOR;
      params = new Block(codec, message.params);
    }
    guest.useContext(ctx);
    guest.calls.length = 0;
    guest.calls.push(
      new Call(ctx, this.payer, message.to, message.method, params, message.value, 0, false, false, 0),
    );
  }

  /** The message's call has ended: puts together what became of it. */
  end(): void {
    const ctx = this.context;
    const message = this.message;
    const call = guest.calls.pop();
    let exit = <i64>call.exit;
    let used = <i64>ctx.gas.usedGas;
    let value = EMPTY;
    if (call.error == DONE) {
      const block = call.returned;
      if (block !== null) value = block.data;
    } else if (call.error == OUT_OF_GAS) exit = SYS_OUT_OF_GAS;
    else if (call.error == FATAL) {
      exit = SYS_ASSERTION_FAILED;
      used = message.gasLimit;
    } else if (call.error == INSUFFICIENT_FUNDS) exit = SYS_INSUFFICIENT_FUNDS;
    else if (call.error == NOT_FOUND) exit = SYS_INVALID_RECEIVER;
    else exit = SYS_ASSERTION_FAILED;
    const events = ctx.events.root(ctx.store);
    let outputs = new GasOutputs();
    if (!this.implicit) {
      outputs = gasOutputs(used, message.gasLimit, ctx.baseFee, message.gasFeeCap, message.gasPremium);
      this.give(BURNT_FUNDS_ID, outputs.baseFeeBurn.add(outputs.overestimationBurn));
      this.give(REWARD_ID, outputs.minerTip);
      this.give(this.payer, outputs.refund);
      this.receipts.push(this.receipt(exit, value, used, events));
    }
    ctx.tree.settle();
    this.answer = this.encode(exit, value, used, outputs, exit == OK ? "" : ctx.why, events);
  }

  private refused(exit: i64, penalty: Big, why: string): bool {
    const outputs = GasOutputs.penalty(penalty);
    if (!this.implicit) this.receipts.push(this.receipt(exit, EMPTY, 0, null));
    this.answer = this.encode(exit, EMPTY, 0, outputs, why, null);
    return false;
  }

  private give(id: u64, amount: Big): void {
    if (amount.isZero) return;
    if (amount.negative) endRun("a share of the gas money is negative");
    const actor = this.context.tree.get(id);
    if (actor === null) return endRun("a receiver of gas money does not exist");
    this.context.tree.set(id, actor.withBalance(actor.balance.add(amount)));
  }

  private receipt(exit: i64, value: Bytes, used: i64, events: Cid | null): Bytes {
    const w = new CborWriter(2, 64 + value.length);
    w.array(this.context.isSecond ? 3 : 4).i64(exit).bytes(value).i64(used);
    if (this.context.isSecond) return w.finish();
    if (events === null) w.nil();
    else w.cid(events);
    return w.finish();
  }

  /** [exit, return, gas, penalty, tip, base fee burn, overestimation burn, refund, gas burned, why, events root or null] */
  private encode(exit: i64, value: Bytes, used: i64, o: GasOutputs, why: string, events: Cid | null): Bytes {
    const w = new CborWriter(2, 128 + value.length);
    w.array(11).i64(exit).bytes(value).i64(used);
    w.big(o.minerPenalty).big(o.minerTip).big(o.baseFeeBurn).big(o.overestimationBurn).big(o.refund);
    w.i64(o.gasBurned).text(utf8(why));
    if (events === null) w.nil();
    else w.cid(events);
    return w.finish();
  }

  /** Root of the array of receipts of the messages applied since the last call. */
  receiptsRoot(): Cid {
    const list = Amt.empty(this.context.store, 2);
    for (let i = 0; i < this.receipts.length; i++) list.set(<u64>i, this.receipts[i]);
    this.receipts = [];
    return list.flush();
  }

  flush(): Cid {
    return this.context.tree.flush();
  }
}
