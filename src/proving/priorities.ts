/**
 * Work in the order of how much it matters: one scheduler, shared by those whose proofs are due within the hour and those
 * who seal for weeks. What has begun is not interrupted; of what waits, the most important is begun first, and among equals
 * what came first. Some places can be kept for proofs of spacetime alone, so that none waits for a job that takes hours.
 */
import type { Job, ResultOf } from "./jobs.ts";
import { type RunAllOptions, type RunOptions, runBounded, type Scheduler } from "./scheduler.ts";

/** From the most important down. */
export const PRIORITIES = ["winning", "window", "commit", "seal", "other"] as const;
export type JobPriority = (typeof PRIORITIES)[number];
/** Those that are due at an epoch. */
const DUE: readonly JobPriority[] = ["winning", "window"];

type Waiting = { readonly begin: () => void };

export class PriorityScheduler {
  private readonly inner: Scheduler;
  private readonly queues = new Map<JobPriority, Waiting[]>(PRIORITIES.map((priority) => [priority, []]));
  private readonly reserved: number;
  private running = 0;

  /** `reserved`: places, fewer than all, in which nothing runs but proofs of spacetime. */
  constructor(inner: Scheduler, reserved = 0) {
    this.inner = inner;
    this.reserved = reserved;
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
    if (this.running >= this.placesOf(priority)) await this.turn(priority, signal);
    else this.running++;
    try {
      return await this.inner.run(job, options);
    } finally {
      this.running--;
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

  /** Gives the place of a job that has ended to the next one that may have it. */
  private next(): void {
    for (const priority of PRIORITIES) {
      if (this.running >= this.placesOf(priority)) continue;
      const waiting = this.queueOf(priority).shift();
      if (waiting === undefined) continue;
      this.running++;
      waiting.begin();
      return;
    }
  }

  private placesOf(priority: JobPriority): number {
    return DUE.includes(priority) ? this.inner.size : this.inner.size - this.reserved;
  }

  private queueOf(priority: JobPriority): Waiting[] {
    return this.queues.get(priority) as Waiting[];
  }
}
