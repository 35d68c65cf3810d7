/**
 * Real proofs of a local network: keys of the PoSt circuits of 2 KiB sectors under the setup of a public seed, made on first
 * use and kept, and workers that prove.
 */
import { platform } from "#platform";
import type { Proofs } from "../core/proofs.ts";
import { type PostParams, provedPost, type SuccinctPost } from "../miner/succinct.ts";
import { ProvingPool } from "../proving/pool.ts";
import type { Scheduler } from "../proving/scheduler.ts";
import { makeLocalParams } from "../proving/snark/local-params.ts";
import type { ParamsFile } from "../proving/snark/params-file.ts";
import type { Progress } from "../proving/source.ts";
import type { DescribedProofs } from "./proof-mode.ts";

/** Seed of the setup of local networks' keys: everybody knows it and can forge their proofs. */
export const LOCAL_SETUP = "filigree devnet";

export type LocalProvingOptions = {
  /** Folder of parameters. */
  readonly folder: string;
  /** Seed of the setup. Default: `LOCAL_SETUP`. */
  readonly setup?: string;
  /** Worker threads. Default: one for each core. */
  readonly workers?: number;
  readonly signal?: AbortSignal;
  /** Hears of the making of keys, circuit by circuit. */
  readonly onProgress?: (circuit: string, progress: Progress) => void;
};

/** Keys and workers. */
export class LocalProving {
  readonly params: PostParams;
  readonly described: DescribedProofs;
  private readonly scheduler: Scheduler & { close?(): Promise<void> };
  private readonly ending = new AbortController();
  private closing: Promise<void> | null = null;

  /** Over keys and workers that the caller has. */
  constructor(params: PostParams, scheduler: Scheduler & { close?(): Promise<void> }, setup: string = LOCAL_SETUP) {
    this.params = params;
    this.scheduler = scheduler;
    const { winning, window } = params;
    this.described = {
      mode: "groth16",
      setup,
      verifyingKeys: { winning: winning.verifyingKey, window: window.verifyingKey },
    };
  }

  /** Finds the keys in the folder, or makes them there. Errors: those of `makeLocalParams`. */
  static async open({ folder, setup = LOCAL_SETUP, ...options }: LocalProvingOptions): Promise<LocalProving> {
    const pool = ProvingPool.open(options.workers ?? platform.cores);
    try {
      const { signal } = options;
      const keyOf = (circuit: string): Promise<ParamsFile> =>
        makeLocalParams(
          pool,
          { circuit, seed: setup, folder },
          {
            ...(signal === undefined ? {} : { signal }),
            onProgress: (progress) => options.onProgress?.(circuit, progress),
          },
        );
      const params = { winning: await keyOf("winning-2048"), window: await keyOf("window-2048") };
      return new LocalProving(params, pool, setup);
    } catch (error) {
      await pool.close();
      throw error;
    }
  }

  /** Makes the proofs of a network's miners. */
  succinct(proofs: Proofs): SuccinctPost {
    return provedPost(proofs, this.scheduler, this.params, this.ending.signal);
  }

  /** Ends what is being proved, with an `AbortError`, and the workers. */
  close(): Promise<void> {
    this.ending.abort();
    this.closing ??= this.scheduler.close?.() ?? Promise.resolve();
    return this.closing;
  }
}
