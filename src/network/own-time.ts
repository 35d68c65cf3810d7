/**
 * Time in which this node got to what peers sent. A process that stands still for a minute (a machine that sleeps, a core
 * that others hold, a long computation) must not take the minute for its peers': their answers lie in its own buffers.
 *
 * Deadlines of peers are therefore counted in ticks of a timer that fires once after a standstill, however long it was;
 * and one tick more is waited for at the end, so that everything that came meanwhile has been read before anyone is
 * blamed. What a peer may send in a time is held against the true clock, which goes on: `late` tells how much of it the
 * peer's messages had to wait here.
 */

/** Milliseconds between two ticks. */
export const TICK_MS = 250;

/** Calls `tick` again and again until the returned function is called. */
export type Ticker = (tick: () => void, ms: number) => () => void;

/** The platform's timers; they keep no process alive. */
export const byInterval: Ticker = (tick, ms) => {
  const timer = setInterval(tick, ms);
  // Only Node has it: the ticks alone keep no process alive.
  (timer as { unref?: () => void }).unref?.();
  return () => clearInterval(timer);
};

export type OwnTimeOptions = {
  readonly ticker?: Ticker;
  /** Milliseconds of a clock that nobody sets. */
  readonly clock?: () => number;
};

/** A deadline of a peer. Whoever begins one ends it. */
export type Patience = {
  /** Aborts when it is over. */
  readonly signal: AbortSignal;
  readonly isOver: boolean;
  end(): void;
};

export class OwnTime {
  private readonly clock: () => number;
  private readonly stopTicking: () => void;
  private readonly waiting = new Set<() => void>();
  private ticks = 0;
  private lastAt: number;
  private lateMs = 0;

  constructor({ ticker = byInterval, clock = () => performance.now() }: OwnTimeOptions = {}) {
    this.clock = clock;
    this.lastAt = clock();
    this.stopTicking = ticker(() => this.tick(), TICK_MS);
  }

  /** Milliseconds since the start, without those in which this node stood still. */
  readonly now = (): number => this.ticks * TICK_MS;

  /** Milliseconds since the start in which this node stood still. */
  get late(): number {
    return this.lateMs;
  }

  /** Begins a deadline. `onTick` hears of every tick how long it has been waited. */
  patience(ms: number, why: string, onTick?: (waitedMs: number) => void): Patience {
    const abort = new AbortController();
    let waited = 0;
    const tick = (): void => {
      waited += TICK_MS;
      onTick?.(waited);
      // The first tick may come at once, and before the last one is believed everything that lies here must be read.
      if (waited >= ms + 2 * TICK_MS) {
        this.waiting.delete(tick);
        abort.abort(new Error(why));
      }
    };
    this.waiting.add(tick);
    const { signal } = abort;
    return {
      signal,
      get isOver() {
        return signal.aborted;
      },
      end: () => {
        this.waiting.delete(tick);
      },
    };
  }

  /** No tick comes any more, and no deadline ends. */
  stop(): void {
    this.stopTicking();
    this.waiting.clear();
  }

  private tick(): void {
    const at = this.clock();
    const gap = at - this.lastAt;
    this.lastAt = at;
    this.ticks++;
    if (gap >= 2 * TICK_MS) this.lateMs += gap - TICK_MS;
    for (const one of [...this.waiting]) one();
  }
}
