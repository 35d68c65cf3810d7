import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { toHex } from "../../../src/base/bytes.ts";
import { loadProofs, type Proofs } from "../../../src/core/proofs.ts";
import { commitPayload, commitStream, SLICE_BYTES } from "../../../src/proving/commit.ts";
import type { CommitSliceJob, Job } from "../../../src/proving/jobs.ts";
import { perform } from "../../../src/proving/perform.ts";
import { ProvingPool } from "../../../src/proving/pool.ts";
import { commitPiece } from "../../../src/sector/piece/pieces.ts";
import { prng } from "../proofs/fixture.ts";

let pool: ProvingPool;
let module: Proofs;
let folder: string;
beforeAll(async () => {
  pool = ProvingPool.open(2);
  module = await loadProofs();
  folder = await mkdtemp(path.join(tmpdir(), "filigree-"));
});
afterAll(async () => {
  await pool.close();
  await rm(folder, { recursive: true });
});

const sliceJob = (seed: number, length: number): CommitSliceJob => ({
  kind: "commit-slice",
  source: { bytes: prng(seed, length) },
});

async function* chunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe("pool", () => {
  test("a job gives the same result in a worker as on this thread", async () => {
    const job = sliceJob(1, 300_000);
    expect(await pool.run(job)).toEqual(await perform(job));
  });

  test("results come in the order of the jobs", async () => {
    const jobs = Array.from({ length: 9 }, (_, i) => sliceJob(i + 1, i % 2 === 0 ? 2_000_000 : 100));
    const results = await pool.runAll(jobs);
    for (const [i, job] of jobs.entries())
      expect(toHex(results[i]!.commP)).toBe(
        toHex(commitPiece(module, (job.source as { bytes: Uint8Array }).bytes).commP),
      );
  });

  test("no more jobs are asked for than the workers can hold", async () => {
    let asked = 0;
    let answered = 0;
    let most = 0;
    const run = pool.run.bind(pool);
    const spy = vi.spyOn(pool, "run").mockImplementation(async (job, options) => {
      const result = await run(job, options);
      answered++;
      return result as never;
    });
    function* jobs(): Generator<CommitSliceJob> {
      for (let i = 0; i < 20; i++) {
        most = Math.max(most, ++asked - answered);
        yield sliceJob(i + 1, 50_000);
      }
    }
    await pool.runAll(jobs());
    spy.mockRestore();
    expect(asked).toBe(20);
    expect(most).toBe(2 * 2); // two workers, two jobs each
  });

  test("a worker that dies in the middle of its job loses nothing", async () => {
    const own = ProvingPool.open(1);
    try {
      await own.run(sliceJob(1, 10));
      const payload = new Uint8Array(new SharedArrayBuffer(100_000_000));
      payload.set(prng(9, 1_000_000));
      const running = own.run({ kind: "commit-slice", source: { bytes: payload } });
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(await own.killOne()).toBe(true);
      expect((await running).payloadSize).toBe(payload.length);
      expect(toHex((await running).commP)).toBe(toHex(commitPiece(module, payload).commP));
    } finally {
      await own.close();
    }
  });

  test("an aborted job rejects with the signal's reason and the pool goes on", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const running = pool.run(
      { kind: "commit-slice", source: { bytes: new Uint8Array(new SharedArrayBuffer(200_000_000)) } },
      { signal: controller.signal },
    );
    setTimeout(() => controller.abort(reason), 30);
    await expect(running).rejects.toBe(reason);
    await expect(pool.run(sliceJob(1, 10), { signal: controller.signal })).rejects.toBe(reason);
    expect((await pool.run(sliceJob(1, 10))).payloadSize).toBe(10);
  });

  test("a failed job carries its error's data out of the worker", async () => {
    const file = path.join(folder, "short");
    await writeFile(file, new Uint8Array(1000));
    const job: Job = { kind: "commit-slice", source: { file, from: 0, length: 2000 } };
    await expect(pool.run(job)).rejects.toMatchObject({ data: { code: "SHORT_SOURCE", wanted: 2000, found: 1000 } });
    await expect(pool.run({ kind: "nonsense" } as never)).rejects.toMatchObject({ data: { code: "UNKNOWN_JOB" } });
  });
});

describe("commitments over a pool", () => {
  test.each([1, 500, SLICE_BYTES - 1, SLICE_BYTES, SLICE_BYTES + 1, 3 * SLICE_BYTES + 5])(
    "%i bytes of a file, of a stream and of a blob have the commitment of the whole",
    async (length) => {
      const payload = prng(length, length);
      const expected = commitPiece(module, payload);
      const file = path.join(folder, `payload-${length}`);
      await writeFile(file, payload);
      expect(await commitPayload(module, pool, { file, size: length })).toEqual(expected);
      expect(await commitStream(module, pool, chunks(payload, 1_000_003))).toEqual(expected);
      expect(await commitPayload(module, pool, { blob: new Blob([payload as Uint8Array<ArrayBuffer>]) })).toEqual(
        expected,
      );
    },
  );

  test("progress counts up to the payload's size", async () => {
    const seen: number[] = [];
    const length = 2 * SLICE_BYTES + 10;
    const file = path.join(folder, "progress");
    await writeFile(file, new Uint8Array(length));
    await commitPayload(module, pool, { file, size: length }, { onProgress: ({ done }) => void seen.push(done) });
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(length);
  });
});
