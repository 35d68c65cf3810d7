/** What the state manager refuses, and why. */
import { FilError } from "../base/errors.ts";

export type StateManagerErrorData =
  /** Executing a tipset gave another state or other receipts than the headers on top of it claim. */
  | { readonly code: "RESULT_MISMATCH"; readonly key: string; readonly what: "state root" | "receipts root" }
  /** Neither the state below a tipset nor a way to compute it is here. */
  | { readonly code: "STATE_MISSING"; readonly root: string }
  /** The state is one of those that this node does not keep (retention, or a snapshot that did not have it). */
  | { readonly code: "STATE_COLLECTED"; readonly epoch: number; readonly from: number }
  | { readonly code: "MESSAGE_UNKNOWN"; readonly cid: string }
  | { readonly code: "MESSAGE_REPLACED"; readonly wanted: string; readonly found: string }
  | { readonly code: "MESSAGE_NOT_IN_TIPSET"; readonly cid: string }
  | { readonly code: "CONFIDENCE_TOO_HIGH"; readonly confidence: number }
  /** The state of a tipset is to be taken on to an epoch that another state comes before. */
  | { readonly code: "UPGRADE_BETWEEN"; readonly epoch: number }
  | { readonly code: "LOOKBACK_AHEAD"; readonly height: number }
  /** A message that was tried ended with an exit code other than 0. */
  | { readonly code: "EXECUTION_FAILED"; readonly exitCode: number; readonly why: string }
  /** An actor whose part in the circulating supply is not known. */
  | { readonly code: "UNEXPECTED_ACTOR"; readonly address: string }
  /** The states of a chain do not tell which network version made them. */
  | { readonly code: "VERSION_UNKNOWN"; readonly epoch: number }
  | { readonly code: "CLOSED" }
  | { readonly code: "BAD_NUMBER"; readonly name: string };
export class StateManagerError extends FilError<StateManagerErrorData> {}

/** What is asked of a node that is stopping, or has stopped, ends so. */
export function nodeStopped(): StateManagerError {
  return new StateManagerError(
    { code: "CLOSED" },
    "the node is stopping or has stopped; open it again to ask more of it",
  );
}
