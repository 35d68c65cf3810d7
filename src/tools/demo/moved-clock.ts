/** The machine's clock, moved ahead together on all nodes of a demonstration: who waits by it waits for what is left. */
export class MovedClock {
  /** Its leaps are meant: who mines by it goes on. */
  readonly isMoved = true;
  private ahead: number;
  private readonly waiting = new Set<() => void>();

  /** `ahead`: milliseconds. */
  constructor(ahead = 0) {
    this.ahead = ahead;
  }

  readonly now = (): number => Date.now() + this.ahead;

  move(ahead: number): void {
    this.ahead = ahead;
    for (const look of [...this.waiting]) look();
  }

  /** Resolves after so many milliseconds of this clock; rejects with the signal's reason. */
  readonly sleep = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const until = this.now() + ms;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const end = (then: () => void): void => {
        clearTimeout(timer);
        this.waiting.delete(look);
        signal.removeEventListener("abort", abort);
        then();
      };
      const abort = (): void => end(() => reject(signal.reason));
      const look = (): void => {
        clearTimeout(timer);
        const left = until - this.now();
        if (left <= 0) end(resolve);
        else timer = setTimeout(look, Math.min(left, 2 ** 31 - 1));
      };
      if (signal.aborted) return reject(signal.reason);
      this.waiting.add(look);
      signal.addEventListener("abort", abort, { once: true });
      look();
    });
}
