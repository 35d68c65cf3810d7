/**
 * The typed face of `fvm.wasm`: one machine of the FVM on one state, and the guests that it runs.
 *
 * As `Vm` is for the native machine: synchronous, and void when the host cannot answer. A guest traps by a
 * `WebAssembly.RuntimeError`; an end of the host's own stack is a named fault (`HOST_STACK`), never an exit code, because the
 * protocol allows deeper calls than engines' usual stacks do.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { findVersion, type MachineKind } from "../schema/versions/rows.ts";
import { Address } from "../types/address.ts";
import { bigToBytes, bytesToBig } from "../types/amount.ts";
import { type Block, type CID, cidFromBytes, cidKey } from "../types/cid.ts";
import { REFUSAL } from "./abi.ts";
import { type ApplyRet, readApplied } from "./applied.ts";
import { FVM_WASM, INSTRUMENT_WASM } from "./assets/fvm.ts";
import { CborItems } from "./cbor-items.ts";
import { EngineFault } from "./errors.ts";
import { ABI_VERSION, FVM_EXPORT_NAMES, type FvmExports, type Generation } from "./fvm-abi.ts";
import { Guests, type Reuses } from "./fvm-guests.ts";
import { type FvmHost, importsOf, Run } from "./fvm-run.ts";
import { GuestModules } from "./guest-modules.ts";
import { Instance } from "./instance.ts";
import { compileModule, type WasmSource } from "./load.ts";
import { isNoRoom } from "./room.ts";
import type { ActorView } from "./vm.ts";

export type { FvmHost, ProvenFault } from "./fvm-run.ts";

/** Where and when a machine of the FVM works. */
export type FvmContext = {
  readonly stateRoot: CID;
  readonly epoch: number;
  /** Seconds since 1970. */
  readonly timestamp: number;
  readonly networkVersion: number;
  readonly chainId: number;
  /** attoFIL per unit of gas */
  readonly baseFee: bigint;
  /** attoFIL */
  readonly circulatingSupply: bigint;
  /** Whether `trace` tells what calls were. */
  readonly tracing?: boolean;
};

export type FvmApplyRet = ApplyRet & {
  /** Root of the array of events, or null without. */
  readonly eventsRoot: CID | null;
};

export type FvmActorView = ActorView & { readonly delegated: Address | null };

export type FvmOptions = {
  readonly source?: WasmSource;
  /** Most 64 KiB pages the kernel's memory may have. Default: 16384 (1 GiB). */
  readonly maxPages?: number;
  /**
   * Whether instances of a code, a binary CID, may be used again: of actors that never reach beyond the end of their memory, where a new
   * instance would trap and one that is used again need not. Such code is known to be valid WebAssembly, too. Default: of none.
   */
  readonly reuses?: Reuses;
};

const DEFAULT_MAX_PAGES = 16384;
const FIRST_PAGES = 64;

export class Fvm {
  readonly host: FvmHost;
  private readonly guests: Guests;
  private readonly run: Run;

  private constructor(run: Run, modules: GuestModules, reuses: Reuses) {
    this.run = run;
    this.host = run.host;
    this.guests = new Guests(run, modules, reuses);
  }

  /** Loads the modules once and makes an instance. Faults: those of loading, `ABI_MISMATCH`. */
  static async create(host: FvmHost, options: FvmOptions = {}): Promise<Fvm> {
    const modules = await guestModules();
    const module = await compileModule(FVM_WASM, options.source);
    const run = new Run(host);
    const { maxPages = DEFAULT_MAX_PAGES, reuses = () => false } = options;
    run.instance = await Instance.create<FvmExports>(
      module,
      { name: FVM_WASM.name, maxPages, initialPages: Math.min(FIRST_PAGES, maxPages), imports: importsOf(run) },
      FVM_EXPORT_NAMES as readonly (keyof FvmExports & string)[],
    );
    const version = run.kernel.abiVersion();
    if (version !== ABI_VERSION)
      throw new EngineFault(
        { code: "ABI_MISMATCH", asset: FVM_WASM.name, version },
        `${FVM_WASM.name} speaks version ${version} of the ABI`,
      );
    return new Fvm(run, modules, reuses);
  }

  /** True once a run was void: the instance takes no more calls. */
  get spent(): boolean {
    return this.run.spent;
  }

  get memoryBytes(): number {
    return this.run.core.memoryBytes;
  }

  /**
   * Opens a machine on a state; the one before is forgotten. `made` are blocks not yet in any store. Faults:
   * `UNKNOWN_NETWORK_VERSION`, what the host throws.
   */
  open(context: FvmContext, made: Iterable<Block> = []): void {
    const blocks = [...made];
    this.run.made.clear();
    for (const block of blocks) this.run.made.set(cidKey(block.cid), block);
    this.run.guests.length = 0;
    this.run.generation = generationOf(context.networkVersion);
    const tuple = [
      context.stateRoot,
      context.epoch,
      context.timestamp,
      context.networkVersion,
      context.chainId,
      bigToBytes(context.baseFee),
      bigToBytes(context.circulatingSupply),
    ];
    const answer = this.call("fvmOpen", dagCbor.encode(tuple));
    if (answer === REFUSAL.unknownVersion) throw unknownVersion(context.networkVersion);
    this.expect(answer);
    if (context.tracing === true) this.guard(() => this.run.kernel.fvmTracing(1));
  }

  /** What the calls of the messages since the last question were, as `decodeTrace` reads it. Fault: `RUN_VOID`, too much. */
  trace(): Uint8Array {
    const length = this.guard(() => this.run.kernel.fvmTrace());
    if (length !== REFUSAL.notFound) return this.answer(length);
    this.run.spent = true;
    throw new EngineFault(
      { code: "RUN_VOID", why: "trace" },
      "the message's calls have more data than a trace may have",
    );
  }

  /** The id of an address, or null. */
  resolve(address: Address): bigint | null {
    const length = this.call("fvmResolve", address.bytes);
    if (length === REFUSAL.notFound) return null;
    const [id] = dagCbor.decode<[number | bigint]>(this.answer(length));
    return BigInt(id);
  }

  /** Puts an actor at an id, whatever was there, between messages. What its head names must be there, or be put (`put`). */
  setActor(id: bigint, { code, head, nonce, balance, delegated }: FvmActorView): void {
    const tuple = [id, code, head, nonce, bigToBytes(balance), delegated?.bytes ?? null];
    this.expect(this.call("fvmSetActor", dagCbor.encode(tuple)));
  }

  /** Takes a block as if the machine had made it. */
  put(block: Block): void {
    this.run.made.set(cidKey(block.cid), block);
  }

  /** Applies a message of the chain; `chainLength` is the length it is charged for. Fault: `MESSAGE_REFUSED`. */
  apply(message: Uint8Array, chainLength: number): FvmApplyRet {
    return this.execute(message, chainLength);
  }

  /** Applies an implicit message: no fees, no nonce, no receipt. */
  applyImplicit(message: Uint8Array): FvmApplyRet {
    return this.execute(message, -1);
  }

  /**
   * The same as `apply`, or with a `chainLength` below 0 as `applyImplicit`, with calls as deep as the protocol allows: each guest has a
   * stack of its own. Only where the engine switches stacks (`switchesStacks`), and slower. No other call may come before it has settled.
   */
  async applyDeep(message: Uint8Array, chainLength: number): Promise<FvmApplyRet> {
    const begun = this.call("fvmApply", message, chainLength);
    if (begun !== 1) this.expect(begun);
    else {
      try {
        await this.guests.runCallDeep();
      } catch (error) {
        this.guard(() => {
          throw error;
        });
      }
      this.guard(() => this.run.kernel.fvmEnd());
    }
    return this.applied();
  }

  /** Root of the array of receipts of the messages applied since the last call. */
  receiptsRoot(): CID {
    return cidFromBytes(this.answer(this.guard(() => this.run.kernel.fvmReceipts())));
  }

  /** Writes the state; its root. */
  flush(): CID {
    return cidFromBytes(this.answer(this.guard(() => this.run.kernel.fvmFlush())));
  }

  /** Forgets the machine and what it holds. */
  close(): void {
    this.guard(() => this.run.kernel.fvmClose());
    this.run.made.clear();
    this.guard(() => this.run.collect());
  }

  /** The actor at an address, or null. */
  actor(address: Address): FvmActorView | null {
    const length = this.call("fvmActor", address.bytes);
    if (length === REFUSAL.notFound) return null;
    const tuple = dagCbor.decode<[CID, CID, number, Uint8Array, Uint8Array | null]>(this.answer(length));
    const [code, head, nonce, balance, delegated] = tuple;
    return {
      code,
      head,
      nonce: BigInt(nonce),
      balance: balance.length === 0 ? 0n : bytesToBig(balance),
      delegated: delegated === null ? null : Address.fromBytes(delegated),
    };
  }

  /** A block that the machine made or can read. Fault: `BLOCK_MISSING`. */
  block(cid: CID): Uint8Array {
    return this.run.block(cid.bytes);
  }

  /** Blocks that the machine has made since it was opened; not all of them need be part of the state. */
  madeBlocks(): IterableIterator<Block> {
    return this.run.made.values();
  }

  private execute(message: Uint8Array, chainLength: number): FvmApplyRet {
    const { kernel } = this.run;
    const begun = this.call("fvmApply", message, chainLength);
    if (begun === 1)
      this.guard(() => {
        this.guests.runCall();
        kernel.fvmEnd();
      });
    else this.expect(begun);
    return this.applied();
  }

  /** What became of the message that has ended. */
  private applied(): FvmApplyRet {
    const applied = decodeApplied(this.answer(this.guard(() => this.run.kernel.fvmAnswer())));
    this.guard(() => this.run.tidy(true));
    return applied;
  }

  private call(
    name: "fvmOpen" | "fvmApply" | "fvmActor" | "fvmResolve" | "fvmSetActor",
    bytes: Uint8Array,
    extra = 0,
  ): number {
    return this.guard(() => {
      const { kernel, core } = this.run;
      this.run.tidyFor(bytes.length);
      const at = kernel.alloc(bytes.length);
      core.write(at, bytes);
      const answer = kernel[name](at, bytes.length, extra);
      kernel.free(at);
      return answer;
    });
  }

  /** Runs a call into the kernel; whatever is thrown out of it makes the instance unusable. */
  private guard<T>(call: () => T): T {
    const { run } = this;
    if (run.spent)
      throw new EngineFault({ code: "INSTANCE_SPENT", asset: FVM_WASM.name }, "the run before this was void");
    try {
      return call();
    } catch (error) {
      run.spent = true;
      throw run.core.faultOf(hostFault(error));
    }
  }

  private answer(length: number): Uint8Array {
    this.expect(length);
    return this.run.read(length);
  }

  private expect(answer: number): void {
    if (answer >= 0) return;
    if (answer === REFUSAL.notOpen) throw new EngineFault({ code: "NOT_OPEN" }, "no machine is open");
    const reason = answer === REFUSAL.malformed ? "MALFORMED" : "NOT_APPLICABLE";
    throw new EngineFault({ code: "MESSAGE_REFUSED", reason }, `the machine takes no such input (${reason})`);
  }
}

let shared: Promise<GuestModules> | null = null;

/** The modules of guests, which all machines share. */
function guestModules(): Promise<GuestModules> {
  shared ??= compileModule(INSTRUMENT_WASM).then((instrumenter) => new GuestModules(instrumenter));
  shared.catch(() => {
    shared = null;
  });
  return shared;
}

const GENERATIONS: Readonly<Partial<Record<MachineKind, Generation>>> = { fvm2: 2, fvm3: 3, fvm4: 4 };

function findGeneration(networkVersion: number): Generation | undefined {
  const machine = findVersion(networkVersion)?.machine;
  return machine === undefined ? undefined : GENERATIONS[machine];
}

/** Whether this machine of the FVM executes a network version, given its actors. */
export function isFvmVersion(networkVersion: number): boolean {
  return findGeneration(networkVersion) !== undefined;
}

function generationOf(networkVersion: number): Generation {
  const generation = findGeneration(networkVersion);
  if (generation === undefined) throw unknownVersion(networkVersion);
  return generation;
}

function unknownVersion(networkVersion: number): EngineFault {
  return new EngineFault(
    { code: "UNKNOWN_NETWORK_VERSION", networkVersion },
    `cannot execute: this machine of the FVM does not have network version ${networkVersion}`,
  );
}

/** The end of the host's stack, or of the addresses that it has for guests' memories, as a fault; anything else as it is. */
function hostFault(error: unknown): unknown {
  if (isNoRoom(error)) {
    const why = "this host has no room left for the memories of so many nested calls; run it where there is more";
    return new EngineFault({ code: "HOST_MEMORY" }, why, { cause: error });
  }
  if (!(error instanceof RangeError) || !/call stack/i.test(error.message)) return error;
  const why = "calls are nested deeper than this host's stack; run it on a thread with a larger one";
  return new EngineFault({ code: "HOST_STACK" }, why, { cause: error });
}

function decodeApplied(bytes: Uint8Array): FvmApplyRet {
  const items = new CborItems(bytes);
  items.array();
  const applied = readApplied(items);
  const eventsRoot = items.nil() ? null : cidFromBytes(items.link());
  return { ...applied, eventsRoot };
}
