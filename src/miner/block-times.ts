/**
 * Times of a local network's blocks, where somebody sets them: a block's own, or all from now on by so many seconds. Epochs do not
 * follow: what counts by epochs (deadlines, deals, cron) is as it was.
 */
import { checkWhole } from "../base/options.ts";
import type { Rewind } from "../base/rewind.ts";

/** Seconds since 1970 that a block may have. */
const LATEST = 2 ** 40;

export class BlockTimes {
  private next: number | null = null;
  private shift = 0;

  /** Seconds since 1970 of the next block. It must be later than the head's when that is made. */
  setNext(timestamp: number): void {
    this.next = checkWhole("timestamp", timestamp, [0, LATEST]);
  }

  /** Has the next block be so many seconds later than it would be, and all blocks after it follow; the sum of what is to come. */
  pass(seconds: number): number {
    this.shift = checkWhole("seconds", this.shift + checkWhole("seconds", seconds, [0, LATEST]), [0, LATEST]);
    return this.shift;
  }

  /** The time of a block that is made now. `natural`: by its epoch; `parent`: that of the block below. */
  stamp(natural: number, parent: number): number {
    return Math.max(this.next ?? natural + this.shift, parent + 1);
  }

  /** A block was made. */
  made(): void {
    this.next = null;
    this.shift = 0;
  }

  remember(): Rewind {
    const { next, shift } = this;
    return async () => {
      this.next = next;
      this.shift = shift;
    };
  }
}
