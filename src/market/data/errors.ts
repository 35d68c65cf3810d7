/** What the store of a client's data refuses, and why. */
import { FilError } from "../../base/errors.ts";

export type DataErrorData =
  | { readonly code: "MISSING_BLOCK" | "UNKNOWN_CODEC" | "BAD_BLOCK" | "UNKNOWN_ROOT"; readonly cid: string }
  | { readonly code: "NO_SUCH_PATH"; readonly path: string }
  | { readonly code: "UNKNOWN_IMPORT"; readonly id: string }
  | { readonly code: "BAD_NAME" | "LIMIT" | "BAD_INPUT" | "CLOSED" };
export class DataError extends FilError<DataErrorData> {}
