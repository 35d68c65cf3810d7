/**
 * Loading `proofs.wasm`, or its SIMD build where the engine has SIMD, and handing out memory in an instance of it.
 *
 * One instance serves one thread and answers synchronously. Its memory is given out in blocks, one above the other. Blocks
 * given back at the top go back to the module, others are kept for the next request of the same size; so a long-lived
 * worker holds no more than its jobs did at once, whatever their sizes.
 */
import { checkNames } from "../base/options.ts";
import type { Asset } from "../platform/platform.ts";
import { PROOFS_SIMD_WASM, PROOFS_WASM } from "./assets/proofs.ts";
import { EngineFault } from "./errors.ts";
import { Instance, PAGE_BYTES } from "./instance.ts";
import { compileModule, type WasmSource } from "./load.ts";
import { PROOF_EXPORTS, type ProofExports } from "./proof-exports.ts";
import { chooseBuild } from "./simd.ts";

/** Most bytes of one block, as `allocate` has it. */
const MOST_BLOCK_BYTES = 2 ** 30 - 16;

/** Pages of the memory at the start (static tables take eighteen), and the most that 32-bit addresses reach. */
const FIRST_PAGES = 32;
const MOST_PAGES = 65536;

export type ProofsOptions = {
  /** Take the SIMD build; by default where the engine validates it. */
  readonly simd?: boolean;
  /** The module's bytes, or the module compiled, in place of the platform's asset. */
  readonly source?: WasmSource;
  /** Most 64 KiB pages the memory may have; default 65536 (4 GiB). */
  readonly maxPages?: number;
};

/** The build that this engine should load. */
export function proofAsset(simd?: boolean): Asset {
  return chooseBuild({ plain: PROOFS_WASM, simd: PROOFS_SIMD_WASM }, simd);
}

type Block = { readonly address: number; readonly bytes: number; free: boolean };

/**
 * Loads the module once and makes an instance of it: the functions about pieces, sectors and proofs take it first.
 * Faults: those of `compileModule` and `Instance.create`.
 *
 * @example
 * const proofs = await loadProofs();
 * const piece = commitPiece(proofs, payload);
 */
export async function loadProofs(options: ProofsOptions = {}): Promise<Proofs> {
  checkNames<ProofsOptions>("loadProofs", options, { simd: true, source: true, maxPages: true });
  const asset = proofAsset(options.simd);
  const { name } = asset;
  const module = await compileModule(asset, options.source);
  const { maxPages = MOST_PAGES } = options;
  const pages = { maxPages, initialPages: Math.min(FIRST_PAGES, maxPages) };
  return new Proofs(await Instance.create(module, { name, ...pages }, PROOF_EXPORTS));
}

/** An instance of the proof module; `loadProofs` makes one. */
export class Proofs {
  readonly instance: Instance<ProofExports>;
  /** All blocks, from the lowest address up. */
  private readonly blocks: Block[] = [];
  /** Blocks given back below one that is still in use, by size. */
  private readonly free = new Map<number, Block[]>();

  constructor(instance: Instance<ProofExports>) {
    this.instance = instance;
  }

  get exports(): ProofExports {
    return this.instance.exports;
  }

  /** Address of `bytes` bytes, 16-aligned, content undefined. Faults: `MEMORY_LIMIT`. */
  take(bytes: number): number {
    const kept = this.free.get(bytes)?.pop();
    if (kept !== undefined) {
      kept.free = false;
      return kept.address;
    }
    const { instance } = this;
    // Beyond 32 bits a number would be cut to its low bits on its way into the module.
    if (!Number.isInteger(bytes) || bytes < 0 || bytes > MOST_BLOCK_BYTES) throw this.tooLarge(bytes);
    let address: number;
    try {
      address = instance.exports.allocate(bytes) >>> 0;
    } catch (cause) {
      throw this.tooLarge(bytes, cause);
    }
    instance.checkMemory();
    this.blocks.push({ address, bytes, free: false });
    return address;
  }

  /** Gives back a block of `take(bytes)`. */
  give(address: number, bytes: number): void {
    const blocks = this.blocks;
    const block = blocks.findLast((one) => one.address === address);
    if (block === undefined || block.free || block.bytes !== bytes)
      throw new RangeError(`${this.instance.name}: no block of ${bytes} bytes was taken at ${address}`);
    block.free = true;
    if (block !== blocks.at(-1)) {
      const kept = this.free.get(bytes);
      if (kept === undefined) this.free.set(bytes, [block]);
      else kept.push(block);
      return;
    }
    for (let top = blocks.at(-1); top?.free === true; top = blocks.at(-1)) {
      blocks.pop();
      this.instance.exports.release(top.address);
      if (top !== block) this.forget(top);
    }
  }

  /** Takes a block out of the kept ones. */
  private forget(block: Block): void {
    const left = this.free.get(block.bytes)?.filter((one) => one !== block) ?? [];
    if (left.length > 0) this.free.set(block.bytes, left);
    else this.free.delete(block.bytes);
  }

  private tooLarge(bytes: number, cause?: unknown): EngineFault {
    const { name, maxPages } = this.instance;
    return new EngineFault(
      { code: "MEMORY_LIMIT", asset: name, pages: Math.ceil(bytes / PAGE_BYTES), maxPages },
      `${name} has no memory left for ${bytes} bytes`,
      { cause },
    );
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
