/**
 * The workers of a process' miners: one pool for proofs of spacetime and for sealing, with what is due first before the rest. It
 * begins with the first job of a sector that is large enough, and ends with the last part that uses it.
 */
import { platform } from "#platform";
import { MAX_WORKERS } from "../platform/platform.ts";
import { inThisThread } from "./in-thread.ts";
import { ProvingPool } from "./pool.ts";
import { PriorityScheduler } from "./priorities.ts";
import type { Scheduler } from "./scheduler.ts";
import { JobError } from "./source.ts";

/** Bytes of sectors whose work stays in this thread: it takes milliseconds, less than a worker takes to begin. */
const SMALL_SECTOR = 2048;
/** Workers that proofs of spacetime find free whatever is sealed: labels of a large sector keep a worker for hours. */
const FOR_POSTS = 1;

type Workers = Pick<Scheduler, "run" | "runAll"> & { close(): Promise<void> };

export class MinerWorkers {
  /** Runs jobs, the most important first; of small sectors in this thread. */
  readonly jobs: PriorityScheduler;
  private readonly isSmall: boolean;
  private pool: Workers | null = null;
  private users = 0;

  constructor(sectorBytes: number, open: (size: number) => Workers = (size) => ProvingPool.open(size)) {
    this.isSmall = sectorBytes <= SMALL_SECTOR;
    const size = Math.min(platform.cores + FOR_POSTS, MAX_WORKERS);
    const pool = (): Workers => {
      // A pool that began now would be ended by nobody.
      if (this.users === 0) throw new JobError({ code: "WORKER_LOST", attempts: 0 }, "the miners' workers have ended");
      this.pool ??= open(size);
      return this.pool;
    };
    this.jobs = this.isSmall
      ? new PriorityScheduler(inThisThread())
      : new PriorityScheduler(
          {
            ...{ size, isLocal: true },
            run: async (job, options) => pool().run(job, options),
            runAll: async (list, options) => pool().runAll(list, options),
          },
          Math.min(FOR_POSTS, size - 1),
        );
  }

  /** For proofs of spacetime; null where they are made in this thread: of small sectors, and while no part runs that would end workers. */
  forPosts(): PriorityScheduler | null {
    return this.isSmall || this.users === 0 ? null : this.jobs;
  }

  /** Counts a part that uses them; what is given takes it off again, once, and ends the workers with the last one. */
  lease(): () => Promise<void> {
    this.users++;
    let isHeld = true;
    return async () => {
      if (!isHeld) return;
      isHeld = false;
      this.users--;
      if (this.users > 0) return;
      const { pool } = this;
      this.pool = null;
      await pool?.close();
    };
  }
}
