/** What synchronisation is doing and has done, for people and for the RPC interface. */
import type { Tipset } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";
import type { ImportCounts } from "./tipset-import.ts";

/** `headers`: backwards to what is known; `messages`: forwards, fetching and validating; then `complete` or `failed`. */
export type SyncStage = "headers" | "messages" | "complete" | "failed";

/** One way from what was known to a target. */
export type SyncRun = {
  readonly target: { readonly key: readonly CID[]; readonly height: number; readonly tipset: Tipset | null };
  /** Where it begins, once that is found. */
  readonly base: Tipset | null;
  readonly stage: SyncStage;
  /** Epoch of the tipset that was looked at last. */
  readonly height: number;
  /** Headers fetched on the way back, tipsets of the whole way, and those that are validated already. */
  readonly headers: number;
  readonly tipsets: number;
  readonly validated: number;
  /** Milliseconds since 1970; `ended` null while it goes on. */
  readonly started: number;
  readonly ended: number | null;
  /** Why it failed; empty if it did not. */
  readonly message: string;
};

export type SyncStatus = {
  /** Whether a chain is being fetched that goes beyond the head. */
  readonly behind: boolean;
  readonly active: readonly SyncRun[];
  /** The last ones that ended, newest first. */
  readonly ended: readonly SyncRun[];
  /** Targets that wait. */
  readonly waiting: number;
  readonly counts: ImportCounts;
};

export type MutableRun = { -readonly [K in keyof SyncRun]: SyncRun[K] };
