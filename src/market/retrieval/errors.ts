/** Why a retrieval, or a question about one, fails. */
import { FilError } from "../../base/errors.ts";

export type RetrievalErrorData =
  /** No provider has it, or says so in time; what was tried. */
  | { readonly code: "UNAVAILABLE" | "NO_ANSWER"; readonly peer: string }
  /** attoFIL that it costs, and that may be spent. */
  | { readonly code: "TOO_DEAR"; readonly price: string; readonly limit: string }
  | { readonly code: "FAILED"; readonly tried: readonly string[] }
  | { readonly code: "NO_PAYER" | "BUSY" | "NO_PEERS" | "CLOSED" | "BAD_ASK" | "UNKNOWN" | "CANCELLED" }
  /** A message, or what came by the free stream, is not what it should be. */
  | { readonly code: "BAD_FRAME" | "BAD_DATA" };
export class RetrievalError extends FilError<RetrievalErrorData> {}
