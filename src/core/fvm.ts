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
import {
  ABI_VERSION,
  CALLING,
  FVM_EXPORT_NAMES,
  type FvmExports,
  type Generation,
  GUEST,
  LEFT,
  SYSCALLS,
  type SyscallExports,
} from "./fvm-abi.ts";
import { type FvmHost, GARBAGE_PER_SYSCALL, type Guest, importsOf, MIN_GARBAGE, Run } from "./fvm-run.ts";
import { type GuestModule, GuestModules } from "./guest-modules.ts";
import { Instance } from "./instance.ts";
import { compileModule, type WasmSource } from "./load.ts";
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
};

const DEFAULT_MAX_PAGES = 16384;
const FIRST_PAGES = 64;
/** Bytes of memory that all guests of a message may have together, and the pages of one. */
const MESSAGE_BYTES = 2 ** 31;
const GUEST_PAGES = 8192;
const PAGE = 65536;

/** What ends a guest from a syscall: told apart by identity, without the cost of a stack trace. */
const EXIT = Object.freeze({ exit: true });

export class Fvm {
  readonly host: FvmHost;
  private readonly modules: GuestModules;
  private readonly run: Run;

  private constructor(run: Run, modules: GuestModules) {
    this.run = run;
    this.host = run.host;
    this.modules = modules;
  }

  /** Loads the modules once and makes an instance. Faults: those of loading, `ABI_MISMATCH`. */
  static async create(host: FvmHost, options: FvmOptions = {}): Promise<Fvm> {
    const modules = await guestModules();
    const module = await compileModule(FVM_WASM, options.source);
    const run = new Run(host);
    const { maxPages = DEFAULT_MAX_PAGES } = options;
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
    return new Fvm(run, modules);
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
        this.runCall();
        kernel.fvmEnd();
      });
    else this.expect(begun);
    const applied = decodeApplied(this.answer(this.guard(() => kernel.fvmAnswer())));
    this.guard(() => this.run.tidy(true));
    return applied;
  }

  /** Runs guests until the innermost call has ended. */
  private runCall(): void {
    const { kernel } = this.run;
    while (kernel.callNext() === 1) this.runGuest();
  }

  private runGuest(): void {
    const { run } = this;
    const { kernel, guests } = run;
    const guest = this.guestFor(run.read(kernel.guestCode()));
    if (guest === null) {
      kernel.guestEnded(GUEST.missing, 0, kernel.counter.value);
      return;
    }
    const table = guest.table;
    if (kernel.guestStart(guest.guest.memory.buffer.byteLength / PAGE, table) === 0) {
      kernel.guestEnded(GUEST.left, 0, kernel.counter.value);
      return;
    }
    const { gas, start, invoke } = guest.guest;
    gas.value = kernel.counter.value;
    const params = kernel.guestParams();
    guests.push(guest.guest);
    let how: number = GUEST.returned;
    let value = 0;
    try {
      start?.();
      value = invoke(params);
    } catch (error) {
      if (error === EXIT) how = GUEST.left;
      else if (error instanceof WebAssembly.RuntimeError && !run.broken) how = GUEST.trapped;
      else throw error;
    }
    guests.pop();
    kernel.guestEnded(how, value, gas.value);
  }

  /** An instance of a code, or null if it is no guest that this machine runs. */
  private guestFor(code: Uint8Array): { guest: Guest; table: number } | null {
    const { run } = this;
    const found = this.modules.get(cidKey(code), run.generation, () => run.block(code));
    const free = MESSAGE_BYTES - run.guests.reduce((sum, { memory }) => sum + memory.buffer.byteLength, 0);
    if (!("module" in found)) return null;
    const instance = instantiate(found, this.linked());
    if (instance === null) return null;
    const { memory, invoke, table, ...rest } = instance.exports;
    if (!(memory instanceof WebAssembly.Memory) || typeof invoke !== "function") return null;
    if (memory.buffer.byteLength > free) return null;
    const guest: Guest = {
      invoke: invoke as (params: number) => number,
      start: rest["filigree:start"] as (() => void) | undefined,
      memory,
      gas: rest["filigree:gas"] as WebAssembly.Global<"i64">,
      pages: rest["filigree:pages"] as WebAssembly.Global<"i32">,
      view: new Uint8Array(memory.buffer),
    };
    guest.pages.value = Math.min(GUEST_PAGES, Math.floor(free / PAGE));
    return { guest, table: table instanceof WebAssembly.Table ? table.length : 0 };
  }

  private readonly imports = new Map<Generation, WebAssembly.Imports>();

  /** The syscalls of the machine's generation, as imports of a guest. */
  private linked(): WebAssembly.Imports {
    const { generation } = this.run;
    let imports = this.imports.get(generation);
    if (imports === undefined) {
      imports = this.link(generation);
      this.imports.set(generation, imports);
    }
    return imports;
  }

  private link(generation: Generation): WebAssembly.Imports {
    const { run } = this;
    const served = run.kernel as unknown as SyscallExports;
    const { counter } = run.kernel;
    const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
    for (const [syscall, name] of Object.entries(SYSCALLS[generation])) {
      const [room, import_] = syscall.split(".") as [string, string];
      const serve = served[name];
      if (serve === undefined) throw new EngineFault({ code: "LINK_FAILED", asset: FVM_WASM.name }, `no ${name}`);
      imports[room] ??= {};
      imports[room][import_] = (...args: (number | bigint)[]): number => {
        const { gas } = run.guest;
        let answer: number;
        // What is thrown here is no trap of the guest, though it unwinds through it.
        try {
          answer = serve(gas.value, ...args);
          if (answer === CALLING) {
            this.runCall();
            answer = run.kernel.sendEnded();
          }
          run.garbage += GARBAGE_PER_SYSCALL;
          if (run.garbage > MIN_GARBAGE) run.tidy(false);
        } catch (error) {
          run.broken = true;
          throw error;
        }
        gas.value = counter.value;
        if (answer === LEFT) throw EXIT;
        return answer;
      };
    }
    return imports;
  }

  private call(
    name: "fvmOpen" | "fvmApply" | "fvmActor" | "fvmResolve" | "fvmSetActor",
    bytes: Uint8Array,
    extra = 0,
  ): number {
    return this.guard(() => {
      const { kernel, core } = this.run;
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
      throw run.core.faultOf(stackFault(error));
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

function instantiate(found: GuestModule & { module: WebAssembly.Module }, imports: WebAssembly.Imports) {
  try {
    return new WebAssembly.Instance(found.module, imports);
  } catch (error) {
    // Imports that the generation does not have, or segments outside of the memory: no guest of this machine.
    if (error instanceof WebAssembly.LinkError || error instanceof WebAssembly.RuntimeError) return null;
    if (error instanceof TypeError) return null;
    throw error;
  }
}

/** The end of the host's stack, as a fault; anything else as it is. */
function stackFault(error: unknown): unknown {
  if (!(error instanceof RangeError) || !/call stack/i.test(error.message)) return error;
  return new EngineFault(
    { code: "HOST_STACK" },
    "calls are nested deeper than this host's stack; run it on a thread with a larger one",
    { cause: error },
  );
}

function decodeApplied(bytes: Uint8Array): FvmApplyRet {
  const items = new CborItems(bytes);
  items.array();
  const applied = readApplied(items);
  const eventsRoot = items.nil() ? null : cidFromBytes(items.link());
  return { ...applied, eventsRoot };
}
