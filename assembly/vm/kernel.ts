/**
 * The machine's side of a call: the `Runtime` that an actor sees, and sending.
 *
 * A send makes a frame, charges, makes the receiver's account if its address is a key without one, moves the value and
 * runs the method. What runs an actor's code goes through the host (`callActor`), so that an abort can unwind to here;
 * everything else in a send answers with an exit code. A failed send takes its changes of the state tree back, not the
 * gas it used and not the blocks it wrote.
 *
 * Oddities of the early networks which reach receipts and state:
 *  - up to network version 3 the receiver is seen as it was written in the message, from 4 by its ID address;
 *  - a violated caller rule, a send inside a transaction, an actor of another version: exit 9;
 *  - a trap is exit 1 up to network version 3, exit 4 from 4 on.
 * Above 500 lines: the runtime's functions and the send share one call's state.
 * Source: lotus v1.0.0 chain/vm/{vm,runtime,mkactor,invoker}.go.
 */
import { callActor, exitActor } from "../abi/host";
import { endRun, noteCall } from "../abi/engine";
import { Big } from "../base/big";
import { be64, Bytes, concat, EMPTY } from "../base/bytes";
import { CborWriter } from "../ipld/cbor-writer";
import { Cid, cidOf } from "../ipld/cid";
import { NetworkProfile } from "../runtime/profile.gen";
import { ConsensusFault, SendResult } from "../runtime/runtime";
import { NetworkVersion } from "../runtime/versions.gen";
import { Address, PROTOCOL_BLS, PROTOCOL_SECP256K1, writeAddress } from "../types/address";
import { ActorEntry } from "../types/chain.gen";
import {
  OK,
  SYS_FORBIDDEN,
  SYS_ILLEGAL_ACTOR,
  SYS_ILLEGAL_ARGUMENT,
  SYS_INVALID_METHOD,
  SYS_INVALID_RECEIVER,
  SYS_OUT_OF_GAS,
  SYS_RESERVED_1,
  SYS_SENDER_INVALID,
} from "../types/exit-code";
import { SYSTEM } from "../types/singletons";
import { blockOf } from "./block-store";
import { findConsensusFault } from "./consensus-fault";
import { Context } from "./context";
import { keyAddressOf } from "./foreign-state";
import { Frame } from "./frame";
import { ActorKind } from "./registry";
import { checkSignature, SIGNATURE_BLS, SIGNATURE_SECP256K1 } from "./signature";
import { copyOf, makeActor } from "./state-tree";
import * as syscalls from "./syscalls";
import { transfer } from "./transfer";

const CONSTRUCTOR: u64 = 1;
/** Most calls around a call, where they are limited. Source: lotus v1.1.0 chain/vm/vm.go. */
const MAX_CALL_DEPTH: i32 = 4096;

/** Head of an actor without state yet: the CID of an empty array. */
const EMPTY_ARRAY: Cid = cidOf([0x80]);

@final
export class Kernel extends Frame {
  private validated: bool = false;
  private inTransaction: bool = false;
  /** Heads at the start of the open transactions, innermost last. */
  private bases: Array<Cid> | null = null;
  /** -1 while not known. */
  receiverId: i64 = -1;
  private isSettled: bool = false;
  private kind: ActorKind | null = null;
  private method: i32 = 0;
  private params_: Bytes = EMPTY;

  constructor(
    readonly ctx: Context,
    private caller_: Address,
    private readonly callerId: u64,
    private receiver_: Address,
    private readonly value_: Big,
    /** Number of calls around this one. */
    readonly depth: i32,
  ) {
    super();
  }

  // ---- the message and the world

  get version(): NetworkVersion {
    return this.ctx.version;
  }

  get profile(): NetworkProfile {
    return this.ctx.profile;
  }

  get epoch(): i64 {
    return this.ctx.epoch;
  }

  get caller(): Address {
    // Written out when somebody asks: a transfer of funds does not.
    if (!this.caller_.isId) this.caller_ = Address.id(this.callerId);
    return this.caller_;
  }

  get receiver(): Address {
    if (this.isSettled && this.version.receiverIsId && !this.receiver_.isId) this.receiver_ = Address.id(<u64>this.receiverId);
    return this.receiver_;
  }

  get valueReceived(): Big {
    return this.value_;
  }

  currentBalance(): Big {
    const actor = this.own();
    return actor === null ? Big.ZERO : actor.balance;
  }

  circulatingSupply(): Big {
    return this.ctx.supply.at(this.ctx.epoch, this.ctx.tree);
  }

  resolveAddress(address: Address): Address | null {
    if (address.isId) return address;
    const id = this.ctx.tree.resolve(address);
    return id < 0 ? null : Address.id(<u64>id);
  }

  codeOf(address: Address): Cid | null {
    const actor = this.ctx.tree.at(address);
    return actor === null ? null : actor.code;
  }

  ticketRandomness(tag: i64, epoch: i64, entropy: Bytes): Bytes {
    return syscalls.drawTicket(tag, epoch, entropy);
  }

  beaconRandomness(tag: i64, epoch: i64, entropy: Bytes): Bytes {
    return syscalls.drawBeacon(tag, epoch, entropy);
  }

  // ---- who may call

  allowAny(): void {
    if (this.validated) this.abort(SYS_ILLEGAL_ACTOR, "the caller is checked twice");
    this.validated = true;
  }

  allowOnly(addresses: Array<Address>): void {
    this.allowAny();
    for (let i = 0; i < addresses.length; i++) if (addresses[i].eq(this.caller)) return;
    this.abort(SYS_FORBIDDEN, "caller is not allowed");
  }

  allowTypes(names: Array<string>): void {
    this.allowAny();
    const code = this.codeOf(this.caller);
    if (code === null) {
      endRun("the caller does not exist");
      return;
    }
    const kind = this.ctx.registry.find(code);
    if (kind !== null && kind.callableIn(this.version.actors) && names.includes(kind.def.name)) return;
    this.abort(SYS_FORBIDDEN, "caller's type is not allowed");
  }

  // ---- state

  stateRoot(): Cid {
    const actor = this.own();
    if (actor === null) this.abort(SYS_ILLEGAL_ARGUMENT, "the receiver does not exist");
    return actor!.head;
  }

  createState(state: Bytes): void {
    this.commitHead(EMPTY_ARRAY, this.put(state));
  }

  readState(): Bytes {
    return this.get(this.stateRoot());
  }

  beginTransaction(): Bytes {
    const actor = this.own();
    if (actor === null) this.abort(SYS_ILLEGAL_ACTOR, "the receiver does not exist");
    const head = actor!.head;
    const bytes = this.get(head);
    let bases = this.bases;
    if (bases === null) {
      bases = [];
      this.bases = bases;
    }
    bases.push(head);
    this.inTransaction = true;
    return bytes;
  }

  commitTransaction(state: Bytes): void {
    const bases = this.bases;
    if (bases === null || bases.length == 0) {
      this.trap("no transaction is open");
      return;
    }
    this.inTransaction = false;
    this.commitHead(bases.pop(), this.put(state));
  }

  private commitHead(before: Cid, after: Cid): void {
    const actor = this.own();
    if (actor === null || !actor.head.eq(before)) {
      this.trap("the state changed meanwhile");
      return;
    }
    const changed = copyOf(actor);
    changed.head = after;
    this.ctx.tree.set(<u64>this.receiverId, changed);
  }

  /** The receiver's entry, or null if it is gone. */
  private own(): ActorEntry | null {
    if (this.receiverId < 0) {
      if (this.receiver_.isUndef) endRun("a call without a receiver asks for its state");
      this.receiverId = this.ctx.tree.resolve(this.receiver_);
      if (this.receiverId < 0) return null;
    }
    return this.ctx.tree.get(<u64>this.receiverId);
  }

  // ---- blocks, charged

  get(cid: Cid): Bytes {
    this.pay("OnIpldGet", this.ctx.gas.prices.blockGet, 0);
    return blockOf(cid);
  }

  put(block: Bytes): Cid {
    const prices = this.ctx.gas.prices;
    this.pay("OnIpldPut", prices.blockPut, <i64>block.length * prices.blockPutPerByte);
    return this.ctx.store.put(block);
  }

  private pay(name: string, compute: i64, storage: i64): void {
    if (!this.ctx.gas.charge(name, compute, storage)) this.abort(SYS_OUT_OF_GAS, "out of gas");
  }

  // ---- actors

  send(to: Address, method: u64, params: Bytes, value: Big): SendResult {
    if (this.inTransaction) this.abort(SYS_ILLEGAL_ACTOR, "send inside of a transaction");
    const code = this.sendFrom(this.receiver, to, method, params, value);
    return new SendResult(code, code == OK ? this.ctx.returned : EMPTY);
  }

  /** A send whose changes are taken back if it fails. */
  private sendFrom(from: Address, to: Address, method: u64, params: Bytes, value: Big): i32 {
    const mark = this.ctx.tree.mark();
    const code = sendMessage(this.ctx, this, from, to, method, params, value, -1);
    if (code != OK) this.ctx.tree.rollBack(mark);
    return code;
  }

  newActorAddress(): Address {
    const ctx = this.ctx;
    const key = keyAddressOf(ctx.origin, ctx.tree, ctx.registry, ctx.store);
    if (key === null) {
      endRun("the origin of the message has no key address");
      return Address.UNDEF;
    }
    const w = new CborWriter();
    writeAddress(w, key);
    const numbers = concat(be64(ctx.originNonce), be64(ctx.actorsNamed));
    ctx.actorsNamed++;
    return Address.actor(concat(w.finish(), numbers));
  }

  createActor(code: Cid, address: Address): void {
    const ctx = this.ctx;
    const kind = ctx.registry.find(code);
    if (kind === null) this.abort(SYS_ILLEGAL_ARGUMENT, "no actor has this code");
    if (!kind!.callableIn(ctx.version.actors)) this.abort(SYS_ILLEGAL_ARGUMENT, "actor of another version");
    if (kind!.def.singleton) this.abort(SYS_ILLEGAL_ARGUMENT, "only one instance of this actor may be");
    if (address.isUndef && ctx.version.refusesUndefinedActor) this.abort(SYS_ILLEGAL_ARGUMENT, "no address for a new actor");
    const id = address.isUndef ? -1 : ctx.tree.resolve(address);
    if (id >= 0 && ctx.tree.get(<u64>id) !== null) this.abort(SYS_ILLEGAL_ARGUMENT, "the address is taken");
    const prices = ctx.gas.prices;
    this.pay("OnCreateActor", prices.createCompute, prices.createStorage);
    if (id < 0) endRun("a new actor's address does not resolve");
    ctx.tree.set(<u64>id, makeActor(code, EMPTY_ARRAY));
  }

  deleteActor(beneficiary: Address): void {
    const ctx = this.ctx;
    this.pay("OnDeleteActor", 0, ctx.gas.prices.deleteStorage);
    const actor = this.own();
    if (actor === null) {
      this.abort(SYS_ILLEGAL_ACTOR, "the receiver does not exist");
      return;
    }
    if (!actor.balance.isZero) {
      if (ctx.version.refusesSelfHeir) this.refuseSelf(beneficiary);
      if (transfer(ctx.tree, this.receiver, beneficiary, actor.balance) != OK) endRun("cannot pay the beneficiary");
    }
    ctx.tree.delete(<u64>this.receiverId);
  }

  /** An actor with funds cannot name itself its heir. */
  private refuseSelf(beneficiary: Address): void {
    const id = this.ctx.tree.resolve(beneficiary);
    if (id < 0) this.abort(SYS_ILLEGAL_ARGUMENT, "the beneficiary does not exist");
    if (id == this.receiverId) this.abort(SYS_ILLEGAL_ARGUMENT, "the beneficiary is the actor itself");
  }

  // ---- syscalls

  verifySignature(signature: Bytes, signer: Address, plaintext: Bytes): bool {
    const prices = this.ctx.gas.prices;
    const type = signature.length == 0 ? 0 : unchecked(signature[0]);
    if (type == SIGNATURE_BLS) this.pay("OnVerifySignature", prices.verifyBls, 0);
    else if (type == SIGNATURE_SECP256K1) this.pay("OnVerifySignature", prices.verifySecp256k1, 0);
    else return false;
    const key = keyAddressOf(signer, this.ctx.tree, this.ctx.registry, this);
    return key !== null && checkSignature(signature, key, plaintext);
  }

  hashBlake2b(data: Bytes): Bytes {
    this.pay("OnHashing", this.ctx.gas.prices.hashing, 0);
    return syscalls.hash(data);
  }

  unsealedSectorCid(sealProof: i64, pieces: Bytes): Cid | null {
    this.pay("OnComputeUnsealedSectorCid", this.ctx.gas.prices.unsealedSectorCid, 0);
    return syscalls.unsealedSectorCid(sealProof, pieces, this.version.secondSealProofs);
  }

  verifySeal(info: Bytes): bool {
    this.pay("OnVerifySeal", this.ctx.gas.prices.verifySeal, 0);
    return syscalls.checkSeal(info);
  }

  batchVerifySeals(infos: Array<Bytes>): Array<bool> {
    const verdicts: Array<bool> = [];
    for (let i = 0; i < infos.length; i++) verdicts.push(syscalls.checkSeal(infos[i]));
    return verdicts;
  }

  verifyPoSt(info: Bytes, postProof: i64, sectors: i32): bool {
    this.pay("OnVerifyPost", this.ctx.gas.prices.post(postProof, sectors), 0);
    return syscalls.checkPoSt(info);
  }

  verifyConsensusFault(header1: Bytes, header2: Bytes, extra: Bytes): ConsensusFault | null {
    this.pay("OnVerifyConsensusFault", this.ctx.gas.prices.consensusFault, 0);
    const ctx = this.ctx;
    const tree = ctx.tree;
    return findConsensusFault(header1, header2, extra, tree, ctx.registry, this, ctx.epoch, ctx.version);
  }

  chargeGas(name: string, compute: i64): void {
    this.pay(name, compute, 0);
  }

  // ---- ends

  abort(code: i32, why: string): void {
    if (code == OK) endRun("an actor aborted with exit code 0");
    this.ctx.why = why;
    exitActor(code);
    unreachable();
  }

  trap(why: string): void {
    this.abort(this.version.trapExitsReserved ? SYS_RESERVED_1 : SYS_SENDER_INVALID, why);
  }

  // ---- the machine's side

  /** The receiver exists now; later networks know it by its id. */
  settleReceiver(id: u64): void {
    this.receiverId = <i64>id;
    this.isSettled = true;
  }

  /** Makes the account of a key address that has none; its exit code. */
  createAccount(address: Address): i32 {
    const ctx = this.ctx;
    const prices = ctx.gas.prices;
    if (!ctx.gas.charge("OnCreateActor", prices.createCompute, prices.createStorage)) return outOfGas(ctx);
    const protocol = address.protocol;
    if (protocol != PROTOCOL_SECP256K1 && protocol != PROTOCOL_BLS) {
      ctx.why = "the receiver does not exist";
      return SYS_INVALID_RECEIVER;
    }
    const id = ctx.tree.register(address);
    ctx.tree.set(id, makeActor(ctx.registry.accountCode(ctx.version.actors), EMPTY_ARRAY));
    const w = new CborWriter();
    writeAddress(w, address);
    const code = this.sendFrom(SYSTEM, Address.id(id), CONSTRUCTOR, w.finish(), Big.ZERO);
    if (code != OK) return code;
    this.settleReceiver(id);
    return OK;
  }

  /** Finds the method and runs it through the host; its exit code. The result is left in the context. */
  invoke(code: Cid, method: u64, params: Bytes): i32 {
    const ctx = this.ctx;
    const kind = ctx.registry.find(code);
    if (kind === null || !kind.callableIn(ctx.version.actors)) {
      ctx.why = kind === null ? "no actor has the receiver's code" : "actor of another version";
      return SYS_ILLEGAL_ACTOR;
    }
    const index = kind.def.find(method, ctx.version.actors);
    if (index < 0) {
      ctx.why = "no such method";
      return SYS_INVALID_METHOD;
    }
    this.kind = kind;
    this.method = index;
    this.params_ = params;
    const depth = ctx.depth;
    if (ctx.frames.length > depth) ctx.frames[depth] = this;
    else ctx.frames.push(this);
    ctx.depth = depth + 1;
    const exit = callActor(depth);
    ctx.depth = depth;
    if (exit != OK) ctx.returned = EMPTY;
    return exit;
  }

  run(): void {
    const value = this.kind!.def.call(this.method, this, this.params_);
    if (!this.validated) this.abort(SYS_ILLEGAL_ACTOR, "the method did not check its caller");
    this.ctx.returned = value;
  }
}

function outOfGas(ctx: Context): i32 {
  ctx.why = "out of gas";
  return SYS_OUT_OF_GAS;
}

/**
 * Executes one message, from the chain (`parent` null) or from a call.
 * Returns its exit code and leaves what it returned in the context. `chainLength` is the length that a message of the
 * chain is charged for, or -1.
 */
export function sendMessage(
  ctx: Context,
  parent: Kernel | null,
  from: Address,
  to: Address,
  method: u64,
  params: Bytes,
  value: Big,
  chainLength: i32,
): i32 {
  ctx.returned = EMPTY;
  ctx.why = "";
  const depth = parent === null ? 0 : parent.depth + 1;
  if (parent !== null) noteCall();
  if (depth > MAX_CALL_DEPTH && ctx.version.limitsCallDepth) {
    parent!.abort(SYS_FORBIDDEN, "calls are nested too deep");
  }
  const callerId = ctx.tree.resolve(from);
  if (callerId < 0) {
    if (parent === null) endRun("the sender does not resolve");
    else parent.abort(SYS_INVALID_RECEIVER, "the sender does not resolve");
  }
  const kernel = new Kernel(ctx, from, <u64>callerId, to, value, depth);
  const tracing = ctx.trace.on;
  if (tracing) ctx.trace.call(from, to, value, method, params);
  const code = runMessage(ctx, kernel, from, to, method, params, value, chainLength);
  if (tracing) ctx.trace.end(code, ctx.returned, ctx.gas.used, code == OK ? "" : ctx.why);
  return code;
}

function runMessage(
  ctx: Context,
  kernel: Kernel,
  from: Address,
  to: Address,
  method: u64,
  params: Bytes,
  value: Big,
  chainLength: i32,
): i32 {
  const gas = ctx.gas;
  const prices = gas.prices;
  if (chainLength >= 0) {
    const storage = prices.messageStorage + prices.messagePerByte * <i64>chainLength;
    if (!gas.charge("OnChainMessage", prices.messageCompute, storage)) return outOfGas(ctx);
  }
  if (to.isUndef) endRun("a message without a receiver");
  const toId = ctx.tree.resolve(to);
  let receiver: ActorEntry | null = toId < 0 ? null : ctx.tree.get(<u64>toId);
  if (receiver === null) {
    const code = kernel.createAccount(to);
    ctx.returned = EMPTY;
    if (code != OK) return code;
    receiver = ctx.tree.get(<u64>kernel.receiverId);
  } else {
    kernel.settleReceiver(<u64>toId);
  }
  if (!gas.charge("OnMethodInvocation", prices.invocation(!value.isZero, method != 0), 0)) return outOfGas(ctx);
  if (!value.isZero) {
    const code = transfer(ctx.tree, from, to, value);
    if (code != OK) {
      ctx.why = code == SYS_FORBIDDEN ? "negative value" : "not enough funds";
      return code;
    }
  }
  if (method == 0) return OK;
  return kernel.invoke(receiver!.code, method, params);
}


/** Runs the call with an index; what the host's `call_actor` re-enters. */
export function runFrame(ctx: Context, index: i32): void {
  ctx.frames[index].run();
}
