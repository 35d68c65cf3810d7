/**
 * Changing actors in an open machine of the FVM as no message can: balance, nonce, a contract's code and storage. For calls on a
 * state that is not the chain's, and for local networks.
 *
 * An address of Ethereum that nobody has gets a placeholder actor, as a transfer to it would make it. Code makes a contract of whatever
 * was there. Storage is written by the EVM actor itself: while it has a program of stores for its code, it is called once.
 * Source of the contract's state: builtin-actors v10 to v18, actors/evm/src/state.rs.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { concat, equal } from "../base/bytes.ts";
import { blake2b256 } from "../base/digests.ts";
import type { Fvm, FvmActorView } from "../core/fvm.ts";
import { CHAIN_LIMITS } from "../params/networks.ts";
import { findVersion } from "../schema/versions/rows.ts";
import { Address } from "../types/address.ts";
import { CID, cidFromBytes, cidOfBlock } from "../types/cid.ts";
import { encodeMessage } from "../types/message.ts";
import { SYSTEM } from "../types/singletons.ts";
import { ExecError } from "./errors.ts";

/** What of an actor is to be otherwise. */
export type ActorEdit = {
  /** Binary. */
  readonly address: Uint8Array;
  /** attoFIL */
  readonly balance?: bigint;
  readonly nonce?: bigint;
  /** Code of the EVM that runs there; empty: a contract without code. */
  readonly code?: Uint8Array;
  readonly storage?: {
    /** What was in it before goes. */
    readonly isWhole: boolean;
    /** Key and value, 32 bytes each. */
    readonly slots: readonly (readonly [Uint8Array, Uint8Array])[];
  };
};

const RAW_BLAKE2B = [1, 0x55, 0xa0, 0xe4, 0x02, 0x20];
const INVOKE_EVM = 3_844_450_837n;
const GAS = 10_000_000_000n;
/** Version of actors whose contracts have transient storage. */
const TRANSIENT_SINCE = 16;
const PUSH32 = 0x7f;
const SSTORE = 0x55;
const STOP = 0x00;
/** Stores of one program: 67 bytes each, below the most that code may have. */
const STORES = 300;
/** Actors that no contract takes the place of: of rewards and cron, of who may make blocks, and those that know all others. */
const NEEDED = ["system", "init", "reward", "cron", "storagepower", "storageminer"];
/** An empty KAMT: no bits, no pointers. */
const EMPTY_MAP = dagCbor.encode([new Uint8Array(0), []]);

type ContractState = unknown[];

/** Does all edits, in order. Throws `ExecError` NOT_EDITABLE. */
export function applyEdits(fvm: Fvm, networkVersion: number, edits: readonly ActorEdit[]): void {
  for (const edit of edits) new Edit(fvm, networkVersion, edit).apply();
}

class Edit {
  private readonly fvm: Fvm;
  private readonly networkVersion: number;
  private readonly edit: ActorEdit;
  private readonly address: Address;

  constructor(fvm: Fvm, networkVersion: number, edit: ActorEdit) {
    this.fvm = fvm;
    this.networkVersion = networkVersion;
    this.edit = edit;
    this.address = Address.fromBytes(edit.address);
  }

  apply(): void {
    const { balance, nonce, code, storage } = this.edit;
    this.make();
    if (code !== undefined || storage !== undefined || (balance ?? 0n) > CHAIN_LIMITS.totalFilecoin)
      this.refuseNeeded();
    if (balance !== undefined) this.set({ balance });
    if (code !== undefined) this.setCode(code);
    if (storage !== undefined) this.setStorage(storage.slots, storage.isWhole);
    if (nonce !== undefined) this.setNonce(nonce);
  }

  /**
   * Refuses to make a contract of what every tipset needs, or to give it more than there is, which it could not be told (balances are
   * told in 128 bits): no tipset could be made any more.
   */
  private refuseNeeded(): void {
    const { code } = this.actor;
    const needed = this.names().find(([, known]) => CID.asCID(known)?.equals(code) === true)?.[0];
    if (needed !== undefined && NEEDED.includes(needed))
      this.refuse(
        `it is the actor ${needed}, without which no tipset can be made; its balance, up to all FIL that there is, and its nonce can`,
      );
  }

  /** Makes a placeholder actor where there is nobody. */
  private make(): void {
    if (this.fvm.actor(this.address) !== null) return;
    this.run(this.address, 0n, new Uint8Array(0));
    if (this.fvm.actor(this.address) === null) this.refuse("there is no actor, and none can be made");
  }

  private run(to: Address, method: bigint, params: Uint8Array): void {
    const gas = { gasLimit: GAS, gasFeeCap: 0n, gasPremium: 0n };
    const applied = this.fvm.applyImplicit(
      encodeMessage({ from: SYSTEM, to, nonce: 0n, value: 0n, ...gas, method, params }),
    );
    if (applied.exitCode !== 0) this.refuse(`exit code ${applied.exitCode}: ${applied.why}`);
  }

  private get actor(): FvmActorView {
    return this.fvm.actor(this.address) ?? this.refuse("there is no actor");
  }

  private set(change: Partial<FvmActorView>): void {
    const id = this.fvm.resolve(this.address) ?? this.refuse("it has no id");
    this.fvm.setActor(id, { ...this.actor, ...change });
  }

  private setNonce(nonce: bigint): void {
    const state = this.contract();
    if (state !== null) {
      this.setContract(state.with(-2, nonce));
      return;
    }
    // Who has sent messages is an account: a placeholder may send its first one alone.
    const hasSent = nonce > 0n && equal(this.actor.code.bytes, this.named("placeholder").bytes);
    this.set(hasSent ? { nonce, code: this.named("ethaccount") } : { nonce });
  }

  private setCode(code: Uint8Array): void {
    this.setContract(withCode(this.contract() ?? this.emptyContract(), this.putCode(code), code));
  }

  private setStorage(slots: readonly (readonly [Uint8Array, Uint8Array])[], isWhole: boolean): void {
    let state = this.contract() ?? this.withoutCode();
    if (isWhole) state = state.with(2, this.putNode(EMPTY_MAP));
    const [code, hash] = state;
    for (let at = 0; at < slots.length; at += STORES) {
      const program = storesOf(slots.slice(at, at + STORES));
      this.setContract(withCode(state, this.putCode(program), program));
      this.run(this.address, INVOKE_EVM, new Uint8Array(0));
      state = this.contract() as ContractState;
    }
    this.setContract(state.with(0, code).with(1, hash));
  }

  /** A contract's state; null for what is none. */
  private contract(): ContractState | null {
    const { code, head } = this.actor;
    if (!equal(code.bytes, this.evm.bytes)) return null;
    const state = dagCbor.decode<unknown>(this.fvm.block(head));
    return Array.isArray(state) && state.length >= 5 ? state : this.refuse("its state is not a contract's");
  }

  private withoutCode(): ContractState {
    const none = new Uint8Array(0);
    return withCode(this.emptyContract(), this.putCode(none), none);
  }

  private emptyContract(): ContractState {
    const hasTransient = (findVersion(this.networkVersion)?.actors ?? 0) >= TRANSIENT_SINCE;
    return [null, null, this.putNode(EMPTY_MAP), ...(hasTransient ? [null] : []), 1, null];
  }

  private setContract(state: ContractState): void {
    // What destroyed itself lives again.
    this.set({ code: this.evm, head: this.putNode(dagCbor.encode(state.with(-1, null))) });
  }

  private putCode(code: Uint8Array): CID {
    const cid = cidFromBytes(concat(Uint8Array.from(RAW_BLAKE2B), blake2b256(code)));
    this.fvm.put({ cid: cid.bytes, bytes: code });
    return cid;
  }

  private putNode(bytes: Uint8Array): CID {
    const cid = cidOfBlock(bytes);
    this.fvm.put({ cid: cid.bytes, bytes });
    return cid;
  }

  private get evm(): CID {
    return this.named("evm");
  }

  /** Code of an actor, by the manifest that the state names. */
  private named(wanted: string): CID {
    const code = this.names().find(([name]) => name === wanted)?.[1];
    return CID.asCID(code) ?? this.refuse("the network's actors know no contracts");
  }

  /** Names and codes of the network's actors. */
  private names(): [string, CID][] {
    const system = this.fvm.actor(SYSTEM) ?? this.refuse("the state has no system actor");
    const [manifest] = dagCbor.decode<[CID]>(this.fvm.block(system.head));
    return dagCbor.decode<[string, CID][]>(this.fvm.block(manifest));
  }

  private refuse(why: string): never {
    const address = `${this.address}`;
    throw new ExecError({ code: "NOT_EDITABLE", address }, `${address} cannot be changed: ${why}`);
  }
}

/** A contract without logic, nonce 1 as one that was just made. */
function withCode(state: ContractState, cid: CID, code: Uint8Array): ContractState {
  return state.with(0, cid).with(1, keccak_256(code));
}

function storesOf(slots: readonly (readonly [Uint8Array, Uint8Array])[]): Uint8Array {
  const push = Uint8Array.of(PUSH32);
  const parts = slots.flatMap(([key, value]) => [push, value, push, key, Uint8Array.of(SSTORE)]);
  return concat(...parts, Uint8Array.of(STOP));
}
