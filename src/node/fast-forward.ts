/**
 * Long times in few tipsets, on a local network whose miners are all at hand: where a miner has sectors to prove or to try there
 * are tipsets, all else are null rounds. Half a year, which a sector lives at the least, takes minutes. Cron runs at every epoch, and
 * every deadline is proven; only rewards are fewer.
 */
import type { MinerChain } from "../miner/chain-side/chain.ts";
import type { MessagePool } from "../mpool/pool.ts";
import { WINDOW_POST } from "../params/proving.ts";
import { LOOKBACK } from "../stmgr/lookback.ts";
import type { Tipset } from "../types/block-header.ts";
import type { Clock } from "./clock.ts";
import { deadlineAhead } from "./deadline-ahead.ts";

/** Null rounds in a row: elections look back so far, and the epoch after them may have no winner either. */
const MOST_NULL = LOOKBACK - 100;
/** Tipsets at a stop: gas after null rounds is estimated for an epoch that is past, so the second carries the message. */
const AT_STOP = 4;
/** Epochs before a deadline at whose beginning its sectors are tried, so that faults can be declared in time. */
const AHEAD = 2 * WINDOW_POST.challengeWindow;

export type FastForward = {
  readonly clock: Pick<Clock, "mine" | "skip">;
  readonly pool: Pick<MessagePool, "size">;
  readonly head: () => Tipset;
  /** Of the miners that are on. */
  readonly chains: () => readonly MinerChain[];
};

/** Makes tipsets until the head stands at an epoch or, where nobody wins there, a few above it; or until the clock stops. */
export async function fastForward(
  { clock, pool, head, chains }: FastForward,
  epoch: number,
  signal?: AbortSignal,
): Promise<Tipset> {
  while (head().height < epoch && signal?.aborted !== true) {
    const { height } = head();
    let stop = epoch;
    for (const chain of chains()) {
      const open = await deadlineAhead(chain, null);
      if (open === null) continue;
      const tried = open - AHEAD;
      stop = Math.min(stop, (tried > height ? tried : open) + 1);
    }
    // What waits to be carried is carried.
    const nulls = pool.size > 0 ? 0 : Math.min(stop - height - 1, MOST_NULL);
    if (nulls > 0) await clock.skip(nulls, signal);
    else await clock.mine(1, signal);
    // A clock that has stopped makes none.
    if (head().height === height) break;
    const left = Math.min(AT_STOP, epoch - head().height);
    if (head().height >= stop && left > 0) await clock.mine(left, signal);
  }
  return head();
}
