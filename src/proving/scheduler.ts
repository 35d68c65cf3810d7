/**
 * Who runs jobs: the pool of this process (`pool.ts`), workers on many machines (`src/queue`), or the thread itself. Results
 * depend on the jobs alone, never on who ran them.
 */
import { untilAborted } from "../base/abort.ts";
import type { Job, OnProgress, Progress, ResultOf } from "./jobs.ts";

export type RunOptions = {
  readonly signal?: AbortSignal;
  readonly onProgress?: OnProgress;
};

export type RunAllOptions<Result> = {
  readonly signal?: AbortSignal;
  readonly onProgress?: (index: number, progress: Progress) => void;
  /**
   * Takes each result as it comes, in any order; then none is kept, and `runAll` resolves to nothing. A job is in hand until
   * what this returns has resolved.
   */
  readonly onResult?: (index: number, result: Result) => void | Promise<void>;
};

export type Scheduler = {
  /** Jobs that can be at work at a time. */
  readonly size: number;
  /** Whether jobs run in threads of this process, so that a verdict of theirs is as good as its own. */
  readonly isLocal: boolean;
  /** Runs one job. */
  run<J extends Job>(job: J, options?: RunOptions): Promise<ResultOf<J>>;
  /**
   * Runs the jobs that `jobs` yields and resolves to their results in order. The next job is asked for only when a worker can
   * take it soon, so the memory in flight is bounded. The first failure, or the signal, ends the rest, also while `jobs` itself
   * waits for something.
   */
  runAll<J extends Job>(
    jobs: AsyncIterable<J> | Iterable<J>,
    options?: RunAllOptions<ResultOf<J>>,
  ): Promise<ResultOf<J>[]>;
};

/** `runAll` over `run`, with at most `most` jobs in hand. */
export async function runBounded<J extends Job>(
  run: (job: J, options: RunOptions) => Promise<ResultOf<J>>,
  most: number,
  jobs: AsyncIterable<J> | Iterable<J>,
  options: RunAllOptions<ResultOf<J>> = {},
): Promise<ResultOf<J>[]> {
  const failed = new AbortController();
  const signal = options.signal === undefined ? failed.signal : AbortSignal.any([options.signal, failed.signal]);
  const { onProgress, onResult } = options;
  const results: ResultOf<J>[] = [];
  const running = new Set<Promise<void>>();
  try {
    let next = 0;
    for await (const job of untilAborted(jobs, signal)) {
      const index = next++;
      const report = onProgress === undefined ? {} : { onProgress: (p: Progress) => onProgress(index, p) };
      const one: Promise<void> = run(job, { signal, ...report }).then(async (result) => {
        if (onResult === undefined) results[index] = result;
        else await onResult(index, result);
        running.delete(one);
      });
      one.catch((error: unknown) => failed.abort(error));
      running.add(one);
      if (running.size >= most) await Promise.race(running);
    }
    await Promise.all(running);
    return results;
  } catch (error) {
    failed.abort(error);
    await Promise.allSettled(running);
    throw error;
  }
}
