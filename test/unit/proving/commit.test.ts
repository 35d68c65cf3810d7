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

test("an aborted commitment rejects with the signal's reason", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const blob = new Blob([new Uint8Array(8 * SLICE_BYTES)]);
  const running = commitPayload(module, pool, { blob }, { signal: controller.signal });
  controller.abort(reason);
  await expect(running).rejects.toBe(reason);
});
