/**
 * The worker pool for jobs: the platform's threads, with progress, cancellation, back-pressure and retry.
 *
 * A job that was in a worker when it died is given to another, as a job is data and can be run again (`retryLost`); after
 * some deaths the fault is the job's own and is reported. Cancelling ends the worker at once: a kernel that runs for
 * minutes need not look for a signal.
 */
import { platform } from "#platform";
import { type Failure, FilError } from "../base/errors.ts";
import { checkNames, checkWhole } from "../base/options.ts";
import { wasmPlace } from "../core/load.ts";
import { retryWithRoom } from "../core/room.ts";
import { MAX_WORKERS, retryLost, type WebWorker, type WorkerPool } from "../platform/platform.ts";
import { builtFile } from "../platform/web.ts";
import type { Job, Progress, ResultOf } from "./jobs.ts";
import { JobError } from "./jobs.ts";
import { type RunAllOptions, type RunOptions, runBounded, type Scheduler } from "./scheduler.ts";

/** Jobs in hand for each worker: one at work and one waiting, so that no worker idles between two. */
const JOBS_PER_WORKER = 2;

export type ProvingPoolOptions = {
  /**
   * Starts a Web Worker that runs this package's `proving/worker.js` (exported as `filigree/proving-worker`); for pages
   * whose bundler does not follow `new Worker(new URL(…))` by itself.
   */
  readonly startWorker?: () => WebWorker;
};

/** A job failed in its worker; `data` is that of the error thrown there. */
export class RemoteError extends FilError {}

export class ProvingPool implements Scheduler {
  readonly isLocal = true;
  private readonly pool: WorkerPool;

  private constructor(pool: WorkerPool) {
    this.pool = pool;
  }

  /** Starts `size` workers; by default as many as the machine has threads for. Throws `OptionError` for no such number. */
  static open(size: number = Math.min(platform.cores, MAX_WORKERS), options: ProvingPoolOptions = {}): ProvingPool {
    checkWhole("size", size, [1, MAX_WORKERS]);
    checkNames<ProvingPoolOptions>("ProvingPool.open", options, { startWorker: true });
    const startWorker =
      options.startWorker ?? (() => new Worker(new URL("./worker.js", import.meta.url), { type: "module" }));
    return new ProvingPool(platform.openPool({ size, entry: () => builtFile("proving/worker.js"), startWorker }));
  }

  get size(): number {
    return this.pool.size;
  }

  /**
   * Runs one job. Rejects with `RemoteError` (the job failed), `JobError` `WORKER_LOST`, or the signal's reason.
   * Callers with many jobs use `runAll`, which does not queue more than the workers can hold.
   */
  run<J extends Job>(job: J, options: RunOptions = {}): Promise<ResultOf<J>> {
    return retryLost(
      () => retryWithRoom(() => this.attempt(job, options)),
      (attempts, cause) => new JobError({ code: "WORKER_LOST", attempts }, `${job.kind}: its workers died`, cause),
    );
  }

  private async attempt<J extends Job>(job: J, { signal, onProgress }: RunOptions): Promise<ResultOf<J>> {
    const channel = onProgress === undefined ? null : new MessageChannel();
    if (channel !== null) channel.port1.onmessage = (event) => onProgress?.(event.data as Progress);
    try {
      const wasm = wasmPlace();
      const message = channel === null ? { job, wasm } : { job, wasm, port: channel.port2 };
      const transfer = channel === null ? [] : [channel.port2];
      const limits = signal === undefined ? { transfer } : { transfer, signal };
      const answer = (await this.pool.run(message, limits)) as { result: ResultOf<J> } | { failure: Failure };
      if ("result" in answer) return answer.result;
      const { message: text, name, data } = answer.failure;
      throw new RemoteError(data === null ? { code: name } : (data as { code: string }), text);
    } finally {
      channel?.port1.close();
    }
  }

  /** Runs the jobs that `jobs` yields: see `Scheduler`. */
  runAll<J extends Job>(
    jobs: AsyncIterable<J> | Iterable<J>,
    options: RunAllOptions<ResultOf<J>> = {},
  ): Promise<ResultOf<J>[]> {
    return runBounded((job, one) => this.run(job, one), this.size * JOBS_PER_WORKER, jobs, options);
  }

  /** Ends a worker as a crash would; for tests. */
  killOne(): Promise<boolean> {
    return this.pool.killOne();
  }

  close(): Promise<void> {
    return this.pool.close();
  }
}
