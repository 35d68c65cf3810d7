/** What the storage market refuses, and why. */
import { FilError } from "../../base/errors.ts";

/** Fields of an offer that rules are about, as refusals name them. */
export type RuleField =
  | "client"
  | "provider"
  | "signature"
  | "pieceCid"
  | "pieceSize"
  | "transferSize"
  | "transferType"
  | "transferUrl"
  | "label"
  | "startEpoch"
  | "endEpoch"
  | "duration"
  | "price"
  | "providerCollateral"
  | "clientCollateral"
  | "clientBalance"
  | "dataCap"
  | "verified"
  | "offline"
  | "deals"
  | "proposal"
  | "dealUuid"
  | "hook";

export type DealErrorData =
  /** Bytes that are no message of the protocol. */
  | { readonly code: "BAD_MESSAGE"; readonly field: string }
  /** An offer that is not taken: which field, what is allowed, and what was offered. */
  | { readonly code: "REFUSED"; readonly field: RuleField; readonly limit: string; readonly offered: string }
  /** Data that could not be had, or is not what the deal says. */
  | { readonly code: "TRANSFER"; readonly reason: TransferReason }
  /** attoFIL an epoch. */
  | { readonly code: "TOO_DEAR"; readonly price: string; readonly limit: string }
  /** A proof that does not show a deal's piece to be in its sector. */
  | { readonly code: "NOT_INCLUDED"; readonly deal: string }
  | { readonly code: "UNKNOWN_DEAL"; readonly deal: string }
  | { readonly code: "WRONG_STATE"; readonly deal: string; readonly state: string }
  /** The chain took no message of this node's. */
  | { readonly code: "MESSAGE_FAILED" }
  /** No answer of the provider; and one that does not speak a protocol. */
  | { readonly code: "NO_ANSWER" | "NOT_SPOKEN" }
  | { readonly code: "LIMIT" | "BAD_ARGUMENT" | "BAD_RECORD" | "CLOSED" | "NOT_A_PROVIDER" };
export class DealError extends FilError<DealErrorData> {}

export type TransferReason =
  /** Another status than the protocol allows. */
  | "STATUS"
  /** Bytes of another place than were asked for. */
  | "RANGE"
  | "TOO_LONG"
  | "TOO_SHORT"
  /** Nothing, or too little, came for too long. */
  | "SLOW"
  | "COMMITMENT"
  | "UNREACHABLE"
  | "NO_ROOM";

/** Refuses an offer. `limit` and `offered` are told as they are. */
export function refuse(field: RuleField, limit: string, offered: string): never {
  throw new DealError(
    { code: "REFUSED", field, limit, offered },
    `the deal is refused: ${field}: ${limit}; ${offered} was offered`,
  );
}

export function badMessage(field: string, why: string): never {
  throw new DealError({ code: "BAD_MESSAGE", field }, `${field}: ${why}`);
}
