import type { Chain } from "../chain/chain.ts";
import type { Syncer } from "../sync/syncer.ts";

/** Milliseconds that a node which was told of peers waits for the first of them before it mines. */
export const GREETING_MS = 5000;
/** Epochs that mining waits for a fork that may be heavier. */
export const CONTEST_EPOCHS = 10;

/**
 * Whether a fork as high as the head is being fetched: where epochs are shorter than that takes, a miner that did not wait
 * would be on a chain of its own for ever. It waits for so long at most, then makes a block, then may wait again.
 */
export class Contest {
  private since: number | null = null;
  private readonly syncer: Pick<Syncer, "status">;
  private readonly chain: Pick<Chain, "head">;
  private readonly longest: number;
  private readonly now: () => number;

  /** `longest` and `now`: milliseconds. */
  constructor(syncer: Pick<Syncer, "status">, chain: Pick<Chain, "head">, longest: number, now: () => number) {
    this.syncer = syncer;
    this.chain = chain;
    this.longest = longest;
    this.now = now;
  }

  isOpen(): boolean {
    const { active } = this.syncer.status();
    const isContested = active.some(({ target }) => target.height >= this.chain.head.height);
    this.since = isContested ? (this.since ?? this.now()) : null;
    if (this.since === null || this.now() - this.since < this.longest) return isContested;
    this.since = null;
    return false;
  }
}
