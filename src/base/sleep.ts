/** Longest time of one timer, milliseconds: a longer one would go off at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** Resolves after some milliseconds, however many; rejects with the signal's reason as soon as it is aborted. */
export function sleepFor(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    let left = ms;
    let timer: ReturnType<typeof setTimeout>;
    const wait = (): void => {
      const now = Math.min(left, LONGEST_MS);
      timer = setTimeout(() => {
        left -= now;
        if (left > 0) return wait();
        signal.removeEventListener("abort", stop);
        resolve();
      }, now);
    };
    wait();
    signal.addEventListener("abort", stop, { once: true });
  });
}
