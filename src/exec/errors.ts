/** What can go wrong in execution, besides the faults of the engine. */
import { FilError } from "../base/errors.ts";

export type ExecErrorData =
  /** A reward or cron call failed, so the tipset has no state. */
  | { readonly code: "IMPLICIT_FAILED"; readonly exitCode: number; readonly what: "reward" | "cron" }
  /** Epochs of a tipset and its parent in the wrong order. */
  | { readonly code: "BAD_EPOCH"; readonly epoch: number; readonly parentEpoch: number }
  /** The sender of a message to try is no actor. */
  | { readonly code: "UNKNOWN_SENDER"; readonly address: string }
  /** Every worker that took the job died. */
  | { readonly code: "WORKER_LOST"; readonly attempts: number };

export class ExecError extends FilError<ExecErrorData> {}
