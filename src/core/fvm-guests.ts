/**
 * Guests at work: each instance of an actor's module with its syscalls, from the call that needs it to its end.
 *
 * Guests nest on the host's stack (`runCall`), which ends before the protocol's limit of calls on most threads; or each runs on a stack
 * of its own, where the engine switches stacks (JSPI; `runCallDeep`), which is slower. What they do and cost is the same.
 *
 * Instances of codes that the host knows to stay inside their memories are used again (`GuestPool`); others not, because their memory has
 * grown by then and cannot shrink, so that such a guest would reach bytes that have to trap.
 */
import { cidKey } from "../types/cid.ts";
import { FVM_WASM } from "./assets/fvm.ts";
import { EngineFault } from "./errors.ts";
import { CALLING, type Generation, GUEST, LEFT, SYSCALLS, type SyscallExports } from "./fvm-abi.ts";
import { GARBAGE_PER_SYSCALL, type Guest, MIN_GARBAGE, PAGE, type Run } from "./fvm-run.ts";
import type { GuestModules } from "./guest-modules.ts";
import { GuestPool } from "./guest-pool.ts";

/** Bytes that the memories and tables of all guests of a message may have together, what an element counts for, and pages of one memory. */
const MESSAGE_BYTES = 2 ** 31;
const BYTES_PER_ELEMENT = 8;
const GUEST_PAGES = 8192;

/** What ends a guest from a syscall: told apart by identity, without the cost of a stack trace. */
const EXIT = Object.freeze({ exit: true });

/** Stack switching, which TypeScript's library does not know yet. */
type StackSwitching = {
  readonly Suspending: new (work: (...args: (number | bigint)[]) => Promise<number>) => WebAssembly.ImportValue;
  readonly promising: <Args extends unknown[]>(work: (...args: Args) => number) => (...args: Args) => Promise<number>;
};

/** The engine's stack switching, or null: Chrome has it from 137 on, Deno 2.9, Node not up to 22. */
function stackSwitching(): StackSwitching | null {
  const { Suspending, promising } = WebAssembly as unknown as Partial<StackSwitching>;
  return typeof Suspending === "function" && typeof promising === "function" ? { Suspending, promising } : null;
}

/** Whether calls may be deeper than the thread's stack here. */
export function switchesStacks(): boolean {
  return stackSwitching() !== null;
}

/** What the names of exports of a guest's own mutable globals begin with. */
const OWN = "filigree:own:";

/** The one syscall that runs another guest. */
const SEND = "send.send";

type Imports = Record<string, Record<string, WebAssembly.ImportValue>>;
type Syscall = (counter: bigint, ...args: (number | bigint)[]) => number;
type Made = {
  readonly guest: Guest;
  readonly table: number;
  /** The module, if instances of it are used again. */
  readonly kept: WebAssembly.Module | null;
};
type Started = Made & { readonly params: number; readonly imports: WebAssembly.Imports };
/** Whether instances of a code, a binary CID, may be used again. */
export type Reuses = (code: Uint8Array) => boolean;

export class Guests {
  private readonly run: Run;
  private readonly modules: GuestModules;
  /** Imports of guests, by generation; the second with a `send` that suspends its guest. */
  private readonly imports = new Map<Generation, WebAssembly.Imports>();
  private readonly deepImports = new Map<Generation, WebAssembly.Imports>();
  private readonly pool = new GuestPool();
  private readonly reuses: Reuses;
  /** What `reuses` said of a module. */
  private readonly kept = new WeakMap<WebAssembly.Module, boolean>();

  constructor(run: Run, modules: GuestModules, reuses: Reuses) {
    this.run = run;
    this.modules = modules;
    this.reuses = reuses;
  }

  /** Runs guests until the innermost call has ended. */
  runCall(): void {
    while (this.run.kernel.callNext() === 1) this.runGuest();
  }

  /** The same, each guest on a stack of its own. Throws `RangeError` where the engine does not switch stacks. */
  async runCallDeep(): Promise<void> {
    const engine = stackSwitching();
    if (engine === null) throw new RangeError("this engine does not switch stacks");
    while (this.run.kernel.callNext() === 1) await this.runGuestDeep(engine);
  }

  private runGuest(): void {
    const started = this.begin(this.linked());
    if (started === null) return;
    let how: number = GUEST.returned;
    let value = 0;
    try {
      started.guest.start?.();
      value = started.guest.invoke(started.params);
    } catch (error) {
      how = this.howOf(error);
    }
    this.end(started, how, value);
  }

  private async runGuestDeep(engine: StackSwitching): Promise<void> {
    const started = this.begin(this.linkedDeep(engine));
    if (started === null) return;
    const { start, invoke } = started.guest;
    let how: number = GUEST.returned;
    let value = 0;
    try {
      if (start !== undefined) await engine.promising(start as () => number)();
      value = await engine.promising(invoke)(started.params);
    } catch (error) {
      how = this.howOf(error);
    }
    this.end(started, how, value);
  }

  /** An instance of what the innermost call runs, paid for and with its gas; null if it does not run. */
  private begin(imports: WebAssembly.Imports): Started | null {
    const { kernel, guests } = this.run;
    const made = this.guestFor(this.run.read(kernel.guestCode()), imports);
    if (made === null) {
      kernel.guestEnded(GUEST.missing, 0, kernel.counter.value);
      return null;
    }
    const { guest, table } = made;
    if (kernel.guestStart(guest.firstPages, table) === 0) {
      kernel.guestEnded(GUEST.left, 0, kernel.counter.value);
      return null;
    }
    guest.gas.value = kernel.counter.value;
    const params = kernel.guestParams();
    guests.push(guest);
    return { ...made, params, imports };
  }

  /** How a guest ended that threw; what is no end of a guest is thrown on. */
  private howOf(error: unknown): number {
    if (error === EXIT) return GUEST.left;
    if (error instanceof WebAssembly.RuntimeError && !this.run.broken) return GUEST.trapped;
    throw error;
  }

  private end({ guest, kept, imports }: Started, how: number, value: number): void {
    this.run.guests.pop();
    this.run.kernel.guestEnded(how, value, guest.gas.value);
    if (kept !== null) this.pool.put(kept, imports, guest);
  }

  /** An instance of a code, or null if it is no guest that this machine runs. */
  private guestFor(code: Uint8Array, imports: WebAssembly.Imports): Made | null {
    const { run, pool } = this;
    const isKnown = (): boolean => this.reuses(code);
    const found = this.modules.get(cidKey(code), run.generation, () => run.block(code), isKnown);
    if (!("module" in found)) return null;
    const { module } = found;
    const tableBytes = found.tableElements * BYTES_PER_ELEMENT;
    const taken = run.guests.reduce((sum, guest) => sum + guest.size.value * PAGE + guest.tableBytes, tableBytes);
    const free = MESSAGE_BYTES - taken;
    const isKept = this.kept.get(module) ?? this.reuses(code);
    this.kept.set(module, isKept);
    const guest = (isKept ? pool.take(module, imports) : null) ?? newGuest(module, imports, tableBytes);
    if (guest === null || guest.firstPages * PAGE > free) return null;
    if (isKept) pool.learn(module, guest);
    guest.pages.value = Math.min(GUEST_PAGES, Math.floor(free / PAGE));
    return { guest, table: guest.table, kept: isKept ? module : null };
  }

  /** The syscalls of the machine's generation, as imports of a guest. */
  private linked(): WebAssembly.Imports {
    const { generation } = this.run;
    const imports = this.imports.get(generation) ?? this.link(generation);
    this.imports.set(generation, imports);
    return imports;
  }

  private linkedDeep(engine: StackSwitching): WebAssembly.Imports {
    const { generation } = this.run;
    const known = this.deepImports.get(generation);
    if (known !== undefined) return known;
    const [room, name] = SEND.split(".") as [string, string];
    const { run } = this;
    const serve = this.server(generation, SEND);
    const { counter } = run.kernel;
    const send = async (...args: (number | bigint)[]): Promise<number> => {
      const { gas } = run.guest;
      let answer: number;
      try {
        answer = serve(gas.value, ...args);
        if (answer === CALLING) {
          // The guest is suspended before the next one runs: else their imports would pile up on the thread's stack.
          await null;
          await this.runCallDeep();
          answer = run.kernel.sendEnded();
        }
      } catch (error) {
        run.broken = true;
        throw error;
      }
      gas.value = counter.value;
      if (answer === LEFT) throw EXIT;
      return answer;
    };
    const imports = this.link(generation);
    imports[room] = { ...imports[room], [name]: new engine.Suspending(send) };
    this.deepImports.set(generation, imports);
    return imports;
  }

  private link(generation: Generation): Imports {
    const { run } = this;
    const { counter } = run.kernel;
    const imports: Imports = {};
    for (const syscall of Object.keys(SYSCALLS[generation])) {
      const [room, name] = syscall.split(".") as [string, string];
      const serve = this.server(generation, syscall);
      imports[room] ??= {};
      imports[room][name] = (...args: (number | bigint)[]): number => {
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

  private server(generation: Generation, syscall: string): Syscall {
    const name = SYSCALLS[generation][syscall] as string;
    const serve = (this.run.kernel as unknown as SyscallExports)[name];
    if (serve === undefined) throw new EngineFault({ code: "LINK_FAILED", asset: FVM_WASM.name }, `no ${name}`);
    return serve;
  }
}

function newGuest(module: WebAssembly.Module, imports: WebAssembly.Imports, tableBytes: number): Guest | null {
  const instance = instantiate(module, imports);
  if (instance === null) return null;
  const { memory, invoke, table, ...rest } = instance.exports;
  if (!(memory instanceof WebAssembly.Memory) || typeof invoke !== "function") return null;
  const own = Object.keys(rest).filter((name) => name.startsWith(OWN));
  const globals = rest as Record<string, WebAssembly.Global>;
  return {
    invoke: invoke as (params: number) => number,
    start: rest["filigree:start"] as (() => void) | undefined,
    memory,
    gas: rest["filigree:gas"] as WebAssembly.Global<"i64">,
    stack: rest["filigree:stack"] as WebAssembly.Global<"i32">,
    pages: rest["filigree:pages"] as WebAssembly.Global<"i32">,
    size: rest["filigree:size"] as WebAssembly.Global<"i32">,
    firstPages: memory.buffer.byteLength / PAGE,
    own: own.map((name) => ({ global: globals[name] as WebAssembly.Global, value: globals[name]?.value as unknown })),
    tableBytes,
    table: table instanceof WebAssembly.Table ? table.length : 0,
    view: new Uint8Array(memory.buffer),
  };
}

function instantiate(module: WebAssembly.Module, imports: WebAssembly.Imports): WebAssembly.Instance | null {
  try {
    return new WebAssembly.Instance(module, imports);
  } catch (error) {
    // Imports that the generation does not have, or segments outside of the memory: no guest of this machine.
    if (error instanceof WebAssembly.LinkError || error instanceof WebAssembly.RuntimeError) return null;
    if (error instanceof TypeError) return null;
    throw error;
  }
}
