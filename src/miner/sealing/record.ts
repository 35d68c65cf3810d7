/**
 * What is kept of a sector: all that its next step needs, so that a process that is killed goes on where it was. One
 * record a sector and one entry of its log a step, as DAG-CBOR.
 */
import * as dagCbor from "@ipld/dag-cbor";
import type { FailureCode } from "./errors.ts";
import { SealingError } from "./errors.ts";
import { isSectorState, type SectorState } from "./states.ts";

/** A piece of a sector's data. */
export type SectorPiece = {
  /** First byte in the padded data, a multiple of the size. */
  readonly offset: number;
  /** Bytes, a power of two, from 128 on. */
  readonly paddedSize: number;
  /** 32 bytes */
  readonly commP: Uint8Array;
  /** Bytes of the client, before padding; 0 for filling. */
  readonly payloadSize: number;
  /** Null for filling. */
  readonly deal: PieceDeal | null;
};

/** What a market, or whoever brought it, says of a piece. */
export type PieceDeal = {
  /** Id of a published deal; null for data without one, which its sector's proof activates by itself (FIP-0076). */
  readonly id: number | null;
  /** The allocation that data without a deal claims, by its client's actor id and its own; absent: none. */
  readonly allocation?: { readonly client: number; readonly id: number };
  readonly startEpoch: number;
  readonly endEpoch: number;
  /** Whether an unsealed copy is to be kept. */
  readonly keepUnsealed: boolean;
};

/** Draws of the chain: 32 bytes for an epoch. */
export type Drawn = { readonly epoch: number; readonly value: Uint8Array };

export type SealedParts = {
  readonly replicaId: Uint8Array;
  readonly commD: Uint8Array;
  readonly commC: Uint8Array;
  readonly commRLast: Uint8Array;
  readonly commR: Uint8Array;
};

/** Kinds of things that are counted against a limit. */
export type Counter =
  | "packing"
  | "labels"
  | "trees"
  | "proof"
  | "reseal"
  | "preCommit"
  | "commit"
  | "terminate"
  | "files"
  /** An update's data and replica, its proof, its message. */
  | "update"
  | "updateProof"
  | "updateMessage"
  /** Not a failure: how often a person has restarted the sector, which gives every limit once more. */
  | "restarts";

/** New data for a sector that was sealed without any, on its way into a second replica. */
export type SectorUpdate = {
  /** Milliseconds since 1970 */
  readonly began: number;
  readonly pieces: readonly SectorPiece[];
  readonly keepUnsealed: boolean;
  readonly commD: Uint8Array | null;
  readonly made: Pick<SealedParts, "commRLast" | "commR"> | null;
  readonly proof: Uint8Array | null;
  /** CID of its message; of the last one where several were sent. */
  readonly message: string | null;
  /** Epoch from which on no fork changes what has become of it: of a message that was sent, or of the update that is on the chain. */
  readonly finalEpoch: number | null;
  /** Whether the replica before it is gone: the sector is proven by the new one alone. */
  readonly isFinal: boolean;
};

export type SectorRecord = {
  readonly number: number;
  /** Registered seal proof. */
  readonly proof: number;
  readonly state: SectorState;
  /** Milliseconds since 1970: when it was made, and when it came to its state. */
  readonly made: number;
  readonly since: number;
  /** Events so far: the number of the last entry of its log. */
  readonly steps: number;
  /** Folder that its files are in. */
  readonly folder: string;
  readonly pieces: readonly SectorPiece[];
  readonly keepUnsealed: boolean;
  readonly ticket: Drawn | null;
  readonly commD: Uint8Array | null;
  readonly sealed: SealedParts | null;
  /** Epoch at which it is to expire, as its pre-commit says. */
  readonly expiration: number | null;
  /** CIDs of messages; of the last ones where several were sent. */
  readonly preCommitMessage: string | null;
  readonly commitMessage: string | null;
  readonly terminateMessage: string | null;
  /** Epoch at which the pre-commit was executed. */
  readonly preCommitEpoch: number | null;
  readonly seed: Drawn | null;
  readonly porep: Uint8Array | null;
  /** The update that is under way, or of which its replica is. */
  readonly update: SectorUpdate | null;
  /** Updates that were begun: messages of one are not those of another. */
  readonly updates: number;
  /** Epoch from which on files may go. */
  readonly finalEpoch: number | null;
  /** Failures by what failed. */
  readonly failures: Readonly<Partial<Record<Counter, number>>>;
  /** What failed last; null once that is overcome. */
  readonly error: { readonly code: FailureCode | "WAITING"; readonly text: string; readonly at: number } | null;
};

/** An entry of a sector's log. */
export type LogEntry = {
  readonly step: number;
  /** Milliseconds since 1970 */
  readonly at: number;
  readonly event: string;
  readonly from: SectorState | null;
  readonly to: SectorState;
  readonly text: string;
};

/** Form of what is stored. */
const FORM = 1;
/** Characters of a text that is kept. */
const MAX_TEXT = 500;

export function newRecord(
  given: Pick<SectorRecord, "number" | "proof" | "folder" | "state" | "keepUnsealed">,
  now: number,
): SectorRecord {
  return {
    ...given,
    made: now,
    since: now,
    steps: 0,
    pieces: [],
    ticket: null,
    commD: null,
    sealed: null,
    expiration: null,
    preCommitMessage: null,
    commitMessage: null,
    terminateMessage: null,
    preCommitEpoch: null,
    seed: null,
    porep: null,
    update: null,
    updates: 0,
    finalEpoch: null,
    failures: {},
    error: null,
  };
}

/** Pieces of a sector, those of an update among them: a sector with an update had none before. */
export function piecesOf({ pieces, update }: SectorRecord): readonly SectorPiece[] {
  return update === null ? pieces : [...pieces, ...update.pieces];
}

export const shortened = (text: string): string => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text);

export function encodeRecord(record: SectorRecord): Uint8Array {
  return dagCbor.encode({ form: FORM, ...record });
}

/** Throws `SealingError` BAD_RECORD. */
export function decodeRecord(key: string, bytes: Uint8Array): SectorRecord {
  const { form, ...record } = decodeObject(key, bytes);
  if (form !== FORM || !Number.isSafeInteger(record["number"]) || !isSectorState(record["state"])) throw bad(key);
  // Records of before there were updates say nothing of them.
  return { update: null, updates: 0, ...record } as unknown as SectorRecord;
}

export function encodeEntry(entry: LogEntry): Uint8Array {
  return dagCbor.encode(entry);
}

/** Throws `SealingError` BAD_RECORD. */
export function decodeEntry(key: string, bytes: Uint8Array): LogEntry {
  const entry = decodeObject(key, bytes);
  if (!Number.isSafeInteger(entry["step"]) || !isSectorState(entry["to"])) throw bad(key);
  return entry as unknown as LogEntry;
}

function decodeObject(key: string, bytes: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = dagCbor.decode(bytes);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw bad(key);
}

function bad(key: string): SealingError {
  return new SealingError({ code: "BAD_RECORD", key }, `what is kept under ${key} is no record of a sector`);
}
