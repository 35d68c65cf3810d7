/** Looking tipsets up by epoch, on the chain of the head and on any other, and the ways between them. */
import { type Tipset, tipsetKeyText } from "../types/block-header.ts";
import type { Message } from "../types/message.ts";
import type { CanonicalIndex } from "./canonical-index.ts";
import { ChainError } from "./errors.ts";
import type { HeaderStore } from "./header-store.ts";

/** How the head gets from one tipset to another: `reverts` from the top, then `applies` from the bottom. */
export type Path = { readonly reverts: readonly Tipset[]; readonly applies: readonly Tipset[] };

export class TipsetLookup {
  private readonly headers: HeaderStore;
  private readonly index: CanonicalIndex;
  private readonly idle: () => Promise<void>;
  /** Moves with reverts so far, counted at their beginning and again at their end: odd while one is under way. */
  private reorgs = 0;

  /** `idle` resolves when the moves of the head that have begun are over. */
  constructor(headers: HeaderStore, index: CanonicalIndex, idle: () => Promise<void>) {
    this.headers = headers;
    this.index = index;
    this.idle = idle;
  }

  /** Does the work that moves the head; look-ups during a move with reverts are made again after it. */
  async moving(reverts: boolean, work: () => Promise<void>): Promise<void> {
    if (!reverts) return work();
    this.reorgs++;
    try {
      await work();
    } finally {
      this.reorgs++;
    }
  }

  isCanonical(tipset: Tipset): Promise<boolean> {
    return this.steady(() => this.index.has(tipset));
  }

  /** The tipset at an epoch on the chain that ends with `from` or, over null rounds, the last before it. */
  async atOrBefore(height: number, from: Tipset): Promise<Tipset> {
    return this.knownAtOrBefore(height, from) ?? (await this.steady(() => this.searchAtOrBefore(height, from)));
  }

  /** The tipset at an epoch on the chain that ends with `from` or, over null rounds, the first after it. */
  async atOrAfter(height: number, from: Tipset): Promise<Tipset> {
    this.checkHeight(height, from);
    return this.steady(() => this.searchAtOrAfter(height, from));
  }

  /** The canonical tipset that carries a sender's message of a nonce, or null. */
  locate(message: Pick<Message, "from" | "nonce">, head: () => Tipset): Promise<Tipset | null> {
    return this.steady(async () => {
      const height = await this.index.heightOf(message);
      return height === null ? null : this.searchAtOrBefore(height, head());
    });
  }

  /** As `atOrBefore`, if the answer is at hand; undefined if it must be looked up. */
  knownAtOrBefore(height: number, from: Tipset): Tipset | undefined {
    this.checkHeight(height, from);
    if (height === from.height) return from;
    const known = this.index.newestAtOrBefore(height);
    if (known === undefined) return undefined;
    // `from` is on the canonical chain, or it is what comes next on top of one of its tipsets.
    if (sameTipset(this.index.newestAtOrBefore(from.height), from)) return known;
    const below = this.index.newestAtOrBefore(from.height - 1);
    return below !== undefined && tipsetKeyText(from.blocks[0]?.parents ?? []) === tipsetKeyText(below.key)
      ? known
      : undefined;
  }

  private checkHeight(height: number, from: Tipset): void {
    if (height < 0) throw new ChainError({ code: "BAD_HEIGHT", height: `${height}` }, `height ${height} is negative`);
    if (height > from.height)
      throw new ChainError(
        { code: "AHEAD_OF_HEAD", height: `${height}` },
        `looking for tipset with height greater than start point: ${height} > ${from.height}`,
      );
  }

  private async searchAtOrBefore(height: number, from: Tipset): Promise<Tipset> {
    const { fork, below } = await this.forkOf(from);
    const ofFork = fork.find((tipset) => tipset.height <= height);
    if (ofFork !== undefined) return ofFork;
    const highest = below !== null && below.height < height ? below.height : height;
    const known = this.index.newestAtOrBefore(highest);
    if (known !== undefined) return known;
    const key = await this.index.keyAtOrBefore(highest);
    if (key === null) throw new ChainError({ code: "NO_CHAIN" }, "the chain has no genesis");
    return this.headers.tipset(key);
  }

  private async searchAtOrAfter(height: number, from: Tipset): Promise<Tipset> {
    const { fork, below } = await this.forkOf(from);
    if (below !== null && below.height >= height) {
      const known = this.index.newestAtOrAfter(height);
      if (known !== undefined && known.height <= below.height) return known;
      const key = await this.index.keyAtOrAfter(height, below.height);
      if (key !== null) return this.headers.tipset(key);
    }
    return fork.findLast((tipset) => tipset.height >= height) ?? from;
  }

  /** The tipsets from `from` down that are not canonical, and the first canonical one below them. */
  private async forkOf(from: Tipset): Promise<{ fork: readonly Tipset[]; below: Tipset | null }> {
    const fork: Tipset[] = [];
    let at: Tipset | null = from;
    while (at !== null && !(await this.index.has(at))) {
      fork.push(at);
      at = await this.headers.parent(at);
    }
    return { fork, below: at };
  }

  /** Reads from the index and, if tipsets were reverted meanwhile, reads again. */
  private async steady<Result>(read: () => Promise<Result>): Promise<Result> {
    for (;;) {
      if (this.reorgs % 2 === 1) await this.idle();
      const before = this.reorgs;
      const [result] = await Promise.allSettled([read()]);
      if (this.reorgs !== before) continue;
      if (result.status === "rejected") throw result.reason;
      return result.value;
    }
  }

  /** The way from one tipset to another over their common ancestor. */
  async path(from: Tipset | null, to: Tipset, limit: number): Promise<Path> {
    const reverts: Tipset[] = [];
    const applies: Tipset[] = [];
    let left = from;
    let right: Tipset | null = to;
    while (!sameTipset(left ?? undefined, right)) {
      if (reverts.length + applies.length >= limit)
        throw new ChainError({ code: "FORK_TOO_LONG", tipsets: limit }, `the tipsets are over ${limit} apart`);
      if (left !== null && (right === null || left.height > right.height)) {
        reverts.push(left);
        left = await this.headers.parent(left);
      } else if (right !== null) {
        applies.push(right);
        right = await this.headers.parent(right);
      } else break;
    }
    if (from !== null && left === null)
      throw new ChainError({ code: "NO_COMMON_ANCESTOR", key: tipsetKeyText(to.key) }, "the tipsets share no ancestor");
    return { reverts, applies: applies.reverse() };
  }
}

function sameTipset(a: Tipset | undefined, b: Tipset | null): boolean {
  return a === (b ?? undefined) || (a != null && b !== null && tipsetKeyText(a.key) === tipsetKeyText(b.key));
}
