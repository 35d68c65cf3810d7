/**
 * The scheduler over a queue: what `ProvingPool` is for one process, for the workers of many machines.
 *
 * Every job is delivered at least once and answered exactly once: its result lies in the store under the job's key, whoever made
 * it, however often. What comes back is checked before it is taken (`check.ts`); a proof made of it is verified besides.
 */
import type { Failure } from "../base/errors.ts";
import { checkNames, checkNumber, checkWhole, type OptionNames } from "../base/options.ts";
import type { Job, ResultOf } from "../proving/jobs.ts";
import { RemoteError } from "../proving/pool.ts";
import { type RunAllOptions, type RunOptions, runBounded, type Scheduler } from "../proving/scheduler.ts";
import { JobError } from "../proving/source.ts";
import type { ResultCheck } from "./check.ts";
import { pack, unpack } from "./packing.ts";
import type { BlobStore } from "./store.ts";
import { ATTEMPTS, jobMemory, QueueTable, resultKey } from "./table.ts";
import { readResult, resultName } from "./worker.ts";

export type QueueOptions = {
  readonly url: string;
  readonly store: BlobStore;
  readonly release: string;
  /** Jobs in the queue at a time; default 64. */
  readonly size?: number;
  /** Seconds since 1970 by which the results are wanted: nearer ones go first. */
  readonly deadline?: number;
  /** As in `WorkerOptions`. */
  readonly leaseSeconds?: number;
  /** Checks a result; one that fails is thrown away and made again. */
  readonly check: ResultCheck;
  readonly onTrouble?: (error: unknown) => void;
};

const OPTIONS: OptionNames<QueueOptions> = {
  ...{ url: true, store: true, release: true, size: true },
  ...{ deadline: true, leaseSeconds: true, check: true, onTrouble: true },
};

const MAX_SIZE = 100_000;
const POLL_MS = 150;
const MOST_WAIT_MS = 5000;
/** Polls between looks for silent workers. */
const REAP_EVERY = 20;
/** Times that results which fail the check, or are not there, are made again. */
const MOST_BAD = 2;

/** Why a delivery ended: a worker is done, the table does not know the job any more, or no worker will do it. */
type Outcome = "completed" | "lost" | "parked";

type Pending = {
  readonly settle: (outcome: Outcome) => void;
  readonly fail: (error: unknown) => void;
};

export class QueueScheduler implements Scheduler {
  readonly size: number;
  readonly isLocal = false;
  private readonly table: QueueTable;
  private readonly options: QueueOptions;
  /** Jobs waited for, by id in the queue. */
  private readonly pending = new Map<string, Pending>();
  private timer: ReturnType<typeof setTimeout> | null = null;
  private polls = 0;
  private wait = POLL_MS;
  private closed = false;

  private constructor(table: QueueTable, options: QueueOptions) {
    this.table = table;
    this.options = options;
    this.size = options.size ?? 64;
  }

  /** Rejects with the database's error, and with `OptionError`. */
  static async open(options: QueueOptions): Promise<QueueScheduler> {
    checkNames("QueueScheduler.open", options, OPTIONS);
    const { size, deadline } = options;
    if (size !== undefined) checkWhole("size", size, [1, MAX_SIZE]);
    if (deadline !== undefined) checkNumber("deadline", deadline, [0, Number.MAX_SAFE_INTEGER]);
    return new QueueScheduler(await QueueTable.open(options.url, options.release, options.leaseSeconds), options);
  }

  runAll<J extends Job>(
    jobs: AsyncIterable<J> | Iterable<J>,
    options: RunAllOptions<ResultOf<J>> = {},
  ): Promise<ResultOf<J>[]> {
    return runBounded((job, one) => this.run(job, one), this.size, jobs, options);
  }

  /**
   * Rejects with `RemoteError` (the job failed), `JobError` `WORKER_LOST` (it ended `ATTEMPTS` workers and is parked, none gave a
   * good result, or the scheduler was closed), or the signal's reason. Progress is not reported.
   */
  async run<J extends Job>(job: J, { signal }: RunOptions = {}): Promise<ResultOf<J>> {
    const { store, release, check } = this.options;
    signal?.throwIfAborted();
    const packed = await pack(store, job);
    const key = resultKey(release, packed);
    let outcome: Outcome | null = null;
    for (let bad = 0; ; ) {
      const stored = await readResult(store, key);
      if (stored !== null && "failure" in stored) throw remote(stored.failure);
      if (stored !== null) {
        const result = await unpack(store, stored.result).catch(() => undefined);
        if (result !== undefined && check(job, result)) return result as ResultOf<J>;
        if (bad++ === MOST_BAD)
          throw new JobError(
            { code: "WORKER_LOST", attempts: bad },
            `${job.kind}: its results do not pass their check`,
          );
        // Emptied, so that the next worker does not find it done.
        await store.write(resultName(key), new Uint8Array(0));
      }
      if (stored === null && outcome === "completed" && bad++ === MOST_BAD)
        throw new JobError(
          { code: "WORKER_LOST", attempts: bad },
          `${job.kind}: workers say that it is done, but its result is not in this store; do they have the same --store?`,
        );
      outcome = await this.deliver(key, packed, jobMemory(job), signal);
      if (outcome === "parked")
        throw new JobError({ code: "WORKER_LOST", attempts: ATTEMPTS }, `${job.kind}: its workers died, it is parked`);
    }
  }

  /** Sends a job and waits until there is a result to look at, or none will come. */
  private async deliver(
    key: string,
    packed: unknown,
    memory: number,
    shared: AbortSignal | undefined,
  ): Promise<Outcome> {
    // Many jobs wait for one signal: each listens to its own.
    const signal = shared === undefined ? undefined : AbortSignal.any([shared]);
    const id = await this.send(key, packed, memory, signal);
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.pending.delete(id);
        this.table.cancel(memory, id).catch(() => undefined);
        reject(signal?.reason);
      };
      const settled = (): void => {
        signal?.removeEventListener("abort", abort);
        this.pending.delete(id);
      };
      const settle = (outcome: Outcome): void => {
        settled();
        resolve(outcome);
      };
      const fail = (error: unknown): void => {
        settled();
        reject(error);
      };
      if (signal?.aborted === true) return abort();
      if (this.closed) return reject(closedError());
      signal?.addEventListener("abort", abort, { once: true });
      this.pending.set(id, { settle, fail });
      this.schedule();
    });
  }

  /** Sends, again while the database is away. */
  private async send(key: string, job: unknown, memory: number, signal: AbortSignal | undefined): Promise<string> {
    for (let wait = POLL_MS; ; wait = Math.min(MOST_WAIT_MS, 2 * wait)) {
      signal?.throwIfAborted();
      if (this.closed) throw closedError();
      try {
        return await this.table.send({ key, job }, memory, this.options.deadline);
      } catch (error) {
        this.options.onTrouble?.(error);
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  }

  private schedule(): void {
    if (this.timer !== null || this.closed || this.pending.size === 0) return;
    this.timer = setTimeout(() => {
      void this.poll().finally(() => {
        this.timer = null;
        this.schedule();
      });
    }, this.wait);
  }

  private async poll(): Promise<void> {
    try {
      if (this.polls++ % REAP_EVERY === 0) await this.table.reap();
      const asked = [...this.pending];
      const states = await this.table.states(asked.map(([id]) => id));
      for (const [id, one] of asked) {
        const state = states.get(id);
        if (state === "failed") one.settle("parked");
        else if (state === "completed") one.settle("completed");
        // A job that the table lost (a restored database) is looked for in the store, and sent again if it is not there.
        else if (state === "cancelled" || state === undefined) one.settle("lost");
      }
      this.wait = POLL_MS;
    } catch (error) {
      this.options.onTrouble?.(error);
      this.wait = Math.min(MOST_WAIT_MS, 2 * this.wait);
    }
  }

  /** Ends what is waited for with `JobError` `WORKER_LOST`; the jobs stay in the queue. */
  async close(): Promise<void> {
    this.closed = true;
    if (this.timer !== null) clearTimeout(this.timer);
    for (const one of this.pending.values()) one.fail(closedError());
    await this.table.close();
  }
}

function closedError(): JobError {
  return new JobError({ code: "WORKER_LOST", attempts: 0 }, "the scheduler is closed");
}

function remote({ data, message }: Failure): RemoteError {
  return new RemoteError((data ?? { code: "Error" }) as { code: string }, message);
}
