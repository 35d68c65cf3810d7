/** All of a fork's state at once, so that the fork goes on without the other node; what that node gives ends, however much and slowly it gives. */
import { platform } from "#platform";
import { describeError } from "../../base/errors.ts";
import { walkBlocks } from "../../chain/links.ts";
import { NodeError } from "../../storage/amt.ts";
import { CidSet } from "../../storage/cid-set.ts";
import { type CID, CidError } from "../../types/cid.ts";
import { ForkError } from "./errors.ts";
import type { ForkStore } from "./fork-store.ts";

/** Blocks of the state that are looked at so far, kept ones among them, and their bytes. */
export type WholeProgress = { readonly blocks: number; readonly bytes: number };

export type WholeLimits = {
  /** Of the state, whatever of it is kept already: what is fetched is on this node's disk. */
  readonly blocks: number;
  readonly bytes: number;
  /** Milliseconds of one attempt: what it has fetched is kept, and the next one goes on from there. */
  readonly time: number;
};

export type WholeOptions = {
  readonly limits?: Partial<WholeLimits>;
  readonly onProgress?: (progress: WholeProgress) => void;
  /** Milliseconds. */
  readonly now?: () => number;
};

/** Far above what local networks come to. */
export const WHOLE_LIMITS: WholeLimits = { blocks: 4_000_000, bytes: 4 * 2 ** 30, time: 3_600_000 };

/**
 * Fetches the whole state at the fork, and what its blocks carry: from then on nothing of it is asked for. Throws `ForkError` TOO_LARGE,
 * TOO_SLOW, NOT_AT_HAND, BAD_ANSWER.
 */
export async function fetchWhole(
  store: ForkStore,
  { limits, onProgress = () => undefined, now = platform.now }: WholeOptions = {},
): Promise<void> {
  const most = { ...WHOLE_LIMITS, ...limits };
  const began = now();
  const seen = new CidSet();
  let [blocks, bytes] = [0, 0];
  const check = (): void => {
    if (blocks > most.blocks || bytes > most.bytes)
      throw new ForkError(
        { code: "TOO_LARGE", blocks, bytes },
        `the whole state of ${store.url} is more than is fetched at once (${most.blocks} blocks, ${most.bytes} bytes): ` +
          "fork it without the whole state, and what is needed is fetched when it is",
      );
    const seconds = Math.round((now() - began) / 1000);
    if (1000 * seconds > most.time)
      throw new ForkError(
        { code: "TOO_SLOW", seconds, blocks },
        `${store.url} has given ${blocks} blocks of its state in ${seconds} s, and that is not all: what came is kept where there is a data folder, ` +
          "and the same again goes on from there; or fork it without the whole state",
      );
  };
  const walk = async (root: CID): Promise<void> => {
    for await (const block of walkBlocks(store, root, seen)) {
      blocks++;
      bytes += block.bytes.length;
      check();
      onProgress({ blocks, bytes });
    }
  };
  try {
    for (const cid of store.point.key) {
      const { parentStateRoot, parentMessageReceipts, messages } = await store.header(cid);
      for (const root of [parentStateRoot, parentMessageReceipts, messages]) await walk(root);
    }
  } catch (cause) {
    if (!(cause instanceof NodeError || cause instanceof CidError || cause instanceof RangeError)) throw cause;
    // The other node chose these blocks: one that is not there, or is none, is its own.
    throw new ForkError(
      { code: "BAD_ANSWER", method: "ChainReadObj" },
      `${store.url} does not give its whole state: ${describeError(cause)}`,
      { cause },
    );
  }
}
