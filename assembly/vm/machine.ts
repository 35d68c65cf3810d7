/**
 * The machine: messages in, receipts and a state root out.
 *
 * A message of the chain is checked first, in this order; a message that fails has no effect but a penalty for the
 * producer who put it into a block:
 *
 *   1  its length costs more than its gas limit          exit 7   penalty base fee * cost
 *   2  the sender does not exist                         exit 1   penalty base fee * gas limit (also for the rest)
 *   3  the sender is no account                          exit 1
 *   4  the nonce is not the sender's                     exit 2
 *   5  gas limit * fee cap is above the sender's balance exit 2
 *
 * Then the gas is bought and the nonce raised; both stay whatever happens. The message is executed; if it fails, or its
 * return value costs more than the gas left, its changes are taken back. Last, the gas money is shared out.
 * Implicit messages (rewards, cron) skip all of that and have no receipt in the chain.
 * Source: lotus v1.0.0 chain/vm/vm.go.
 */
import { endRun, MALFORMED, NOT_APPLICABLE } from "../abi/engine";
import { Big } from "../base/big";
import { Bytes, EMPTY, utf8 } from "../base/bytes";
import { Amt } from "../ipld/amt";
import { CborReader } from "../ipld/cbor-reader";
import { CborWriter } from "../ipld/cbor-writer";
import { Cid } from "../ipld/cid";
import { NetworkProfile } from "../runtime/profile.gen";
import { NetworkVersion } from "../runtime/versions.gen";
import { ActorEntry, Message, MessageReceipt } from "../types/chain.gen";
import { OK, SYS_OUT_OF_GAS, SYS_SENDER_INVALID, SYS_SENDER_STATE_INVALID } from "../types/exit-code";
import { BURNT_FUNDS_ID, REWARD_ID } from "../types/singletons";
import { FreeStore } from "./block-store";
import { CirculatingSupply } from "./circulating-supply";
import { Context } from "./context";
import { GasOutputs, gasOutputs } from "./gas/outputs";
import { sendMessage } from "./kernel";
import { Registry } from "./registry";
import { copyOf, StateTree } from "./state-tree";
import { Trace } from "./trace";

/** What became of a message. */
@final
export class Applied {
  constructor(
    readonly exit: i32,
    readonly value: Bytes,
    /** gas */
    readonly used: i64,
    readonly outputs: GasOutputs,
    /** Why it failed, for people. */
    readonly why: string,
  ) {}

  /** [exit code, return, gas used, penalty, tip, base fee burn, overestimation burn, refund, gas burned, why] */
  encode(): Bytes {
    const w = new CborWriter(2, 128 + this.value.length);
    const o = this.outputs;
    w.array(10).i64(this.exit).bytes(this.value).i64(this.used);
    w.big(o.minerPenalty).big(o.minerTip).big(o.baseFeeBurn).big(o.overestimationBurn).big(o.refund);
    w.i64(o.gasBurned).text(utf8(this.why));
    return w.finish();
  }
}

@final
export class Machine {
  private receipts: Array<Bytes> = [];
  readonly trace: Trace;

  private constructor(readonly context: Context) {
    this.trace = context.trace;
  }

  /** Opens a machine. `supply` and `root` have been read from the host's description. */
  static open(
    registry: Registry,
    root: Cid,
    supply: CirculatingSupply,
    store: FreeStore,
    version: NetworkVersion,
    profile: NetworkProfile,
    tracing: bool,
  ): Machine {
    const trace = new Trace();
    trace.on = tracing;
    trace.clear();
    const tree = StateTree.open(store, registry, root);
    return new Machine(new Context(store, registry, tree, trace, supply, profile, version));
  }

  get tree(): StateTree {
    return this.context.tree;
  }

  /** Moves to an epoch. */
  advance(epoch: i64, version: NetworkVersion, baseFee: Big): void {
    this.context.advance(epoch, version);
    this.context.baseFee = baseFee;
  }

  /** Why the last message could not be taken: `MALFORMED` or `NOT_APPLICABLE`. */
  refusal: i32 = 0;

  /** Applies a message of the chain, charged for `chainLength` bytes. Null if it cannot be taken at all. */
  apply(bytes: Bytes, chainLength: i32): Applied | null {
    const message = this.decode(bytes);
    if (message === null) return null;
    if (message.gasLimit <= 0 || message.gasFeeCap.negative || message.gasPremium.negative) {
      this.refusal = NOT_APPLICABLE;
      return null;
    }
    const applied = this.execute(message, chainLength);
    const receipt = new MessageReceipt();
    receipt.exitCode = applied.exit;
    receipt.return = applied.value;
    receipt.gasUsed = applied.used;
    this.receipts.push(receipt.encode(2));
    return applied;
  }

  /** Applies a message of the machine itself. Null if it is malformed. */
  applyImplicit(bytes: Bytes): Applied | null {
    const message = this.decode(bytes);
    if (message === null) return null;
    const ctx = this.context;
    this.begin(message);
    // The reference keeps the changes of a failed implicit message; the tipset is void then.
    const exit = sendMessage(ctx, null, message.from, message.to, message.method, message.params, message.value, -1);
    ctx.tree.settle();
    return new Applied(exit, ctx.returned, 0, new GasOutputs(), ctx.why);
  }

  /** Root of the array of receipts of the messages applied since the last call. */
  receiptsRoot(): Cid {
    const list = Amt.empty(this.context.store);
    for (let i = 0; i < this.receipts.length; i++) list.set(<u64>i, this.receipts[i]);
    this.receipts = [];
    return list.flush();
  }

  /** Writes the changes and returns the state's root. */
  flush(): Cid {
    return this.context.tree.flush();
  }

  /** The circulating supply in the present state. */
  supply(): Big {
    return this.context.supply.at(this.context.epoch, this.tree);
  }

  private decode(bytes: Bytes): Message | null {
    const r = new CborReader(bytes);
    const message = new Message();
    message.read(r);
    r.finish();
    if (r.ok && message.version == 0) return message;
    this.refusal = MALFORMED;
    return null;
  }

  private begin(message: Message): void {
    const ctx = this.context;
    ctx.trace.clear();
    ctx.depth = 0;
    ctx.origin = message.from;
    ctx.originNonce = message.nonce;
    ctx.actorsNamed = 0;
    ctx.gas.start(message.gasLimit);
  }

  private execute(message: Message, chainLength: i32): Applied {
    const ctx = this.context;
    const tree = ctx.tree;
    const prices = ctx.gas.prices;
    this.begin(message);
    const storage = prices.messageStorage + prices.messagePerByte * <i64>chainLength;
    const messageCost = prices.messageCompute + storage * prices.storageMultiplier;
    if (messageCost > message.gasLimit) {
      return this.refused(SYS_OUT_OF_GAS, messageCost, "gas limit below the message's cost");
    }
    const fromId = tree.resolve(message.from);
    const sender: ActorEntry | null = fromId < 0 ? null : tree.get(<u64>fromId);
    if (sender === null) return this.refused(SYS_SENDER_INVALID, message.gasLimit, "the sender does not exist");
    const kind = ctx.registry.find(sender.code);
    if (kind === null || !kind.isAccount) return this.refused(SYS_SENDER_INVALID, message.gasLimit, "the sender is no account");
    if (message.nonce != sender.nonce) return this.refused(SYS_SENDER_STATE_INVALID, message.gasLimit, "wrong nonce");
    const price = message.gasFeeCap.times(message.gasLimit);
    if (sender.balance.lt(price)) return this.refused(SYS_SENDER_STATE_INVALID, message.gasLimit, "balance below the gas price");

    const payer = copyOf(sender);
    payer.balance = sender.balance.sub(price);
    payer.nonce++;
    tree.set(<u64>fromId, payer);
    const mark = tree.mark();

    const to = message.to;
    let exit = sendMessage(ctx, null, message.from, to, message.method, message.params, message.value, chainLength);
    let value = ctx.returned;
    if (value.length != 0 && !ctx.gas.charge("OnChainReturnValue", 0, prices.returnPerByte * <i64>value.length)) {
      exit = SYS_OUT_OF_GAS;
      ctx.why = "no gas left for the return value";
      value = EMPTY;
    }
    if (exit != OK) tree.rollBack(mark);
    const used = max<i64>(ctx.gas.used, 0);
    const outputs = gasOutputs(used, message.gasLimit, ctx.baseFee, message.gasFeeCap, message.gasPremium);
    this.give(BURNT_FUNDS_ID, outputs.baseFeeBurn.add(outputs.overestimationBurn));
    this.give(REWARD_ID, outputs.minerTip);
    this.give(<u64>fromId, outputs.refund);
    tree.settle();
    return new Applied(exit, value, used, outputs, exit == OK ? "" : ctx.why);
  }

  /** A message that was not executed; its producer pays the base fee for so much gas. */
  private refused(exit: i32, gas: i64, why: string): Applied {
    return new Applied(exit, EMPTY, 0, GasOutputs.penalty(this.context.baseFee.times(gas)), why);
  }

  private give(id: u64, amount: Big): void {
    if (amount.isZero) return;
    if (amount.negative) endRun("a share of the gas money is negative");
    const actor = this.context.tree.get(id);
    if (actor === null) {
      endRun("a receiver of gas money does not exist");
      return;
    }
    const richer = copyOf(actor);
    richer.balance = actor.balance.add(amount);
    this.context.tree.set(id, richer);
  }
}
