/** The interface as an OpenRPC document (open-rpc.org, 1.2.6): every method with the schemas of its codecs. */
import type { JsonSchema } from "./codec/codec.ts";
import type { Method } from "./method.ts";
import type { Registry } from "./registry.ts";
import type { ApiVersion } from "./versions.ts";

export type OpenRpcMethod = {
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  readonly paramStructure: "by-position";
  readonly params: readonly { readonly name: string; readonly required: boolean; readonly schema: JsonSchema }[];
  readonly result: { readonly name: string; readonly schema: JsonSchema };
  readonly deprecated: boolean;
};

export type OpenRpcDocument = {
  readonly openrpc: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly methods: readonly OpenRpcMethod[];
};

function describe(name: string, method: Method): OpenRpcMethod {
  const push = method.subscription === true ? " The answer is a channel's number; values follow as notifications." : "";
  return {
    name,
    summary: method.summary,
    description: `${method.summary}${push} Permission: ${method.permission}.`,
    paramStructure: "by-position",
    params: method.params.map((one) => ({
      name: one.name,
      required: one.codec.nullable !== true,
      schema: one.codec.schema,
    })),
    result: { name: "result", schema: method.result.schema },
    deprecated: false,
  };
}

export function openRpc(registry: Registry, version: ApiVersion, release: string): OpenRpcDocument {
  const methods = [...registry.methods(version)].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    openrpc: "1.2.6",
    info: { title: `Filigree RPC API ${version}`, version: release },
    methods: methods.map(([name, method]) => describe(name, method)),
  };
}
