/**
 * From a target back to what this node has: headers in windows, each checked by its links, none kept. What stays is a trail: epochs,
 * and one key in some, from which the way forward fetches headers again together with their messages; so memory does not
 * grow with the distance but by some bytes a tipset. Source of the rules: lotus chain/sync.go (collectHeaders, syncFork).
 *
 * Where a walk comes upon the trail of an earlier one it goes on with it. Its links were checked then; how long a fork it makes, and
 * where it stands to a checkpoint, is checked anew, and what was marked as bad since then is found by whoever validates it.
 */
import { MARKED_BY_OPERATOR } from "../chain/bad-blocks.ts";
import type { Chain } from "../chain/chain.ts";
import { BLOCK_LIMITS } from "../consensus/limits.ts";
import type { FetchedTipset } from "../network/exchange-client.ts";
import { HeaderError, type Tipset, tipsetKeyText } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";
import { SyncError } from "./peers.ts";
import { ANCHOR_EVERY, Trail, type Trails } from "./trails.ts";

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

/** A chain from the known tipset `base` (not with it) up to the target. */
export type Walk = { readonly base: Tipset; readonly trail: Trail };

/** Walks back from a key; throws `SyncError`, `ExchangeError`, or what this node failed of. How far it came is kept in `trails`. */
export async function walkBack(key: readonly CID[], height: number, parts: WalkParts, trails: Trails): Promise<Walk> {
  const trail = new Trail(key);
  try {
    await walkTo(trail, height, parts, trails);
  } catch (error) {
    // Nobody goes on with a chain that is refused.
    if (!(error instanceof SyncError) || error.data.code === "TOO_SLOW") trails.keep(trail);
    throw error;
  }
  trails.keep(trail);
  const { chain } = parts;
  check(parts, trail.next);
  const base = await known(chain, trail.next);
  const { checkpoint } = chain;
  if (checkpoint !== null && base.height < checkpoint.height)
    throw new SyncError(
      { code: "BELOW_CHECKPOINT", key: tipsetKeyText(base.key) },
      `the chain leaves ours at epoch ${base.height}, below the checkpoint at ${checkpoint.height}`,
    );
  return { base, trail };
}

async function walkTo(trail: Trail, height: number, parts: WalkParts, trails: Trails): Promise<void> {
  const { chain, knows, fetch, onTipset } = parts;
  const { head } = chain;
  let forkWindow = FIRST_FORK_WINDOW;
  let at = height;
  const joined = async (): Promise<boolean> => {
    const found = trails.find(trail.next);
    if (found === null) return false;
    trail.join(found.trail, found.anchor);
    await trail.cutKnown(knows);
    checkLength(trail, parts);
    at = trail.bottom < 0 ? height : trail.bottom - 1;
    return true;
  };
  while (!(await knows(trail.next))) {
    if (await joined()) continue;
    check(parts, trail.next);
    const above = at - head.height;
    const far = above > 0 ? above : forkWindow;
    if (above <= 0) forkWindow *= 2;
    // An earlier walk began just below: more need not come again.
    const top = trails.topBelow(at);
    const window = top < 0 ? far : Math.min(far, at - top + ANCHOR_EVERY);
    const fetched = await fetch(trail.next, Math.min(MAX_WINDOW, window));
    for (const { tipset } of await unknown(fetched, knows)) {
      if (trails.find(tipset.key) !== null) break;
      take(trail, tipset, parts);
      onTipset(tipset);
      at = tipset.height - 1;
    }
  }
}

/** One more tipset of the way; throws `SyncError`. */
function take(trail: Trail, tipset: Tipset, parts: WalkParts): void {
  check(parts, tipset.key);
  const name = (): string => tipsetKeyText(tipset.key);
  if (tipset.height === 0)
    throw new SyncError(
      { code: "OTHER_GENESIS", key: name() },
      `the chain begins with ${name()}, not with our genesis`,
    );
  trail.add(tipset);
  checkLength(trail, parts);
  if (trail.next.length === 0)
    throw new SyncError(
      { code: "OTHER_GENESIS", key: name() },
      `tipset ${name()} at epoch ${tipset.height} has no parents`,
    );
}

/** Throws `SyncError` if a way leads too far back. */
function checkLength(trail: Trail, { chain: { head, checkpoint } }: WalkParts): void {
  const key = (): string => tipsetKeyText(trail.next);
  if (checkpoint !== null && trail.tipsets > 0 && trail.bottom <= checkpoint.height)
    throw new SyncError(
      { code: "BELOW_CHECKPOINT", key: key() },
      `the chain leaves ours below the checkpoint at epoch ${checkpoint.height}`,
    );
  if (trail.notAbove(head.height) > BLOCK_LIMITS.finality)
    throw new SyncError(
      { code: "FORK_TOO_LONG", key: key() },
      `the chain leaves ours more than ${BLOCK_LIMITS.finality} tipsets below the head`,
    );
  if (trail.tipsets > MAX_TIPSETS)
    throw new SyncError(
      { code: "TOO_FAR", key: key() },
      `the chain is over ${MAX_TIPSETS} tipsets ahead; import a snapshot to begin nearer`,
    );
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
