/**
 * The chain that this node holds: every tipset of every fork, which of them is the head, and what follows from that.
 *
 * Headers, messages and state lie in the block store by CID. Beside them stand the canonical index (`canonical-index.ts`),
 * results of execution (`result-store.ts`) and three small things:
 *
 *   head          key of the tipset that the node takes for the newest
 *   checkpoint    key of a tipset that is never reverted
 *   chain/layout  which layout of the metadata this is
 *
 * The head moves by one batch that has reached the disk before anyone hears of it: a crash leaves the chain at one head or
 * the other, never between. Appending to the head is a move without reverts. Listeners hear of moves in order: reverted
 * tipsets from the top, then applied ones from the bottom.
 */
import { Turns } from "../base/turns.ts";
import { CHAIN_LIMITS } from "../params/networks.ts";
import type { Batch, Block, BlockStore } from "../storage/contract.ts";
import { type BlockHeader, encodeHeader, makeTipset, type Tipset, tipsetKeyText } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";
import type { Message, MessageReceipt, SignedMessage } from "../types/message.ts";
import { CanonicalIndex, decodeKey, encodeKey } from "./canonical-index.ts";
import { ChainError } from "./errors.ts";
import { HeaderStore } from "./header-store.ts";
import { type BlockMessages, type CarriedMessage, MessageStore } from "./message-store.ts";
import { ResultStore, type TipsetResult } from "./result-store.ts";
import { TipsetTracker } from "./tipset-tracker.ts";

export type HeadChange = { readonly type: "current" | "apply" | "revert"; readonly tipset: Tipset };
export type HeadListener = (changes: readonly HeadChange[]) => void;

/** How the head gets from one tipset to another: `reverts` from the top, then `applies` from the bottom. */
export type Path = { readonly reverts: readonly Tipset[]; readonly applies: readonly Tipset[] };

/** A tipset with everything that is known of it. */
export type NewTipset = {
  readonly headers: readonly BlockHeader[];
  /** Blocks of its messages, of the state after it and of its receipts. */
  readonly blocks?: readonly Block[];
  readonly result?: TipsetResult;
  /** Messages of its blocks in the order of `headers`, if the caller has them decoded. */
  readonly messages?: readonly BlockMessages[];
};

export type ChainOptions = {
  readonly blocks: BlockStore;
  /** Hears of what listeners throw; what they throw stops nobody else. */
  readonly onListenerError?: (error: unknown) => void;
};

const HEAD = "head";
const CHECKPOINT = "checkpoint";
const LAYOUT = "chain/layout";
const THIS_LAYOUT = 2;

export class Chain {
  readonly blocks: BlockStore;
  readonly tracker = new TipsetTracker();
  private readonly headers: HeaderStore;
  private readonly messageStore: MessageStore;
  private readonly results: ResultStore;
  private readonly index: CanonicalIndex;
  private readonly onListenerError: (error: unknown) => void;
  private readonly listeners = new Set<HeadListener>();
  private readonly moves = new Turns();
  private current: Tipset | null = null;
  private fixed: Tipset | null = null;
  /** Moves with reverts so far, counted at their beginning and again at their end: odd while one is under way. */
  private reorgs = 0;

  private constructor({ blocks, onListenerError }: ChainOptions) {
    this.blocks = blocks;
    this.headers = new HeaderStore(blocks);
    this.messageStore = new MessageStore(blocks);
    this.results = new ResultStore(blocks);
    this.index = new CanonicalIndex(blocks);
    this.onListenerError = onListenerError ?? (() => undefined);
  }

  /** Opens the chain in a store; it may be empty. Throws `ChainError` OLD_LAYOUT for one of an earlier version. */
  static async open(options: ChainOptions): Promise<Chain> {
    const chain = new Chain(options);
    const head = await chain.blocks.fact(HEAD);
    if (head === undefined) return chain;
    if ((await chain.blocks.fact(LAYOUT))?.[0] !== THIS_LAYOUT)
      throw new ChainError(
        { code: "OLD_LAYOUT" },
        "the chain was stored by an earlier version; start anew with --reset",
      );
    chain.current = await chain.headers.tipset(decodeKey(head));
    chain.index.moved([], [chain.current]);
    const checkpoint = await chain.blocks.fact(CHECKPOINT);
    if (checkpoint !== undefined) chain.fixed = await chain.headers.tipset(decodeKey(checkpoint));
    return chain;
  }

  get isEmpty(): boolean {
    return this.current === null;
  }

  get head(): Tipset {
    if (this.current === null) throw new ChainError({ code: "NO_CHAIN" }, "there is no chain yet");
    return this.current;
  }

  /** Calls `listener` with every move of the head, in order, until the returned function is called. */
  onHeadChange(listener: HeadListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  // Headers and tipsets, of any fork.

  header(cid: CID): Promise<BlockHeader> {
    return this.headers.header(cid);
  }

  /** The tipset with this key; an empty key means the head. */
  async tipset(key: readonly CID[]): Promise<Tipset> {
    return key.length === 0 ? this.head : this.headers.tipset(key);
  }

  /** The tipset below, or null for the genesis. */
  parent(tipset: Tipset): Promise<Tipset | null> {
    return this.headers.parent(tipset);
  }

  genesis(): Promise<Tipset> {
    return this.tipsetAtOrBefore(0);
  }

  /** Whether a tipset is on the chain of the head. */
  isCanonical(tipset: Tipset): Promise<boolean> {
    return this.steady(() => this.index.has(tipset));
  }

  /** The tipset at an epoch on the chain that ends with `from` (the head) or, over null rounds, the last before it. */
  async tipsetAtOrBefore(height: number, from: Tipset = this.head): Promise<Tipset> {
    return this.knownAtOrBefore(height, from) ?? (await this.steady(() => this.searchAtOrBefore(height, from)));
  }

  /** The tipset at an epoch on the chain that ends with `from` (the head) or, over null rounds, the first after it. */
  async tipsetAtOrAfter(height: number, from: Tipset = this.head): Promise<Tipset> {
    this.checkHeight(height, from);
    return this.steady(() => this.searchAtOrAfter(height, from));
  }

  /** As `tipsetAtOrBefore`, if the answer is at hand; undefined if it must be looked up. */
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
      if (this.reorgs % 2 === 1) await this.moves.idle();
      const before = this.reorgs;
      const [result] = await Promise.allSettled([read()]);
      if (this.reorgs !== before) continue;
      if (result.status === "rejected") throw result.reason;
      return result.value;
    }
  }

  /** The way from one tipset to another over their common ancestor. */
  async path(from: Tipset | null, to: Tipset, limit = Number.POSITIVE_INFINITY): Promise<Path> {
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

  // Messages, receipts, results.

  /** Messages of one block. */
  messages(header: BlockHeader): Promise<BlockMessages> {
    return this.messageStore.ofBlock(header);
  }

  /** The messages of a tipset that are executed, one list a block. */
  blockMessages(tipset: Tipset): Promise<readonly (readonly CarriedMessage[])[]> {
    return this.messageStore.ofTipset(tipset);
  }

  /** The messages of a tipset in the order of execution. */
  async tipsetMessages(tipset: Tipset): Promise<readonly CarriedMessage[]> {
    return (await this.messageStore.ofTipset(tipset)).flat();
  }

  /** Gas that the distinct messages of a tipset's blocks ask for, executed or not: what moves the base fee. */
  gasLimits(tipset: Tipset): Promise<bigint> {
    return this.messageStore.gasLimits(tipset);
  }

  /** The messages of a tipset as they were sent, as far as their signatures are known: what goes back to the pool. */
  signedMessages(tipset: Tipset): Promise<SignedMessage[]> {
    return this.messageStore.signedOf(tipset);
  }

  /** A message by its CID: of any block, or remembered. */
  message(cid: CID): Promise<CarriedMessage> {
    return this.messageStore.message(cid);
  }

  /** Stores signed messages, so that they are found by their CIDs from now on. */
  remember(messages: readonly SignedMessage[]): Promise<void> {
    return this.messageStore.remember(messages);
  }

  /** The canonical tipset that carries this sender's message of this nonce, or null. */
  locate(message: Pick<Message, "from" | "nonce">): Promise<Tipset | null> {
    return this.steady(async () => {
      const height = await this.index.heightOf(message);
      return height === null ? null : this.searchAtOrBefore(height, this.head);
    });
  }

  /** The result of executing a tipset; throws `ChainError` NOT_EXECUTED. */
  async result(tipset: Tipset): Promise<TipsetResult> {
    const found = await this.results.get(tipset);
    if (found !== null) return found;
    const key = tipsetKeyText(tipset.key);
    throw new ChainError({ code: "NOT_EXECUTED", key }, `tipset ${key} has not been executed`);
  }

  knownResult(tipset: Tipset): Promise<TipsetResult | null> {
    return this.results.get(tipset);
  }

  /** Keeps a result together with the blocks of its state and receipts. */
  async putResult(tipset: Tipset, result: TipsetResult, blocks: readonly Block[]): Promise<void> {
    await this.blocks.write(this.results.batchOf(tipset, result, blocks));
  }

  /** Receipts of a tipset in the order of `tipsetMessages`. */
  async receipts(tipset: Tipset): Promise<MessageReceipt[]> {
    return this.receiptsAt((await this.result(tipset)).receiptsRoot);
  }

  receiptsAt(root: CID): Promise<MessageReceipt[]> {
    return this.messageStore.receipts(root);
  }

  /** One receipt of an array, by the message's index in `tipsetMessages`. */
  receiptAt(root: CID, index: number): Promise<MessageReceipt> {
    return this.messageStore.receipt(root, index);
  }

  // Growing, and moving the head.

  /** Stores a tipset without moving the head. */
  async put(added: NewTipset): Promise<Tipset> {
    const tipset = makeTipset(added.headers);
    await this.blocks.write(this.batchOf(tipset, added));
    this.know(tipset, added);
    return tipset;
  }

  /** Stores a tipset and moves the head to it, in one batch. */
  append(added: NewTipset): Promise<Tipset> {
    return this.moves.run(async () => {
      const tipset = makeTipset(added.headers);
      const batch = this.batchOf(tipset, added);
      // The index needs the messages: unless they were given, they are read from the blocks, which must be there then.
      if (added.messages === undefined) await this.blocks.write({ blocks: batch.blocks });
      this.know(tipset, added);
      await this.move(tipset, added.messages === undefined ? { blocks: [], facts: batch.facts } : batch);
      return tipset;
    });
  }

  /** Moves the head to any stored tipset: reverts to the common ancestor, then applies up to it. */
  setHead(target: Tipset): Promise<void> {
    return this.moves.run(() => this.move(target, { blocks: [], facts: [] }));
  }

  private know(tipset: Tipset, { headers, messages }: NewTipset): void {
    this.headers.remember(tipset);
    if (messages !== undefined)
      this.messageStore.know(
        tipset,
        tipset.blocks.map((one) => messages[headers.indexOf(one)] as BlockMessages),
      );
    for (const header of tipset.blocks) this.tracker.add(header);
    this.tracker.forgetBelow(this.current === null ? 0 : this.current.height - CHAIN_LIMITS.finality);
  }

  private async messagesFor(tipset: Tipset): Promise<readonly Message[]> {
    return (await this.tipsetMessages(tipset)).map(({ message }) => message);
  }

  private batchOf(tipset: Tipset, { blocks = [], result }: NewTipset): Required<Batch> {
    const headers = tipset.blocks.map((header, i) => ({
      cid: (tipset.key[i] as CID).bytes,
      bytes: encodeHeader(header),
    }));
    const all = [...blocks, ...headers];
    return result === undefined ? { blocks: all, facts: [] } : this.results.batchOf(tipset, result, all);
  }

  private async move(target: Tipset, batch: Required<Batch>): Promise<void> {
    const { reverts, applies } = await this.path(this.current, target);
    if (this.fixed !== null && reverts.some((one) => one.height <= (this.fixed as Tipset).height))
      throw new ChainError(
        { code: "BELOW_CHECKPOINT", key: tipsetKeyText(target.key) },
        `the head cannot move below the checkpoint at epoch ${this.fixed.height}`,
      );
    if (reverts.length + applies.length === 0) return;
    const changes = await this.index.changes(reverts, applies, (one) => this.messagesFor(one));
    if (reverts.length > 0) this.reorgs++;
    try {
      const head = [
        [HEAD, encodeKey(target.key)],
        [LAYOUT, Uint8Array.of(THIS_LAYOUT)],
      ] as const;
      await this.blocks.write(
        { blocks: batch.blocks, facts: [...batch.facts, ...changes, ...head] },
        { sync: true, note: `head at epoch ${target.height}` },
      );
      this.index.moved(reverts, applies);
      this.current = target;
    } finally {
      if (reverts.length > 0) this.reorgs++;
    }
    this.announce([
      ...reverts.map((tipset) => ({ type: "revert", tipset }) as const),
      ...applies.map((tipset) => ({ type: "apply", tipset }) as const),
    ]);
  }

  private announce(changes: readonly HeadChange[]): void {
    for (const listener of [...this.listeners]) {
      try {
        listener(changes);
      } catch (error) {
        this.onListenerError(error);
      }
    }
  }

  // What can no longer change.

  /** The tipset that the head cannot move below, or null. */
  get checkpoint(): Tipset | null {
    return this.fixed;
  }

  /** Fixes a canonical tipset as the checkpoint, or (null) removes it. */
  setCheckpoint(tipset: Tipset | null): Promise<void> {
    return this.moves.run(async () => {
      if (tipset !== null && !(await this.index.has(tipset)))
        throw new ChainError(
          { code: "UNKNOWN_TIPSET", key: tipsetKeyText(tipset.key) },
          "only a tipset of the head's chain can be a checkpoint",
        );
      await this.blocks.write(
        { facts: [[CHECKPOINT, tipset === null ? null : encodeKey(tipset.key)]] },
        { sync: true },
      );
      this.fixed = tipset;
    });
  }

  /** The newest tipset that no fork can replace: a finality below the head, or the checkpoint if that is higher. */
  async finalized(): Promise<Tipset> {
    const { height } = this.head;
    const final = await this.tipsetAtOrBefore(height > CHAIN_LIMITS.finality ? height - CHAIN_LIMITS.finality : 0);
    return this.fixed !== null && this.fixed.height > final.height ? this.fixed : final;
  }
}

function sameTipset(a: Tipset | undefined, b: Tipset | null): boolean {
  return a === (b ?? undefined) || (a != null && b !== null && tipsetKeyText(a.key) === tipsetKeyText(b.key));
}
