/**
 * The exports of the machine, shared by `vm.ts` and `vm-test.ts`. Conventions: `assembly/abi/host.ts`. One machine per
 * instance: `machineOpen` replaces the one before.
 */
import { ABI_VERSION, blockBytes, forgetBlockBytes, MALFORMED, NOT_FOUND, NOT_OPEN, UNKNOWN_VERSION } from "../abi/engine";
import { Big } from "../base/big";
import { Bytes, bytesAt, EMPTY, ptrOf } from "../base/bytes";
import { CborReader } from "../ipld/cbor-reader";
import { CborWriter } from "../ipld/cbor-writer";
import { findProfile } from "../runtime/profile.gen";
import { versionAt } from "../runtime/versions.gen";
import { parseAddress } from "../types/address";
import { FreeStore } from "../vm/block-store";
import { CirculatingSupply } from "../vm/circulating-supply";
import { upgradeToActorsV2 } from "../actors/upgrade/tree";
import { buildGenesisTree } from "../vm/genesis";
import { runFrame } from "../vm/kernel";
import { Applied, Machine } from "../vm/machine";
import { Registry } from "../vm/registry";

/** Filled by the entry file. */
export const registry: Registry = new Registry();

let machine: Machine | null = null;
let result: Bytes = EMPTY;

export function abiVersion(): i32 {
  return ABI_VERSION;
}

/** Memory for arguments. The host frees it. */
export function alloc(size: i32): usize {
  return heap.alloc(<usize>size);
}

export function free(at: usize): void {
  heap.free(at);
}

/** Where the bytes of the last answer lie, until the next call. */
export function resultPtr(): usize {
  return ptrOf(result);
}

/** Frees what is no longer used. Only between calls. */
export function collect(): void {
  forgetBlockBytes();
  __collect();
}

/** Bytes of blocks that became objects, or objects blocks, since the last collection; messages inside of others count as some. */
export function blockTraffic(): i32 {
  return blockBytes;
}

function answer(bytes: Bytes): i32 {
  result = bytes;
  return bytes.length;
}

/**
 * Opens a machine on a state: [state root, epoch, network version, base fee, circulating supply, tracing, profile].
 * The form of the supply: `assembly/vm/circulating-supply.ts`; profiles: `assembly/runtime/profile.gen.ts`. Returns 0, `MALFORMED`, or `UNKNOWN_VERSION`.
 */
export function machineOpen(at: usize, length: i32): i32 {
  const store = new FreeStore();
  const r = new CborReader(bytesAt(at, length));
  r.tuple(7);
  const root = r.cid();
  const epoch = r.i64();
  const version = versionAt(r.i64());
  const baseFee = r.big();
  const supply = new CirculatingSupply(store);
  supply.read(r);
  const tracing = r.bool();
  const profile = findProfile(r.i64());
  r.finish();
  if (!r.ok || profile === null) return MALFORMED;
  if (version === null) return UNKNOWN_VERSION;
  const opened = Machine.open(registry, root, supply, store, version, profile, tracing);
  opened.advance(epoch, version, baseFee);
  machine = opened;
  return 0;
}

/** Root of the tree that a new network starts from; the description: `assembly/vm/genesis.ts`. Returns `MALFORMED` or a length. */
export function genesisTree(at: usize, length: i32): i32 {
  const root = buildGenesisTree(new FreeStore(), bytesAt(at, length));
  return root === null ? MALFORMED : answer(root.bytes);
}

/** State root after the upgrade from actors v0 to v2: [state root, last epoch under v0]. Returns `MALFORMED` or a length. */
export function upgradeActorsV2(at: usize, length: i32): i32 {
  const r = new CborReader(bytesAt(at, length));
  r.tuple(2);
  const root = r.cid();
  const epoch = r.i64();
  r.finish();
  return r.ok ? answer(upgradeToActorsV2(new FreeStore(), root, epoch).bytes) : MALFORMED;
}

/** Forgets the machine. */
export function machineClose(): void {
  machine = null;
  result = EMPTY;
}

/** Moves the machine to an epoch: [epoch, network version, base fee]. Returns as `machineOpen`. */
export function machineAdvance(at: usize, length: i32): i32 {
  const open = machine;
  if (open === null) return NOT_OPEN;
  const r = new CborReader(bytesAt(at, length));
  r.tuple(3);
  const epoch = r.i64();
  const version = versionAt(r.i64());
  const baseFee = r.big();
  r.finish();
  if (!r.ok) return MALFORMED;
  if (version === null) return UNKNOWN_VERSION;
  open.advance(epoch, version, baseFee);
  return 0;
}

function applied(outcome: Applied | null, refusal: i32): i32 {
  return outcome === null ? refusal : answer(outcome.encode());
}

/** Applies a message of the chain, charged for `chainLength` bytes. Answers as `Applied.encode` says. */
export function machineApply(at: usize, length: i32, chainLength: i32): i32 {
  const open = machine;
  if (open === null) return NOT_OPEN;
  const outcome = open.apply(bytesAt(at, length), chainLength);
  return applied(outcome, open.refusal);
}

/** Applies an implicit message. Answers as `machineApply`. */
export function machineApplyImplicit(at: usize, length: i32): i32 {
  const open = machine;
  if (open === null) return NOT_OPEN;
  const outcome = open.applyImplicit(bytesAt(at, length));
  return applied(outcome, open.refusal);
}

/** The trace of the last message, a CBOR sequence (`assembly/vm/trace.ts`); empty if tracing is off. */
export function machineTrace(): i32 {
  const open = machine;
  return open === null ? NOT_OPEN : answer(open.trace.take());
}

/** Writes the state and answers with its root. */
export function machineFlush(): i32 {
  const open = machine;
  return open === null ? NOT_OPEN : answer(open.flush().bytes);
}

/** Root of the receipts of the messages applied since the last call. */
export function machineReceipts(): i32 {
  const open = machine;
  return open === null ? NOT_OPEN : answer(open.receiptsRoot().bytes);
}

/** The actor at an address, as [code, head, nonce, balance]. */
export function stateActor(at: usize, length: i32): i32 {
  const open = machine;
  if (open === null) return NOT_OPEN;
  const address = parseAddress(bytesAt(at, length));
  if (address === null) return MALFORMED;
  const actor = open.tree.at(address);
  return actor === null ? NOT_FOUND : answer(actor.encode(2));
}

/** The ID address of an address. */
export function stateResolve(at: usize, length: i32): i32 {
  const open = machine;
  if (open === null) return NOT_OPEN;
  const address = parseAddress(bytesAt(at, length));
  if (address === null) return MALFORMED;
  const id = open.tree.resolve(address);
  return id < 0 ? NOT_FOUND : answer(open.tree.addressOf(<u64>id));
}

/** Circulating supply in the present state, as CBOR. */
export function stateSupply(): i32 {
  const open = machine;
  if (open === null) return NOT_OPEN;
  const amount: Big = open.supply();
  return answer(new CborWriter().big(amount).finish());
}

/** Runs a call: re-entered by the host's `call_actor` only. */
export function runActor(frame: i32): void {
  const open = machine;
  if (open !== null) runFrame(open.context, frame);
}
