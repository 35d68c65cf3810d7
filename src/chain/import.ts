/**
 * Taking a snapshot (`snapshot-format.ts`) into a store that has no chain.
 *
 * Three passes, each in bounded memory: blocks are checked against their CIDs and stored as they come; headers are followed
 * from the head to the genesis, and the states that are there walked for missing blocks; then the index is written, and the
 * head last. Nothing is a chain before that: a killed import leaves its marks, and the next one goes on where the file was,
 * or, for another file, from the start. What executing gives is not looked at here: `check` is for whoever wants that
 * (`checkResults` in `src/stmgr`), and before it is through nothing is a chain either.
 */

import * as dagCbor from "@ipld/dag-cbor";
import { equal } from "../base/bytes.ts";
import { badEpochs } from "../exec/errors.ts";
import { linksOf } from "../exec/reachable.ts";
import { NodeError } from "../storage/amt.ts";
import type { ByteSource, CarReader } from "../storage/car-reader.ts";
import type { BlockHashes } from "../storage/check-block.ts";
import { CidSet } from "../storage/cid-set.ts";
import type { Block, BlockStore } from "../storage/contract.ts";
import { type BlockHeader, HeaderError, type Tipset } from "../types/block-header.ts";
import { type CID, cidFromBytes } from "../types/cid.ts";
import { CanonicalIndex, encodeKey, type IndexChange } from "./canonical-index.ts";
import { CHAIN_FACTS } from "./chain.ts";
import { ChainError } from "./errors.ts";
import { HeaderStore } from "./header-store.ts";
import { type BlockMessages, MessageStore, selectMessages } from "./message-store.ts";
import { ResultStore } from "./result-store.ts";
import { MAX_KEY, SnapshotError } from "./snapshot-format.ts";
import { checkFileBlock, openSnapshot, readHead } from "./snapshot-head.ts";
import { encodeEpoch, MESSAGES_FROM, STATES_FROM, stateName } from "./states-from.ts";

export type ImportProgress = {
  readonly stage: "blocks" | "headers" | "index";
  /** Bytes of the file for "blocks", else epochs. */
  readonly done: number;
  readonly total: number;
};

export type ImportOptions = {
  readonly hashes: BlockHashes;
  /** The genesis block that the chain must begin with. Default: any. */
  readonly genesis?: CID;
  /** How the network's clock runs, if that is known: seconds an epoch, and Unix time now, seconds. Default: in any way. */
  readonly clock?: { readonly epochSeconds: number; readonly now: number };
  /** Looks at what was taken in (`Chain.open` with `takingIn`). Where it throws there is no chain, as where an import was ended. */
  readonly check?: () => Promise<void>;
  readonly onProgress?: (progress: ImportProgress) => void;
  /** Ends the import; it can be gone on with. */
  readonly signal?: AbortSignal;
};

export type ImportReport = {
  readonly version: 1 | 2;
  readonly head: Tipset;
  readonly genesis: Tipset;
  readonly tipsets: number;
  /** Blocks that were read now, and the byte of the file where that began. */
  readonly blocks: number;
  readonly resumedAt: number;
  /** Epoch of the lowest tipset after which the state is here. */
  readonly statesFrom: number;
  /** Epoch of the lowest tipset whose messages are here. */
  readonly messagesFrom: number;
  /** Bytes of F3 certificates, which are checked against their CID and not kept. */
  readonly f3: number;
};

/** Blocks and bytes that are written as one batch. */
const BATCH_BLOCKS = 2048;
const BATCH_BYTES = 4 << 20;
/** Tipsets whose index is written as one batch, and changes of it. */
const BATCH_CHANGES = 4096;
const PROGRESS_EVERY = 1024;
/** Epochs that a head may be ahead of the clock, as far as clocks may differ. */
const EARLY_EPOCHS = 5;
const DAG_CBOR = 0x71;
const WALKED = new Set([DAG_CBOR, 0x51, 0x55]);
const IDENTITY = 0x00;

/** Takes a snapshot in. Throws `SnapshotError`, `CarError`. */
export async function importSnapshot(
  store: BlockStore,
  source: ByteSource,
  options: ImportOptions,
): Promise<ImportReport> {
  const isUnfinished = (await store.metadata(CHAIN_FACTS.importing)) !== undefined;
  if (!isUnfinished && (await store.metadata(CHAIN_FACTS.head)) !== undefined)
    throw new SnapshotError(
      { code: "NOT_EMPTY" },
      "there is a chain already; a snapshot is taken into a store without one",
    );
  return new Importer(store, options).run(source);
}

class Importer {
  private readonly store: BlockStore;
  private readonly options: ImportOptions;
  private readonly headers: HeaderStore;
  private readonly messages: MessageStore;
  private readonly index: CanonicalIndex;

  constructor(store: BlockStore, options: ImportOptions) {
    this.store = store;
    this.options = options;
    this.headers = new HeaderStore(store);
    this.messages = new MessageStore(store);
    this.index = new CanonicalIndex(store);
  }

  async run(source: ByteSource): Promise<ImportReport> {
    const reader = await openSnapshot(source);
    // Which file this is: an interrupted import of the same one goes on.
    const name = dagCbor.encode([source.size, reader.roots]);
    const read = await this.readBlocks(reader, name);
    const head = await this.headOf(read.head);
    const line = await this.follow(head);
    await this.writeIndex(head, line);
    await this.options.check?.();
    // With the head that is on the disk the chain is one from here on.
    await this.store.write({ metadata: [[CHAIN_FACTS.importing, null]] }, { sync: true });
    const { statesFrom, genesis, tipsets, messagesFrom } = line;
    const { version, blocks, resumedAt, f3 } = read;
    return { version, head, genesis, tipsets, blocks, resumedAt, statesFrom, messagesFrom, f3 };
  }

  // The blocks.

  private async readBlocks(reader: CarReader, name: Uint8Array) {
    const { signal, onProgress } = this.options;
    const { begin, end } = reader;
    const { head, version, f3 } = await readHead(reader, this.options.hashes);
    const known = await this.store.metadata(CHAIN_FACTS.importing);
    const [file, reached] = known === undefined ? [] : (dagCbor.decode(known) as [Uint8Array, number]);
    let resumedAt = 0;
    if (file !== undefined && equal(file, name) && reached !== undefined) resumedAt = reached;
    if (resumedAt > 0) reader.at = resumedAt;
    let blocks = 0;
    let held: Block[] = [];
    let size = 0;
    const flush = async (): Promise<void> => {
      const mark = [CHAIN_FACTS.importing, dagCbor.encode([name, reader.at])] as const;
      await this.store.write({ blocks: held, metadata: [mark] });
      held = [];
      size = 0;
      signal?.throwIfAborted();
      onProgress?.({ stage: "blocks", done: reader.at - begin, total: end - begin });
    };
    await flush();
    for (let one = await reader.next(); one !== null; one = await reader.next()) {
      const { cid, bytes } = one.block;
      checkFileBlock(one.block, one.at, this.options.hashes);
      blocks++;
      size += bytes.length;
      held.push({ cid: cid.slice(), bytes: bytes.slice() });
      if (held.length >= BATCH_BLOCKS || size >= BATCH_BYTES) await flush();
    }
    await flush();
    return { head, version, f3, blocks, resumedAt };
  }

  // The chain.

  private async headOf(key: readonly CID[]): Promise<Tipset> {
    const head = await this.tipset(key);
    if (!head.key.every((cid, i) => key[i]?.equals(cid)))
      throw broken(key[0] as CID, "the blocks of the head stand in another order than a tipset's");
    return head;
  }

  private async tipset(key: readonly CID[]): Promise<Tipset> {
    try {
      return await this.headers.tipset(key);
    } catch (cause) {
      const name = key[0] as CID;
      if (cause instanceof ChainError) throw broken(name, `the headers of a tipset are not all in the file`, cause);
      if (cause instanceof HeaderError) throw broken(name, `blocks that stand for headers make no tipset`, cause);
      throw cause;
    }
  }

  private async *tipsetsFrom(head: Tipset): AsyncGenerator<Tipset> {
    for (let at = head; ; ) {
      yield at;
      if (at.height === 0) return;
      const parents = at.blocks[0]?.parents ?? [];
      if (parents.length === 0 || parents.length > MAX_KEY)
        throw broken(at.key[0] as CID, `a tipset of epoch ${at.height} has ${parents.length} parents`);
      const below = await this.tipset(parents);
      if (below.height >= at.height || below.height < 0)
        throw broken(at.key[0] as CID, `a tipset of epoch ${at.height} stands on one of epoch ${below.height}`);
      const bad = badEpochs({ epoch: at.height, parentEpoch: below.height });
      if (bad !== null) throw broken(at.key[0] as CID, bad.message);
      at = below;
    }
  }

  /** From the head to the genesis: are all headers here, and which states and messages. */
  private async follow(head: Tipset) {
    const { genesis: expected, signal, onProgress } = this.options;
    const walked = new CidSet();
    let [tipsets, statesFrom, messagesFrom] = [0, head.height, head.height + 1];
    let [hasStates, hasMessages] = [true, true];
    let genesis = head;
    let above: Tipset | null = null;
    for await (const at of this.tipsetsFrom(head)) {
      signal?.throwIfAborted();
      if (tipsets++ % PROGRESS_EVERY === 0)
        onProgress?.({ stage: "headers", done: head.height - at.height, total: head.height });
      genesis = at;
      const { parentStateRoot: root } = at.blocks[0] as BlockHeader;
      if (hasStates && above !== null) statesFrom = at.height;
      if (hasStates || at.height === 0) {
        const found: boolean = await this.store.has(root.bytes);
        if (!found && (above === null || at.height === 0)) throw incomplete(at, root);
        if (found) await this.walk(at, root, walked);
        hasStates &&= found;
      }
      this.checkTime(head, at);
      if (hasMessages) {
        hasMessages = await this.hasMessages(at, hasStates);
        if (hasMessages) messagesFrom = at.height;
      }
      above = at;
    }
    if (expected !== undefined && !genesis.key.some((cid) => cid.equals(expected)))
      throw new SnapshotError(
        { code: "WRONG_GENESIS", found: genesis.key.join(), expected: `${expected}` },
        `the snapshot is of another network: its genesis is ${genesis.key.join()}, not ${expected}`,
      );
    return { genesis, tipsets, statesFrom, messagesFrom };
  }

  /** Blocks have the time of their epoch, on the clock that the head has; the head's is not to come. */
  private checkTime(head: Tipset, at: Tipset): void {
    const { clock } = this.options;
    if (clock === undefined) return;
    const [top] = head.blocks as [BlockHeader];
    const late = Number(top.timestamp) - clock.now;
    // A genesis may be one of a network that is to begin.
    if (at === head && head.height > 0 && late > EARLY_EPOCHS * clock.epochSeconds)
      throw broken(
        head.key[0] as CID,
        `the head, of epoch ${head.height}, is ${late} seconds ahead of this machine's clock`,
      );
    for (const { timestamp } of at.blocks)
      if (top.timestamp - timestamp !== BigInt(head.height - at.height) * BigInt(clock.epochSeconds))
        throw broken(
          at.key[0] as CID,
          `its time, ${timestamp}, is not that of epoch ${at.height} with ${clock.epochSeconds} seconds an epoch`,
        );
  }

  /** All blocks of a state that were not seen yet must be here. */
  private async walk(tipset: Tipset, root: CID, walked: CidSet): Promise<void> {
    const open: Uint8Array[] = [root.bytes];
    for (let bytes = open.pop(); bytes !== undefined; bytes = open.pop()) {
      if (!walked.add(bytes)) continue;
      const cid = cidFromBytes(bytes);
      const own = cid.multihash.code === IDENTITY;
      if (!WALKED.has(cid.code) || (own && cid.code !== DAG_CBOR)) continue;
      const block = own ? cid.multihash.digest : (this.store.peek(bytes) ?? (await this.store.get(bytes)));
      if (block === undefined) throw incomplete(tipset, cid);
      if (cid.code === DAG_CBOR) for (const link of this.links(cid, block)) open.push(link);
      if (walked.size % PROGRESS_EVERY === 0) this.options.signal?.throwIfAborted();
    }
  }

  private links(cid: CID, block: Uint8Array): Uint8Array[] {
    try {
      const links = linksOf(block);
      for (const link of links) cidFromBytes(link);
      return links;
    } catch (cause) {
      throw broken(cid, "a block of a state is not DAG-CBOR", cause);
    }
  }

  /** Whether the messages of a tipset are here; `needed`: its state is, so that they have to be. */
  private async hasMessages(tipset: Tipset, needed: boolean): Promise<boolean> {
    const first = tipset.blocks[0] as BlockHeader;
    if (!needed && !(await this.store.has(first.messages.bytes))) return false;
    try {
      for (const header of tipset.blocks) await this.messages.ofBlock(header);
      return true;
    } catch (cause) {
      if (cause instanceof ChainError || cause instanceof NodeError) throw incomplete(tipset, first.messages, cause);
      throw broken(tipset.key[0] as CID, `the messages of epoch ${tipset.height} cannot be read`, cause);
    }
  }

  // What makes a chain of it.

  private async writeIndex(
    head: Tipset,
    { tipsets, statesFrom, messagesFrom }: { tipsets: number; statesFrom: number; messagesFrom: number },
  ): Promise<void> {
    const { signal, onProgress } = this.options;
    await this.clear();
    const results = new ResultStore(this.store);
    let changes: IndexChange[] = [];
    let done = 0;
    let above: Tipset | null = null;
    for await (const at of this.tipsetsFrom(head)) {
      // Downwards: of tipsets that carry the same message the lowest is written last, and counts.
      const carried = at.height >= messagesFrom ? await this.carried(at) : [];
      changes.push(...this.index.entries(at, carried));
      if (above !== null && at.height >= statesFrom && at.height > 0) {
        const { parentStateRoot, parentMessageReceipts } = above.blocks[0] as BlockHeader;
        const result = { stateRoot: parentStateRoot, receiptsRoot: parentMessageReceipts };
        // Without its receipts a result would be of no use; it is computed when somebody asks.
        if (await this.store.has(parentMessageReceipts.bytes))
          changes.push(...results.batchOf(at, result, []).metadata);
        else changes.push([stateName(at.height, parentStateRoot), new Uint8Array(0)]);
      }
      above = at;
      if (done++ % PROGRESS_EVERY === 0) onProgress?.({ stage: "index", done, total: tipsets });
      if (changes.length < BATCH_CHANGES) continue;
      signal?.throwIfAborted();
      await this.store.write({ metadata: changes });
      changes = [];
    }
    const facts = [
      [CHAIN_FACTS.head, encodeKey(head.key)],
      [CHAIN_FACTS.layout, Uint8Array.of(CHAIN_FACTS.thisLayout)],
      [STATES_FROM, encodeEpoch(statesFrom)],
      [MESSAGES_FROM, encodeEpoch(messagesFrom)],
    ] as const;
    await this.store.write({ metadata: [...changes, ...facts] }, { sync: true, note: `head at epoch ${head.height}` });
  }

  /** Removes head, index and results that another file left, whose import was ended: whoever wrote that one may have lied. */
  private async clear(): Promise<void> {
    await this.store.write({ metadata: [[CHAIN_FACTS.head, null]] });
    for (const prefix of ["height", "sender", "result", "state"])
      for (;;) {
        // Between "/" and "0", what follows it in the order of characters; a store in memory knows one folder at a time.
        const page = await this.store.metadataBetween(`${prefix}/`, `${prefix}0`, {
          limit: BATCH_CHANGES,
          descending: false,
        });
        const found = page.length > 0 ? page : await this.store.metadataWith(`${prefix}/`);
        if (found.length === 0) break;
        await this.store.write({ metadata: found.map(([name]) => [name, null] as const) });
      }
  }

  private async carried(tipset: Tipset) {
    const blocks: BlockMessages[] = [];
    for (const header of tipset.blocks) blocks.push(await this.messages.ofBlock(header));
    return selectMessages(blocks)
      .flat()
      .map(({ message }) => message);
  }
}

function broken(cid: CID, why: string, cause?: unknown): SnapshotError {
  return new SnapshotError({ code: "BROKEN_CHAIN", cid: `${cid}` }, `no chain in the file at block ${cid}: ${why}`, {
    cause,
  });
}

function incomplete(tipset: Tipset, cid: CID, cause?: unknown): SnapshotError {
  return new SnapshotError(
    { code: "INCOMPLETE", epoch: tipset.height, cid: `${cid}` },
    `the snapshot is not whole: block ${cid}, which epoch ${tipset.height} needs, is not in it`,
    { cause },
  );
}
