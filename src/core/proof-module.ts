/**
 * Loading `proofs.wasm`, or its SIMD build where the engine has SIMD, and handing out memory in an instance of it.
 *
 * One instance serves one thread and answers synchronously. Its memory is given out in blocks; a block given back is
 * kept for the next request of the same size, so that a long-lived worker does not grow.
 */
import { Instance } from "./instance.ts";
import type { WasmSource } from "./load.ts";
import { compileModule } from "./load.ts";

/** What `assembly/entry/proofs.ts` itself exports. */
export type MemoryExports = {
  allocate(bytes: number): number;
  release(address: number): void;
};

/** Pages of the memory at the start (static tables take six), and the most that 32-bit addresses reach. */
const FIRST_PAGES = 16;
const MOST_PAGES = 65536;

export type ProofModuleOptions = {
  /** Take the SIMD build; by default where the engine validates it. */
  readonly simd?: boolean;
  /** The module's bytes, or the module compiled, in place of the platform's asset. */
  readonly source?: WasmSource;
  /** Most 64 KiB pages the memory may have; default 65536 (4 GiB). */
  readonly maxPages?: number;
};

/** A function of one vector instruction; it validates where SIMD is implemented. */
const SIMD_PROBE = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11],
);

/** Whether the engine has WebAssembly SIMD. */
export function hasSimd(): boolean {
  return WebAssembly.validate(SIMD_PROBE);
}

/** Name of the asset that this engine should load. */
export function proofAsset(simd: boolean = hasSimd()): string {
  return simd ? "proofs-simd.wasm" : "proofs.wasm";
}

/** An instance of the proof module; `Exports` is what the caller's faces need of it. */
export class ProofModule<Exports extends object = object> {
  readonly instance: Instance<Exports & MemoryExports>;
  readonly #free = new Map<number, number[]>();

  private constructor(instance: Instance<Exports & MemoryExports>) {
    this.instance = instance;
  }

  /** Faults: those of `compileModule` and `Instance.create`. */
  static async load<Exports extends object = object>(options: ProofModuleOptions = {}): Promise<ProofModule<Exports>> {
    const name = proofAsset(options.simd);
    const module = await compileModule(name, options.source);
    const { maxPages = MOST_PAGES } = options;
    const pages = { maxPages, initialPages: Math.min(FIRST_PAGES, maxPages) };
    return new ProofModule(await Instance.create(module, { name, ...pages }, ["allocate", "release"]));
  }

  get exports(): Exports & MemoryExports {
    return this.instance.exports;
  }

  /** Address of `bytes` bytes, 16-aligned, content undefined. */
  take(bytes: number): number {
    const kept = this.#free.get(bytes)?.pop();
    if (kept !== undefined) return kept;
    const address = this.instance.exports.allocate(bytes) >>> 0;
    this.instance.checkMemory();
    return address;
  }

  /** Gives back a block of `take(bytes)`. */
  give(address: number, bytes: number): void {
    const kept = this.#free.get(bytes);
    if (kept === undefined) this.#free.set(bytes, [address]);
    else kept.push(address);
  }

  /** Runs `work` with a block of memory that is given back whatever happens. */
  with<Result>(bytes: number, work: (address: number) => Result): Result {
    const address = this.take(bytes);
    try {
      return work(address);
    } finally {
      this.give(address, bytes);
    }
  }
}
