/** All methods of a node, group by group. */
import type { Group } from "./method.ts";
import { authGroup } from "./methods/auth.ts";
import { blockMakingGroup } from "./methods/block-making.ts";
import { chainGroup } from "./methods/chain.ts";
import { clientGroup } from "./methods/client.ts";
import { clientDealsGroup, ownClientGroup } from "./methods/client-deals.ts";
import { devGroup } from "./methods/dev.ts";
import { ethGroup } from "./methods/eth.ts";
import { ethDevGroup } from "./methods/eth-dev.ts";
import { ethFiltersGroup } from "./methods/eth-filters.ts";
import { ethNamesGroup } from "./methods/eth-names.ts";
import { ethTracesGroup } from "./methods/eth-traces.ts";
import { gasGroup } from "./methods/gas.ts";
import { invokeGroup, invokeV0Group, invokeV1Group, receiptGroup } from "./methods/invoke.ts";
import { laboratoryGroup } from "./methods/laboratory.ts";
import { marketGroup } from "./methods/market.ts";
import { marketStateGroup } from "./methods/market-state.ts";
import { minerStateGroup } from "./methods/miner-state.ts";
import { mk20Group } from "./methods/mk20.ts";
import { mpoolGroup } from "./methods/mpool.ts";
import { mpoolChecksGroup } from "./methods/mpool-checks.ts";
import { msigGroup, msigV0Group } from "./methods/msig.ts";
import { msigStateGroup } from "./methods/msig-state.ts";
import { netGroup } from "./methods/net.ts";
import { nodeGroup } from "./methods/node.ts";
import { objectsGroup } from "./methods/objects.ts";
import { ownPaychGroup, paychGroup, paychV0Group, paychV1Group } from "./methods/paych.ts";
import { pledgeGroup } from "./methods/pledge.ts";
import { ownProviderGroup, providerDealsGroup } from "./methods/provider-deals.ts";
import {
  findGroup,
  ownRetrievalGroup,
  retrievalAskGroup,
  retrieveV0Group,
  retrieveV1Group,
} from "./methods/retrieval.ts";
import { sectorStateGroup } from "./methods/sector-state.ts";
import { ownSectorsGroup, sectorsGroup } from "./methods/sectors.ts";
import { snapshotsGroup } from "./methods/snapshots.ts";
import { stateGroup } from "./methods/state.ts";
import { storageGroup } from "./methods/storage.ts";
import { logGroup, storeGroup } from "./methods/store.ts";
import { beaconGroup, beaconV0Group, randomnessV0Group, supplyGroup } from "./methods/supply.ts";
import { miningGroup, syncGroup } from "./methods/sync.ts";
import { syncBlocksGroup } from "./methods/sync-blocks.ts";
import { upkeepGroup } from "./methods/upkeep.ts";
import { verifiedStateGroup } from "./methods/verified-state.ts";
import { walletGroup } from "./methods/wallet.ts";

/** Those of the interface's present version, and those that are the same in both; a client's types come from here. */
export const CURRENT_GROUPS = [
  nodeGroup,
  authGroup,
  chainGroup,
  objectsGroup,
  storeGroup,
  upkeepGroup,
  syncGroup,
  syncBlocksGroup,
  netGroup,
  stateGroup,
  supplyGroup,
  beaconGroup,
  invokeGroup,
  invokeV1Group,
  receiptGroup,
  minerStateGroup,
  sectorStateGroup,
  pledgeGroup,
  marketStateGroup,
  verifiedStateGroup,
  msigStateGroup,
  msigGroup,
  marketGroup,
  clientGroup,
  findGroup,
  retrieveV1Group,
  retrievalAskGroup,
  ownRetrievalGroup,
  clientDealsGroup,
  ownClientGroup,
  mk20Group,
  providerDealsGroup,
  ownProviderGroup,
  paychGroup,
  paychV1Group,
  ownPaychGroup,
  mpoolGroup,
  mpoolChecksGroup,
  gasGroup,
  miningGroup,
  blockMakingGroup,
  sectorsGroup,
  ownSectorsGroup,
  storageGroup,
  walletGroup,
  logGroup,
  ethGroup,
  ethFiltersGroup,
  ethTracesGroup,
  ethNamesGroup,
  ethDevGroup,
  devGroup,
  laboratoryGroup,
  snapshotsGroup,
] as const;

export const GROUPS: readonly Group[] = [
  ...CURRENT_GROUPS,
  invokeV0Group,
  beaconV0Group,
  randomnessV0Group,
  msigV0Group,
  paychV0Group,
  retrieveV0Group,
];
