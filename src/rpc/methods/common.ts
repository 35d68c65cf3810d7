/** Version, identity, tokens. */

import { textAt } from "../arguments.ts";
import { makeToken, PERMISSIONS, type Permission, verifyToken } from "../auth.ts";
import type { MethodTable, RpcMethod } from "../dispatcher.ts";
import { badParams } from "../errors.ts";
import type { NodeServices } from "../services.ts";

/** Packed API version 1.5.0, as clients of the network expect it (0x010500). */
const API_VERSION = 0x010500;

export function read(run: RpcMethod["run"]): RpcMethod {
  return { permission: "read", run };
}

export function withPermission(permission: Permission, run: RpcMethod["run"]): RpcMethod {
  return { permission, run };
}

export function commonMethods(node: NodeServices, names: () => readonly string[]): MethodTable {
  return {
    "Filecoin.Version": read(() => ({
      Version: `filigree-${node.version}`,
      APIVersion: API_VERSION,
      BlockDelay: node.network.blockDelaySeconds,
    })),
    "Filecoin.Discover": read(() => describe(node, names())),
    "rpc.discover": read(() => describe(node, names())),
    "Filecoin.AuthNew": withPermission("admin", (params) => {
      const list = params[0];
      if (!Array.isArray(list)) return badParams("permissions: list expected");
      const allow = list.map(
        (item: unknown) => PERMISSIONS.find((one) => one === item) ?? badParams(`no permission ${item}`),
      );
      return btoa(makeToken(node.tokenSecret, allow));
    }),
    "Filecoin.AuthVerify": read((params) =>
      verifyToken(node.tokenSecret, textAt(params, 0, "token"), Math.floor(node.now() / 1000)),
    ),
  };
}

function describe(node: NodeServices, names: readonly string[]): unknown {
  return {
    openrpc: "1.2.6",
    info: { title: "Filigree RPC API", version: node.version },
    methods: names.map((name) => ({ name, params: [], result: { name: "result", schema: {} } })),
  };
}
