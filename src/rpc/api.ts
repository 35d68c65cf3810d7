/** The RPC interface of a node: its methods behind one dispatcher. */
import { Dispatcher, type Observer } from "./dispatcher.ts";
import { EthFilters } from "./eth/filters.ts";
import { GROUPS } from "./groups.ts";
import { openRpc } from "./openrpc.ts";
import { Registry } from "./registry.ts";
import type { NodeParts } from "./services.ts";

export const REGISTRY = new Registry(GROUPS);

export function makeDispatcher(parts: NodeParts, observe?: Observer): Dispatcher {
  const describe = (version: "v0" | "v1") => openRpc(REGISTRY, version, parts.version);
  const node = { ...parts, describe, ethereum: new EthFilters(parts) };
  return new Dispatcher(REGISTRY, node, observe);
}
