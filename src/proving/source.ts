/** What jobs are made of and how they fail: sources of bytes, errors, progress. */
import { FilError } from "../base/errors.ts";

/**
 * Where a worker takes bytes from: an array (copied into the worker, or shared if it lies in a `SharedArrayBuffer`), a
 * `Blob` of which it reads its own range, or a range of a file of the machine it runs on.
 */
export type Source =
  | { readonly bytes: Uint8Array }
  | { readonly blob: Blob; readonly from: number; readonly length: number }
  | { readonly file: string; readonly from: number; readonly length: number };

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
