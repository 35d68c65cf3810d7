/** What a miner sends: messages for each of its intentions, of whatever actors; who may send them and what their gas may cost. */
import type { SectorSet } from "../../state/miner-sectors.ts";
import type { Address } from "../../types/address.ts";
import { FIL } from "../../types/amount.ts";
import type { PoStProof } from "../../types/block-header.ts";
import type { CID } from "../../types/cid.ts";
import type { Json } from "../../types/schema-codec.ts";
import type { Allocation, DeadlineClock } from "./chain.ts";

/** Part that an address has in a miner; `proposed`: the owner that is to confirm. */
export type SenderRole = "owner" | "worker" | "control" | "proposed";

/** A message of a miner before it is known who sends it. */
export type MinerCall = {
  /** Method's name, for people. */
  readonly name: string;
  readonly to: Address;
  readonly method: bigint;
  readonly params: Uint8Array;
  /** attoFIL that go with it. */
  readonly value: bigint;
  /** Who may send it, the preferred first. */
  readonly by: readonly SenderRole[];
  /** attoFIL that its gas may cost. */
  readonly maxFee: bigint;
};

/** Sectors of one partition. */
export type PartitionSectors = { readonly deadline: number; readonly partition: number; readonly sectors: SectorSet };

export type PreCommitTerms = {
  readonly sealProof: number;
  readonly number: number;
  readonly sealedCid: CID;
  /** Epoch of the ticket that it was sealed with. */
  readonly sealRandEpoch: number;
  readonly dealIds: readonly bigint[];
  readonly expiration: number;
  /** CommD; null for a sector without pieces. Only for actors from v9 on, which compare it with what the pieces come to. */
  readonly unsealedCid?: CID | null;
  /** A sector without deals that this one replaces. */
  readonly replaces?: { readonly deadline: number; readonly partition: number; readonly number: number };
};

/** A piece of a sector, as its proof names it to actors from v13 on (FIP-0076). */
export type ActivatedPiece = {
  /** CommP. */
  readonly pieceCid: CID;
  /** Bytes with padding. */
  readonly size: bigint;
  /** The published deal that it is of; null for data that no market knows of. */
  readonly dealId: bigint | null;
  /** The allocation of the verified registry that it claims. */
  readonly allocation: Allocation | null;
};

/** What a sector's proof activates. */
export type SectorContent = {
  /** Deals that its pre-commit names. */
  readonly dealIds: readonly bigint[];
  /** Pieces, in their order. */
  readonly pieces: readonly ActivatedPiece[];
};

/** New data for a sector that was sealed without any. */
export type ReplicaUpdate = {
  readonly sector: number;
  /** Where it is proven. */
  readonly deadline: number;
  readonly partition: number;
  /** Registered seal proof of the sector. */
  readonly sealProof: number;
  /** CommR of the new replica. */
  readonly sealedCid: CID;
  readonly proof: Uint8Array;
  readonly content: SectorContent;
};

export type WindowPost = {
  readonly deadline: number;
  readonly partitions: readonly { readonly index: number; readonly skipped: SectorSet }[];
  readonly proofs: readonly PoStProof[];
  /** An epoch that the prover saw, and its ticket. */
  readonly commitEpoch: number;
  readonly commitRandomness: Uint8Array;
};

export type NewMiner = {
  readonly owner: Address;
  readonly worker: Address;
  readonly sealProof: number;
  readonly peerId: Uint8Array;
  readonly multiaddrs: readonly Uint8Array[];
};

export type MinerMessages = {
  /** Version of the actors that these are for. */
  readonly actorsVersion: number;
  createMiner(miner: NewMiner): MinerCall;
  /** `value`: attoFIL that go with it, for the deposit. */
  preCommit(sector: PreCommitTerms, value: bigint): MinerCall;
  /** `value`: attoFIL for the pledge beyond the deposit. */
  proveCommit(sector: number, proof: Uint8Array, value: bigint, content?: SectorContent): MinerCall;
  /** Puts data into a live sector without any; `value`: attoFIL for the pledge beyond what the sector has. Throws `MinerError` NO_METHOD. */
  replicaUpdate(update: ReplicaUpdate, value: bigint): MinerCall;
  /** Whether a sector's data is named by its proof, piece by piece, and not by deals of its pre-commit. */
  readonly namesPieces: boolean;
  declareFaults(faults: readonly PartitionSectors[]): MinerCall;
  declareRecoveries(recoveries: readonly PartitionSectors[]): MinerCall;
  submitWindowPost(post: WindowPost): MinerCall;
  /** Epoch whose ticket a window PoSt commits to, when the head is at `height`. */
  commitEpochAt(height: number, deadline: DeadlineClock): number;
  /** Partitions that one window PoSt may name, of partitions of some size. */
  maxPostPartitions(partitionSectors: number): number;
  extend(extensions: readonly (PartitionSectors & { readonly expiration: number })[]): MinerCall;
  terminate(sectors: readonly PartitionSectors[]): MinerCall;
  compact(deadline: number, partitions: SectorSet): MinerCall;
  /** The worker from a later epoch on, and all control addresses from now on. */
  changeWorker(worker: Address, controls: readonly Address[]): MinerCall;
  confirmWorker(): MinerCall;
  /** Proposed by the owner, then confirmed with the same address by the one that is proposed. */
  changeOwner(owner: Address, by: "owner" | "proposed"): MinerCall;
  changePeerId(peerId: Uint8Array): MinerCall;
  changeMultiaddrs(multiaddrs: readonly Uint8Array[]): MinerCall;
  /** attoFIL. */
  withdraw(amount: bigint): MinerCall;
  repayDebt(value: bigint): MinerCall;
};

/** attoFIL. Source: lotus node/config/def.go; what it does not name has the limit of control messages. */
export const MAX_FEE = {
  preCommit: FIL / 40n,
  commit: FIL / 20n,
  terminate: FIL / 2n,
  post: 5n * FIL,
  declare: FIL / 20n,
  control: (7n * FIL) / 100n,
} as const;

/** Controllers may send most, prove-commits anybody may. Order of the reference's first miner: lotus v1.2.0 storage/addresses.go. */
export const OWNER = ["owner"] as const;
export const SEALING = ["worker", "owner", "control"] as const;
export const PROVING = ["control", "owner", "worker"] as const;
export type Sent = { readonly by: readonly SenderRole[]; readonly maxFee: bigint; readonly value?: bigint };

/** Makes a message of a method, to the miner or to the power actor. */
export type EncodeCall = (
  actor: "storageminer" | "storagepower",
  name: string,
  method: number,
  params: Json,
  sent: Sent,
) => MinerCall;
