/**
 * From a target back to what this node has: headers in windows, each checked by its links, none kept. What stays are keys,
 * one in `ANCHOR_EVERY`, from which the way forward fetches headers again together with their messages; so memory does not
 * grow with the distance but by some bytes a tipset. Source of the rules: lotus chain/sync.go (collectHeaders, syncFork).
 */
import { concat } from "../base/bytes.ts";
import { MARKED_BY_OPERATOR } from "../chain/bad-blocks.ts";
import type { Chain } from "../chain/chain.ts";
import { BLOCK_LIMITS } from "../consensus/limits.ts";
import type { FetchedTipset } from "../network/exchange-client.ts";
import { HeaderError, type Tipset, tipsetKeyText } from "../types/block-header.ts";
import { type CID, cidFromBytes } from "../types/cid.ts";
import { SyncError } from "./peers.ts";

/** Tipsets from one key that is kept to the next. */
export const ANCHOR_EVERY = 8;
/** Tipsets that one walk goes back: a year of them. Beyond, a snapshot is the way. */
const MAX_TIPSETS = 1_000_000;
/** Tipsets of one request: chain exchange's limit. */
const MAX_WINDOW = 900;
/** Tipsets asked for below our head's epoch at first, then twice as many each time. */
const FIRST_FORK_WINDOW = 16;

export type WalkParts = {
  readonly chain: Chain;
  /** Whether all blocks of a key are here and valid. */
  readonly knows: (key: readonly CID[]) => Promise<boolean>;
  /** Why a tipset is not worth the way; null if nothing is known against it. */
  readonly refusal: (key: readonly CID[]) => SyncError | null;
  /** Headers from a key down. */
  readonly fetch: (key: readonly CID[], length: number) => Promise<readonly FetchedTipset[]>;
  /** Hears of every tipset on the way. */
  readonly onTipset: (tipset: Tipset) => void;
};

/** A chain from the known tipset `base` (not with it) up to the target: `tipsets` of them. */
export class Walk {
  readonly base: Tipset;
  readonly tipsets: number;
  /** Keys of the target and of every `ANCHOR_EVERY`th tipset below it. */
  private readonly anchors: readonly Uint8Array[];

  constructor(base: Tipset, tipsets: number, anchors: readonly Uint8Array[]) {
    this.base = base;
    this.tipsets = tipsets;
    this.anchors = anchors;
  }

  /** Stretches from the bottom up: the key of the highest tipset of each, and how many it has, about `wanted`. */
  stretch(fromBottom: number, wanted: number): { readonly key: readonly CID[]; readonly length: number } {
    // Counted from the target, which is 0, the lowest tipset that is still missing is `lowest`.
    const lowest = this.tipsets - 1 - fromBottom;
    const highest = Math.max(0, Math.floor((lowest - wanted + 1) / ANCHOR_EVERY)) * ANCHOR_EVERY;
    return { key: unpack(this.anchors[highest / ANCHOR_EVERY] as Uint8Array), length: lowest - highest + 1 };
  }
}

/** Walks back from a key; throws `SyncError`, `ExchangeError`, or what this node failed of. */
export async function walkBack(key: readonly CID[], height: number, parts: WalkParts): Promise<Walk> {
  const { chain, knows, fetch, onTipset } = parts;
  const { head, checkpoint } = chain;
  const anchors: Uint8Array[] = [];
  let next = key;
  let count = 0;
  let below = 0;
  let forkWindow = FIRST_FORK_WINDOW;
  for (let above = height - head.height; !(await knows(next)); ) {
    check(parts, next);
    const window = above > 0 ? above : forkWindow;
    if (above <= 0) forkWindow *= 2;
    const fetched = await fetch(next, Math.min(MAX_WINDOW, window));
    for (const { tipset } of await unknown(fetched, knows)) {
      check(parts, tipset.key);
      const name = (): string => tipsetKeyText(tipset.key);
      if (tipset.height === 0)
        throw new SyncError(
          { code: "OTHER_GENESIS", key: name() },
          `the chain begins with ${name()}, not with our genesis`,
        );
      if (checkpoint !== null && tipset.height <= checkpoint.height)
        throw new SyncError(
          { code: "BELOW_CHECKPOINT", key: name() },
          `the chain leaves ours below the checkpoint at epoch ${checkpoint.height}`,
        );
      if (tipset.height <= head.height && ++below > BLOCK_LIMITS.finality)
        throw new SyncError(
          { code: "FORK_TOO_LONG", key: name() },
          `the chain leaves ours more than ${BLOCK_LIMITS.finality} tipsets below the head`,
        );
      if (count % ANCHOR_EVERY === 0) anchors.push(pack(tipset.key));
      if (++count > MAX_TIPSETS)
        throw new SyncError(
          { code: "TOO_FAR", key: name() },
          `the chain is over ${MAX_TIPSETS} tipsets ahead; import a snapshot to begin nearer`,
        );
      onTipset(tipset);
      next = tipset.blocks[0]?.parents ?? [];
      if (next.length === 0)
        throw new SyncError(
          { code: "OTHER_GENESIS", key: name() },
          `tipset ${name()} at epoch ${tipset.height} has no parents`,
        );
      above = tipset.height - head.height - 1;
    }
  }
  check(parts, next);
  const base = await known(chain, next);
  if (checkpoint !== null && base.height < checkpoint.height)
    throw new SyncError(
      { code: "BELOW_CHECKPOINT", key: tipsetKeyText(base.key) },
      `the chain leaves ours at epoch ${base.height}, below the checkpoint at ${checkpoint.height}`,
    );
  return new Walk(base, count, anchors);
}

/** The tipset of blocks that are all here. Who names ones that make no tipset has no chain: `SyncError` NO_TIPSET. */
async function known(chain: Chain, key: readonly CID[]): Promise<Tipset> {
  try {
    return await chain.tipset(key);
  } catch (error) {
    if (!(error instanceof HeaderError) || error.data.code !== "BAD_TIPSET") throw error;
    throw new SyncError(
      { code: "NO_TIPSET", key: tipsetKeyText(key) },
      `the chain stands on no tipset: ${error.message}`,
    );
  }
}

/**
 * Those of a window that are not known, of which the first is one. Below a known tipset all are known, so that the lowest
 * alone tells of a window on the way, and halving it finds where the last one meets what is here.
 */
async function unknown(window: readonly FetchedTipset[], knows: WalkParts["knows"]): Promise<readonly FetchedTipset[]> {
  const isKnown = (at: number): Promise<boolean> => knows((window[at] as FetchedTipset).tipset.key);
  let [unknownAt, knownAt] = [0, window.length];
  if (window.length > 1 && !(await isKnown(window.length - 1))) return window;
  while (knownAt - unknownAt > 1) {
    const middle = (unknownAt + knownAt) >> 1;
    if (await isKnown(middle)) knownAt = middle;
    else unknownAt = middle;
  }
  return window.slice(0, knownAt);
}

/** Throws if a tipset is refused already, or a block of it is bad. */
function check({ chain, refusal }: WalkParts, key: readonly CID[]): void {
  const refused = refusal(key);
  if (refused !== null) throw refused;
  for (const cid of key) {
    const why = chain.bad.reasonOf(cid);
    if (why !== null)
      throw new SyncError(
        { code: "ON_BAD_BLOCK", key: tipsetKeyText(key), byOperator: why === MARKED_BY_OPERATOR },
        `the chain has block ${cid}, which is marked as bad: ${why}`,
      );
  }
}

/** CIDs of one length after another. */
function pack(key: readonly CID[]): Uint8Array {
  return concat(...key.flatMap(({ bytes }) => [Uint8Array.of(bytes.length), bytes]));
}

function unpack(packed: Uint8Array): CID[] {
  const key: CID[] = [];
  for (let at = 0; at < packed.length; at += 1 + (packed[at] as number))
    key.push(cidFromBytes(packed.subarray(at + 1, at + 1 + (packed[at] as number))));
  return key;
}
