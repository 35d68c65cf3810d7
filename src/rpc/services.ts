/** What the RPC methods need of a node; `src/node` provides it. Services are seen by interface only. */
import type { Chain } from "../chain/chain.ts";
import type { KeyCrypto } from "../keys/keys.ts";
import type { Keystore } from "../keys/keystore.ts";
import type { MessagePool } from "../mpool/pool.ts";
import type { NetworkParams } from "../params/networks.ts";
import type { GasEstimator } from "../stmgr/gas-estimator.ts";
import type { StateManager } from "../stmgr/state-manager.ts";
import type { Tipset } from "../types/block-header.ts";

/** Control of a local network's time. */
export type DevControl = {
  mine(count: number): Promise<Tipset>;
  skipRounds(count: number): Promise<Tipset>;
  setAutomine(on: boolean): void;
  setBlockTime(seconds: number): void;
  info(): Record<string, unknown>;
};

export type ChainService = Pick<
  Chain,
  | "head"
  | "blocks"
  | "genesis"
  | "tipset"
  | "parent"
  | "header"
  | "tipsetAtOrBefore"
  | "tipsetAtOrAfter"
  | "isCanonical"
  | "path"
  | "result"
  | "messages"
  | "tipsetMessages"
  | "receipts"
  | "receiptsAt"
  | "message"
  | "checkpoint"
  | "finalized"
  | "onHeadChange"
>;
export type StateService = Pick<
  StateManager,
  | "networkVersionAt"
  | "nextBaseFee"
  | "circulatingSupply"
  | "result"
  | "stateBefore"
  | "stateAfter"
  | "accountKey"
  | "lookback"
  | "call"
  | "replay"
  | "compute"
  | "search"
  | "wait"
>;
export type GasService = Pick<GasEstimator, "call" | "gasLimit" | "feeCap" | "premium" | "complete">;
export type PoolService = Pick<
  MessagePool,
  "push" | "pushNext" | "nextNonceOf" | "get" | "pending" | "pendingOf" | "select" | "clear" | "onChange" | "size"
>;
export type WalletService = Pick<Keystore, "has" | "get" | "add" | "list" | "remove" | "defaultAddress" | "setDefault">;

/** What `src/node` gives. */
export type NodeParts = {
  readonly version: string;
  readonly network: NetworkParams;
  readonly chain: ChainService;
  readonly pool: PoolService;
  readonly keystore: WalletService;
  readonly crypto: KeyCrypto;
  readonly states: StateService;
  readonly gas: GasService;
  /** Secret of the tokens. */
  readonly tokenSecret: Uint8Array;
  readonly now: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
  /** How each part of the node is, by its name. */
  readonly health?: () => Readonly<Record<string, { readonly status: string }>>;
  /** Present on a local network only. */
  readonly dev?: DevControl;
};

/** What methods see: the node, and the description of the interface itself. */
export type NodeServices = NodeParts & {
  readonly describe: (version: "v0" | "v1") => Record<string, unknown>;
};
