/** What the sealing of one miner's sectors asks of the chain and sends to it; `chain-side.ts` gives it. */

import type { AllocationTerms } from "../../state/allocations.ts";
import type { CID } from "../../types/cid.ts";
import type { PublishedDeal } from "../chain-side/chain.ts";
import type { PieceDeal, SectorPiece } from "./record.ts";

/** How the chain sees a sector. */
export type Condition =
  /** In no partition. */
  | "absent"
  /** Live; "unproven": without power until its first window PoSt. */
  | "unproven"
  | "healthy"
  | "faulty"
  | "recovering"
  /** Ended, in time or before it. */
  | "terminated";

export type PreCommitted = {
  readonly epoch: number;
  readonly sealedCid: CID;
  readonly deposit: bigint;
  readonly expiration: number;
};
export type Committed = { readonly activation: number; readonly expiration: number; readonly sealedCid: CID };

/** What the chain has of a piece's deal, and of the allocation that it or its deal claims; null if it has none of the name, absent where none is named. */
export type PieceClaim = {
  readonly deal?: PublishedDeal | null;
  readonly allocation?: AllocationTerms | "claimed" | null;
};

export type PreCommitOrder = {
  readonly proof: number;
  readonly number: number;
  readonly sealedCid: CID;
  readonly ticketEpoch: number;
  readonly pieces: readonly SectorPiece[];
  /** 32 bytes; null without pieces. */
  readonly commD: Uint8Array | null;
  readonly expiration: number;
};

export type UpdateOrder = {
  readonly number: number;
  /** Registered seal proof. */
  readonly proof: number;
  /** Of the new replica. */
  readonly sealedCid: CID;
  readonly pieces: readonly SectorPiece[];
  readonly bytes: Uint8Array;
};

/** How a message ended. */
export type Executed = {
  readonly exitCode: number;
  /** Of the tipset that executed it. */
  readonly epoch: number;
};

export type SealingChain = {
  head(): Promise<{ readonly epoch: number; readonly networkVersion: number }>;
  /** Gives what ends it. */
  onHeadChange(listener: () => void): () => void;
  /** Tells a clock that stands still until somebody needs it that this epoch is needed. */
  need(epoch: number): void;
  /** First epoch of a network version, or of a later one that comes without it; null where none is planned. */
  firstEpochOf(networkVersion: number): Promise<number | null>;
  /** 32 bytes: what a replica of this epoch is sealed with, and what its proof is challenged with. */
  ticket(epoch: number): Promise<Uint8Array>;
  seed(epoch: number): Promise<Uint8Array>;
  preCommit(sector: number): Promise<PreCommitted | null>;
  sector(sector: number): Promise<Committed | null>;
  /** Whether the miner has ever used the number. */
  isAllocated(sector: number): Promise<boolean>;
  claimOf(deal: PieceDeal): Promise<PieceClaim>;
  /** Conditions of these sectors. */
  conditions(sectors: readonly number[]): Promise<ReadonlyMap<number, Condition>>;
  /** Conditions of all sectors that the chain has of the miner. */
  allConditions(): Promise<ReadonlyMap<number, Condition>>;
  /** First epoch of the deadline in which each of these is proven next, be it the one that is open; of those that are in one. */
  nextProofs(sectors: readonly number[]): Promise<ReadonlyMap<number, number>>;

  /** The first epoch at which a message executed from now on may change a sector: its deadline must be neither open nor next. Null: it is in none. */
  mutableFrom(sector: number): Promise<number | null>;

  /** CID of the message of an intention; null if none was ever made. */
  sent(key: string): Promise<string | null>;
  /** Send one message for the intention `key`, once, whatever happens meanwhile. Resolve to its CID. */
  sendPreCommit(key: string, order: PreCommitOrder): Promise<string>;
  sendProveCommit(key: string, sector: number, proof: Uint8Array, pieces: readonly SectorPiece[]): Promise<string>;
  sendUpdate(key: string, order: UpdateOrder): Promise<string>;
  sendTermination(key: string, sector: number): Promise<string>;
  /** Resolves when the message of an intention was executed and `confidence` epochs are on top of it. */
  executed(key: string, confidence: number, signal: AbortSignal): Promise<Executed>;
  /** Whether all that was asked for by `executed` waits for the next head. Absent: not known. */
  isIdle?(): boolean;
};
