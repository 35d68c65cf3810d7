/** What graphsync refuses or gives up, and why. */
import { FilError } from "../../base/errors.ts";

export type GraphsyncErrorData =
  /** A selector is malformed, over a limit, or asks for what is not done here. */
  | { readonly code: "BAD_SELECTOR" | "UNSUPPORTED_SELECTOR" }
  /** A walk went over one of its limits. */
  | { readonly code: "LIMIT"; readonly limit: "depth" | "links" | "nodes" | "bytes" | "states" | "requests" | "time" }
  /** What a responder sent does not follow from what was asked. */
  | { readonly code: "BAD_RESPONSE"; readonly cid: string }
  /** The responder lacks a block. */
  | { readonly code: "MISSING_BLOCK"; readonly cid: string }
  /** A responder ended a request with one of the statuses of failure. */
  | { readonly code: "REFUSED"; readonly status: number }
  | { readonly code: "UNREACHABLE" | "STALLED" | "CANCELLED" | "CLOSED" };
export class GraphsyncError extends FilError<GraphsyncErrorData> {}
