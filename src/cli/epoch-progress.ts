/** How far a local network has come that is passing many epochs: each takes milliseconds, with miners and proofs tens of them. */
import { sleepFor } from "../base/sleep.ts";
import { progressLine, type Screen } from "./terminal.ts";

/** Milliseconds between two looks at the head, and before somebody without a terminal is told. */
const LOOK_MS = 2000;
const TELL_MS = 6000;

export type EpochProgress = {
  /** Epoch of the head. */
  readonly height: () => Promise<number>;
  /** Epoch that it ends with; null: nobody knows yet. */
  readonly target: number | null;
  readonly first: number;
};

/** "40 s", "5 min", "2.5 h". */
export function roughTime(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** One line: "epoch 120 of 3700, about 3 min left". */
export function progressText(height: number, { target, first }: EpochProgress, elapsedMs: number): string {
  const made = height - first;
  const of = target === null ? "" : ` of ${target}`;
  if (target === null || made <= 0) return `epoch ${height}${of}`;
  return `epoch ${height}${of}, about ${roughTime(((target - height) / made) * (elapsedMs / 1000))} left`;
}

/**
 * Does `work`, and tells meanwhile how far the head has come: on a terminal as it goes; elsewhere once, when it takes longer than some
 * seconds. A look that fails is nothing: the work itself tells why.
 */
export async function tellingEpochs<Result>(
  progress: EpochProgress,
  work: () => Promise<Result>,
  screen: Screen = process.stderr,
): Promise<Result> {
  const over = new AbortController();
  const line = progressLine(screen);
  const began = Date.now();
  void (async () => {
    for (let told = false; ; ) {
      await sleepFor(LOOK_MS, over.signal);
      const text = progressText(await progress.height(), progress, Date.now() - began);
      if (over.signal.aborted) return;
      line.show(text, true);
      if (screen.isTTY === true || told || Date.now() - began < TELL_MS) continue;
      told = true;
      screen.write(`note: this takes a while: ${text}; Ctrl-C ends it between two epochs\n`);
    }
  })().catch(() => undefined);
  try {
    return await work();
  } finally {
    over.abort();
    line.clear();
  }
}
