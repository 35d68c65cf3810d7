/** What a miner's dealings with the chain can fail of. */
import { FilError } from "../../base/errors.ts";

export type MinerErrorData =
  /** No key of the owner, the worker or a control address is here that may send this and can pay for it. */
  | { readonly code: "NO_SENDER"; readonly miner: string; readonly method: string }
  /** The actors of this network version have no such method. */
  | { readonly code: "NO_METHOD"; readonly method: string; readonly networkVersion: number }
  /** A message failed on chain. */
  | { readonly code: "FAILED"; readonly cid: string; readonly exitCode: number }
  /** Nobody has sent anything under this name. */
  | { readonly code: "UNKNOWN_INTENTION"; readonly key: string }
  /** What was kept of a message cannot be read. */
  | { readonly code: "BAD_RECORD"; readonly key: string }
  /** The pool has refused a message; it was not sent. */
  | { readonly code: "REFUSED"; readonly method: string }
  /** The node answers with something that it should not. */
  | { readonly code: "BAD_ANSWER"; readonly method: string }
  /** The key that must sign is neither here nor in the node's wallet. */
  | { readonly code: "NO_KEY"; readonly address: string }
  /** The node has put another block together than it was asked for. */
  | { readonly code: "OTHER_BLOCK"; readonly epoch: number }
  | { readonly code: "BAD_ARGUMENT"; readonly name: string };
export class MinerError extends FilError<MinerErrorData> {}

/** That a message was refused, by the name of its method. */
export function notSent(name: string, cause: unknown): MinerError {
  return new MinerError({ code: "REFUSED", method: name }, `${name} was not sent`, { cause });
}
