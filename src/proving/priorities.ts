/**
 * Work in the order of how much it matters: one scheduler, shared by those whose proofs are due within the hour and those
 * who seal for weeks. What has begun is not interrupted; of what waits, the most important is begun first, and among equals
 * what came first.
 */
import type { Job, ResultOf } from "./jobs.ts";
import { type RunAllOptions, type RunOptions, runBounded, type Scheduler } from "./scheduler.ts";

/** From the most important down. */
export const PRIORITIES = ["winning", "window", "commit", "seal", "other"] as const;
export type JobPriority = (typeof PRIORITIES)[number];

type Waiting = { readonly begin: () => void };

export class PriorityScheduler {
  private readonly inner: Scheduler;
  private readonly queues = new Map<JobPriority, Waiting[]>(PRIORITIES.map((priority) => [priority, []]));
  private running = 0;

  constructor(inner: Scheduler) {
    this.inner = inner;
  }

  /** The scheduler as those see it whose work has this priority. */
  at(priority: JobPriority): Scheduler {
    const run = <J extends Job>(job: J, options?: RunOptions): Promise<ResultOf<J>> => this.run(priority, job, options);
    const { size, isLocal } = this.inner;
    return {
      size,
      isLocal,
      run,
      runAll: <J extends Job>(jobs: AsyncIterable<J> | Iterable<J>, options?: RunAllOptions<ResultOf<J>>) =>
        runBounded(run, size, jobs, options),
    };
  }

  /** Jobs that wait, by priority. */
  waiting(): Readonly<Record<JobPriority, number>> {
    const count = (priority: JobPriority): number => this.queueOf(priority).length;
    return Object.fromEntries(PRIORITIES.map((one) => [one, count(one)])) as Record<JobPriority, number>;
  }

  private async run<J extends Job>(priority: JobPriority, job: J, options: RunOptions = {}): Promise<ResultOf<J>> {
    const { signal } = options;
    signal?.throwIfAborted();
    if (this.running >= this.inner.size) await this.turn(priority, signal);
    else this.running++;
    try {
      return await this.inner.run(job, options);
    } finally {
      this.next();
    }
  }

  /** Resolves when a place is free and this is its turn; the place is taken then. */
  private turn(priority: JobPriority, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const queue = this.queueOf(priority);
      const onAbort = (): void => {
        queue.splice(queue.indexOf(waiting), 1);
        reject(signal?.reason);
      };
      const waiting: Waiting = {
        begin: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      queue.push(waiting);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Gives the place of a job that has ended to the next one. */
  private next(): void {
    for (const priority of PRIORITIES) {
      const waiting = this.queueOf(priority).shift();
      if (waiting === undefined) continue;
      waiting.begin();
      return;
    }
    this.running--;
  }

  private queueOf(priority: JobPriority): Waiting[] {
    return this.queues.get(priority) as Waiting[];
  }
}
