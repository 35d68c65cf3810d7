/**
 * The machine of a run, whichever executes its network version: the native one, or the FVM.
 *
 * The FVM has one machine an epoch: to move on, the state is written and opened again. What it is told of the chain (`ChainFacts`)
 * and the circulating supply are of that epoch, too.
 */
import { EngineFault } from "../core/errors.ts";
import { Fvm, type FvmActorView, type FvmApplyRet, type FvmHost, type FvmOptions } from "../core/fvm.ts";
import type { ApplyRet, GenesisSupply, MachineContext, Vm } from "../core/vm.ts";
import { actorOfCode } from "../params/actor-codes.ts";
import { Address } from "../types/address.ts";
import { type Block, type CID, cidFromBytes } from "../types/cid.ts";
import { type ActorEdit, applyEdits } from "./edits.ts";
import { supplyIn } from "./supply.ts";

export type Applied = ApplyRet & {
  /** Binary CID of the array of events; null for none, absent where receipts have none. */
  readonly eventsRoot?: Uint8Array | null;
};

export type Machine = Pick<
  Vm,
  "spent" | "open" | "advance" | "flush" | "receiptsRoot" | "close" | "actor" | "madeBlocks" | "trace"
> & {
  readonly host: Pick<Vm["host"], "peek">;
  apply(message: Uint8Array, chainLength: number): Applied | Promise<Applied>;
  applyImplicit(message: Uint8Array): Applied | Promise<Applied>;
};

/** Whether a code, a binary CID, is one of the published actors: compiled from safe Rust, they stay inside their memories. */
export function isPublishedCode(code: Uint8Array): boolean {
  return actorOfCode(cidFromBytes(code)) !== null;
}

export class FvmMachine implements Machine {
  private readonly fvm: Fvm;
  private context: MachineContext | null = null;
  /** Whether messages are applied with calls deeper than the thread's stack (`Fvm.applyDeep`). */
  deep = false;

  private constructor(fvm: Fvm) {
    this.fvm = fvm;
  }

  static async create(host: FvmHost, options: FvmOptions = {}): Promise<FvmMachine> {
    return new FvmMachine(await Fvm.create(host, { reuses: isPublishedCode, ...options }));
  }

  get spent(): boolean {
    return this.fvm.spent;
  }

  get host(): FvmHost {
    return this.fvm.host;
  }

  /** Opens a machine on a state. Throws `RangeError` without the facts of the chain. */
  open(context: MachineContext, made: Iterable<Block> = []): void {
    const { facts, circulatingSupply, ...rest } = context;
    if (facts === undefined) throw new RangeError("the FVM takes chain id and time, too (`facts`)");
    for (const name of ["chainId", "epoch", "timestamp", "genesisTime", "blockDelay"] as const)
      if (!Number.isSafeInteger(facts[name]))
        throw new RangeError(
          `\`facts.${name}\` is no whole number: the FVM takes chain id, epoch and times in seconds`,
        );
    this.context = context;
    const { epoch } = context;
    const timestamp = epoch === facts.epoch ? facts.timestamp : facts.genesisTime + epoch * facts.blockDelay;
    const place = { ...rest, timestamp, chainId: facts.chainId };
    const blocks = [...made];
    const supply = typeof circulatingSupply === "bigint" ? circulatingSupply : null;
    this.fvm.open({ ...place, circulatingSupply: supply ?? 0n }, blocks);
    if (supply !== null) return;
    const found = supplyIn(this.fvm, circulatingSupply as GenesisSupply, context);
    this.fvm.open({ ...place, circulatingSupply: found }, blocks);
  }

  /** Moves to an epoch, with the state as it is and nothing of the messages before. */
  advance(epoch: number, networkVersion: number, baseFee: bigint): void {
    const { context } = this;
    if (context === null) throw new EngineFault({ code: "NOT_OPEN" }, "no machine is open");
    const isSame = context.epoch === epoch && context.networkVersion === networkVersion && context.baseFee === baseFee;
    if (isSame) return;
    const stateRoot = this.fvm.flush();
    this.open({ ...context, stateRoot, epoch, networkVersion, baseFee }, this.fvm.madeBlocks());
  }

  apply(message: Uint8Array, chainLength: number): Applied | Promise<Applied> {
    if (this.deep) return this.fvm.applyDeep(message, chainLength).then(binary);
    return binary(this.fvm.apply(message, chainLength));
  }

  applyImplicit(message: Uint8Array): Applied | Promise<Applied> {
    if (this.deep) return this.fvm.applyDeep(message, -1).then(binary);
    return this.applyImplicitNow(message);
  }

  /** The same, whether `deep` or not, with no deeper calls than the thread's stack has room for. */
  applyImplicitNow(message: Uint8Array): Applied {
    return binary(this.fvm.applyImplicit(message));
  }

  receiptsRoot(): CID {
    return this.fvm.receiptsRoot();
  }

  flush(): CID {
    return this.fvm.flush();
  }

  close(): void {
    this.context = null;
    this.fvm.close();
  }

  actor(address: Address): FvmActorView | null {
    return this.fvm.actor(address);
  }

  /** ID address of an address that has an actor. Throws `RangeError`. */
  resolve(address: Address): Address {
    const id = this.fvm.resolve(address);
    if (id === null) throw new RangeError(`${address} has no actor`);
    return Address.id(id);
  }

  /** Gives an actor another state, between messages; `blocks`: what of it is new. Throws `RangeError` where there is no actor. */
  setHead(address: Address, head: CID, blocks: Iterable<Block>): void {
    const id = this.fvm.resolve(address);
    const actor = id === null ? null : this.fvm.actor(address);
    if (id === null || actor === null) throw new RangeError(`${address} has no actor`);
    for (const block of blocks) this.fvm.put(block);
    this.fvm.setActor(id, { ...actor, head });
  }

  madeBlocks(): IterableIterator<Block> {
    return this.fvm.madeBlocks();
  }

  trace(): Uint8Array {
    return this.fvm.trace();
  }

  /** Changes actors, between messages. Throws `ExecError` NOT_EDITABLE. */
  edit(edits: readonly ActorEdit[]): void {
    const { context } = this;
    if (context === null) throw new EngineFault({ code: "NOT_OPEN" }, "no machine is open");
    applyEdits(this.fvm, context.networkVersion, edits);
  }
}

function binary({ eventsRoot, ...applied }: FvmApplyRet): Applied {
  return { ...applied, eventsRoot: eventsRoot?.bytes ?? null };
}
