/** What can be wrong with a question about the chain. */
import { FilError } from "../base/errors.ts";

export type ChainErrorData =
  | { readonly code: "NO_CHAIN" }
  | { readonly code: "OLD_LAYOUT" }
  | { readonly code: "IMPORT_UNFINISHED" }
  /** What was asked for needs a state below those that are kept. */
  | { readonly code: "STATES_COLLECTED"; readonly epoch: number; readonly from: number }
  /** What was asked for needs messages below those that came with the snapshot that the chain was taken from. */
  | { readonly code: "MESSAGES_NOT_KEPT"; readonly epoch: number; readonly from: number }
  | { readonly code: "UNKNOWN_TIPSET"; readonly key: string }
  | { readonly code: "UNKNOWN_MESSAGE"; readonly cid: string }
  | { readonly code: "UNKNOWN_RECEIPT"; readonly root: string; readonly index: number }
  | { readonly code: "UNKNOWN_EVENTS"; readonly root: string }
  | { readonly code: "NOT_EXECUTED"; readonly key: string }
  /** The head is another one than what was asked for was made for. */
  | { readonly code: "HEAD_MOVED"; readonly key: string }
  | { readonly code: "BAD_HEIGHT"; readonly height: string }
  | { readonly code: "AHEAD_OF_HEAD"; readonly height: string }
  | { readonly code: "NO_COMMON_ANCESTOR"; readonly key: string }
  | { readonly code: "FORK_TOO_LONG"; readonly tipsets: number }
  | { readonly code: "BAD_BLOCK"; readonly cid: string }
  | { readonly code: "BELOW_CHECKPOINT"; readonly key: string }
  | { readonly code: "NO_BEACON_ENTRY"; readonly epoch: string };
export class ChainError extends FilError<ChainErrorData> {}
