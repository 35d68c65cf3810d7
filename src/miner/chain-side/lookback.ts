/** How much of the chain is looked through for a message that was sent at an earlier height. */
import { BLOCK_LIMITS } from "../../consensus/limits.ts";

/**
 * Epochs from a head back to where a message may have been executed that was sent when another head was at `since`: so long as its miner was
 * away it may have been, and a finality more, as that head may be of a fork that is longer than the chain is now.
 */
export function lookbackTo(since: number, height: number): number {
  return Math.max(0, height - since) + BLOCK_LIMITS.finality;
}
