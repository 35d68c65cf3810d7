/** What the RPC methods need of a node; `src/node` provides it. Services are seen by interface only. Above 500 lines by a few: types alone. */
import type { Alert } from "../base/alert.ts";
import type { LogLevels } from "../base/log-levels.ts";
import type { Chain } from "../chain/chain.ts";
import type { PlacedLog } from "../chain/eth-index.ts";
import type { MiningBase } from "../consensus/base-info.ts";
import type { BlockTemplate } from "../consensus/block-template.ts";
import type { FullBlock } from "../consensus/validator.ts";
import type { ActorEdit } from "../exec/edits.ts";
import type { RandomnessSource } from "../exec/types.ts";
import type { KeyCrypto } from "../keys/keys.ts";
import type { Keystore } from "../keys/keystore.ts";
import type { ClientData } from "../market/data/client-data.ts";
import type { PaychManager } from "../market/paych/manager.ts";
import type { Reconciler } from "../market/paych/reconciler.ts";
import type { Vouchers } from "../market/paych/vouchers.ts";
import type { ContentFinder } from "../market/retrieval/content.ts";
import type { RetrievalMarket } from "../market/retrieval/part.ts";
import type { StorageClient } from "../market/storage/client.ts";
import type { MarketFunds } from "../market/storage/funds.ts";
import type { Mk20Client } from "../market/storage/mk20/client.ts";
import type { StorageProvider } from "../market/storage/provider.ts";
import type { MessagePool } from "../mpool/pool.ts";
import type { Network } from "../network/network.ts";
import type { NetworkParams } from "../params/networks.ts";
import type { GasEstimator } from "../stmgr/gas-estimator.ts";
import type { StateManager } from "../stmgr/state-manager.ts";
import type { Address } from "../types/address.ts";
import type { BeaconEntry, BlockHeader, Tipset } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";
import type { EthTransaction } from "../types/eth-transaction.ts";
import type { SignedMessage } from "../types/message.ts";
import type { LogFilter } from "./eth/codecs.ts";
import type { NodeRun } from "./node-run.ts";

/** What is seen of a miner; `MinerReport` of `src/node` says what each figure is. */
export type MinerReportView = {
  readonly miner: Address;
  readonly epoch: number;
  readonly power: {
    readonly raw: bigint;
    readonly qualityAdjusted: bigint;
    readonly totalRaw: bigint;
    readonly totalQualityAdjusted: bigint;
    readonly hasMinPower: boolean;
  };
  readonly sectors: Readonly<
    Record<"live" | "active" | "faulty" | "recovering" | "unproven" | "terminated", readonly number[]>
  >;
  readonly money: Readonly<
    Record<"balance" | "available" | "vesting" | "preCommitDeposits" | "initialPledge" | "feeDebt", bigint>
  >;
  readonly faultFee: bigint;
  readonly burnt: bigint;
  readonly notEligible: string | null;
};

type FileFault = "none" | "lost" | "changed";

/** Faults of a local network's miners on purpose. */
export type LaboratoryControl = {
  readonly miners: readonly Address[];
  report(miner: Address): Promise<MinerReportView>;
  setFault(miner: Address, sector: number, fault: FileFault): void;
  faults(miner: Address): readonly { readonly sector: number; readonly fault: FileFault }[];
  /** As `equivocate` and `terminate`: rejects where nobody could make blocks after it, unless it is wanted `anyway`. */
  skip(miner: Address, deadlines: "all" | readonly number[], anyway: boolean): Promise<void>;
  skipped(miner: Address): "all" | readonly number[];
  turn(miner: Address, on: boolean): void;
  /** Makes tipsets until a deadline opens, or with `skip` passes null rounds; null: the next that has sectors. */
  toDeadline(
    miner: Address,
    deadline: number | null,
    options: { readonly skip?: boolean },
    signal?: AbortSignal,
  ): Promise<Tipset>;
  /** Makes tipsets until a sector is in a state, so many epochs at the most. */
  toSectorState(miner: Address, sector: number, state: string, epochs: number, signal?: AbortSignal): Promise<Tipset>;
  /** Comes to an epoch by null rounds, with tipsets where somebody has something to prove. */
  fastForward(epoch: number, signal?: AbortSignal): Promise<Tipset>;
  isOn(miner: Address): boolean;
  equivocate(miner: Address, anyway: boolean): Promise<CID>;
  terminate(miner: Address, sectors: readonly number[], anyway: boolean): Promise<CID>;
};

/** Moments that a local network can go back to. Throws `FilError`. */
export type SnapshotControl = {
  list(): readonly { readonly id: number; readonly head: Tipset; readonly waiting: readonly unknown[] }[];
  take(): Promise<{ readonly id: number }>;
  /** With `keep` the snapshot can be gone back to again. */
  revert(id: number, keep: boolean): Promise<Tipset>;
  /** The network as a CAR file, in pieces; rejects for one that is not written to files. */
  dump(): Promise<AsyncIterable<Uint8Array>>;
};

/** Ethereum accounts that a node signs for: `src/node/eth-accounts.ts`. */
export type EthAccountsService = {
  /** Addresses of Ethereum whose keys the node has. */
  readonly accounts: readonly Address[];
  /** Whether the node makes transactions of an address. */
  has(address: Address): boolean;
  /** Null where the node does not have its key. */
  sign(address: Address, digest: Uint8Array): Uint8Array | null;
  signTransaction(tx: Omit<EthTransaction, "r" | "s" | "v" | "kind">, from: Address): SignedMessage | null;
};

/** What contract developers do to a local network: `src/node/eth-control.ts`. */
export type EthDevControl = {
  readonly isAutomatic: boolean;
  impersonate(address: Address, on: boolean): void;
  impersonateAll(on: boolean): void;
  edit(edits: readonly ActorEdit[]): Promise<void>;
  setNextTimestamp(timestamp: number): void;
  passTime(seconds: number): number;
  mineApart(count: number, seconds: number, signal?: AbortSignal): Promise<void>;
};

/** Control of a local network's time. */
export type DevControl = {
  /** `signal` ends it early: when the caller has gone away. */
  mine(count: number, signal?: AbortSignal): Promise<Tipset>;
  /** Makes tipsets up to an epoch. */
  mineTo(epoch: number, signal?: AbortSignal): Promise<Tipset>;
  /** Passes at least so many seconds of the chain's time. */
  passTime(seconds: number, signal?: AbortSignal): Promise<Tipset>;
  /** Absent, or null, where the network's miners are not at hand. */
  readonly laboratory?: LaboratoryControl | null;
  /** Absent, or null, without contracts, and where the node does not have the keys of the network's accounts. */
  readonly ethAccounts?: EthAccountsService | null;
  /** Absent, or null, without contracts, and for one of several nodes, of which none is the network. */
  readonly ethereum?: EthDevControl | null;
  /** Absent for one of several nodes, of which none is the network. */
  readonly snapshots?: SnapshotControl;
  /** One whose `signal` ends it leaves the head where it was. */
  skipRounds(count: number, signal?: AbortSignal): Promise<Tipset>;
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
  | "setHead"
  | "setCheckpoint"
  | "result"
  | "messages"
  | "tipsetMessages"
  | "receipts"
  | "receiptsAt"
  | "signedMessage"
  | "transaction"
  | "message"
  | "checkpoint"
  | "finalized"
  | "onHeadChange"
  | "ethereum"
  | "bad"
  | "locate"
  | "statesFrom"
  | "messagesFrom"
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
  | "tryAfter"
  | "search"
  | "wait"
>;
export type GasService = Pick<GasEstimator, "call" | "gasLimit" | "feeCap" | "premium" | "complete">;
export type PoolService = Pick<
  MessagePool,
  | "push"
  | "pushNext"
  | "nextNonceOf"
  | "get"
  | "pending"
  | "pendingOf"
  | "select"
  | "clear"
  | "onChange"
  | "size"
  | "config"
  | "setConfig"
>;
export type WalletService = Pick<Keystore, "has" | "get" | "add" | "list" | "remove" | "defaultAddress" | "setDefault">;

/** Payment channels, and their vouchers. */
export type PaymentService = {
  readonly channels: Pick<
    PaychManager,
    | "get"
    | "waitReady"
    | "availableFunds"
    | "availableFundsOf"
    | "list"
    | "tracked"
    | "allocateLane"
    | "settle"
    | "collect"
  >;
  readonly vouchers: Pick<
    Vouchers,
    "create" | "schedule" | "add" | "list" | "checkValid" | "checkSpendable" | "bestSpendable" | "submit"
  >;
};

/** What is reserved of balances in the storage market. */
export type FundService = Pick<MarketFunds, "reservedOf" | "reserve" | "release" | "add" | "withdraw">;

/** Retrievals of this node's user, and from this node. */
export type RetrievalService = Pick<
  RetrievalMarket,
  | "retrieve"
  | "fetch"
  | "begin"
  | "wait"
  | "cancel"
  | "find"
  | "query"
  | "transportsOf"
  | "setAsk"
  | "book"
  | "stream"
  | "hasFreeStream"
  | "setFreeStream"
>;

/** Who has some content, as this node knows it. */
export type ContentService = Pick<ContentFinder, "find">;

/** Storage deals: of this node's user, and of its providers. */
export type DealsService = {
  readonly client: Pick<StorageClient, "ask" | "deal" | "list" | "get" | "log" | "cidOf" | "renew" | "verify">;
  /** Providers of Curio's market of 2025. */
  readonly mk20: Pick<Mk20Client, "info" | "deal" | "send" | "status" | "get" | "list" | "remove">;
  readonly provider: Pick<
    StorageProvider,
    | "miners"
    | "startBuffer"
    | "ask"
    | "setAsk"
    | "rules"
    | "setRules"
    | "list"
    | "get"
    | "log"
    | "receivedOf"
    | "sealingStateOf"
    | "importData"
    | "pending"
    | "publishNow"
    | "settle"
    | "index"
  > | null;
};

/** Data of this node's user. */
export type ClientService = Pick<
  ClientData,
  | "import"
  | "importDagJson"
  | "imports"
  | "remove"
  | "has"
  | "carSize"
  | "commit"
  | "commitFile"
  | "carOfFile"
  | "checkPlace"
  | "export"
  | "store"
>;

/** One way to a chain that peers spoke of. */
export type SyncRunView = {
  readonly target: { readonly key: readonly CID[]; readonly height: number; readonly tipset: Tipset | null };
  readonly base: Tipset | null;
  readonly stage: "headers" | "messages" | "complete" | "failed";
  readonly height: number;
  /** Milliseconds since 1970; `ended` null while it goes on. */
  readonly started: number;
  readonly ended: number | null;
  readonly message: string;
};
/** Synchronisation, seen by interface. */
export type SyncService = {
  status(): {
    readonly active: readonly SyncRunView[];
    readonly ended: readonly SyncRunView[];
    readonly counts: { readonly messages: number };
  };
  /** Calls `listener` with every announced block that may be valid. */
  onBlock(listener: (header: BlockHeader) => void): () => void;
  /** Takes a block of this node's own user and tells the peers; rejects with `BlockError` if it is not valid. */
  submit(block: FullBlock): Promise<void>;
};
export type NetService = Pick<
  Network,
  | "id"
  | "addresses"
  | "connected"
  | "connect"
  | "disconnect"
  | "find"
  | "ping"
  | "details"
  | "scores"
  | "ban"
  | "banAddress"
  | "peers"
  | "traffic"
  | "use"
  | "scopes"
  | "limit"
  | "setLimit"
  | "protect"
  | "protected"
>;

/** A sector of a miner of this node, as its own records have it. */
export type SectorView = {
  readonly number: number;
  readonly state: string;
  /** Registered seal proof. */
  readonly sealProof: number;
  readonly commD: CID | null;
  readonly commR: CID | null;
  readonly proof: Uint8Array;
  readonly pieces: readonly {
    readonly size: bigint;
    readonly cid: CID;
    readonly deal: {
      /** Null for data without a deal. */
      readonly id: bigint | null;
      readonly startEpoch: number;
      readonly endEpoch: number;
      /** What data without a deal claims, by its client's actor id and its own. */
      readonly allocation: AllocationName | null;
    } | null;
    readonly keepUnsealed: boolean;
  }[];
  readonly ticket: { readonly value: Uint8Array; readonly epoch: number } | null;
  readonly seed: { readonly value: Uint8Array; readonly epoch: number } | null;
  readonly preCommitMessage: CID | null;
  readonly commitMessage: CID | null;
  /** Whether it waits for data, or is being updated. */
  readonly isUpgrading: boolean;
  readonly updateMessage: CID | null;
  readonly retries: number;
  readonly lastError: string;
  /** Last epochs at which its pre-commit and its proof are taken; null where that is past, or not yet known. */
  readonly deadlines: { readonly ticketExpires: number | null; readonly commitDue: number | null };
  /** Milliseconds since 1970; seconds in `log`. */
  readonly log: readonly { readonly kind: string; readonly time: number; readonly message: string }[];
};

/** New sectors of this node's own miners. Throws `FilError` for what cannot be done. */
export type SectorsService = {
  readonly miners: readonly Address[];
  /** Begins a new sector without data; resolves to its number. */
  pledge(miner: Address): Promise<number>;
  /** Puts data into a sector that its proof activates without a deal (FIP-0076). */
  addPiece(miner: Address, piece: DirectPiece): Promise<DirectPlace>;
  /** All of them, those of the genesis too, by ascending number. */
  list(miner: Address): Promise<readonly { readonly number: number; readonly state: string }[]>;
  /** All that are known here or that the chain has, by ascending number, as they are at one moment. */
  overview(miner: Address): Promise<readonly SectorSummary[]>;
  /** Null if the miner has no such sector. */
  status(miner: Address, number: number): Promise<SectorView | null>;
  /** The step at which each sector is that was made here (those of the genesis have none). */
  steps(): readonly SectorStep[];
  /** Calls `watcher` at every step of a sector until the function that it gives is called. */
  watch(watcher: (step: SectorStep) => void): () => void;
  /** Marks a sector without data: the next deal that fits goes into it as it is. */
  markForUpgrade(miner: Address, number: number): Promise<void>;
  /** Takes such a mark or an update back, as long as its message was not sent. */
  abortUpgrade(miner: Address, number: number): Promise<void>;
  /** Removes a sector's files; its number is never used again. */
  remove(miner: Address, number: number): Promise<void>;
  /** ID address of an address, at the head. */
  idOf(address: Address): Promise<Address>;
  /** What the chain says of a sector at the head; null if it has none of the number. */
  onChain(miner: Address, number: number): Promise<SectorOnChain | null>;
  /** How a sector stands on the chain. */
  standing(miner: Address, number: number): Promise<SectorStanding>;
  /** Which sectors are not as their commitments say, and why; `full`: all of their files is read, not samples. Looked at between two sectors: `signal`. */
  check(
    miner: Address,
    numbers: readonly number[],
    full: boolean,
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<number, string>>;
  /** Folders of sector files. */
  folders(): Promise<readonly FolderView[]>;
  /** Folders of sectors that cannot be used now, such as those of disks that are not mounted; they are taken up again when they can. */
  awayFolders(): Promise<readonly { readonly path: string; readonly why: string }[]>;
  /** Adds a folder, which is made if need be, and is there again after a restart. */
  attach(path: string, limits: FolderLimitsView): Promise<void>;
  /** Gives up a folder, be it there or away; nothing in it is touched. */
  detach(path: string): Promise<void>;
};

/** An allocation of the verified registry: its client's actor id, and its own. */
export type AllocationName = { readonly client: bigint; readonly id: bigint };

/** Data for a sector that no deal is made of. */
export type DirectPiece = {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Bytes. */
  readonly size: number;
  readonly allocation: AllocationName | null;
  /** Epoch until which its sector is to last; null: as long as a sector without data. */
  readonly endEpoch: number | null;
  readonly keepUnsealed: boolean;
  /** Whether its sector is sealed as soon as it is in it. */
  readonly seals: boolean;
};

/** `size`, `offset`: bytes with padding. */
export type DirectPlace = {
  readonly sector: number;
  readonly offset: number;
  readonly size: number;
  readonly cid: CID;
};

export type SectorSummary = {
  readonly number: number;
  /** Empty where nothing is known of it here. */
  readonly state: string;
  /** What the chain says; "unproven": without power until its first window PoSt. */
  readonly chain: "absent" | "unproven" | "healthy" | "faulty" | "recovering" | "terminated";
  /** Whether its files are used for proofs. */
  readonly isHeld: boolean;
  /** Of a sector that recovers: first epoch of the deadline with whose proof it counts again. */
  readonly countsFrom: number | null;
  /** Of one that has ended and was sealed here: epoch at which its files go, which elections may ask for until then. */
  readonly keptUntil: number | null;
};

/** How a sector stands on the chain, beyond what the chain keeps of it. */
export type SectorStanding = Pick<SectorSummary, "chain" | "countsFrom"> & {
  /** Epoch at which it was seen to have ended, where that was noted. */
  readonly endedAt: number | null;
};

/** Where a sector is on its way, with the kind of its state ("work", "wait", …) and what happens there. */
export type SectorStep = {
  readonly miner: Address;
  readonly number: number;
  readonly state: string;
  readonly kind: string;
  readonly about: string;
  /** Milliseconds since 1970 at which it came to this state. */
  readonly since: number;
  /** Steps so far, this one included. */
  readonly steps: number;
  /** What failed last and is not overcome; empty if nothing. */
  readonly error: string;
};

export type SectorOnChain = {
  readonly activation: number;
  readonly expiration: number;
  readonly dealWeight: bigint;
  readonly verifiedDealWeight: bigint;
  readonly initialPledge: bigint;
  /** Epochs at which it ends: as it was meant to, and, if it is faulty, before. */
  readonly onTime: number;
  readonly early: number;
};

/** `maxBytes` 0: no limit. */
export type FolderLimitsView = { readonly maxBytes: number; readonly canSeal: boolean; readonly canStore: boolean };

export type FolderView = {
  readonly id: string;
  /** Null in memory. */
  readonly path: string | null;
  readonly limits: FolderLimitsView;
  readonly isReadOnly: boolean;
  /** Bytes. */
  readonly room: { readonly used: number; readonly reserved: number; readonly available: number };
  readonly sectors: readonly { readonly miner: bigint; readonly number: number }[];
};

/** What `src/node` gives. */
export type NodeParts = {
  readonly version: string;
  readonly network: NetworkParams;
  readonly chain: ChainService;
  readonly pool: PoolService;
  /** The least gas of a message of some bytes that the pool takes. */
  readonly minGas: (bytes: number) => bigint;
  readonly keystore: WalletService;
  readonly crypto: KeyCrypto;
  readonly states: StateService;
  readonly gas: GasService;
  readonly payments: PaymentService;
  readonly funds: FundService;
  readonly deals: DealsService;
  /** Retrievals, from peers and for them; absent without a network of peers. */
  readonly retrieval?: RetrievalService;
  /** Agrees on vouchers with other nodes; absent without a network of peers. */
  readonly reconciler?: Pick<Reconciler, "ask" | "policy" | "setPolicy">;
  readonly content: ContentService;
  readonly client: ClientService;
  /** Randomness as it is seen at a tipset. */
  readonly randomness: (tipset: Tipset) => RandomnessSource;
  /** The beacon's entry of an epoch, where this node can make or get it. */
  readonly beacon?: (epoch: number) => Promise<BeaconEntry>;
  /** What a miner must know to try for a block of an epoch; null where it has nothing to prove. Absent without elections. */
  readonly miningBase?: (
    miner: Address,
    epoch: number,
    base: Tipset,
    signal: AbortSignal,
  ) => Promise<MiningBase | null>;
  /** Weight of the chain up to and with a tipset, where storage power counts. Absent without elections. */
  readonly weight?: (tipset: Tipset) => Promise<bigint>;
  /** Validates a block of the store by all rules of consensus; throws `BlockError`. Absent without elections. */
  readonly validateBlock?: (header: BlockHeader) => Promise<void>;
  /** Makes the signed block of a template, with the key of a miner that this node has. Absent without elections. */
  readonly createBlock?: (template: BlockTemplate) => Promise<FullBlock>;
  /** Sealing of new sectors; absent where no miner of this node has any. */
  readonly sectors?: SectorsService;
  /** Collects states, keeping those of some epochs; absent where a node does not. */
  readonly prune?: (keep: number) => Promise<unknown>;
  /** Keeps a snapshot under a name beside the node's data; absent for nodes in memory. */
  readonly keepSnapshot?: (name: string, parts: AsyncIterable<Uint8Array>) => Promise<void>;
  /** What an operator should know of. */
  readonly alerts: readonly Alert[];
  /** What the node prints. */
  readonly log: LogLevels;
  /** Secret of the tokens. */
  readonly tokenSecret: Uint8Array;
  readonly now: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly run: NodeRun;
  /** Peers that messages and blocks are published to; absent without a network of peers. */
  readonly peers?: () => { readonly messages: number; readonly blocks: number };
  /** The node among its peers; absent, or null, without a network of peers. */
  readonly net?: () => NetService | null;
  readonly sync?: () => SyncService | null;
  /** Stops the node; absent where the program around it does that. */
  readonly shutdown?: () => void;
  /** How each part of the node is, by its name. */
  readonly health?: () => Readonly<Record<string, { readonly status: string }>>;
  /** Present on a local network only. */
  readonly dev?: DevControl;
};

/** What is new for Ethereum's clients: a block, what waits, the logs of a block. */
export type EthNews =
  | { readonly kind: "block"; readonly tipset: Tipset }
  | { readonly kind: "pending"; readonly hash: string; readonly signed: SignedMessage }
  | { readonly kind: "logs"; readonly tipset: Tipset; readonly logs: readonly PlacedLog[]; readonly removed: boolean };

/** Ethereum's filters and subscriptions: `src/rpc/eth/filters.ts`. */
export type EthFilterService = {
  listen(wants: EthNews["kind"], hear: (news: EthNews) => void): () => void;
  install(
    wants: EthNews["kind"],
    logs?: LogFilter | null,
    before?: () => Promise<readonly Record<string, unknown>[]>,
  ): Promise<string>;
  uninstall(id: string): boolean;
  changes(id: string): Promise<readonly unknown[]>;
  logsOf(id: string): LogFilter;
  newId(): string;
};

/** What methods see: the node, and the description of the interface itself. */
export type NodeServices = NodeParts & {
  /** Ethereum's filters and subscriptions. */
  readonly ethereum: EthFilterService;
  readonly describe: (version: "v0" | "v1") => Record<string, unknown>;
};
