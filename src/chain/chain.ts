/**
 * The chain that this node holds: every tipset of every fork, which of them is the head, and what follows from that.
 *
 * Headers, messages and state lie in the block store by CID. Beside them stand the canonical index (`canonical-index.ts`),
 * Ethereum's (`eth-index.ts`), results of execution (`result-store.ts`) and three small things:
 *
 *   head          key of the tipset that the node takes for the newest
 *   checkpoint    key of a tipset that is never reverted
 *   chain/layout  which layout of the metadata this is
 *
 * The head moves by one batch that has reached the disk before anyone hears of it: a crash leaves the chain at one head or
 * the other, never between. Appending to the head is a move without reverts. Listeners hear of moves in order: reverted
 * tipsets from the top, then applied ones from the bottom.
 */
import type { Changed } from "../base/rewind.ts";
import { Turns } from "../base/turns.ts";
import { CHAIN_LIMITS } from "../params/networks.ts";
import type { Additions, Block, BlockStore, WriteOptions } from "../storage/contract.ts";
import { type BlockHeader, encodeHeader, makeTipset, type Tipset, tipsetKeyText } from "../types/block-header.ts";
import { type CID, cidFromBytes } from "../types/cid.ts";
import type { Message, MessageReceipt, SignedMessage } from "../types/message.ts";
import { BadBlocks } from "./bad-blocks.ts";
import { CanonicalIndex, decodeKey, encodeKey } from "./canonical-index.ts";
import { ChainError } from "./errors.ts";
import { hashFacts, hashName } from "./eth-hashes.ts";
import { EthIndex } from "./eth-index.ts";
import { HeaderStore } from "./header-store.ts";
import { type BlockMessages, type CarriedMessage, MessageStore } from "./message-store.ts";
import { ResultStore, type TipsetResult } from "./result-store.ts";
import { encodeEpoch, MESSAGES_FROM, readKeptFrom, STATES_FROM } from "./states-from.ts";
import { type Path, TipsetLookup } from "./tipset-lookup.ts";
import { TipsetTracker } from "./tipset-tracker.ts";

export type HeadChange = { readonly type: "current" | "apply" | "revert"; readonly tipset: Tipset };
export type HeadListener = (changes: readonly HeadChange[]) => void;

/** A tipset with everything that is known of it. */
export type NewTipset = {
  readonly headers: readonly BlockHeader[];
  /** Blocks of its messages, of the state after it and of its receipts. */
  readonly blocks?: readonly Block[];
  readonly result?: TipsetResult;
  /** Messages of its blocks in the order of `headers`, if the caller has them decoded. */
  readonly messages?: readonly BlockMessages[];
};

/** The move of the head in which `Chain.restore` goes back. */
export type RestoreMove = (write: (options: WriteOptions) => Promise<void>, changed: Changed) => Promise<void>;

export type ChainOptions = {
  readonly blocks: BlockStore;
  /** EIP-155 chain id: transactions of Ethereum are found by their hashes. Default: they are not. */
  readonly chainId?: number;
  /** For whoever takes a snapshot in: opens it before that is through. Default: no, which throws IMPORT_UNFINISHED. */
  readonly takingIn?: boolean;
  /** Hears of what listeners throw; what they throw stops nobody else. */
  readonly onListenerError?: (error: unknown) => void;
};

/** Names of the chain's own metadata. `importing` marks a snapshot that is being taken in, or was when that was ended. */
export const CHAIN_FACTS = {
  head: "head",
  layout: "chain/layout",
  importing: "chain/importing",
  thisLayout: 2,
} as const;
const { head: HEAD, layout: LAYOUT, thisLayout: THIS_LAYOUT } = CHAIN_FACTS;
const CHECKPOINT = "checkpoint";

export class Chain {
  readonly blocks: BlockStore;
  readonly tracker = new TipsetTracker();
  readonly bad: BadBlocks;
  /** Ethereum's transactions, blocks and logs; null without a chain id. */
  readonly ethereum: EthIndex | null;
  private readonly headers: HeaderStore;
  private readonly messageStore: MessageStore;
  private readonly results: ResultStore;
  private readonly index: CanonicalIndex;
  private readonly lookup: TipsetLookup;
  private readonly onListenerError: (error: unknown) => void;
  private readonly chainId: number | null;
  private readonly listeners = new Set<HeadListener>();
  private readonly moves = new Turns();
  private current: Tipset | null = null;
  private fixed: Tipset | null = null;
  private lowestState = 0;
  private lowestMessages = 0;

  private constructor({ blocks, chainId, onListenerError }: ChainOptions, bad: BadBlocks) {
    this.blocks = blocks;
    this.chainId = chainId ?? null;
    this.bad = bad;
    this.headers = new HeaderStore(blocks);
    this.messageStore = new MessageStore(blocks, this.chainId);
    this.results = new ResultStore(blocks);
    this.index = new CanonicalIndex(blocks);
    this.lookup = new TipsetLookup(this.headers, this.index, () => this.moves.idle());
    this.onListenerError = onListenerError ?? (() => undefined);
    this.ethereum =
      this.chainId === null
        ? null
        : new EthIndex({
            ...{ blocks, chainId: this.chainId, parent: (tipset) => this.parent(tipset) },
            messages: (tipset) => this.tipsetMessages(tipset),
            receipts: (root) => this.receiptsAt(root),
          });
  }

  /** Opens the chain in a store; it may be empty. Throws `ChainError` OLD_LAYOUT for one of an earlier version, IMPORT_UNFINISHED. */
  static async open(options: ChainOptions): Promise<Chain> {
    const chain = new Chain(options, await BadBlocks.open(options.blocks));
    const head = await chain.blocks.metadata(HEAD);
    if (options.takingIn !== true && (await chain.blocks.metadata(CHAIN_FACTS.importing)) !== undefined)
      throw new ChainError(
        { code: "IMPORT_UNFINISHED" },
        "a snapshot that was being taken in here was ended or refused; take it in again, or start anew with --reset",
      );
    if (head === undefined) return chain;
    chain.lowestState = await readKeptFrom(chain.blocks, STATES_FROM);
    chain.lowestMessages = await readKeptFrom(chain.blocks, MESSAGES_FROM);
    if ((await chain.blocks.metadata(LAYOUT))?.[0] !== THIS_LAYOUT)
      throw new ChainError(
        { code: "OLD_LAYOUT" },
        "the chain was stored by an earlier version; start anew with --reset",
      );
    chain.current = await chain.headers.tipset(decodeKey(head));
    chain.index.moved([], [chain.current]);
    const checkpoint = await chain.blocks.metadata(CHECKPOINT);
    if (checkpoint !== undefined) chain.fixed = await chain.headers.tipset(decodeKey(checkpoint));
    return chain;
  }

  /** Epoch of the lowest tipset after which the state is kept; 0: all are. */
  get statesFrom(): number {
    return this.lowestState;
  }

  /** Epoch of the lowest tipset whose messages are here; 0: all are. */
  get messagesFrom(): number {
    return this.lowestMessages;
  }

  /** Gives up the states after tipsets below an epoch: from now on nobody relies on them. */
  forgetStatesBelow(epoch: number): Promise<void> {
    return this.moves.run(async () => {
      if (epoch <= this.lowestState) return;
      await this.blocks.write({ metadata: [[STATES_FROM, encodeEpoch(epoch)]] }, { sync: true });
      this.lowestState = epoch;
    });
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
    return this.lookup.isCanonical(tipset);
  }

  /** The tipset at an epoch on the chain that ends with `from` (the head) or, over null rounds, the last before it. */
  async tipsetAtOrBefore(height: number, from: Tipset = this.head): Promise<Tipset> {
    return this.lookup.atOrBefore(height, from);
  }

  /** The tipset at an epoch on the chain that ends with `from` (the head) or, over null rounds, the first after it. */
  async tipsetAtOrAfter(height: number, from: Tipset = this.head): Promise<Tipset> {
    return this.lookup.atOrAfter(height, from);
  }

  /** As `tipsetAtOrBefore`, if the answer is at hand; undefined if it must be looked up. */
  knownAtOrBefore(height: number, from: Tipset): Tipset | undefined {
    return this.lookup.knownAtOrBefore(height, from);
  }

  /** The way from one tipset to another over their common ancestor. */
  path(from: Tipset | null, to: Tipset, limit = Number.POSITIVE_INFINITY): Promise<Path> {
    return this.lookup.path(from, to, limit);
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

  /** CID of the message that is an Ethereum transaction, by its hash (32 bytes); null if this node never saw it. */
  async transaction(hash: Uint8Array): Promise<CID | null> {
    const found = await this.blocks.metadata(hashName(hash));
    return found === undefined ? null : cidFromBytes(found);
  }

  /** Stores signed messages, so that they are found by their CIDs from now on, and `facts` in the same write. */
  remember(messages: readonly SignedMessage[], facts?: Additions["metadata"]): Promise<void> {
    return this.messageStore.remember(messages, facts);
  }

  /** A message as it was sent: of any block, or remembered. Throws `ChainError` UNKNOWN_MESSAGE. */
  signedMessage(cid: CID): Promise<SignedMessage> {
    return this.messageStore.signedMessage(cid);
  }

  /** The canonical tipset that carries this sender's message of this nonce, or null. */
  locate(message: Pick<Message, "from" | "nonce">): Promise<Tipset | null> {
    return this.lookup.locate(message, () => this.head);
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

  /**
   * Puts another state in place of the one after `head`, and `facts` in the same write. What is built on the head builds on it;
   * no message made it, so nobody who executes the head anew comes to it by himself: for local networks alone. Throws `ChainError`
   * HEAD_MOVED.
   */
  replaceState(
    head: Tipset,
    stateRoot: CID,
    blocks: readonly Block[],
    facts: NonNullable<Additions["metadata"]>,
  ): Promise<void> {
    return this.moves.run(async () => {
      const key = tipsetKeyText(head.key);
      if (tipsetKeyText(this.head.key) !== key)
        throw new ChainError({ code: "HEAD_MOVED", key }, "the head moved meanwhile: nothing was changed; try again");
      const { receiptsRoot } = await this.result(head);
      const batch = this.results.batchOf(head, { stateRoot, receiptsRoot }, blocks);
      await this.blocks.write({ ...batch, metadata: [...batch.metadata, ...facts] }, { sync: true });
      this.results.reread();
    });
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
      await this.move(tipset, added.messages === undefined ? { blocks: [], metadata: batch.metadata } : batch);
      return tipset;
    });
  }

  /** Moves the head to any stored tipset: reverts to the common ancestor, then applies up to it. */
  setHead(target: Tipset): Promise<void> {
    return this.moves.run(() => this.move(target, { blocks: [], metadata: [] }));
  }

  /**
   * Takes the chain back to where it was when `target` was the head. `take` calls what it is given with a write of the metadata
   * of then, this chain's own included, and whether names that begin so have changed. It may keep all other writes waiting:
   * no move of the head, and no mark of a bad block, is under way then that waits for one. Listeners hear of it as of any move.
   */
  restore(target: Tipset, take: (move: RestoreMove) => Promise<void>): Promise<void> {
    return this.moves.run(async () => {
      const { reverts, applies } = await this.path(this.current, target);
      let changed: Changed = () => false;
      await take(async (write, names) => {
        changed = names;
        await this.lookup.moving(true, async () => {
          await write({ sync: true, note: `head at epoch ${target.height}, taken back` });
          this.index.moved(reverts, applies);
          this.current = target;
        });
      });
      this.tracker.forgetAbove(target.height);
      await this.bad.reread(changed);
      if (changed("result/")) this.results.reread();
      if (changed(CHECKPOINT)) {
        const checkpoint = await this.blocks.metadata(CHECKPOINT);
        this.fixed = checkpoint === undefined ? null : await this.headers.tipset(decodeKey(checkpoint));
      }
      this.announce(movesOf(reverts, applies));
      // Nobody comes back to them but by chance: a test that goes back ten thousand times would fill every cache with them.
      for (const one of reverts) {
        this.headers.release(one);
        this.messageStore.release(one);
      }
    });
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

  private batchOf(tipset: Tipset, { blocks = [], result, messages = [] }: NewTipset): Additions {
    const headers = tipset.blocks.map((header, i) => ({
      cid: (tipset.key[i] as CID).bytes,
      bytes: encodeHeader(header),
    }));
    const all = [...blocks, ...headers];
    const hashes = messages.flatMap(({ secp }) => hashFacts(secp, this.chainId));
    if (result === undefined) return { blocks: all, metadata: hashes };
    const batch = this.results.batchOf(tipset, result, all);
    return { ...batch, metadata: [...batch.metadata, ...hashes] };
  }

  private async move(target: Tipset, batch: Additions): Promise<void> {
    const { reverts, applies } = await this.path(this.current, target);
    const { fixed } = this;
    if (fixed !== null && reverts.some((one) => one.height <= fixed.height))
      throw new ChainError(
        { code: "BELOW_CHECKPOINT", key: tipsetKeyText(target.key) },
        `the head cannot move below the checkpoint at epoch ${fixed.height}`,
      );
    if (target.height < this.lowestState)
      throw new ChainError(
        { code: "STATES_COLLECTED", epoch: target.height, from: this.lowestState },
        `the head cannot move to epoch ${target.height}: states are kept from epoch ${this.lowestState} on`,
      );
    if (reverts.length + applies.length === 0) return;
    for (const one of applies) this.refuseBad(one);
    const changes = await this.index.changes(reverts, applies, (one) => this.messagesFor(one));
    const head = [
      [HEAD, encodeKey(target.key)],
      [LAYOUT, Uint8Array.of(THIS_LAYOUT)],
    ] as const;
    const ethereum = (await this.ethereum?.changes(reverts, applies)) ?? [];
    const metadata = [...batch.metadata, ...changes, ...ethereum, ...head];
    await this.lookup.moving(reverts.length > 0, async () => {
      await this.blocks.write(
        { blocks: batch.blocks, metadata },
        { sync: true, note: `head at epoch ${target.height}` },
      );
      this.index.moved(reverts, applies);
      this.current = target;
    });
    this.announce(movesOf(reverts, applies));
  }

  private refuseBad(tipset: Tipset): void {
    for (const cid of tipset.key) {
      const why = this.bad.reasonOf(cid);
      if (why !== null)
        throw new ChainError({ code: "BAD_BLOCK", cid: `${cid}` }, `block ${cid} is marked as bad: ${why}`);
    }
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
        { metadata: [[CHECKPOINT, tipset === null ? null : encodeKey(tipset.key)]] },
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

function movesOf(reverts: readonly Tipset[], applies: readonly Tipset[]): HeadChange[] {
  return [
    ...reverts.map((tipset) => ({ type: "revert", tipset }) as const),
    ...applies.map((tipset) => ({ type: "apply", tipset }) as const),
  ];
}
