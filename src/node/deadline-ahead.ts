/** The next deadline of a miner. */
import type { MinerChain } from "../miner/chain-side/chain.ts";
import { WINDOW_POST } from "../params/proving.ts";

const { provingPeriod, challengeWindow } = WINDOW_POST;
const DEADLINES = provingPeriod / challengeWindow;

/** Epoch at which a deadline opens next, above the head's; null: the next one that has live sectors. Null if none has. */
export async function deadlineAhead(chain: MinerChain, deadline: number | null): Promise<number | null> {
  const head = await chain.head();
  const now = await chain.deadline(head);
  for (let ahead = 0; ahead <= DEADLINES; ahead++) {
    const index = (now.index + ahead) % DEADLINES;
    const open = now.open + ahead * challengeWindow;
    if (open <= head.height || (deadline !== null && index !== deadline)) continue;
    if (deadline !== null) return open;
    const { partitions } = await chain.sectorsDue(index, head);
    if (partitions.some(({ sectors, terminated }) => sectors.length > terminated.length)) return open;
  }
  return null;
}
