/**
 * Which blocks lie in the payloads that a provider stores, so that they can be had by their CIDs. Made of a payload that is a
 * CAR file before its deal is published; nothing is copied: a block is read out of the deal's data, wherever that is then.
 *
 *   payload/<CID, hex>/<deal>        where a block lies in a deal's data, DAG-CBOR: [from, length]
 *   payloads/<deal>/<10 digits>      CIDs of a deal's blocks, DAG-CBOR, 1000 an entry
 */
import * as dagCbor from "@ipld/dag-cbor";
import { toHex } from "../../base/bytes.ts";
import { isFilError } from "../../base/errors.ts";
import { type ByteSource, CarReader } from "../../storage/car-reader.ts";
import { type BlockHashes, checkBlock } from "../../storage/check-block.ts";
import type { BlockSource, BlockStore } from "../../storage/contract.ts";

export type PayloadIndexOptions = {
  readonly store: Pick<BlockStore, "metadataWith" | "metadataBetween" | "write">;
  readonly hashes: BlockHashes;
  /** Bytes of a deal's data; null while they are not at hand. */
  readonly read: (deal: string, from: number, length: number) => Promise<Uint8Array | null>;
  /** Whether a deal's data is at hand. */
  readonly isHere: (deal: string) => Promise<boolean>;
};

/** What of a payload was indexed. `why`: null if all of it was. */
export type Indexed = { readonly blocks: number; readonly why: string | null };

/** Longest block that is given to others, bytes; blocks of one deal that are indexed: a 32 GiB piece in leaves of 8 KiB. */
const MAX_BLOCK = 4 << 20;
const MAX_BLOCKS = 1 << 22;
/** Bytes of a CID that is indexed; of one with its block inside, which a peer's data may have, as many as it likes. */
const MAX_CID = 128;
const BATCH = 1000;
/** Lists of CIDs that are read at once. */
const LISTS = 16;

export class PayloadIndex implements BlockSource {
  private readonly options: PayloadIndexOptions;

  constructor(options: PayloadIndexOptions) {
    this.options = options;
  }

  /** Indexes a deal's data; what is no CAR file, or not what its CIDs say, can be had as a piece alone. Done again it is the same. */
  async add(deal: string, source: ByteSource, signal: AbortSignal): Promise<Indexed> {
    let blocks = 0;
    let wrong = 0;
    let batch: { readonly cid: Uint8Array; readonly at: number; readonly length: number }[] = [];
    const write = async (): Promise<void> => {
      if (batch.length === 0) return;
      const list = `payloads/${deal}/${String(blocks).padStart(10, "0")}`;
      const metadata: [string, Uint8Array][] = batch.map(({ cid, at, length }) => [
        `payload/${toHex(cid)}/${deal}`,
        dagCbor.encode([at, length]),
      ]);
      await this.options.store.write({ metadata: [[list, dagCbor.encode(batch.map(({ cid }) => cid))], ...metadata] });
      blocks += batch.length;
      batch = [];
    };
    try {
      const reader = await CarReader.open(source);
      for (let next = await reader.next(); next !== null; next = await reader.next()) {
        signal.throwIfAborted();
        const { cid, bytes } = next.block;
        if (bytes.length > MAX_BLOCK || cid.length > MAX_CID || checkBlock(next.block, this.options.hashes) !== "right")
          wrong++;
        else batch.push({ cid: cid.slice(), at: reader.at - bytes.length, length: bytes.length });
        if (batch.length >= BATCH) await write();
        if (blocks + wrong >= MAX_BLOCKS) throw new Error(`more than ${MAX_BLOCKS} blocks`);
      }
      await write();
      return { blocks, why: wrong === 0 ? null : `${wrong} blocks are not what their CIDs say, or too long` };
    } catch (error) {
      if (signal.aborted) throw error;
      if (!isFilError(error) && !(error instanceof Error && error.message.startsWith("more than"))) throw error;
      await write();
      return { blocks, why: (error as Error).message };
    }
  }

  /** Forgets a deal's blocks. */
  async remove(deal: string): Promise<void> {
    const { store } = this.options;
    const first = `payloads/${deal}/`;
    // A few lists at a time: of a large payload all of them are hundreds of MiB.
    const next = () => store.metadataBetween(first, `${first}~`, { limit: LISTS, descending: false });
    for (let lists = await next(); lists.length > 0; lists = await next())
      for (const [list, bytes] of lists) {
        const cids = dagCbor.decode(bytes) as Uint8Array[];
        const gone = cids.map((cid) => [`payload/${toHex(cid)}/${deal}`, null] as const);
        await store.write({ metadata: [...gone, [list, null]] });
      }
  }

  /** Whether a deal's data is a CAR file some of whose blocks can be had. */
  async hasBlocksOf(deal: string): Promise<boolean> {
    const first = `payloads/${deal}/`;
    return (await this.options.store.metadataBetween(first, `${first}~`, { limit: 1, descending: false })).length > 0;
  }

  /** How many blocks of a deal's data can be had. */
  async count(deal: string): Promise<number> {
    const first = `payloads/${deal}/`;
    const [last] = await this.options.store.metadataBetween(first, `${first}~`, { limit: 1, descending: true });
    if (last === undefined) return 0;
    const [name, list] = last;
    // The name of a list says how many came before it.
    return Number(name.slice(first.length)) + (dagCbor.decode(list) as readonly unknown[]).length;
  }

  /** Deals whose data has a block, and where. */
  private async places(
    cid: Uint8Array,
  ): Promise<{ readonly deal: string; readonly at: number; readonly length: number }[]> {
    const prefix = `payload/${toHex(cid)}/`;
    return (await this.options.store.metadataWith(prefix)).map(([key, bytes]) => {
      const [at, length] = dagCbor.decode(bytes) as [number, number];
      return { deal: key.slice(prefix.length), at, length };
    });
  }

  /** Deals that have a block, by the CIDs of their proposals. */
  async dealsOf(cid: Uint8Array): Promise<readonly string[]> {
    return (await this.places(cid)).map(({ deal }) => deal);
  }

  /** Nothing is in memory. */
  peek(): undefined {
    return undefined;
  }

  /** A block out of a deal's data that is at hand, checked against its CID. */
  async get(cid: Uint8Array): Promise<Uint8Array | undefined> {
    for (const { deal, at, length } of await this.places(cid)) {
      const bytes = await this.options.read(deal, at, length);
      if (bytes !== null && checkBlock({ cid, bytes }, this.options.hashes) === "right") return bytes;
    }
    return undefined;
  }

  async has(cid: Uint8Array): Promise<boolean> {
    for (const { deal } of await this.places(cid)) if (await this.options.isHere(deal)) return true;
    return false;
  }
}
