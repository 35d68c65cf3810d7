/**
 * Whether the times of the network that this node was told are those of its peers' chain. A block's timestamp is the
 * genesis' and so many seconds an epoch: with other seconds a node takes every head for one of the future, or every block
 * for an invalid one, and would follow nobody without a word. A node whose chain has begun knows that they are right.
 */

import { BLOCK_LIMITS } from "../consensus/limits.ts";
import type { FetchedTipset } from "../network/exchange-client.ts";
import { type Tipset, tipsetKeyText } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";
import { SyncError } from "./peers.ts";

export type TimesWatchParts = {
  /** Unix time of the genesis and length of an epoch, seconds. */
  readonly genesisTime: number;
  readonly blockDelay: number;
  readonly epochNow: () => number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Epoch of this node's head. */
  readonly height: () => number;
  /** Fetches the tipset that a peer calls its head. */
  readonly fetch: (peer: string, key: readonly CID[]) => Promise<readonly FetchedTipset[]>;
  /** Hears what is wrong, once for each thing, and of some things only. */
  readonly onWrong: (error: SyncError) => void;
};

/** Milliseconds from one look at a head that lies in the future to the next. */
const LOOK_MS = 10_000;
/** Things that are told: whoever makes up timestamps makes up any number of lengths. */
const MAX_TOLD = 16;

export class TimesWatch {
  private readonly parts: TimesWatchParts;
  private readonly told = new Set<number>();
  private lookedAt = Number.NEGATIVE_INFINITY;

  constructor(parts: TimesWatchParts) {
    this.parts = parts;
  }

  /** Throws `SyncError` OTHER_TIMES if a tipset is of a chain whose epochs all have another length. */
  check({ height, key, blocks }: Tipset): void {
    const { genesisTime, blockDelay } = this.parts;
    if (height === 0 || this.parts.height() > 0) return;
    const passed = Number(blocks[0]?.timestamp) - genesisTime;
    const seconds = passed / height;
    // What is not a whole number of seconds an epoch is no other network's time, but a wrong one, and validation says so.
    if (seconds === blockDelay || !Number.isSafeInteger(seconds) || seconds < 1) return;
    this.refuse(
      seconds,
      key,
      `the peers' chain has ${seconds} s an epoch, and this node was told ${blockDelay} s (epochSeconds of its network's description): it cannot follow them; make its folder anew with the devnet.json of the running network`,
    );
  }

  /** A peer told its head. One that lies beyond this node's clock is never fetched: so a look is taken at it here. */
  async heard(peer: string, key: readonly CID[], height: number): Promise<void> {
    const { epochNow, now, fetch } = this.parts;
    if (height <= epochNow() + BLOCK_LIMITS.heightDrift || now() - this.lookedAt < LOOK_MS) return;
    this.lookedAt = now();
    const found = await fetch(peer, key);
    for (const { tipset } of found) {
      if (tipset.height !== height) continue;
      this.check(tipset);
      this.refuse(
        0,
        key,
        `a peer's head is at epoch ${height}, and by this computer's clock it is epoch ${epochNow()}: nothing of it is fetched; set the clock, or look whether genesis.time and epochSeconds of the network's description are right`,
      );
    }
  }

  private refuse(seconds: number, key: readonly CID[], message: string): never {
    const error = new SyncError({ code: "OTHER_TIMES", key: tipsetKeyText(key), seconds }, message);
    if (!this.told.has(seconds) && this.told.size < MAX_TOLD) {
      this.told.add(seconds);
      this.parts.onWrong(error);
    }
    throw error;
  }
}
