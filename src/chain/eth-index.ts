/**
 * Ethereum's transactions, blocks and logs of the canonical chain: metadata that moves with the head, in the same write.
 *
 *   eth/block/<16 digits>    of an executed tipset of an epoch: [hash of its block, bloom of its logs, or nothing without logs]
 *   eth/hash/<hash>          epoch of the block with this hash
 *   eth/tx/<hash>            [epoch, place] of the first executed transaction with this hash
 *   eth/logs/<16 digits>     logs of an epoch, in order: [place of the message, its hash, address, topics, data]
 *
 * A tipset is executed once another one stands on top of it, whose headers commit to its receipts and state. So the tipset below
 * an applied one enters, and that below a reverted one leaves. Where receipts or state are not in the store, as below a snapshot
 * that was taken in, there is no entry, and whoever asks is told so.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { equal, toHex } from "../base/bytes.ts";
import { isFilError } from "../base/errors.ts";
import { StateView } from "../state/state-view.ts";
import type { BlockStore } from "../storage/contract.ts";
import type { BlockHeader, Tipset } from "../types/block-header.ts";
import type { CID } from "../types/cid.ts";
import type { MessageReceipt, SignedMessage } from "../types/message.ts";
import type { IndexChange } from "./canonical-index.ts";
import { hashName, hashOf, tipsetCid } from "./eth-hashes.ts";
import { bloomOf, type Log, logsOf } from "./eth-logs.ts";
import type { CarriedMessage } from "./message-store.ts";

/** A log with the message that it is of. */
export type PlacedLog = Log & {
  /** Place of its message in the block. */
  readonly place: number;
  /** Hash of the transaction that the message is. */
  readonly hash: Uint8Array;
};

export type IndexedBlock = {
  readonly epoch: number;
  readonly hash: Uint8Array;
  /** Null: the block has no logs. */
  readonly bloom: Uint8Array | null;
};

/** What is read of the chain. */
type ChainSource = {
  readonly blocks: BlockStore;
  readonly chainId: number;
  parent(tipset: Tipset): Promise<Tipset | null>;
  messages(tipset: Tipset): Promise<readonly CarriedMessage[]>;
  receipts(root: CID): Promise<MessageReceipt[]>;
};

const DIGITS = 16;
const EMPTY = new Uint8Array(0);
/** Entries that are read, or removed, at once. */
const STRETCH = 1024;

const epochText = (epoch: number): string => epoch.toString().padStart(DIGITS, "0");
const blockName = (epoch: number): string => `eth/block/${epochText(epoch)}`;
const logsName = (epoch: number): string => `eth/logs/${epochText(epoch)}`;
const blockHashName = (hash: Uint8Array): string => `eth/hash/${toHex(hash)}`;
const placeName = (hash: Uint8Array): string => `eth/tx/${toHex(hash)}`;

/** The hash by which Ethereum's interface knows a tipset. */
export function blockHash(tipset: Tipset): Uint8Array {
  return tipsetCid(tipset).multihash.digest;
}

/** The hash by which Ethereum's interface knows a message: the transaction's, or else the digest of its CID. */
export function messageHash(cid: CID, signed: SignedMessage | null, chainId: number): Uint8Array {
  return (signed === null ? null : hashOf(signed, chainId)) ?? cid.multihash.digest;
}

export class EthIndex {
  private readonly chain: ChainSource;

  constructor(chain: ChainSource) {
    this.chain = chain;
  }

  /** Epoch and place of an executed transaction of the canonical chain; null if it is not indexed. */
  async placeOf(hash: Uint8Array): Promise<{ readonly epoch: number; readonly place: number } | null> {
    const found = await this.chain.blocks.metadata(placeName(hash));
    if (found === undefined) return null;
    const [epoch, place] = dagCbor.decode<[number, number]>(found);
    return { epoch, place };
  }

  /** Epoch of the canonical block with a hash; null if it is not indexed. */
  async epochOf(hash: Uint8Array): Promise<number | null> {
    const found = await this.chain.blocks.metadata(blockHashName(hash));
    return found === undefined ? null : dagCbor.decode<number>(found);
  }

  /** Indexed blocks from one epoch to another, lowest first, some of them a turn. */
  async *between(first: number, last: number): AsyncGenerator<readonly IndexedBlock[]> {
    for (let from = first; from <= last; ) {
      const window = { limit: STRETCH, descending: false };
      const found = await this.chain.blocks.metadataBetween(blockName(from), blockName(last + 1), window);
      if (found.length === 0) return;
      yield found.map(([name, value]) => indexedBlock(name, value));
      from = Number((found.at(-1) as readonly [string, Uint8Array])[0].slice(-DIGITS)) + 1;
    }
  }

  /** The logs of an indexed block; null if it is not indexed. */
  async logs(tipset: Tipset): Promise<readonly PlacedLog[] | null> {
    const found = await this.chain.blocks.metadata(blockName(tipset.height));
    if (found === undefined) return null;
    const { hash, bloom } = indexedBlock(blockName(tipset.height), found);
    if (!equal(hash, blockHash(tipset))) return null;
    return bloom === null ? [] : this.logsAt(tipset.height);
  }

  /** The logs of an indexed block that has some. */
  async logsAt(epoch: number): Promise<readonly PlacedLog[]> {
    const found = await this.chain.blocks.metadata(logsName(epoch));
    if (found === undefined) return [];
    return dagCbor
      .decode<[number, Uint8Array, Uint8Array, Uint8Array[], Uint8Array][]>(found)
      .map(([place, hash, address, topics, data]) => ({ place, hash, address, topics, data }));
  }

  /** The logs of a tipset by its receipts, and by the state after it for the emitters' addresses. */
  async readLogs(tipset: Tipset, after: { readonly stateRoot: CID; readonly receiptsRoot: CID }): Promise<PlacedLog[]> {
    const { chain } = this;
    const messages = tipset.height === 0 ? [] : await chain.messages(tipset);
    if (messages.length === 0) return [];
    const receipts = await chain.receipts(after.receiptsRoot);
    const out: PlacedLog[] = [];
    let view: StateView | null = null;
    for (const [place, { cid, signed }] of messages.entries()) {
      const receipt = receipts[place];
      if (receipt?.eventsRoot == null) continue;
      view ??= await StateView.open(chain.blocks, after.stateRoot);
      const hash = messageHash(cid, signed, chain.chainId);
      for (const log of await logsOf(chain.blocks, receipt, view)) out.push({ ...log, place, hash });
    }
    return out;
  }

  /** The same of the tipset below another one, which commits to what became of it. */
  async logsBelow(above: Tipset): Promise<{ readonly tipset: Tipset; readonly logs: readonly PlacedLog[] } | null> {
    const tipset = await this.chain.parent(above);
    if (tipset === null) return null;
    const { parentStateRoot: stateRoot, parentMessageReceipts: receiptsRoot } = above.blocks[0] as BlockHeader;
    return { tipset, logs: await this.readLogs(tipset, { stateRoot, receiptsRoot }) };
  }

  /** The changes that take `reverts` (from the top) off the chain and put `applies` (from the bottom) on it. */
  async changes(reverts: readonly Tipset[], applies: readonly Tipset[]): Promise<IndexChange[]> {
    const { chain } = this;
    const changes = new Map<string, Uint8Array | null>();
    const now = async (name: string): Promise<Uint8Array | null> => {
      const changed = changes.get(name);
      return changed === undefined ? ((await chain.blocks.metadata(name)) ?? null) : changed;
    };
    for (const above of reverts) {
      const tipset = await chain.parent(above);
      if (tipset === null) continue;
      for (const name of [blockName(tipset.height), logsName(tipset.height), blockHashName(blockHash(tipset))])
        changes.set(name, null);
      for (const { cid, signed } of (await orNull(chain.messages(tipset))) ?? []) {
        const name = placeName(messageHash(cid, signed, chain.chainId));
        const known = await now(name);
        if (known !== null && dagCbor.decode<[number, number]>(known)[0] === tipset.height) changes.set(name, null);
      }
    }
    for (const above of applies) {
      const below = await orNull(this.logsBelow(above));
      if (below === null) continue;
      const { tipset, logs } = below;
      const epoch = tipset.height;
      const hash = blockHash(tipset);
      changes.set(blockName(epoch), dagCbor.encode([hash, logs.length === 0 ? EMPTY : bloomOf(logs)]));
      changes.set(blockHashName(hash), dagCbor.encode(epoch));
      if (logs.length > 0) {
        const rows = logs.map((log) => [log.place, log.hash, log.address, log.topics, log.data]);
        changes.set(logsName(epoch), dagCbor.encode(rows));
      }
      const messages = epoch === 0 ? [] : await chain.messages(tipset);
      for (const [place, { cid, signed }] of messages.entries()) {
        const name = placeName(messageHash(cid, signed, chain.chainId));
        if ((await now(name)) === null) changes.set(name, dagCbor.encode([epoch, place]));
      }
    }
    return [...changes];
  }

  /**
   * Forgets which transactions were executed at some epochs, and by which messages they are on chain: of a node that gives those
   * messages up. Blocks and logs stay.
   */
  async forgetTransactions(first: number, last: number, tipsetAt: (epoch: number) => Promise<Tipset>): Promise<void> {
    const { chain } = this;
    for await (const blocks of this.between(first, last)) {
      const names: string[] = [];
      for (const { epoch } of blocks) {
        // Given up before, in another run: a network that is loaded from a file begins at the genesis.
        const messages = epoch === 0 ? null : await orNull(chain.messages(await tipsetAt(epoch)));
        for (const { cid, signed } of messages ?? []) {
          const hash = messageHash(cid, signed, chain.chainId);
          names.push(placeName(hash), hashName(hash));
        }
      }
      if (names.length > 0) await chain.blocks.write({ metadata: names.map((name) => [name, null] as const) });
    }
  }
}

/** Null for what is not here: it cannot be indexed, and never was. */
function orNull<T>(found: Promise<T>): Promise<T | null> {
  return found.catch((error: unknown) => {
    if (isFilError(error)) return null;
    throw error;
  });
}

function indexedBlock(name: string, value: Uint8Array): IndexedBlock {
  const [hash, bloom] = dagCbor.decode<[Uint8Array, Uint8Array]>(value);
  return { epoch: Number(name.slice(-DIGITS)), hash, bloom: bloom.length === 0 ? null : bloom };
}
