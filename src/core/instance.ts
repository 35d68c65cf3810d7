/**
 * One instance of a core module and its memory: the only file that touches `memory.buffer`.
 *
 * Rules of the border: the host writes arguments into a region that the module names, calls, and copies the result out
 * before the next call. Views of the memory die when it grows, so none is handed out for keeping: `view` is good until
 * the next call, `read` copies. A range outside of the memory throws `RangeError`. Addresses are u32; JavaScript sees
 * those of the upper half as negative numbers.
 */
import { EngineFault } from "./errors.ts";

/** Bytes of a WebAssembly page. */
export const PAGE_BYTES = 65536;

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

/** Most bytes of an assertion's text that are read. */
const MAX_MESSAGE_BYTES = 4096;

export class Instance<Exports extends object> {
  readonly name: string;
  readonly exports: Exports;
  readonly maxPages: number;
  readonly #memory: WebAssembly.Memory;
  #bytes: Uint8Array;

  private constructor(name: string, exports: Exports, memory: WebAssembly.Memory, maxPages: number) {
    this.name = name;
    this.exports = exports;
    this.maxPages = maxPages;
    this.#memory = memory;
    this.#bytes = new Uint8Array(memory.buffer);
  }

  /**
   * Instantiates a module. `Exports` is the caller's word on what it exports; `required` are checked.
   * Faults: `LINK_FAILED`, `MEMORY_LIMIT`.
   */
  static async create<Exports extends object>(
    module: WebAssembly.Module,
    options: InstanceOptions,
    required: readonly (keyof Exports & string)[] = [],
  ): Promise<Instance<Exports>> {
    const { name, maxPages = 65536, initialPages = 1, imports = {} } = options;
    const holder: { instance?: Instance<Exports> } = {};
    const env: Record<string, WebAssembly.ImportValue> = {
      abort: (message: number, file: number, line: number, column: number): never => {
        throw abortFault(name, holder.instance, message, file, line, column);
      },
      ...imports["env"],
    };
    let raw: WebAssembly.Instance;
    try {
      if (importsMemory(module)) env["memory"] ??= new WebAssembly.Memory({ initial: initialPages, maximum: maxPages });
      raw = await WebAssembly.instantiate(module, { ...imports, env });
    } catch (cause) {
      throw new EngineFault({ code: "LINK_FAILED", asset: name }, `cannot instantiate ${name}`, { cause });
    }
    const memory = env["memory"] ?? raw.exports["memory"];
    const missing = required.filter((key) => raw.exports[key] === undefined);
    if (missing.length > 0 || !(memory instanceof WebAssembly.Memory))
      throw new EngineFault({ code: "LINK_FAILED", asset: name }, `${name} lacks ${missing.join(", ") || "a memory"}`);
    holder.instance = new Instance(name, raw.exports as unknown as Exports, memory, maxPages);
    holder.instance.checkMemory();
    return holder.instance;
  }

  /** Bytes of the memory now. */
  get memoryBytes(): number {
    return this.#memory.buffer.byteLength;
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
    const start = this.#checkedStart(from, length);
    return this.#bytes.subarray(start, start + length);
  }

  /** A copy of the memory's bytes `[from, from + length)`. */
  read(from: number, length: number): Uint8Array {
    const start = this.#checkedStart(from, length);
    return this.#bytes.slice(start, start + length);
  }

  /** Copies `bytes` into the memory at `to`. */
  write(to: number, bytes: Uint8Array): void {
    const start = this.#checkedStart(to, bytes.length);
    this.#bytes.set(bytes, start);
  }

  /** Sets `length` bytes at `from` to zero, as after use of a secret. */
  wipe(from: number, length: number): void {
    const start = this.#checkedStart(from, length);
    this.#bytes.fill(0, start, start + length);
  }

  /** What was thrown out of a call, as a fault: a fault stays itself, a trap becomes `CORE_TRAP`. */
  faultOf(error: unknown): EngineFault {
    if (error instanceof EngineFault) return error;
    return new EngineFault({ code: "CORE_TRAP", asset: this.name }, `${this.name} trapped`, { cause: error });
  }

  /** Renews the view when the memory has grown, and returns `from` as an unsigned address if the range lies inside. */
  #checkedStart(from: number, length: number): number {
    // A grown memory detaches its old buffer, whose length then reads 0.
    if (this.#bytes.length === 0) this.#bytes = new Uint8Array(this.#memory.buffer);
    const start = from >>> 0;
    if (start + length > this.#bytes.length)
      throw new RangeError(`${this.name}: bytes ${start} + ${length} lie outside of its memory`);
    return start;
  }
}

function importsMemory(module: WebAssembly.Module): boolean {
  return WebAssembly.Module.imports(module).some((entry) => entry.kind === "memory");
}

function abortFault(
  name: string,
  instance: Instance<object> | undefined,
  message: number,
  file: number,
  line: number,
  column: number,
): EngineFault {
  const where = `${textAt(instance, file)}:${line}:${column}`;
  const reason = textAt(instance, message) || "assertion failed";
  return new EngineFault({ code: "CORE_ABORT", asset: name, where }, `${name}: ${reason} (${where})`);
}

/** An AssemblyScript string: UTF-16 units at `at`, their byte length in the u32 before them. */
function textAt(instance: Instance<object> | undefined, at: number): string {
  if (instance === undefined || at === 0) return "";
  const length = instance.view(at - 4, 4);
  const bytes = new DataView(length.buffer, length.byteOffset, 4).getUint32(0, true);
  const copy = instance.read(at, Math.min(bytes, MAX_MESSAGE_BYTES));
  return new TextDecoder("utf-16le").decode(copy);
}
