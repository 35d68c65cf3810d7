/**
 * A worker of the queue: claims what its memory and threads allow, runs it in its own pool, and puts results in the store.
 *
 * A job that throws is done, with its failure as the result: it would throw everywhere. A job whose thread died is given back.
 * The result is in the store before the job is marked as done, so a worker that dies in between costs another delivery, never a
 * result. While the database is away, work goes on and its marks wait.
 */
import { fromUtf8, utf8 } from "../base/bytes.ts";
import { type Failure, failureOf } from "../base/errors.ts";
import { checkNames, checkNumber, checkWhole, type OptionNames } from "../base/options.ts";
import { MAX_WORKERS } from "../platform/platform.ts";
import type { Job } from "../proving/jobs.ts";
import { ProvingPool, RemoteError } from "../proving/pool.ts";
import { JobError } from "../proving/source.ts";
import { pack, unpack } from "./packing.ts";
import type { BlobStore } from "./store.ts";
import { type Claim, MEMORY_CLASSES, type QueuedJob, QueueTable, RESULT_KEY } from "./table.ts";

/** What lies in the store under `results/<key>`. */
export type StoredResult = { readonly result: unknown } | { readonly failure: Failure };

/** Where a worker is with a job, for tests of what happens when it ends there. */
export type Stage = "claimed" | "working" | "stored" | "completed";

export type WorkerOptions = {
  readonly url: string;
  readonly store: BlobStore;
  readonly release: string;
  /** Threads. */
  readonly workers: number;
  /** MiB that all its jobs together may take. */
  readonly memory: number;
  readonly signal: AbortSignal;
  /** Seconds without a sign of life after which others take a job; default 15, the same for all of a queue. */
  readonly leaseSeconds?: number;
  /** Told of every job that ended. */
  readonly onJob?: (kind: string, outcome: "done" | "failed" | "given back" | "known") => void;
  readonly onTrouble?: (error: unknown) => void;
  readonly onStage?: (stage: Stage, job: Job) => void;
};

const OPTIONS: OptionNames<WorkerOptions> = {
  ...{ url: true, store: true, release: true, workers: true, memory: true, signal: true },
  ...{ leaseSeconds: true, onJob: true, onTrouble: true, onStage: true },
};

const IDLE_MS = 200;
const MOST_WAIT_MS = 5000;

export const resultName = (key: string): string => `results/${key}`;

/** The result of a key, null if there is none that can be read. */
export async function readResult(store: BlobStore, key: string): Promise<StoredResult | null> {
  const bytes = await store.read(resultName(key));
  if (bytes === null) return null;
  try {
    const value = JSON.parse(fromUtf8(bytes)) as StoredResult;
    return typeof value === "object" && value !== null && ("result" in value || "failure" in value) ? value : null;
  } catch {
    // A write that was cut: the next attempt writes it anew.
    return null;
  }
}

/** Something to wait for: a time to pass, or a ring. */
class Bell {
  private ringing: () => void = () => undefined;

  ring(): void {
    this.ringing();
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.ringing(), ms);
      this.ringing = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Works until the signal aborts; jobs in hand are then given back. Rejects if the database cannot be reached at the start. */
export async function runWorker(options: WorkerOptions): Promise<void> {
  checkNames("runWorker", options, OPTIONS);
  const { url, release, workers, memory, signal, onTrouble } = options;
  checkWhole("workers", options.workers, [1, MAX_WORKERS]);
  checkNumber("memory", memory, [1, Number.MAX_SAFE_INTEGER]);
  const table = await QueueTable.open(url, release, options.leaseSeconds);
  const pool = ProvingPool.open(workers);
  const held = new Map<Claim, Promise<void>>();
  const bell = new Bell();
  signal.addEventListener("abort", () => bell.ring());
  const quietly = async (what: () => Promise<unknown>): Promise<void> => {
    await what().catch((error: unknown) => onTrouble?.(error));
  };
  const signs = setInterval(() => {
    void quietly(() => table.sign([...held.keys()].map(({ id }) => id)));
    void quietly(() => table.reap());
  }, table.leaseSeconds * 200);
  try {
    let wait = IDLE_MS;
    while (!signal.aborted) {
      const free = memory - [...held.keys()].reduce((sum, claim) => sum + claim.memory, 0);
      if (held.size >= workers || free < MEMORY_CLASSES[0]) {
        await bell.wait(MOST_WAIT_MS);
        continue;
      }
      let claim: Claim | null = null;
      try {
        claim = await table.claim(free);
        wait = IDLE_MS;
      } catch (error) {
        onTrouble?.(error);
        wait = Math.min(MOST_WAIT_MS, 2 * wait);
      }
      if (claim === null) {
        await bell.wait(wait);
        continue;
      }
      const taken = claim;
      held.set(
        taken,
        workOn(table, pool, taken, options).finally(() => {
          held.delete(taken);
          bell.ring();
        }),
      );
    }
  } finally {
    clearInterval(signs);
    await pool.close();
    await Promise.allSettled(held.values());
    await table.close();
  }
}

async function workOn(table: QueueTable, pool: ProvingPool, claim: Claim, options: WorkerOptions): Promise<void> {
  const { store, signal, onJob, onStage, onTrouble } = options;
  let kind = "?";
  try {
    const { key } = jobOf(claim);
    let outcome: "done" | "failed" | "known" = "known";
    if ((await readResult(store, key)) === null) {
      const job = (await unpack(store, claim.data.job)) as Job;
      kind = job.kind;
      onStage?.("claimed", job);
      const running = pool.run(job, { signal: AbortSignal.any([signal]) });
      onStage?.("working", job);
      const stored = await running.then(
        async (result): Promise<StoredResult> => ({ result: await pack(store, result) }),
        (error: unknown): StoredResult => {
          if (!(error instanceof RemoteError)) throw error;
          return { failure: { ...failureOf(error), name: "RemoteError" } };
        },
      );
      await store.write(resultName(key), utf8(JSON.stringify(stored)));
      onStage?.("stored", job);
      outcome = "failure" in stored ? "failed" : "done";
      await mark(() => table.complete(claim), options);
      onStage?.("completed", job);
    } else await mark(() => table.complete(claim), options);
    onJob?.(kind, outcome);
  } catch (error) {
    onTrouble?.(error);
    const why = error instanceof JobError ? error.code : String((error as Error).message ?? error);
    await mark(() => table.giveBack(claim, why), options);
    onJob?.(kind, "given back");
  }
}

/** What a claim is of. Throws for what no scheduler puts into the queue; like any job that cannot be read it is given back, and parked in the end. */
function jobOf({ data }: Claim): QueuedJob {
  const { key } = (data ?? {}) as Partial<QueuedJob>;
  if (typeof key === "string" && RESULT_KEY.test(key)) return data;
  throw new TypeError("a job in the queue has no key of its result");
}

/** Tries until the database takes it, a minute long; after that the job's lease has run out, and another worker has it. */
async function mark(what: () => Promise<void>, { onTrouble, signal }: WorkerOptions): Promise<void> {
  for (let wait = IDLE_MS, left = 60_000; ; left -= wait, wait = Math.min(MOST_WAIT_MS, 2 * wait)) {
    try {
      await what();
      return;
    } catch (error) {
      onTrouble?.(error);
      if (left <= 0 || signal.aborted) return;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}
