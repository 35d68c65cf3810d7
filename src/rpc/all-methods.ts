/** All methods of a node. */
import { Dispatcher, type MethodTable } from "./dispatcher.ts";
import { chainMethods } from "./methods/chain.ts";
import { commonMethods } from "./methods/common.ts";
import { devMethods } from "./methods/dev.ts";
import { gasMethods } from "./methods/gas.ts";
import { minerMethods } from "./methods/miners.ts";
import { mpoolMethods } from "./methods/mpool.ts";
import { stateMethods } from "./methods/state.ts";
import { walletMethods } from "./methods/wallet.ts";
import type { NodeServices } from "./services.ts";

export function makeDispatcher(node: NodeServices, randomBytes: (length: number) => Uint8Array): Dispatcher {
  const table: MethodTable = {
    ...chainMethods(node),
    ...stateMethods(node),
    ...minerMethods(node),
    ...mpoolMethods(node),
    ...gasMethods(node),
    ...walletMethods(node, randomBytes),
    ...(node.dev === undefined ? {} : devMethods(node, node.dev)),
  };
  const names = Object.keys(table).sort();
  return new Dispatcher({ ...table, ...commonMethods(node, () => names) });
}
