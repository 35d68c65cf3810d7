/** Jobs without workers. */
import { Turns } from "../base/turns.ts";
import type { Job, ResultOf } from "./jobs.ts";
import { perform } from "./perform.ts";
import { type RunOptions, runBounded, type Scheduler } from "./scheduler.ts";

/** Runs jobs on this thread, one at a time; each keeps it busy until it is done. */
export function inThisThread(): Scheduler {
  const turns = new Turns();
  const run = <J extends Job>(job: J, { signal, onProgress }: RunOptions = {}): Promise<ResultOf<J>> =>
    turns.run(() => {
      signal?.throwIfAborted();
      return perform(job, onProgress);
    });
  return { size: 1, isLocal: true, run, runAll: (jobs, options) => runBounded(run, 1, jobs, options) };
}
