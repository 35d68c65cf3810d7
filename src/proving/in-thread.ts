/** Jobs without workers. */
import type { Job, ResultOf } from "./jobs.ts";
import { perform } from "./perform.ts";
import { type RunOptions, runBounded, type Scheduler } from "./scheduler.ts";

/** Runs jobs on this thread, one at a time; each keeps it busy until it is done. */
export function inThisThread(): Scheduler {
  let last: Promise<unknown> = Promise.resolve();
  const run = <J extends Job>(job: J, { signal, onProgress }: RunOptions = {}): Promise<ResultOf<J>> => {
    const next = last.then(() => {
      signal?.throwIfAborted();
      return perform(job, onProgress);
    });
    last = next.catch(() => undefined);
    return next;
  };
  return { size: 1, run, runAll: (jobs, options) => runBounded(run, 1, jobs, options) };
}
