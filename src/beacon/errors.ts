import { FilError } from "../base/errors.ts";

export type BeaconErrorData =
  /** Entries of a block that break a rule. */
  | { readonly code: "ENTRY_COUNT"; readonly expected: number; readonly found: number }
  | { readonly code: "ENTRIES_MISSING" }
  | { readonly code: "ENTRY_ROUND"; readonly index: number; readonly expected: string; readonly found: string }
  | { readonly code: "ENTRY_SIGNATURE"; readonly index: number; readonly round: string }
  /** More entries due than a header may hold. */
  | { readonly code: "TOO_MANY_ENTRIES"; readonly due: number; readonly most: number }
  /** A source that has no answer. */
  | { readonly code: "NO_ENTRY"; readonly round: string }
  | { readonly code: "BAD_CHAIN_INFO"; readonly field: string };
export class BeaconError extends FilError<BeaconErrorData> {}
