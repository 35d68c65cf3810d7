/**
 * The queue on a real PostgreSQL, with workers in processes of their own: every job answered once, whatever dies.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadProofs } from "../../src/core/proofs.ts";
import { perform } from "../../src/proving/perform.ts";
import type { QuotientJob } from "../../src/proving/snark/jobs.ts";
import { resultCheck } from "../../src/queue/check.ts";
import { QueueScheduler } from "../../src/queue/scheduler.ts";
import { openStore } from "../../src/queue/store.ts";
import { QueueTable } from "../../src/queue/table.ts";
import { type Postgres, postgresPrograms, startPostgres } from "../support/postgres.ts";
import { until } from "../support/until.ts";

const programs = postgresPrograms();
if (programs === null) console.log("skipped: no PostgreSQL server is installed (Debian: postgresql)");

const LEASE = 2;
/** Of a job, at which a worker is killed. */
const STAGES = ["claimed", "working", "stored", "completed"];
const proofs = await loadProofs();

describe.skipIf(programs === null)("jobs through PostgreSQL", { timeout: 180_000 }, () => {
  let postgres: Postgres;
  let database: pg.Pool;
  const folder = mkdtempSync(path.join(tmpdir(), "filigree-queue-"));
  const children = new Set<ChildProcess>();

  beforeAll(async () => {
    postgres = await startPostgres(programs as string);
    database = new pg.Pool({ connectionString: postgres.url });
    database.on("error", () => undefined);
  });
  afterAll(async () => {
    for (const child of children) child.kill("SIGKILL");
    await database.end();
    postgres.stop();
    rmSync(folder, { recursive: true });
  });

  /** Starts a worker; `jobs` grows with what it did. */
  function startWorker(
    store: string,
    release: string,
    stage = "none",
    marker = "",
  ): { child: ChildProcess; jobs: string[] } {
    const script = fileURLToPath(new URL("../support/queue-worker.mjs", import.meta.url));
    const child = spawn(process.execPath, [script, postgres.url, store, release, stage, marker]);
    const jobs: string[] = [];
    children.add(child);
    child.once("exit", () => children.delete(child));
    child.stdout.on("data", (data: Buffer) => jobs.push(...data.toString().trim().split("\n")));
    child.stderr.on("data", (data: Buffer) => process.stderr.write(data));
    return { child, jobs };
  }

  const openQueue = (store: string, release: string): Promise<QueueScheduler> =>
    QueueScheduler.open({
      url: postgres.url,
      store: openStore(store),
      release,
      leaseSeconds: LEASE,
      check: resultCheck(proofs),
    });

  const storeOf = (name: string): string => path.join(folder, name);
  /** A small job, different for every number: rows 5 i, 7, 35 i over a domain of 32. */
  const job = (i: number): QuotientJob => {
    const rows = [0, 1, 2].map((part) => {
      const bytes = new Uint8Array(32 * 20);
      for (let row = 0; row < 20; row++) bytes[32 * row] = (part + 1) * (i + 1) + row;
      bytes[1] = i >> 8;
      return bytes;
    }) as [Uint8Array, Uint8Array, Uint8Array];
    return { kind: "quotient", bits: 5, rows };
  };
  const jobs = (count: number): QuotientJob[] => Array.from({ length: count }, (_, i) => job(i));

  /** A busy machine takes its time. */
  const PATIENT = { timeout: 60_000 } as const;

  test("200 jobs over three workers are answered in order, and two that are equal are one", async () => {
    const store = storeOf("many");
    const workers = [1, 2, 3].map(() => startWorker(store, "many"));
    const queue = await openQueue(store, "many");
    const list = jobs(200);
    const started = performance.now();
    const results = await queue.runAll(list);
    const seconds = (performance.now() - started) / 1000;
    console.log(
      `200 jobs over three workers: ${seconds.toFixed(1)} s, ${workers.map((one) => one.jobs.length).join(" + ")}`,
    );
    for (const i of [0, 1, 57, 199]) expect(results[i]).toEqual(await perform(job(i)));
    expect(results).toHaveLength(200);
    // A job that was done is not done again.
    expect(await queue.run(job(3))).toEqual(results[3]);
    const { rows } = await database.query(
      "SELECT count(*)::int AS n FROM filigree.job WHERE name LIKE 'filigree.many.%'",
    );
    expect(rows[0].n).toBe(200);
    // No bytes go through the queue: each job's text is short.
    const { rows: sizes } = await database.query("SELECT max(length(data::text)) AS n FROM filigree.job");
    expect(sizes[0].n).toBeLessThan(1000);
    for (const { child } of workers) child.kill("SIGTERM");
    await queue.close();
  });

  // At a time: each waits for a lease to end.
  test.concurrent.each(STAGES)("a worker killed when its job is %s", async (stage) => {
    const store = storeOf(`killed-${stage}`);
    const marker = path.join(folder, `marker-${stage}`);
    const first = startWorker(store, stage, stage, marker);
    const queue = await openQueue(store, stage);
    const running = queue.runAll(jobs(6));
    await new Promise((resolve) => first.child.once("exit", resolve));
    expect(readFileSync(marker, "utf8")).toBe(stage);
    const second = startWorker(store, stage);
    const results = await running;
    expect(results[4]).toEqual(await perform(job(4)));
    expect(results).toHaveLength(6);
    second.child.kill("SIGTERM");
    await queue.close();
  });

  test("the database restarts in the middle", async () => {
    const store = storeOf("restart");
    const worker = startWorker(store, "restart");
    const queue = await openQueue(store, "restart");
    let done = 0;
    const running = queue.runAll(jobs(40), {
      onResult: () => {
        if (++done === 8) postgres.restart();
      },
    });
    await running;
    expect(done).toBe(40);
    worker.child.kill("SIGTERM");
    await queue.close();
  });

  test("a job delivered twice is answered once, and a bad result is made again", async () => {
    const store = storeOf("twice");
    const queue = await openQueue(store, "twice");
    const one = queue.run(job(1));
    const two = queue.run(job(1));
    const worker = startWorker(store, "twice");
    const good = await perform(job(1));
    expect(await one).toEqual(good);
    expect(await two).toEqual(good);
    // Again, as if the mark that it was done had been lost.
    await database.query(
      "UPDATE filigree.job SET state = 'retry', completed_on = NULL WHERE name LIKE 'filigree.twice.%'",
    );
    await expect
      .poll(async () => {
        const { rows } = await database.query(
          "SELECT count(*)::int AS n FROM filigree.job WHERE name LIKE 'filigree.twice.%' AND state < 'completed'",
        );
        return rows[0].n;
      }, PATIENT)
      .toBe(0);
    // Damage in the store: the digest tells, and the job is done anew.
    const results = path.join(store, "results");
    const [name] = readdirSync(results) as [string];
    const blob = /blobs\/[0-9a-f]{64}/.exec(readFileSync(path.join(results, name), "utf8"))?.[0] as string;
    const bytes = readFileSync(path.join(store, blob));
    bytes[0] = (bytes[0] as number) ^ 1;
    rmSync(path.join(store, blob));
    writeFileSync(path.join(store, blob), bytes.subarray(1));
    expect(await queue.run(job(1))).toEqual(good);
    worker.child.kill("SIGTERM");
    await queue.close();
  });

  test("a job that kills its workers is parked, and others go on", async () => {
    const store = storeOf("poison");
    const queue = await openQueue(store, "poison");
    const none = new Uint8Array(0);
    const poison = queue.run({ kind: "snark-check", a: none, b: none, c: none });
    const caught = expect(poison).rejects.toMatchObject({ data: { code: "WORKER_LOST", attempts: 3 } });
    const keep = (): void => {
      const { child } = startWorker(store, "poison");
      child.once("exit", () => {
        if (alive) keep();
      });
    };
    let alive = true;
    keep();
    await caught;
    expect(await queue.run(job(9))).toEqual(await perform(job(9)));
    alive = false;
    const { rows } = await database.query("SELECT state, retry_count FROM filigree.job WHERE state = 'failed'");
    expect(rows).toEqual([{ state: "failed", retry_count: 2 }]);
    for (const child of children) child.kill("SIGTERM");
    await queue.close();
  });

  test("a job that fails, fails once and says why", async () => {
    const store = storeOf("fails");
    const queue = await openQueue(store, "fails");
    const worker = startWorker(store, "fails");
    const bad = { kind: "no such job" } as never;
    await expect(queue.run(bad)).rejects.toMatchObject({ data: { code: "UNKNOWN_JOB" } });
    worker.child.kill("SIGTERM");
    await queue.close();
  });

  test("what no scheduler put into the queue is parked, and its worker goes on", async () => {
    const store = storeOf("strange");
    const table = await QueueTable.open(postgres.url, "strange", LEASE);
    const strange = [null, {}, { key: "../../strange", job: {} }, { key: "ab".repeat(32), job: { $blob: 7 } }];
    const ids = await Promise.all(strange.map((data) => table.send(data as never, 1, 1)));
    const worker = startWorker(store, "strange");
    const queue = await openQueue(store, "strange");
    expect(await queue.run(job(12))).toEqual(await perform(job(12)));
    await until("they are parked", async () => {
      const states = await table.states(ids);
      return ids.every((id) => states.get(id) === "failed");
    });
    expect(worker.child.exitCode).toBeNull();
    worker.child.kill("SIGTERM");
    await queue.close();
    await table.close();
  });

  test("workers with another store are found out, and a scheduler that is closed leaves nobody waiting", async () => {
    const queue = await openQueue(storeOf("mine"), "astray");
    const worker = startWorker(storeOf("theirs"), "astray");
    // Without bytes that would be looked for in the store.
    const small = { kind: "snark-check", a: new Uint8Array(32), b: new Uint8Array(32), c: new Uint8Array(32) } as const;
    await expect(queue.run(small)).rejects.toThrow("do they have the same --store?");
    worker.child.kill("SIGTERM");
    await new Promise((resolve) => worker.child.once("exit", resolve));
    const waiting = expect(queue.run(job(1))).rejects.toThrow("the scheduler is closed");
    await expect
      .poll(async () => {
        const { rows } = await database.query(
          "SELECT count(*)::int AS n FROM filigree.job WHERE name LIKE 'filigree.astray.%' AND state = 'created'",
        );
        return rows[0].n;
      }, PATIENT)
      .toBe(1);
    await queue.close();
    await waiting;
  });

  test("two releases stay apart, and the nearest deadline goes first", async () => {
    const store = storeOf("releases");
    const [old, young] = await Promise.all([openQueue(store, "one"), openQueue(store, "two")]);
    const stop = new AbortController();
    const waiting = old.run(job(1), { signal: stop.signal });
    const worker = startWorker(store, "two");
    expect(await young.run(job(2))).toEqual(await perform(job(2)));
    await expect
      .poll(async () => {
        const { rows } = await database.query("SELECT state FROM filigree.job WHERE name LIKE 'filigree.one.%'");
        return rows;
      }, PATIENT)
      .toEqual([{ state: "created" }]);
    stop.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    worker.child.kill("SIGTERM");
    await Promise.all([old.close(), young.close()]);

    const options = { url: postgres.url, store: openStore(store), release: "late", leaseSeconds: LEASE };
    const check = resultCheck(proofs);
    const queues = await Promise.all(
      [undefined, 2_000_000_000, 1_900_000_000].map((deadline) =>
        QueueScheduler.open({ ...options, check, ...(deadline === undefined ? {} : { deadline }) }),
      ),
    );
    const end = new AbortController();
    const runs = queues.map((queue, i) => queue.run(job(20 + i), { signal: end.signal }));
    await expect
      .poll(async () => {
        const { rows: sent } = await database.query("SELECT id FROM filigree.job WHERE name LIKE 'filigree.late.%'");
        return sent.length;
      }, PATIENT)
      .toBe(3);
    // Which comes first is decided when a job is claimed; who hears of its result first is not.
    const table = await QueueTable.open(postgres.url, "late", 60);
    const priorities: number[] = [];
    for (let i = 0; i < 3; i++) {
      const claim = await table.claim(4096);
      const { rows: claimed } = await database.query("SELECT priority FROM filigree.job WHERE id = $1", [claim?.id]);
      priorities.push((claimed[0] as { priority: number }).priority);
    }
    expect(priorities).toEqual([...priorities].sort((a, b) => b - a));
    expect([new Set(priorities).size, priorities[2]]).toEqual([3, 0]);
    await table.close();
    end.abort(new Error("enough"));
    for (const run of runs) await expect(run).rejects.toThrow("enough");
    await Promise.all(queues.map((queue) => queue.close()));
  });

  test("a range of a file in the store goes by its path, another file's by its bytes", async () => {
    const store = storeOf("ranges");
    const payload = Uint8Array.from({ length: 127 }, (_, i) => i);
    const queue = await openQueue(store, "ranges");
    const worker = startWorker(store, "ranges");
    writeFileSync(path.join(folder, "outside.bin"), payload);
    await openStore(store).write("data/inside.bin", payload);
    cpSync(path.join(folder, "outside.bin"), path.join(folder, "copy.bin"));
    const commit = (file: string) => queue.run({ kind: "commit-slice", source: { file, from: 0, length: 127 } });
    const inside = await commit(path.join(store, "data/inside.bin"));
    expect(await commit(path.join(folder, "outside.bin"))).toEqual(inside);
    await expect(queue.run({ kind: "seal-layers", directory: folder, identity: {} as never })).rejects.toMatchObject({
      data: { code: "NOT_SHARED" },
    });
    worker.child.kill("SIGTERM");
    await queue.close();
  });
});
