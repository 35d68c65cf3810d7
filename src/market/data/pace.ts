/** The pace of a walk over blocks that somebody else has made: other work gets its turn, and whoever asked can end it. */
import { sleepFor } from "../../base/sleep.ts";

/** Steps between two turns of other work: where all blocks are in memory nothing else would ever let timers and sockets run. */
const STEPS_A_TURN = 256;
const NEVER = new AbortController().signal;

export class Pace {
  private readonly signal: AbortSignal;
  private steps = 0;

  constructor(signal: AbortSignal = NEVER) {
    this.signal = signal;
  }

  /** To be awaited before each step, such as one link; throws the signal's reason once it is aborted. */
  step(): Promise<void> | undefined {
    this.signal.throwIfAborted();
    return ++this.steps % STEPS_A_TURN === 0 ? sleepFor(0, this.signal) : undefined;
  }
}
