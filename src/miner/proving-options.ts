/** What proving a miner's sectors takes. */
import type { MinerChain } from "./chain-side/chain.ts";
import type { MessageTracker } from "./chain-side/tracker.ts";
import type { HeldMiner } from "./own-sectors.ts";
import type { PostProver } from "./post-prover.ts";

/** A miner's dealings with the chain. */
export type MinerAccount = { readonly chain: MinerChain; readonly tracker: MessageTracker };

export type ProvingOptions = {
  readonly prover: PostProver;
  readonly accountOf: (miner: HeldMiner) => MinerAccount;
  /** Sectors that could not be proved and were skipped or declared faulty. */
  readonly onFault?: (miner: HeldMiner, sectors: readonly number[], why: string) => void;
  /** Whether a miner proves the partitions of a deadline; default: always. */
  readonly mayProve?: (miner: HeldMiner, deadline: number) => boolean;
};
