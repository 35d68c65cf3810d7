/**
 * The queue itself: pg-boss on PostgreSQL, one queue for each release and class of memory.
 *
 * Jobs of releases that differ never meet: results depend on the release, so its name is part of the queue's. Of the waiting jobs
 * that with the nearest deadline goes first. A worker that holds a job says so every few seconds by setting the job's start anew;
 * a job whose start lies a lease (15 seconds) back is given to another, and after `ATTEMPTS` of them it is parked (`failed`) and
 * kept for a person to look at. pg-boss 10 is the last line that runs on Node 20.
 */

import pg from "pg";
import PgBoss from "pg-boss";
import { platform } from "#platform";
import { toHex, utf8 } from "../base/bytes.ts";
import { sha256 } from "../base/digests.ts";
import { checkWhole } from "../base/options.ts";
import { proofAsset } from "../core/proofs.ts";
import type { Job } from "../proving/jobs.ts";

/** Seconds that a job is a worker's without a sign of life; signs come five times as often. */
const LEASE_SECONDS = 15;
/** Workers that may lose a job before it is parked. */
export const ATTEMPTS = 3;
/** Classes of memory that a job may take, MiB. */
export const MEMORY_CLASSES = [512, 2048, 8192] as const;

/** What stands in the queue: the job as `packing.ts` spells it, and the key of its result. */
export type QueuedJob = { readonly key: string; readonly job: unknown };
export type Claim = { readonly id: string; readonly queue: string; readonly memory: number; readonly data: QueuedJob };
export type JobState = "created" | "retry" | "active" | "completed" | "cancelled" | "failed";

/** This build's name: the version of the border and the core's bytes. Jobs go only to workers of the same. */
export async function releaseName(): Promise<string> {
  const core = await platform.readAsset(proofAsset(true).url());
  return toHex(sha256(core)).slice(0, 12);
}

/** MiB that a job takes at most, from its kind. */
export function jobMemory(job: Job): number {
  // A range of variables, and the circuit's rows as terms.
  if (job.kind === "key-numbers") return 3072;
  if (job.kind === "seal-layers" || job.kind === "unseal-range")
    return job.identity.proof.sectorBytes > 2 ** 28 ? 8192 : 2048;
  return 512;
}

const SCHEMA = "filigree";
/** Deadlocks that making a queue may meet. */
const DEADLOCKS = 8;

export class QueueTable {
  private readonly boss: PgBoss;
  private readonly pool: pg.Pool;
  readonly release: string;
  readonly leaseSeconds: number;

  private constructor(boss: PgBoss, pool: pg.Pool, release: string, leaseSeconds: number) {
    this.boss = boss;
    this.pool = pool;
    this.release = release;
    this.leaseSeconds = leaseSeconds;
  }

  /** Connects, and makes the tables on first use. Rejects with the database's error. */
  static async open(url: string, release: string, leaseSeconds: number = LEASE_SECONDS): Promise<QueueTable> {
    checkWhole("leaseSeconds", leaseSeconds, [1, 86_400]);
    const pool = new pg.Pool({ connectionString: url, max: 4, connectionTimeoutMillis: 10_000 });
    // An idle connection that breaks is replaced at the next query; without a listener it would end the process.
    pool.on("error", () => undefined);
    const boss = new PgBoss({
      db: { executeSql: (text: string, values?: unknown[]) => pool.query(text, values as never) },
      schema: SCHEMA,
      schedule: false,
    } as PgBoss.ConstructorOptions);
    boss.on("error", () => undefined);
    try {
      await boss.start();
      const table = new QueueTable(boss, pool, release, leaseSeconds);
      for (const queue of table.queues(Number.POSITIVE_INFINITY)) await table.makeQueue(queue);
      return table;
    } catch (error) {
      await boss.stop({ graceful: false, close: false }).catch(() => undefined);
      await pool.end();
      throw error;
    }
  }

  /** Makes a queue if it is not there. Making it locks tables that others work on, which PostgreSQL may end as a deadlock. */
  private async makeQueue(name: string): Promise<void> {
    const options = { name, retryLimit: ATTEMPTS - 1, expireInSeconds: this.leaseSeconds };
    for (let left = DEADLOCKS; (await this.boss.getQueue(name)) === null; left--) {
      try {
        await this.boss.createQueue(name, options as PgBoss.Queue);
        return;
      } catch (error) {
        if (left === 0 || (error as { code?: unknown }).code !== "40P01") throw error;
        await new Promise((resolve) => setTimeout(resolve, 100 * (DEADLOCKS - left + 1)));
      }
    }
  }

  /** Queues of this release whose jobs take at most so many MiB. */
  queues(memory: number): string[] {
    return MEMORY_CLASSES.filter((one) => one <= memory).map((one) => `filigree.${this.release}.${one}`);
  }

  /** Puts a job in; resolves to its id. `deadline`: seconds since 1970; jobs without one come after all that have one. */
  async send(data: QueuedJob, memory: number, deadline: number | undefined): Promise<string> {
    const size = MEMORY_CLASSES.find((one) => one >= memory) ?? MEMORY_CLASSES.at(-1);
    const priority = deadline === undefined ? 0 : Math.max(1, 2 ** 31 - 1 - Math.max(0, Math.floor(deadline)));
    const options = { priority, retryLimit: ATTEMPTS - 1, retryDelay: 0, expireInSeconds: this.leaseSeconds };
    const id = await this.boss.send(`filigree.${this.release}.${size}`, data, options);
    if (id === null) throw new Error("the queue took no job");
    return id;
  }

  /** The most urgent job that takes at most `memory` MiB; null if there is none. */
  async claim(memory: number): Promise<Claim | null> {
    const queues = this.queues(memory);
    if (queues.length === 0) return null;
    const { rows } = await this.pool.query(
      `SELECT name FROM ${SCHEMA}.job WHERE name = ANY($1) AND state < 'active' AND start_after < now()
       GROUP BY name ORDER BY max(priority) DESC, min(created_on)`,
      [queues],
    );
    for (const { name } of rows as { name: string }[]) {
      const [job] = await this.boss.fetch<QueuedJob>(name);
      if (job !== undefined) return { id: job.id, queue: name, memory: Number(name.split(".").at(-1)), data: job.data };
    }
    return null;
  }

  /** Says that jobs are still worked on. */
  async sign(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await this.pool.query(`UPDATE ${SCHEMA}.job SET started_on = now() WHERE id = ANY($1) AND state = 'active'`, [ids]);
  }

  async complete({ queue, id }: Claim): Promise<void> {
    await this.boss.complete(queue, id);
  }

  /** Gives a job back: another attempt, or parked after the last. */
  async giveBack({ queue, id }: Pick<Claim, "queue" | "id">, why: string): Promise<void> {
    await this.boss.fail(queue, id, { why });
  }

  async cancel(memory: number, id: string): Promise<void> {
    const size = MEMORY_CLASSES.find((one) => one >= memory) ?? MEMORY_CLASSES.at(-1);
    await this.boss.cancel(`filigree.${this.release}.${size}`, id);
  }

  /** Gives back the jobs of workers that went silent. */
  async reap(): Promise<number> {
    const { rows } = await this.pool.query(
      `SELECT id, name FROM ${SCHEMA}.job WHERE name = ANY($1) AND state = 'active' AND started_on + expire_in < now()`,
      [this.queues(Number.POSITIVE_INFINITY)],
    );
    for (const { id, name } of rows as { id: string; name: string }[])
      await this.giveBack({ queue: name, id }, "its worker went silent");
    return rows.length;
  }

  /** States of jobs; ids that are not in the table are left out. */
  async states(ids: readonly string[]): Promise<Map<string, JobState>> {
    const { rows } = await this.pool.query(
      `SELECT id, state FROM ${SCHEMA}.job WHERE id = ANY($1)
       UNION ALL SELECT id, state FROM ${SCHEMA}.archive WHERE id = ANY($1)`,
      [ids],
    );
    return new Map((rows as { id: string; state: JobState }[]).map(({ id, state }) => [id, state]));
  }

  async close(): Promise<void> {
    await this.boss.stop({ graceful: false, close: false }).catch(() => undefined);
    await this.pool.end();
  }
}

/** What such a key looks like. */
export const RESULT_KEY = /^[0-9a-f]{64}$/;

/** Key of a job's result: its text holds the digests of all its bytes. */
export function resultKey(release: string, job: unknown): string {
  return toHex(sha256(utf8(`${release} ${JSON.stringify(job)}`)));
}
