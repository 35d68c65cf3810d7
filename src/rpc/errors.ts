/**
 * Errors as JSON-RPC shows them. Codes 1 and up are the network's (go-jsonrpc numbers typed errors from 2); negative
 * ones are JSON-RPC's own. Source: lotus api/api_errors.go at b835fab702eb, go-jsonrpc.
 */
import { FilError } from "../base/errors.ts";

export const RPC_CODE = {
  parse: -32700,
  invalidRequest: -32600,
  unknownMethod: -32601,
  badParams: -32602,
  limit: -32005,
  untyped: 1,
  outOfGas: 2,
  actorNotFound: 11,
  nullRound: 12,
} as const;

export type RpcErrorData = { readonly code: "RPC"; readonly rpcCode: number; readonly data?: unknown };

/** An answer that is an error, with its JSON-RPC code. */
export class RpcError extends FilError<RpcErrorData> {
  constructor(rpcCode: number, message: string, data?: unknown) {
    super(data === undefined ? { code: "RPC", rpcCode } : { code: "RPC", rpcCode, data }, message);
  }
}

export function badParams(why: string): never {
  throw new RpcError(RPC_CODE.badParams, why);
}
