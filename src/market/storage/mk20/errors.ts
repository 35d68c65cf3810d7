/** What goes wrong with a provider of MK20. */
import { FilError } from "../../../base/errors.ts";

export type Mk20ErrorData =
  | { readonly code: "BAD_ARGUMENT"; readonly field: string; readonly limit: string; readonly offered: string }
  /** The provider said no: HTTP status, its name in MK20, and what it said. */
  | { readonly code: "REFUSED"; readonly status: number; readonly name: string; readonly reason: string }
  | { readonly code: "NO_ANSWER" | "BAD_ANSWER" | "CLOSED" }
  | { readonly code: "UNKNOWN_DEAL"; readonly deal: string }
  /** A deal that its provider still has to do with; its state there, or null where the provider does not say. */
  | { readonly code: "NOT_ENDED"; readonly deal: string; readonly state: string | null };
export class Mk20Error extends FilError<Mk20ErrorData> {}

/** Characters of a provider's reason that are told. */
const MAX_REASON = 1024;

/** By status. Source: curio market/mk20/types.go (DealCode). */
const NAMES: Readonly<Record<number, string>> = {
  400: "bad proposal",
  401: "not authorised",
  404: "deal not found",
  409: "already there",
  422: "unsupported data source",
  423: "unsupported product",
  424: "product not enabled",
  425: "product validation failed",
  426: "rejected by the market",
  429: "overloaded",
  430: "malformed data source",
  440: "market not enabled",
  441: "duration too short",
  500: "internal error",
  503: "under maintenance",
};

export function refused(status: number, text: string): Mk20Error {
  const name = NAMES[status] ?? `status ${status}`;
  const reason = text
    .replace(/^Reason: /, "")
    .trim()
    .slice(0, MAX_REASON);
  return new Mk20Error(
    { code: "REFUSED", status, name, reason },
    `the provider refused: ${name}${reason === "" ? "" : `: ${reason}`}`,
  );
}

export function badArgument(field: string, limit: string, offered: string): never {
  throw new Mk20Error({ code: "BAD_ARGUMENT", field, limit, offered }, `${field}: ${limit}; ${offered} was given`);
}

export function badAnswer(why: string, cause?: unknown): never {
  throw new Mk20Error({ code: "BAD_ANSWER" }, `the provider's answer cannot be read: ${why}`, { cause });
}
