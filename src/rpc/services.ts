/** What the RPC methods need of a node; `src/node` provides it. Services are seen by interface only. */
import type { ChainStore } from "../chain/chain-store.ts";
import type { KeyCrypto } from "../keys/keys.ts";
import type { Keystore } from "../keys/keystore.ts";
import type { MessagePool } from "../mpool/pool.ts";
import type { NetworkParams } from "../params/networks.ts";
import type { Tipset } from "../types/block-header.ts";
import type { Message, MessageReceipt } from "../types/message.ts";

/** attoFIL that a message cost, by where it went. */
export type GasCost = {
  readonly gasUsed: bigint;
  readonly baseFeeBurn: bigint;
  readonly overEstimationBurn: bigint;
  readonly minerPenalty: bigint;
  readonly minerTip: bigint;
  readonly refund: bigint;
};

export type CallOutcome = {
  readonly receipt: MessageReceipt;
  readonly cost: GasCost;
  /** Empty if the call succeeded. */
  readonly error: string;
  /** Milliseconds. */
  readonly duration: number;
};

/** Execution without consequences, on the state after a tipset. */
export type Simulator = {
  /**
   * Applies `before`, then `message`, to the state after `tipset`. Nonce and balance of the sender are taken as fit;
   * nothing is kept.
   */
  call(message: Message, tipset: Tipset, before?: readonly Message[]): Promise<CallOutcome>;
};

/** Control of a local network's time. */
export type DevControl = {
  mine(count: number): Promise<Tipset>;
  skipRounds(count: number): Promise<Tipset>;
  setAutomine(on: boolean): void;
  setBlockTime(seconds: number): void;
  /** Whether epochs pass only when messages arrive: then nothing would ever stand on top of the last one. */
  readonly instant: boolean;
  info(): Record<string, unknown>;
};

export type ChainService = Pick<
  ChainStore,
  | "head"
  | "blocks"
  | "genesis"
  | "tipset"
  | "parent"
  | "header"
  | "tipsetAtOrBefore"
  | "tipsetAtOrAfter"
  | "result"
  | "messages"
  | "tipsetMessages"
  | "receipts"
  | "receiptsAt"
  | "message"
  | "locate"
  | "onHeadChange"
>;
export type PoolService = Pick<
  MessagePool,
  "push" | "get" | "pending" | "pendingOf" | "nextNonce" | "select" | "clear" | "onChange" | "size"
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
  readonly simulator: Simulator;
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
