/** Windows of one file, shared out over a pool in ranges of a few. */
import type { WindowRange } from "../sector/tree.ts";
import type { JobTable, OnProgress } from "./jobs.ts";
import type { Scheduler } from "./scheduler.ts";

export type ProvingOptions = { readonly signal?: AbortSignal; readonly onProgress?: OnProgress };

/** Windows that one job takes at most. */
const JOB_WINDOWS = 4;

type RangeJob = JobTable["tree-c-windows" | "replica-windows" | "parent-windows"]["job"];

/** Runs `job` for ranges that make up `total` windows; returns what each window results in, in order. */
export async function runRanges(
  pool: Scheduler,
  total: number,
  job: (range: WindowRange) => RangeJob,
  { signal, onProgress }: ProvingOptions,
): Promise<Uint8Array[]> {
  const share = Math.max(1, Math.min(JOB_WINDOWS, Math.floor(total / pool.size)));
  const ranges: WindowRange[] = [];
  for (let first = 0; first < total; first += share) ranges.push({ first, count: Math.min(share, total - first) });
  const done = ranges.map(() => 0);
  let sum = 0;
  const results = await pool.runAll(ranges.map(job), {
    ...(signal === undefined ? {} : { signal }),
    onProgress: (index, progress) => {
      sum += progress.done - (done[index] ?? 0);
      done[index] = progress.done;
      onProgress?.({ phase: progress.phase, done: sum, total });
    },
  });
  return results.flat();
}
