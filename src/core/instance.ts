/**
 * One instance of a core module and its memory: the only file that touches `memory.buffer`.
 *
 * Rules of the ABI: the host writes arguments into a region that the module names, calls, and copies the result out
 * before the next call. Views of the memory die when it grows, so none is handed out for keeping: `view` is good until
 * the next call, `read` copies. A range outside of the memory throws `RangeError`. Addresses are u32; JavaScript sees
 * those of the upper half as negative numbers.
 *
 * AssemblyScript's loader instantiates and reads the texts of aborts. Calls take the module's own exports, not the
 * loader's wrappers, which count arguments at every call. Nor may the loader fill in imports (it has a clock as a seed
 * and all of Math): what the module asks for must have been given. Its synchronous form is taken, on modules that are
 * compiled already: the other one looks for `Response`, which makes Node load its HTTP client, 20 ms at every start.
 */
import { type ASUtil, type Imports, instantiateSync } from "@assemblyscript/loader";
import { checkWhole } from "../base/options.ts";
import { EngineFault } from "./errors.ts";
import { isNoRoom } from "./room.ts";

/** Bytes of a WebAssembly page. */
export const PAGE_BYTES = 65536;
/** Pages of 4 GiB, the most that 32-bit addresses reach. */
const MAX_PAGES = 65536;

export type InstanceOptions = {
  /** Name used in faults, usually the asset's. */
  readonly name: string;
  /**
   * Most pages the memory may have. A module that imports its memory gets one with this maximum and cannot pass it; one
   * that brings its own is checked by `checkMemory`. Default: 65536, which is 4 GiB.
   */
  readonly maxPages?: number;
  /** Pages that an imported memory begins with, at least what the module's data needs. Default: 1. */
  readonly initialPages?: number;
  /** Imports besides `env.abort` and `env.memory`. */
  readonly imports?: WebAssembly.Imports;
};

/** What a module must export: a function or a constant under each name. */
export type ExportKinds<Exports> = {
  readonly [Name in keyof Exports & string]: Exports[Name] extends WebAssembly.Global ? "global" : "function";
};

/** Most UTF-16 units of an assertion's text that are kept. */
const MAX_MESSAGE = 2048;

export class Instance<Exports extends object> {
  readonly name: string;
  readonly exports: Exports;
  readonly maxPages: number;
  private readonly memory: WebAssembly.Memory;
  private bytes: Uint8Array;

  private constructor(name: string, exports: Exports, memory: WebAssembly.Memory, maxPages: number) {
    this.name = name;
    this.exports = exports;
    this.maxPages = maxPages;
    this.memory = memory;
    this.bytes = new Uint8Array(memory.buffer);
  }

  /**
   * Instantiates a module. That it exports what `Exports` says is checked, by name and kind, as far as `required` says it.
   * Faults: `LINK_FAILED`, `HOST_MEMORY`, `MEMORY_LIMIT`; `OptionError` for a limit that is none.
   */
  static async create<Exports extends object>(
    module: WebAssembly.Module,
    options: InstanceOptions,
    required: ExportKinds<Exports> | readonly (keyof Exports & string)[] = [],
  ): Promise<Instance<Exports>> {
    const { name, maxPages = MAX_PAGES, initialPages = 1, imports = {} } = options;
    checkWhole("maxPages", maxPages, [1, MAX_PAGES]);
    const linked: { texts?: ASUtil } = {};
    const env: Record<string, WebAssembly.ImportValue> = {
      abort: (message: number, file: number, line: number, column: number): never => {
        throw abortFault(name, linked.texts, message, file, line, column);
      },
      ...imports["env"],
    };
    const failed = (why: string, options?: ErrorOptions): EngineFault =>
      new EngineFault({ code: "LINK_FAILED", asset: name }, why, options);
    const given: WebAssembly.Imports = { ...imports, env };
    let raw: WebAssembly.Exports;
    try {
      const wanted = WebAssembly.Module.imports(module);
      if (wanted.some((entry) => entry.kind === "memory"))
        env["memory"] ??= new WebAssembly.Memory({ initial: initialPages, maximum: maxPages });
      const unknown = wanted.filter((entry) => given[entry.module]?.[entry.name] === undefined);
      if (unknown.length > 0)
        throw new TypeError(`nothing given for ${unknown.map((entry) => `${entry.module}.${entry.name}`).join(", ")}`);
      const { instance, exports } = instantiateSync(module, given as Imports);
      linked.texts = exports;
      raw = instance.exports;
    } catch (cause) {
      if (isNoRoom(cause))
        throw new EngineFault({ code: "HOST_MEMORY" }, `this host has no room left for the memory of ${name}`, {
          cause,
        });
      throw failed(`cannot instantiate ${name}`, { cause });
    }
    const memory = env["memory"] ?? raw["memory"];
    const missing = missingOf(raw, required);
    if (missing.length > 0 || !(memory instanceof WebAssembly.Memory))
      throw failed(`${name} lacks ${missing.join(", ") || "a memory"}`);
    const instance = new Instance(name, raw as unknown as Exports, memory, maxPages);
    instance.checkMemory();
    return instance;
  }

  /** Bytes of the memory now. */
  get memoryBytes(): number {
    return this.memory.buffer.byteLength;
  }

  /** Throws `MEMORY_LIMIT` if the module's own memory has grown past `maxPages`. */
  checkMemory(): void {
    const pages = this.memoryBytes / PAGE_BYTES;
    const { name, maxPages } = this;
    if (pages > maxPages)
      throw new EngineFault(
        { code: "MEMORY_LIMIT", asset: name, pages, maxPages },
        `${name} holds ${pages} pages of memory, limit ${maxPages}`,
      );
  }

  /** The memory's bytes `[from, from + length)`, not copied: good until the next call into the module. */
  view(from: number, length: number): Uint8Array {
    const start = this.checkedStart(from, length);
    return this.bytes.subarray(start, start + length);
  }

  /** A copy of the memory's bytes `[from, from + length)`. */
  read(from: number, length: number): Uint8Array {
    const start = this.checkedStart(from, length);
    return this.bytes.slice(start, start + length);
  }

  /** Copies `bytes` into the memory at `to`. */
  write(to: number, bytes: Uint8Array): void {
    const start = this.checkedStart(to, bytes.length);
    this.bytes.set(bytes, start);
  }

  /** Sets `length` bytes at `from` to zero, as after use of a secret. */
  wipe(from: number, length: number): void {
    const start = this.checkedStart(from, length);
    this.bytes.fill(0, start, start + length);
  }

  /** What was thrown out of a call, as a fault: a fault stays itself, a trap becomes `CORE_TRAP`. */
  faultOf(error: unknown): EngineFault {
    if (error instanceof EngineFault) return error;
    return new EngineFault({ code: "CORE_TRAP", asset: this.name }, `${this.name} trapped`, { cause: error });
  }

  /** Renews the view when the memory has grown, and returns `from` as an unsigned address if the range lies inside. */
  private checkedStart(from: number, length: number): number {
    // A grown memory detaches its old buffer, whose length then reads 0.
    if (this.bytes.length === 0) this.bytes = new Uint8Array(this.memory.buffer);
    const start = from >>> 0;
    if (start + length > this.bytes.length)
      throw new RangeError(`${this.name}: bytes ${start} + ${length} lie outside of its memory`);
    return start;
  }
}

/** Names of what is required and not there, or of another kind. */
function missingOf(raw: WebAssembly.Exports, required: Readonly<Record<string, string>> | readonly string[]): string[] {
  if (isNames(required)) return required.filter((name) => typeof raw[name] !== "function");
  return Object.entries(required)
    .filter(([name, kind]) => kindOf(raw[name]) !== kind)
    .map(([name]) => name);
}

function isNames(required: object): required is readonly string[] {
  return Array.isArray(required);
}

function kindOf(value: WebAssembly.ExportValue | undefined): string {
  return value instanceof WebAssembly.Global ? "global" : typeof value;
}

function abortFault(
  name: string,
  texts: ASUtil | undefined,
  message: number,
  file: number,
  line: number,
  column: number,
): EngineFault {
  const where = `${textAt(texts, file)}:${line}:${column}`;
  const reason = textAt(texts, message) || "assertion failed";
  return new EngineFault({ code: "CORE_ABORT", asset: name, where }, `${name}: ${reason} (${where})`);
}

/** A text of the core, cut to `MAX_MESSAGE`; empty where there is none: a broken core may pass any address. */
function textAt(texts: ASUtil | undefined, at: number): string {
  if (texts === undefined || at === 0) return "";
  try {
    return texts.__getString(at >>> 0).slice(0, MAX_MESSAGE);
  } catch {
    return "";
  }
}
