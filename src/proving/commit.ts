/**
 * Piece commitments over a pool: the payload is cut into equal slices, each a subtree of the piece; every worker commits
 * to slices, and the roots (32 bytes each) are joined here.
 */
import { untilAborted } from "../base/abort.ts";
import { checkNames, type OptionNames } from "../base/options.ts";
import type { Proofs } from "../core/proofs.ts";
import type { PieceCommitment } from "../sector/piece/cid.ts";
import { checkPayload, joinSlices, PieceError } from "../sector/piece/pieces.ts";
import type { CommitSliceJob, OnProgress, ResultOf } from "./jobs.ts";
import type { ProvingPool } from "./pool.ts";

/**
 * Payload bytes of a slice: 127 · 2^15, so 4 MiB padded. Larger ones leave workers idle for longer at the end and, all in hand
 * together, no cache; of smaller ones each has to be given out, which is this thread's time.
 */
export const SLICE_BYTES = 127 * 32768;

export type CommitOptions = { readonly signal?: AbortSignal; readonly onProgress?: OnProgress };

const OPTIONS: OptionNames<CommitOptions> = { signal: true, onProgress: true };

/** Something with a size of which ranges can be read by workers. */
export type Payload = { readonly blob: Blob } | { readonly file: string; readonly size: number };

/** Commits to a payload whose size is known: workers read their own slices, no byte passes through this thread. */
export async function commitPayload(
  module: Proofs,
  pool: ProvingPool,
  payload: Payload,
  options: CommitOptions = {},
): Promise<PieceCommitment> {
  checkNames("commitPayload", options, OPTIONS);
  const size = "blob" in payload ? payload.blob.size : payload.size;
  if (!Number.isSafeInteger(size) || size < 0)
    throw new PieceError({ code: "BAD_LENGTH", length: size }, "no size of a file");
  function* jobs(): Generator<CommitSliceJob> {
    for (let from = 0; from < size || from === 0; from += SLICE_BYTES) {
      const range = { from, length: Math.min(SLICE_BYTES, size - from) };
      const source = "blob" in payload ? { blob: payload.blob, ...range } : { file: payload.file, ...range };
      yield { kind: "commit-slice", source };
    }
  }
  return commitSlices(module, pool, jobs(), size, options);
}

/** Commits to a payload that comes as a stream, gathering slices in shared memory where the engine has it. */
export function commitStream(
  module: Proofs,
  pool: ProvingPool,
  stream: AsyncIterable<Uint8Array>,
  options: CommitOptions = {},
): Promise<PieceCommitment> {
  checkNames("commitStream", options, OPTIONS);
  // Slices are used again when their jobs are done: engines are slow to collect memory that threads have shared.
  const [free, lent]: [Uint8Array[], Map<number, Uint8Array>] = [[], new Map()];
  const giveBack = (index: number): void => {
    const slice = lent.get(index);
    if (slice !== undefined) free.push(slice);
    lent.delete(index);
  };
  async function* jobs(): AsyncGenerator<CommitSliceJob> {
    let slice = newSlice();
    let held = 0;
    let slices = 0;
    for await (const chunk of untilAborted(stream, options.signal)) {
      checkPayload(chunk);
      for (let at = 0; at < chunk.length; ) {
        const length = Math.min(SLICE_BYTES - held, chunk.length - at);
        slice.set(chunk.subarray(at, at + length), held);
        held += length;
        at += length;
        if (held < SLICE_BYTES) continue;
        lent.set(slices++, slice);
        yield { kind: "commit-slice", source: { bytes: slice } };
        slice = free.pop() ?? newSlice();
        held = 0;
      }
    }
    if (held > 0 || slices === 0) yield { kind: "commit-slice", source: { bytes: slice.subarray(0, held) } };
  }
  return commitSlices(module, pool, jobs(), 0, options, giveBack);
}

async function commitSlices(
  module: Proofs,
  pool: ProvingPool,
  jobs: AsyncIterable<CommitSliceJob> | Iterable<CommitSliceJob>,
  total: number,
  { signal, onProgress }: CommitOptions,
  onDone?: (index: number) => void,
): Promise<PieceCommitment> {
  const done: number[] = [];
  const roots: ResultOf<CommitSliceJob>[] = [];
  let sum = 0;
  const limits = signal === undefined ? {} : { signal };
  const report =
    onProgress === undefined
      ? {}
      : {
          onProgress: (index: number, progress: { done: number }) => {
            sum += progress.done - (done[index] ?? 0);
            done[index] = progress.done;
            onProgress({ phase: "commit", done: sum, total: Math.max(total, sum) });
          },
        };
  const onResult = (index: number, root: ResultOf<CommitSliceJob>): void => {
    roots[index] = root;
    onDone?.(index);
  };
  await pool.runAll(jobs, { ...limits, ...report, onResult });
  const piece = joinSlices(module, roots);
  // A worker's last report may still be on its way when its result is here.
  if (sum < piece.payloadSize) {
    sum = piece.payloadSize;
    onProgress?.({ phase: "commit", done: sum, total: Math.max(total, sum) });
  }
  return piece;
}

/** Memory that a worker can read without a copy; private memory, then copied, where sharing is not allowed. */
function newSlice(): Uint8Array {
  return new Uint8Array(
    typeof SharedArrayBuffer === "undefined" ? new ArrayBuffer(SLICE_BYTES) : new SharedArrayBuffer(SLICE_BYTES),
  );
}
