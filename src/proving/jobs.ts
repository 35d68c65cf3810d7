/**
 * Jobs: work for one worker, described by data alone.
 *
 * A job is `{ kind, … }` with numbers, texts, byte arrays and sources of bytes, nothing else; it can be cloned into a
 * thread, kept and run again after a worker died, or written down and sent to another machine. Running a job depends on
 * nothing but the job. Results are data too.
 */
import { FilError } from "../base/errors.ts";
import type { PieceCommitment } from "../core/piece-cid.ts";

/**
 * Where a worker takes bytes from: an array (copied into the worker, or shared if it lies in a `SharedArrayBuffer`), a
 * `Blob` of which it reads its own range, or a range of a file of the machine it runs on.
 */
export type Source =
  | { readonly bytes: Uint8Array }
  | { readonly blob: Blob; readonly from: number; readonly length: number }
  | { readonly file: string; readonly from: number; readonly length: number };

/** Commits to one slice of a payload: the slice's own piece commitment. */
export type CommitSliceJob = { readonly kind: "commit-slice"; readonly source: Source };

/** Every kind of job and what it results in. */
export type JobTable = {
  "commit-slice": { job: CommitSliceJob; result: PieceCommitment };
};

export type JobKind = keyof JobTable;
export type Job = JobTable[JobKind]["job"];
export type ResultOf<J extends { kind: JobKind }> = JobTable[J["kind"]]["result"];

export type JobErrorData =
  /** The job names a kind that this version does not know. */
  | { readonly code: "UNKNOWN_JOB"; readonly kind: string }
  /** A source held fewer bytes than the job says. */
  | { readonly code: "SHORT_SOURCE"; readonly wanted: number; readonly found: number }
  /** Every worker that took the job died. */
  | { readonly code: "WORKER_LOST"; readonly attempts: number };

export class JobError extends FilError<JobErrorData> {}

/** Progress of a job: `done` of `total` units, in the words of `phase`. */
export type Progress = { readonly phase: string; readonly done: number; readonly total: number };
export type OnProgress = (progress: Progress) => void;
