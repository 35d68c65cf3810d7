/** Commitments by workers that read a blob: in Node, Deno and a page. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadProofs, type Proofs } from "../../../src/core/proofs.ts";
import { commitPayload, commitStream, SLICE_BYTES } from "../../../src/proving/commit.ts";
import { ProvingPool } from "../../../src/proving/pool.ts";
import { commitPiece } from "../../../src/sector/piece/pieces.ts";

let pool: ProvingPool;
let module: Proofs;
beforeAll(async () => {
  pool = ProvingPool.open(2);
  module = await loadProofs();
});
afterAll(() => pool.close());

test("a blob and a stream have the commitment of their bytes", async () => {
  const payload = new Uint8Array(2 * SLICE_BYTES + 12345);
  for (let i = 0; i < payload.length; i++) payload[i] = (i * 167 + (i >>> 11)) & 255;
  const expected = commitPiece(module, payload);
  const seen: number[] = [];
  const blob = new Blob([payload.subarray(0, SLICE_BYTES), payload.subarray(SLICE_BYTES)]);
  const onProgress = ({ done }: { done: number }): void => void seen.push(done);
  expect(await commitPayload(module, pool, { blob }, { onProgress })).toEqual(expected);
  expect(
    await commitStream(
      module,
      pool,
      (async function* () {
        yield payload.subarray(0, 100);
        yield payload.subarray(100);
      })(),
    ),
  ).toEqual(expected);
  expect(seen.length).toBeGreaterThan(0);
});

/** Gives one chunk, then nothing more for ever. */
async function* silent(ended: () => void): AsyncGenerator<Uint8Array> {
  try {
    yield new Uint8Array(1000);
    await new Promise(() => undefined);
  } finally {
    ended();
  }
}

test("a stream that falls silent: the signal ends the commitment all the same", async () => {
  const controller = new AbortController();
  const reason = new Error("too slow");
  const running = commitStream(
    module,
    pool,
    silent(() => undefined),
    { signal: controller.signal },
  );
  setTimeout(() => controller.abort(reason), 50);
  await expect(running).rejects.toBe(reason);
  await expect(
    commitStream(
      module,
      pool,
      silent(() => undefined),
      { signal: controller.signal },
    ),
  ).rejects.toBe(reason);
});

test("a stream of something else than bytes, or that fails, ends the commitment", async () => {
  for (const chunk of [null, "text", 5, [1, 2]] as never[])
    await expect(
      commitStream(
        module,
        pool,
        (async function* () {
          yield chunk;
        })(),
      ),
    ).rejects.toMatchObject({ data: { code: "BAD_PAYLOAD" } });
  const broken = new Error("the disk is gone");
  await expect(
    commitStream(
      module,
      pool,
      (async function* () {
        yield new Uint8Array(5);
        throw broken;
      })(),
    ),
  ).rejects.toBe(broken);
});

test("a failed job ends the rest though the source of jobs is silent", async () => {
  const jobs = async function* () {
    yield { kind: "commit-slice", source: { blob: new Blob([]), from: 0, length: 100 } } as const;
    await new Promise(() => undefined);
  };
  await expect(pool.runAll(jobs())).rejects.toMatchObject({ data: { code: "SHORT_SOURCE" } });
});

test("an aborted commitment rejects with the signal's reason", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const blob = new Blob([new Uint8Array(8 * SLICE_BYTES)]);
  const running = commitPayload(module, pool, { blob }, { signal: controller.signal });
  controller.abort(reason);
  await expect(running).rejects.toBe(reason);
});
