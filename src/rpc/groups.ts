/** All methods of a node, group by group. */
import type { Group } from "./method.ts";
import { authGroup } from "./methods/auth.ts";
import { chainGroup } from "./methods/chain.ts";
import { devGroup } from "./methods/dev.ts";
import { gasGroup } from "./methods/gas.ts";
import { invokeGroup, invokeV0Group, invokeV1Group, receiptGroup } from "./methods/invoke.ts";
import { marketStateGroup } from "./methods/market-state.ts";
import { minerStateGroup } from "./methods/miner-state.ts";
import { mpoolGroup } from "./methods/mpool.ts";
import { nodeGroup } from "./methods/node.ts";
import { stateGroup } from "./methods/state.ts";
import { walletGroup } from "./methods/wallet.ts";

export const GROUPS: readonly Group[] = [
  nodeGroup,
  authGroup,
  chainGroup,
  stateGroup,
  invokeGroup,
  invokeV0Group,
  invokeV1Group,
  receiptGroup,
  minerStateGroup,
  marketStateGroup,
  mpoolGroup,
  gasGroup,
  walletGroup,
  devGroup,
];
