/**
 * Real proofs of a local network: keys of the circuits of 2 KiB sectors under the setup of a public seed, made on first use
 * and kept, and workers that prove. The key of seals takes minutes and 1.1 GB: where nobody asks for it, seals are proven
 * only if it is there already.
 */
import { platform } from "#platform";
import { equal } from "../base/bytes.ts";
import { checkChoice, checkNames, type OptionNames } from "../base/options.ts";
import type { Proofs } from "../core/proofs.ts";
import type { ProofOfSeal } from "../miner/sealing/work.ts";
import { type PostParams, provedPost, provedSeal, type SuccinctPost } from "../miner/succinct.ts";
import { ProvingPool } from "../proving/pool.ts";
import { PriorityScheduler } from "../proving/priorities.ts";
import type { Scheduler } from "../proving/scheduler.ts";
import { makeLocalParams } from "../proving/snark/local-params.ts";
import type { ParamsFile } from "../proving/snark/params-file.ts";
import { localParamsName, readParamsRecord } from "../proving/snark/params-store.ts";
import type { Progress } from "../proving/source.ts";
import { type DescribedProofs, PROOF_MODES, type ProofMode, sealsOf } from "./proof-mode.ts";

/** Seed of the setup of local networks' keys: everybody knows it and can forge their proofs. */
export const LOCAL_SETUP = "filigree devnet";

export type LocalProvingOptions = {
  /** Folder of parameters. */
  readonly folder: string;
  /** Seed of the setup. Default: `LOCAL_SETUP`. */
  readonly setup?: string;
  /** What proofs of seals are; `groth16` makes the key of their circuit. Default: `groth16` where that key was made. */
  readonly seals?: ProofMode;
  /** Worker threads. Default: one for each core. */
  readonly workers?: number;
  readonly signal?: AbortSignal;
  /** Hears of the making of keys, circuit by circuit. */
  readonly onProgress?: (circuit: string, progress: Progress) => void;
};

const OPTIONS: OptionNames<LocalProvingOptions> = {
  ...{ folder: true, setup: true, seals: true },
  ...{ workers: true, signal: true, onProgress: true },
};

/** Parameters of a local network's circuits; without `porep` seals are attested. */
export type LocalParams = PostParams & { readonly porep?: ParamsFile };

const SEAL_CIRCUIT = "porep-2048";

/** Keys and workers of a network that others began; null where keys of its setup are not those that it is verified with. */
export async function provingUnder(
  proofs: DescribedProofs & { readonly mode: "groth16" },
  params: Omit<LocalProvingOptions, "setup" | "seals">,
): Promise<LocalProving | null> {
  const proving = await LocalProving.open({ ...params, setup: proofs.setup, seals: sealsOf(proofs) });
  const same = (["winning", "window", "porep"] as const).every((kind) => {
    const [made, wanted] = [proving.params[kind]?.verifyingKey, proofs.verifyingKeys[kind]];
    return made === undefined || wanted === undefined ? made === wanted : equal(made, wanted);
  });
  if (same) return proving;
  await proving.close();
  return null;
}

/** Keys and workers. */
export class LocalProving {
  readonly params: LocalParams;
  readonly described: DescribedProofs;
  private readonly scheduler: Scheduler & { close?(): Promise<void> };
  private readonly jobs: PriorityScheduler;
  private readonly ending = new AbortController();
  private closing: Promise<void> | null = null;

  /** Over keys and workers that the caller has. */
  constructor(params: LocalParams, scheduler: Scheduler & { close?(): Promise<void> }, setup: string = LOCAL_SETUP) {
    this.params = params;
    this.scheduler = scheduler;
    this.jobs = new PriorityScheduler(scheduler);
    const { winning, window, porep } = params;
    this.described = {
      mode: "groth16",
      setup,
      verifyingKeys: {
        winning: winning.verifyingKey,
        window: window.verifyingKey,
        ...(porep === undefined ? {} : { porep: porep.verifyingKey }),
      },
    };
  }

  /** Finds the keys in the folder, or makes them there. Errors: those of `makeLocalParams`, `OptionError`. */
  static async open(given: LocalProvingOptions): Promise<LocalProving> {
    checkNames("LocalProving.open", given, OPTIONS);
    const { folder, setup = LOCAL_SETUP, ...options } = given;
    if (options.seals !== undefined) checkChoice("seals", options.seals, PROOF_MODES);
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
      const posts = { winning: await keyOf("winning-2048"), window: await keyOf("window-2048") };
      const provesSeals =
        options.seals === undefined
          ? (await readParamsRecord(folder, localParamsName(SEAL_CIRCUIT, setup))) !== null
          : options.seals === "groth16";
      const params = provesSeals ? { ...posts, porep: await keyOf(SEAL_CIRCUIT) } : posts;
      return new LocalProving(params, pool, setup);
    } catch (error) {
      await pool.close();
      throw error;
    }
  }

  /** Makes the proofs of a network's miners. */
  succinct(proofs: Proofs): SuccinctPost {
    return provedPost(proofs, this.jobs, this.params, this.ending.signal);
  }

  /** Makes the proofs of seals; null where they are attested. */
  succinctSeal(proofs: Proofs): ProofOfSeal | null {
    const { porep } = this.params;
    return porep === undefined ? null : provedSeal(proofs, this.jobs, porep, this.ending.signal);
  }

  /** Ends what is being proved, with an `AbortError`, and the workers. */
  close(): Promise<void> {
    this.ending.abort();
    this.closing ??= this.scheduler.close?.() ?? Promise.resolve();
    return this.closing;
  }
}
