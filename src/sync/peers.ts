/** What synchronisation asks of peers: libp2p's `Network` in a node, a seeded fake in a simulator. And what can go wrong. */
import { FilError } from "../base/errors.ts";
import type { FullBlock } from "../consensus/validator.ts";
import type { FetchedTipset } from "../network/exchange-client.ts";
import type { Offence } from "../network/peer-book.ts";
import type { BlockHeader } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";

export type AskOptions = { readonly signal: AbortSignal; readonly from?: string; readonly vouched?: boolean };

export type SyncPeers = {
  /**
   * Tipsets from `head` down, at most `length`, each linked to the one before it, with messages if wanted. `from` is asked
   * first; `vouched`: it called them its own, so it is held to having them. Rejects with `ExchangeError` where nobody has them, or with the signal's reason.
   */
  fetch(
    head: readonly CID[],
    length: number,
    options: AskOptions & { readonly messages: boolean },
  ): Promise<readonly FetchedTipset[]>;
  report(peer: string, offence: Offence): void;
};

/**
 * Begins to verify what validation will ask for of tipsets that stand on the blocks `below`, lowest first. Whether it is
 * done changes no answer; it ends with the signal.
 */
export type VerifyAhead = (
  tipsets: readonly (readonly FullBlock[])[],
  below: readonly BlockHeader[],
  signal: AbortSignal,
) => Promise<void>;

/** Waits; rejects with the signal's reason when it is aborted. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

export type SyncErrorData =
  /** Messages that are not those of the headers. */
  | { readonly code: "WRONG_MESSAGES"; readonly peer: string }
  /** Two blocks of one miner. */
  | { readonly code: "DUPLICATE_MINER"; readonly key: string }
  /** Blocks of different epochs or parents, or one of them twice, in place of a tipset. */
  | { readonly code: "NO_TIPSET"; readonly key: string }
  /** The chain leaves ours further back than may be reverted. */
  | { readonly code: "FORK_TOO_LONG"; readonly key: string }
  | { readonly code: "BELOW_CHECKPOINT"; readonly key: string }
  | { readonly code: "OTHER_GENESIS"; readonly key: string }
  /** Its epochs are of other seconds than this node's. */
  | { readonly code: "OTHER_TIMES"; readonly key: string; readonly seconds: number }
  /** More headers than are held at once: a snapshot brings a node nearer. */
  | { readonly code: "TOO_FAR"; readonly key: string }
  /** A block that is marked as bad, or stands on one. */
  | { readonly code: "ON_BAD_BLOCK"; readonly key: string; readonly byOperator: boolean }
  /** Headers or messages that come more slowly than anybody can wait. */
  | { readonly code: "TOO_SLOW"; readonly key: string }
  /** Something of this node stands in the way, no block and no peer. */
  | { readonly code: "STOPPED" };
export class SyncError extends FilError<SyncErrorData> {}
