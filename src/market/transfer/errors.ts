/** Why a transfer of data ends badly. */
import { FilError } from "../../base/errors.ts";

export type TransferErrorData = {
  readonly code: "BUSY" | "REJECTED" | "CANCELLED" | "UNREACHABLE" | "BROKEN" | "CLOSED";
};
export class TransferError extends FilError<TransferErrorData> {}
