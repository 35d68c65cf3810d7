/** How far a local network has come that is passing many epochs: each takes milliseconds, with miners and proofs tens of them. */
import { sleepFor } from "../base/sleep.ts";
import { progressLine, type Screen } from "./terminal.ts";

/** Milliseconds between two looks at the head; before somebody without a terminal is told, and then until it is told again. */
const LOOK_MS = 2000;
const TELL_MS = 6000;
const AGAIN_MS = 10_000;
/** Epochs still to come that null rounds are worth being pointed at for. */
const MANY_EPOCHS = 500;

export type EpochProgress = {
  /** Epoch of the head. */
  readonly height: () => Promise<number>;
  /** Epoch that it ends with; null: nobody knows yet. */
  readonly target: number | null;
  readonly first: number;
  /** `target` is the last epoch that it may come to; it may end before. */
  readonly isLimit?: boolean;
  /** What comes there sooner. */
  readonly hint?: string;
};

/** "40 s", "5 min", "2.5 h". */
export function roughTime(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** One line: "epoch 120 of 3700, about 3 min left"; of a limit "at most". */
export function progressText(
  height: number,
  { target, first, isLimit = false }: EpochProgress,
  elapsedMs: number,
): string {
  const made = height - first;
  const of = target === null ? "" : ` of ${isLimit ? "at most " : ""}${target}`;
  if (target === null || made <= 0) return `epoch ${height}${of}`;
  const left = roughTime(((target - height) / made) * (elapsedMs / 1000));
  return `epoch ${height}${of}, ${isLimit ? "at most" : "about"} ${left} left`;
}

/**
 * Does `work`, and tells meanwhile how far the head has come: on a terminal as it goes; elsewhere in a line of its own every ten
 * seconds. What comes there sooner is told once, where many epochs are to come. A look that fails is nothing: the work itself tells why.
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
    let tellAt = began + TELL_MS;
    let isHinted = false;
    for (;;) {
      await sleepFor(LOOK_MS, over.signal);
      const height = await progress.height();
      const now = Date.now();
      const text = progressText(height, progress, now - began);
      if (over.signal.aborted) return;
      line.show(text, true);
      if (now < tellAt) continue;
      const isFirst = tellAt === began + TELL_MS;
      tellAt = now + AGAIN_MS;
      if (screen.isTTY !== true)
        screen.write(isFirst ? `note: this takes a while: ${text}; Ctrl-C ends it between two epochs\n` : `${text}\n`);
      if (isHinted || progress.hint === undefined || (progress.target ?? 0) - height < MANY_EPOCHS) continue;
      isHinted = true;
      line.clear();
      screen.write(`hint: ${progress.hint}\n`);
    }
  })().catch(() => undefined);
  try {
    return await work();
  } finally {
    over.abort();
    line.clear();
  }
}
