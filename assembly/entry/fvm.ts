/**
 * `fvm.wasm`: the kernel of the FVM. The host runs guests and leads their syscalls here; the conventions of the ABI are those of
 * `assembly/abi/host.ts`, with two additions:
 *
 * 1. A syscall is an export of its own. It is given the guest's counter of gas first, then the guest's arguments. It answers
 *    with 0 or an error number for the guest, with `LEFT` (-1) when the guest has to be ended, or with `CALLING` (-2) when a
 *    call has to be run first: the host runs `callNext` and guests until the call has ended, and `sendEnded` has the answer.
 * 2. Before the guest goes on the host sets its counter to `counter`.
 *
 * One machine per instance: `fvmOpen` replaces the one before.
 */
import { ABI_VERSION, forgetBlockBytes, MALFORMED, NOT_FOUND, NOT_OPEN, UNKNOWN_VERSION } from "../abi/engine";
import { Bytes, bytesAt, EMPTY, ptrOf } from "../base/bytes";
import { CborReader } from "../ipld/cbor-reader";
import { CborWriter } from "../ipld/cbor-writer";
import { Actor, ANY_ADDRESS } from "../fvm/actor";
import { CALL_ENDED } from "../fvm/call";
import { Context, manifestOf } from "../fvm/context";
import { Generation } from "../fvm/generation";
import { Machine } from "../fvm/machine";
import * as guest from "../fvm/syscalls/guest";
import { Trace } from "../fvm/trace";
import { StateTree } from "../fvm/tree";
import { Address, parseAddress, readAddress } from "../types/address";
import { FreeStore } from "../vm/block-store";

export { counter } from "../fvm/frame";
export * from "../fvm/syscalls/actor";
export * from "../fvm/syscalls/aggregate";
export * from "../fvm/syscalls/crypto";
export * from "../fvm/syscalls/ipld";
export * from "../fvm/syscalls/network";
export * from "../fvm/syscalls/self";

let machine: Machine | null = null;
let result: Bytes = EMPTY;

export function abiVersion(): i32 {
  return ABI_VERSION;
}

export function alloc(size: i32): usize {
  return heap.alloc(<usize>size);
}

export function free(at: usize): void {
  heap.free(at);
}

export function resultPtr(): usize {
  return ptrOf(result);
}

/** Frees what is no longer used. The kernel's stack is empty whenever the host is asked for something but during a syscall. */
export function collect(): void {
  forgetBlockBytes();
  __collect();
}

function answer(bytes: Bytes): i32 {
  result = bytes;
  return bytes.length;
}

/**
 * Opens a machine on a state: [state root, epoch, timestamp, network version, chain id, base fee, circulating supply]. Returns
 * 0, `MALFORMED`, or `UNKNOWN_VERSION`.
 */
export function fvmOpen(at: usize, length: i32): i32 {
  machine = null;
  guest.calls.length = 0;
  const r = new CborReader(bytesAt(at, length));
  r.tuple(7);
  const root = r.cid();
  const epoch = r.i64();
  const timestamp = r.u64();
  const networkVersion = r.i64();
  const chainId = r.u64();
  const baseFee = r.big();
  const supply = r.big();
  r.finish();
  if (!r.ok) return MALFORMED;
  const generation = Generation.of(networkVersion);
  if (generation === null) return UNKNOWN_VERSION;
  const store = new FreeStore();
  const tree = StateTree.open(store, root, generation.tree);
  const manifest = manifestOf(store, tree);
  const context = new Context(store, tree, manifest, generation, <u32>networkVersion, chainId);
  context.epoch = epoch;
  context.timestamp = timestamp;
  context.baseFee = baseFee;
  context.supply = supply;
  machine = new Machine(context);
  return 0;
}

/** Forgets the machine. */
export function fvmClose(): void {
  machine = null;
  result = EMPTY;
  guest.calls.length = 0;
}

/** The message's call is on the stack: go on with `callNext`. */
const BEGUN: i32 = 1;

/**
 * Takes a message, charged for `chainLength` bytes, or an implicit one with -1. Returns `BEGUN`, 0 if it was refused with an
 * answer (`fvmAnswer`), or a refusal.
 */
export function fvmApply(at: usize, length: i32, chainLength: i32): i32 {
  const open = machine;
  if (open === null) return NOT_OPEN;
  if (open.begin(bytesAt(at, length), chainLength, chainLength < 0)) return BEGUN;
  return open.refusal;
}

/** The message's call has ended: shares out the gas money. */
export function fvmEnd(): void {
  const open = machine;
  if (open !== null) open.end();
}

/** What became of the last message (`Machine.encode`). */
export function fvmAnswer(): i32 {
  const open = machine;
  return open === null ? NOT_OPEN : answer(open.answer);
}

/** Goes on with the innermost call: 1 if a guest has to run, 0 if the call has ended. */
export function callNext(): i32 {
  const next = guest.calls[guest.calls.length - 1].next();
  if (next != CALL_ENDED) guest.useTop();
  return next;
}

/** The CID of the code that has to run. */
export function guestCode(): i32 {
  return answer(guest.frame.code.bytes);
}

/** Handle of the guest's parameters. */
export function guestParams(): u32 {
  return guest.frame.params;
}

/** Charges for what a guest's module starts with. 0: it does not run, and `guestEnded` follows. */
export function guestStart(pages: u32, tableEntries: u32): i32 {
  return guest.calls[guest.calls.length - 1].start(pages, tableEntries) ? 1 : 0;
}

/** The guest has run: how it ended, what it returned, and its counter. */
export function guestEnded(how: i32, value: u32, left: i64): void {
  guest.calls[guest.calls.length - 1].ended(how, value, left);
}

/** Writes the state and answers with its root. */
export function fvmFlush(): i32 {
  const open = machine;
  return open === null ? NOT_OPEN : answer(open.flush().bytes);
}

/** Root of the receipts of the messages applied since the last call. */
export function fvmReceipts(): i32 {
  const open = machine;
  return open === null ? NOT_OPEN : answer(open.receiptsRoot().bytes);
}

/** From now on it is told what the calls of each message were, or (0) it is not. */
export function fvmTracing(on: i32): void {
  const open = machine;
  if (open !== null) open.context.trace = on == 0 ? null : new Trace();
}

/** What the calls of the messages since the last question were (`Trace`); `NOT_FOUND` for more than a trace may have. */
export function fvmTrace(): i32 {
  const open = machine;
  if (open === null) return NOT_OPEN;
  const trace = open.context.trace;
  if (trace === null) return answer(EMPTY);
  const isFull = trace.isFull;
  const bytes = trace.take();
  return isFull ? NOT_FOUND : answer(bytes);
}

/** Puts an actor, whatever was there: [id, code, head, nonce, balance, delegated address or null]. No message may be under way. */
export function fvmSetActor(at: usize, length: i32): i32 {
  const open = machine;
  if (open === null) return NOT_OPEN;
  const r = new CborReader(bytesAt(at, length), ANY_ADDRESS);
  r.tuple(6);
  const id = r.u64();
  const code = r.cid();
  const head = r.cid();
  const nonce = r.u64();
  const balance = r.big();
  let delegated: Address | null = null;
  if (r.isNull()) r.skipNull();
  else delegated = readAddress(r);
  r.finish();
  if (!r.ok || balance.negative) return MALFORMED;
  const actor = new Actor(code, head, delegated);
  actor.nonce = nonce;
  actor.balance = balance;
  open.context.tree.set(id, actor);
  open.context.tree.settle();
  return 0;
}

/** The id of an address, answered as [id]; `NOT_FOUND` if it has none. */
export function fvmResolve(at: usize, length: i32): i32 {
  const open = machine;
  if (open === null) return NOT_OPEN;
  const address = parseAddress(bytesAt(at, length));
  if (address === null) return MALFORMED;
  const id = open.context.tree.resolve(address);
  return id < 0 ? NOT_FOUND : answer(new CborWriter().array(1).u64(<u64>id).finish());
}

/** The actor at an address, as [code, head, nonce, balance, delegated address or null]. */
export function fvmActor(at: usize, length: i32): i32 {
  const open = machine;
  if (open === null) return NOT_OPEN;
  const address = parseAddress(bytesAt(at, length));
  if (address === null) return MALFORMED;
  const tree = open.context.tree;
  const id = tree.resolve(address);
  if (id < 0) return NOT_FOUND;
  const actor = tree.get(<u64>id);
  return actor === null ? NOT_FOUND : answer(actor.encode(5));
}
