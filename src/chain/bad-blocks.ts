/**
 * Blocks that are known to be bad, with the reason: their tipsets never become part of the head's chain.
 * Kept as metadata of the store; bounded, the oldest go first. Source: lotus chain/badtscache.go.
 */
import { fromUtf8, utf8 } from "../base/bytes.ts";
import type { Changed } from "../base/rewind.ts";
import { Turns } from "../base/turns.ts";
import type { BlockStore } from "../storage/contract.ts";
import type { CID } from "../types/cid.ts";

/** The reason of a block that the operator does not want; that it is on a peer's chain is no offence. */
export const MARKED_BY_OPERATOR = "marked by the operator";

const PREFIX = "bad/";
/** Blocks that are remembered. Source: lotus build/params_shared_vals.go (BadBlockCacheSize). */
const MOST = 1 << 15;

export class BadBlocks {
  private readonly blocks: BlockStore;
  private readonly reasons = new Map<string, string>();
  private readonly turns = new Turns();
  /** How often blocks were unmarked: what was concluded from their marks may not hold any more. */
  unmarkings = 0;

  private constructor(blocks: BlockStore) {
    this.blocks = blocks;
  }

  static async open(blocks: BlockStore): Promise<BadBlocks> {
    const bad = new BadBlocks(blocks);
    await bad.read();
    return bad;
  }

  private async read(): Promise<void> {
    for (const [name, reason] of await this.blocks.metadataWith(PREFIX))
      this.reasons.set(name.slice(PREFIX.length), fromUtf8(reason));
  }

  /** Reads anew what is kept: the store was taken back to an earlier moment. */
  reread(changed: Changed): Promise<void> {
    return this.turns.run(async () => {
      if (!changed(PREFIX)) return;
      this.reasons.clear();
      await this.read();
      this.unmarkings++;
    });
  }

  /** Why a block is bad; null if it is not known to be. */
  reasonOf(cid: CID): string | null {
    return this.reasons.size === 0 ? null : (this.reasons.get(cid.toString()) ?? null);
  }

  mark(cid: CID, reason: string): Promise<void> {
    return this.turns.run(async () => {
      const name = cid.toString();
      const oldest =
        this.reasons.size >= MOST && !this.reasons.has(name) ? this.reasons.keys().next().value : undefined;
      const gone = oldest === undefined ? [] : [[PREFIX + oldest, null] as const];
      await this.blocks.write({ metadata: [...gone, [PREFIX + name, utf8(reason)]] }, { sync: true });
      if (oldest !== undefined) this.reasons.delete(oldest);
      this.reasons.set(name, reason);
    });
  }

  /** Forgets that blocks are bad: these, or all. */
  unmark(cids?: readonly CID[]): Promise<void> {
    return this.turns.run(async () => {
      const names = cids === undefined ? [...this.reasons.keys()] : cids.map(String);
      await this.blocks.write({ metadata: names.map((name) => [PREFIX + name, null] as const) }, { sync: true });
      for (const name of names) this.reasons.delete(name);
      this.unmarkings++;
    });
  }
}
