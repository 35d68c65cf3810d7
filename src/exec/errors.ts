/** What can go wrong in execution, besides the faults of the engine. */
import { FilError } from "../base/errors.ts";

export type ExecErrorData =
  /** A reward or cron call failed, so the tipset has no state. */
  | { readonly code: "IMPLICIT_FAILED"; readonly exitCode: number; readonly what: "reward" | "cron" }
  /** Epochs of a tipset and its parent in the wrong order. */
  | { readonly code: "BAD_EPOCH"; readonly epoch: number; readonly parentEpoch: number }
  /** More null rounds between a tipset and its parent than are executed. */
  | { readonly code: "NULL_ROUNDS"; readonly epoch: number; readonly parentEpoch: number }
  /** The sender of a message to try is no actor. */
  | { readonly code: "UNKNOWN_SENDER"; readonly address: string }
  /** An actor cannot be changed as it was asked. */
  | { readonly code: "NOT_EDITABLE"; readonly address: string }
  /** It was closed before it was asked. */
  | { readonly code: "CLOSED" }
  /** Every worker that took the job died. */
  | { readonly code: "WORKER_LOST"; readonly attempts: number };

export class ExecError extends FilError<ExecErrorData> {}

/**
 * Epochs from a tipset to its parent at the most: nearly ten years at 30 seconds an epoch. The protocol knows no bound but the
 * clock; a file or a call can name any epoch.
 */
export const MAX_EPOCHS_APART = 10_000_000;

/** Why a tipset of these epochs is not executed; null if it is. */
export function badEpochs({
  epoch,
  parentEpoch,
}: {
  readonly epoch: number;
  readonly parentEpoch: number;
}): ExecError | null {
  if (epoch < parentEpoch)
    return new ExecError({ code: "BAD_EPOCH", epoch, parentEpoch }, `epoch ${epoch} is before ${parentEpoch}`);
  if (epoch - parentEpoch <= MAX_EPOCHS_APART) return null;
  return new ExecError(
    { code: "NULL_ROUNDS", epoch, parentEpoch },
    `a tipset of epoch ${epoch} on one of epoch ${parentEpoch}: more than ${MAX_EPOCHS_APART} epochs lie between them`,
  );
}
