/**
 * The modules of guests: an actor's code, instrumented and compiled, once per code and generation.
 *
 * The instrumenter assumes a valid module, because what it adds (globals, functions) would otherwise come within reach of indices
 * that an invalid one might hold; so the engine validates the code before, and compiles what comes out.
 */
import { BoundedMap } from "../base/bounded-map.ts";
import { EngineFault } from "./errors.ts";
import type { Generation } from "./fvm-abi.ts";
import { checkGuest } from "./guest-checks.ts";

/** Why the instrumenter refuses a module: twin of `assembly/fvm/instrument/rules.ts`. */
const REFUSALS: Readonly<Record<number, string>> = {
  1: "it is cut short",
  2: "it is malformed",
  3: "it uses an instruction that actors may not use",
  4: "its operand stack does not add up",
  5: "it imports something else than functions",
  6: "it has blocks or functions of several values",
  7: "it is too large",
  8: "a segment lies at no constant offset",
  9: "it asks for a negative size",
  10: "it has no memory",
  11: "it uses a type that actors may not use",
};

/** Pages of the instrumenter's memory at first, and at most. */
const FIRST_PAGES = 64;
const MAX_PAGES = 8192;
const PAGE = 65_536;
/** Longest code that is looked at, bytes. */
const MAX_CODE = 32 << 20;
/** Characters of an engine's reason that are kept. */
const MAX_REASON = 200;

type Instrumenter = {
  alloc(size: number): number;
  instrument(at: number, length: number, generation: number): number;
  resultPtr(): number;
};

/**
 * Modules kept compiled, of all machines of the process: actors of some fifteen bundles. States name no other codes, but who opens networks
 * of one bundle after another would have all of them.
 */
const KEPT_MODULES = 256;

/** A guest's module, or why it cannot be one. */
export type GuestModule =
  | { readonly module: WebAssembly.Module; readonly tableElements: number }
  | { readonly refused: string };

export type InstrumentOptions = {
  /** Most 64 KiB pages the instrumenter's memory may have. */
  readonly maxPages?: number;
  /** The code is known to be valid WebAssembly: it is not looked at by itself. */
  readonly isValid?: boolean;
};

/**
 * Instruments code by the rules of a generation; a text says why it is refused. `instrumenter` is `instrument.wasm`. Throws `EngineFault`
 * MEMORY_LIMIT for what takes more memory: a limit of this host, and so never a refusal; CORE_TRAP and CORE_ABORT for a fault of the instrumenter's own.
 */
export function instrument(
  instrumenter: WebAssembly.Module,
  code: Uint8Array,
  generation: Generation,
  { maxPages = MAX_PAGES, isValid = false }: InstrumentOptions = {},
): Uint8Array<ArrayBuffer> | string {
  if (code.length > MAX_CODE) return "it is too large";
  if (!isValid && !WebAssembly.validate(code as Uint8Array<ArrayBuffer>)) return "it is no valid WebAssembly";
  const memory = new WebAssembly.Memory({ initial: FIRST_PAGES, maximum: maxPages });
  const abort = (_message: number, _file: number, line: number, column: number): never => {
    const where = `${line}:${column}`;
    throw new EngineFault({ code: "CORE_ABORT", asset: "instrument", where }, `the instrumenter gave up at ${where}`);
  };
  const { alloc, instrument, resultPtr } = new WebAssembly.Instance(instrumenter, { env: { memory, abort } })
    .exports as unknown as Instrumenter;
  let length: number;
  try {
    const at = alloc(code.length) >>> 0;
    new Uint8Array(memory.buffer).set(code, at);
    length = instrument(at, code.length, generation);
  } catch (cause) {
    if (cause instanceof EngineFault) throw cause;
    // Memory that does not grow ends in the one instruction whose trap every engine calls so.
    if (!(cause instanceof WebAssembly.RuntimeError && /unreachable/i.test(cause.message)))
      throw new EngineFault({ code: "CORE_TRAP", asset: "instrument" }, "the instrumenter trapped", { cause });
    const pages = memory.buffer.byteLength / PAGE;
    throw new EngineFault(
      { code: "MEMORY_LIMIT", asset: "instrument", pages, maxPages },
      `an actor's code of ${code.length} bytes takes more than ${maxPages >> 4} MiB to be instrumented`,
      { cause },
    );
  }
  if (length < 0) return REFUSALS[-length] ?? "it is refused";
  const from = resultPtr() >>> 0;
  return new Uint8Array(memory.buffer).slice(from, from + length);
}

/** What the instrumenter adds may be more than engines take: functions, globals, bytes of a function; and code that is known may be damaged. */
function compile(bytes: Uint8Array<ArrayBuffer>, tableElements: number): GuestModule {
  try {
    return { module: new WebAssembly.Module(bytes), tableElements };
  } catch (error) {
    if (!(error instanceof WebAssembly.CompileError)) throw error;
    return { refused: `the engine does not take it once it is instrumented: ${error.message.slice(0, MAX_REASON)}` };
  }
}

export class GuestModules {
  private readonly instrumenter: WebAssembly.Module;
  private readonly known = new BoundedMap<string, GuestModule>(KEPT_MODULES);

  constructor(instrumenter: WebAssembly.Module) {
    this.instrumenter = instrumenter;
  }

  /**
   * The module of a code, by the key of its CID. `read` gives the code, and is asked once while the module is kept; `isValid` says whether
   * it is known to be valid WebAssembly.
   */
  get(key: string, generation: Generation, read: () => Uint8Array, isValid: () => boolean = () => false): GuestModule {
    const name = `${generation} ${key}`;
    let found = this.known.get(name);
    if (found === undefined) {
      found = this.make(read(), generation, isValid());
      this.known.set(name, found);
    }
    return found;
  }

  private make(code: Uint8Array, generation: Generation, isValid: boolean): GuestModule {
    const bytes = instrument(this.instrumenter, code, generation, { isValid });
    if (typeof bytes === "string") return { refused: bytes };
    const checked = checkGuest(code, generation);
    return "refused" in checked ? checked : compile(bytes, checked.tableElements);
  }
}
