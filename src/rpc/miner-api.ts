/** The RPC interface of a miner that is a process of its own: tokens, its sectors and their folders. */
import type { Address, NetworkPrefix } from "../types/address.ts";
import { address } from "./codec/chain-types.ts";
import { integer, object, text } from "./codec/codec.ts";
import { Dispatcher } from "./dispatcher.ts";
import { group, method } from "./method.ts";
import { authGroup } from "./methods/auth.ts";
import { ownSectorsGroup, sectorsGroup } from "./methods/sectors.ts";
import { storageGroup } from "./methods/storage.ts";
import type { NodeRun } from "./node-run.ts";
import { openRpc } from "./openrpc.ts";
import { Registry } from "./registry.ts";
import type { NodeServices, SectorsService } from "./services.ts";

export type MinerApiParts = {
  readonly version: string;
  readonly miner: Address;
  readonly prefix: NetworkPrefix;
  readonly blockDelaySeconds: number;
  readonly sectors: SectorsService;
  readonly tokenSecret: Uint8Array;
  readonly now: () => number;
  readonly run: NodeRun;
};

/** Packed version 1.5.0 of the reference's miner interface. Source: lotus api/version.go (MinerAPIVersion0). */
const API_VERSION = 0x010500;

/** `makeMinerDispatcher`: nothing but what is given may be asked of the node by these groups; a test calls every method. */
export function makeMinerDispatcher(parts: MinerApiParts): Dispatcher {
  const own = group("Miner", "The miner itself.", {
    Version: method({
      summary: "Name and version of the miner, packed version of the interface, seconds between epochs.",
      result: object("APIVersion", {
        Version: text(),
        APIVersion: integer(0, 2 ** 32),
        BlockDelay: integer(0, 2 ** 32),
        Agent: text(),
      }),
      run: () => ({
        Version: `filigree-${parts.version}`,
        APIVersion: API_VERSION,
        BlockDelay: parts.blockDelaySeconds,
        Agent: "filigree",
      }),
    }),
    ActorAddress: method({
      summary: "The miner's actor.",
      result: address,
      run: () => parts.miner,
    }),
  });
  const registry = new Registry([own, authGroup, sectorsGroup, ownSectorsGroup, storageGroup]);
  const { version, sectors, tokenSecret, now, prefix, run } = parts;
  const describe = (api: "v0" | "v1") => openRpc(registry, api, version);
  const node: Pick<NodeServices, "version" | "tokenSecret" | "now" | "describe" | "run"> & {
    readonly sectors: SectorsService;
    readonly network: { readonly prefix: NetworkPrefix };
  } = { ...{ version, tokenSecret, now, run, describe, sectors }, network: { prefix } };
  return new Dispatcher(registry, node as NodeServices);
}
