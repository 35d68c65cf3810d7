/** Calls of a node over JSON-RPC whose failures say whether the node was reached. */
import { FilError } from "../../base/errors.ts";
import type { RpcRequest } from "../../miner/chain-side/rpc-node.ts";

/** The node was not reached, or what came back was no answer. */
export class NodeAwayError extends FilError<{ readonly code: "NODE_AWAY"; readonly method: string }> {}

/** The same calls; whatever is no refusal of the node's becomes `NodeAwayError`. */
export function tellingAway(request: RpcRequest, isRefusal: (error: unknown) => boolean): RpcRequest {
  return (method, ...params) =>
    request(method, ...params).catch((cause: unknown) => {
      if (isRefusal(cause)) throw cause;
      throw new NodeAwayError({ code: "NODE_AWAY", method }, `no answer to ${method}`, { cause });
    });
}

export function isAway(error: unknown): boolean {
  return error instanceof NodeAwayError;
}
