/**
 * What a miner asks of the chain: of the node that it lives in (`node-chain.ts`), or of one over JSON-RPC
 * (`rpc-chain.ts`). Each is about one miner.
 *
 * Reads give the newest state that the node has for a tipset: in process the one after its messages, over JSON-RPC, as
 * everywhere in that interface, the one before them. A miner must not depend on which.
 */
import type { AllocationTerms } from "../../state/allocations.ts";
import type { Partition, SectorSet } from "../../state/miner-sectors.ts";
import type { Address, NetworkPrefix } from "../../types/address.ts";
import type { CID } from "../../types/cid.ts";
import type { Message, MessageReceipt, SignedMessage } from "../../types/message.ts";

/** A tipset, as far as a miner needs to know it. */
export type HeadView = {
  readonly key: readonly CID[];
  readonly height: number;
  /** In force for what is executed on top of it. */
  readonly networkVersion: number;
};

/** What a miner says about itself on chain. Addresses are ID addresses. */
export type MinerFacts = {
  readonly owner: Address;
  readonly worker: Address;
  readonly controls: readonly Address[];
  /** A worker that is proposed, and the epoch from which on it can be confirmed. */
  readonly newWorker: { readonly address: Address; readonly effectiveAt: number } | null;
  /** An owner that is proposed and has to confirm; null before actors v2. */
  readonly pendingOwner: Address | null;
  /** Registered seal proof of its sectors. */
  readonly sealProof: number;
  readonly sectorBytes: number;
  /** Sectors of a full partition. */
  readonly partitionSectors: number;
  /** Last epoch of the exclusion after a consensus fault, or -1. */
  readonly consensusFaultElapsed: number;
};

/** One deadline of a proving period, by its epochs. */
export type DeadlineClock = {
  readonly periodStart: number;
  readonly index: number;
  /** First epoch at which it can be proven. */
  readonly open: number;
  /** First epoch at which it cannot. */
  readonly close: number;
  /** Its challenge is drawn at this epoch. */
  readonly challenge: number;
  /** First epoch at which faults and recoveries can no longer be declared for it. */
  readonly faultCutoff: number;
};

export type DeadlineSectors = {
  readonly partitions: readonly Partition[];
  /** Partitions proven in this period. */
  readonly proven: SectorSet;
};

export type OnChainSector = {
  readonly number: number;
  readonly sealProof: number;
  readonly sealedCid: CID;
  readonly dealIds: readonly bigint[];
  readonly activation: number;
  readonly expiration: number;
  /** attoFIL */
  readonly initialPledge: bigint;
};

export type OnChainPreCommit = {
  readonly number: number;
  readonly sealedCid: CID;
  readonly sealRandEpoch: number;
  readonly expiration: number;
  readonly dealIds: readonly bigint[];
  /** attoFIL */
  readonly deposit: bigint;
  readonly preCommitEpoch: number;
};

/** attoFIL of a miner's actor. */
export type MinerMoney = {
  readonly balance: bigint;
  /** Free to be withdrawn or pledged, what has vested included; below 0 under actors v0 if more is promised than there is. */
  readonly available: bigint;
  readonly vesting: bigint;
  readonly preCommitDeposits: bigint;
  readonly initialPledge: bigint;
  /** 0 before actors v2. */
  readonly feeDebt: bigint;
};

/** Bytes. */
export type MinerPower = {
  readonly raw: bigint;
  readonly qualityAdjusted: bigint;
  readonly totalRaw: bigint;
  readonly totalQualityAdjusted: bigint;
  /** Whether it counts for elections. */
  readonly hasMinPower: boolean;
};

/** An allocation of the verified registry, by its client's actor id and its own. */
export type Allocation = { readonly client: bigint; readonly id: bigint };

/** A deal that the market has. */
export type PublishedDeal = {
  /** Actor id. */
  readonly provider: bigint;
  /** CommP, and bytes with padding. */
  readonly pieceCid: CID;
  readonly pieceSize: bigint;
  readonly isVerified: boolean;
  readonly startEpoch: number;
  readonly endEpoch: number;
  /** Whether a sector's proof has activated it. */
  readonly isActive: boolean;
};

/** What decides deposit and pledge of a sector. */
export type SectorTerms = {
  readonly sealProof: number;
  readonly dealIds: readonly bigint[];
  readonly expiration: number;
  /** Bytes of its pieces that claim allocations, where no deals are named: they count tenfold for all its life. */
  readonly verifiedBytes?: bigint;
};

/** A message without what its sending decides, and its method's name for people. */
export type Outgoing = Pick<Message, "to" | "from" | "value" | "method" | "params"> & { readonly name: string };

/** attoFIL that the gas of a message may cost. */
export type FeeLimit = { readonly maxFee: bigint };

/** What became of a message by the chain that ends with the head. */
export type Outcome =
  | {
      readonly kind: "executed";
      /** Of the message that was executed: another than was asked for, if its fee was raised. */
      readonly cid: CID;
      readonly receipt: MessageReceipt;
      /** Of the tipset that executed it. */
      readonly height: number;
    }
  /** Not executed; it waits, or is lost. */
  | { readonly kind: "open" }
  /** Another message of its sender has its nonce. */
  | { readonly kind: "displaced" };

export type MinerChain = {
  readonly miner: Address;
  readonly prefix: NetworkPrefix;
  head(): Promise<HeadView>;
  /**
   * Calls `listener` when the head has moved, with whether tipsets were reverted on the way; heads in quick succession may
   * be one. Gives what ends it.
   */
  onHeadChange(listener: (hasReverted: boolean) => void): () => void;
  /** Tells a clock that stands still until somebody needs it that this epoch is needed; nothing elsewhere. */
  need(epoch: number): void;
  /** First epoch of a network version, or of a later one that comes without it; null where none is planned, as far as is told. */
  firstEpochOf(networkVersion: number): Promise<number | null>;

  // The miner, at the head or at a tipset.

  facts(at?: HeadView): Promise<MinerFacts>;
  /** The deadline that the epoch after a tipset belongs to. */
  deadline(at?: HeadView): Promise<DeadlineClock>;
  /** Sectors of one deadline. */
  sectorsDue(deadline: number, at?: HeadView): Promise<DeadlineSectors>;
  /** Sectors of all deadlines, by their order, from one state. */
  allSectorsDue(at?: HeadView): Promise<readonly DeadlineSectors[]>;
  /** The deadline in which a sector is proven; null if it is in none. */
  deadlineOf(sector: number, at?: HeadView): Promise<number | null>;
  /** A proven sector; null if there is none. */
  sector(number: number, at?: HeadView): Promise<OnChainSector | null>;
  preCommit(number: number, at?: HeadView): Promise<OnChainPreCommit | null>;
  /** Whether the miner has ever used a sector number. */
  isAllocated(number: number, at?: HeadView): Promise<boolean>;
  money(at?: HeadView): Promise<MinerMoney>;
  power(at?: HeadView): Promise<MinerPower>;
  /** attoFIL of any actor; 0 if there is none. */
  balanceOf(address: Address, at?: HeadView): Promise<bigint>;
  /** attoFIL, with a tenth more for what moves until the message is mined. */
  preCommitDeposit(sector: SectorTerms): Promise<bigint>;
  initialPledge(sector: SectorTerms): Promise<bigint>;
  /** The allocation that a published deal waits with to be activated; null for one that is not verified. */
  dealAllocation(deal: bigint): Promise<Allocation | null>;
  /** Null for one that is not published, or that the market has let go of. */
  deal(id: bigint): Promise<PublishedDeal | null>;
  /** Null for one that was never made, was claimed or has been taken back. */
  allocation(name: Allocation): Promise<AllocationTerms | null>;
  /** Whether a sector of this miner claims, or has claimed, the allocation of this number. */
  isClaimed(allocation: bigint): Promise<boolean>;
  /** 32 bytes, drawn on the chain that ends with `at`. */
  randomness(
    kind: "ticket" | "beacon",
    tag: number,
    epoch: number,
    entropy: Uint8Array,
    at: HeadView,
  ): Promise<Uint8Array>;

  // Messages.

  /** Whether messages of an address can be signed here. */
  canSign(address: Address): Promise<boolean>;
  /**
   * Chooses nonce, gas and fee, signs, lets `keep` write the signed message down, then puts it into the pool. No other
   * message of this sender is made meanwhile. If it rejects before `keep` is called, nothing was sent; if it rejects
   * after, the message may have been.
   */
  send(message: Outgoing, limit: FeeLimit, keep: (signed: SignedMessage) => Promise<void>): Promise<SignedMessage>;
  /** Puts a signed message into the pool, unless a message with its nonce is there or on chain: `outcome` tells which. */
  resend(signed: SignedMessage): Promise<void>;
  /** As `send`, with the nonce of a message that waits and a fee that replaces it; null where the limit allows no higher fee. */
  raise(
    signed: SignedMessage,
    limit: FeeLimit,
    keep: (signed: SignedMessage) => Promise<void>,
  ): Promise<SignedMessage | null>;
  /** `since`: height of the head when it was first sent; the chain is looked through back to there, and a finality further. */
  outcome(signed: SignedMessage, since: number): Promise<Outcome>;
};
