/** What payment channels refuse, and why. Texts of vouchers that do not count are the reference's. */
import { FilError } from "../../base/errors.ts";
import { filText } from "../../types/amount.ts";

export type PaychErrorData =
  | { readonly code: "NOT_TRACKED" | "NO_CHANNEL" | "NO_KEY" | "NOT_A_CHANNEL"; readonly channel: string }
  /** A voucher does not count. */
  | { readonly code: "BAD_VOUCHER" }
  /** attoFIL that the channel lacks, in decimals. */
  | { readonly code: "SHORTFALL"; readonly shortfall: string }
  | { readonly code: "TOO_LITTLE"; readonly gained: string; readonly wanted: string }
  | { readonly code: "ALREADY_SUBMITTED" }
  | { readonly code: "NOT_ENOUGH_FUNDS" }
  /** The payer makes no single voucher of those that it was shown. */
  | { readonly code: "REFUSED" }
  | { readonly code: "NO_ANSWER"; readonly peer: string }
  | { readonly code: "MESSAGE_FAILED" | "UNKNOWN_MESSAGE"; readonly cid: string }
  | { readonly code: "LIMIT" | "BAD_ARGUMENT" | "CLOSED" };
export class PaychError extends FilError<PaychErrorData> {}

export function badVoucher(why: string): never {
  throw new PaychError({ code: "BAD_VOUCHER" }, why);
}

export function shortOf(shortfall: bigint): never {
  throw new PaychError(
    { code: "SHORTFALL", shortfall: shortfall.toString() },
    `not enough funds in channel to cover voucher - shortfall: ${filText(shortfall)}`,
  );
}
