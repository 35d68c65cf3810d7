/**
 * The data that a client has: blocks of what was imported or retrieved, and a list of it. An import is on the disk before it
 * is in the list; what a killed one left is gone once something is removed, or used by the next that needs it.
 *
 * Facts: `import/<number>` with root, path and where it came from; `piece/<commitment>` with the root whose CAR file it is, or whose
 * file it is, raw.
 */
import { fromUtf8, toHex, utf8 } from "../../base/bytes.ts";
import { Turns } from "../../base/turns.ts";
import { type ByteSource, CarReader } from "../../storage/car-reader.ts";
import { type BlockHashes, checkBlock } from "../../storage/check-block.ts";
import { CidSet } from "../../storage/cid-set.ts";
import type { Block, BlockSource, BlockStore } from "../../storage/contract.ts";
import { type CID, cidFromBytes, parseCid } from "../../types/cid.ts";
import type { PieceForm } from "./commit-car.ts";
import { DataError } from "./errors.ts";
import { dagJsonBlock, MAX_BLOCK, walk } from "./links.ts";
import { Pace } from "./pace.ts";
import { type InputEntry, importUnixfs } from "./unixfs.ts";

export type Import = {
  readonly id: number;
  readonly root: CID;
  /** Where it came from, as it was named. */
  readonly path: string;
  /** "file": UnixFS; "car": a CAR file; "dag-json": a file of JSON; "retrieval". */
  readonly source: "file" | "car" | "dag-json" | "retrieval";
};
type Stored = { readonly root: string; readonly path: string; readonly source: Import["source"] };

type StoredPiece = { readonly root: string; readonly size: number; readonly form?: PieceForm };

/** The DAG that a piece is made of, and the piece's bytes before padding. */
export type OwnPiece = { readonly root: CID; readonly size: number; readonly form: PieceForm };

const PREFIX = "import/";
const PIECE_PREFIX = "piece/";
/** Bytes of blocks that go out as one; batches wait while one is written, and LevelDB maps tables of this length to merge them. */
const BATCH_BYTES = 2 << 20;
const MAX_IMPORTS = 1_000_000;
const MAX_ID = Number.MAX_SAFE_INTEGER;

/** What somebody else keeps and this store gives: blocks, and pieces. A piece's bytes are null once they are not there any more. */
export type Lent = BlockSource & {
  has(cid: Uint8Array): Promise<boolean>;
  piece(commP: Uint8Array): Promise<LentPiece | null>;
};
export type LentPiece = {
  readonly size: number;
  /** What it holds, as far as that is known. */
  readonly form: PieceForm;
  read(from: number, length: number): Promise<Uint8Array | null>;
};

export class ClientStore implements BlockSource {
  private readonly store: BlockStore;
  private readonly hashes: BlockHashes;
  private readonly lent: () => Lent | null;
  /** Deliveries of blocks that are under way. */
  private arriving = 0;
  private sweeping: Promise<void> = Promise.resolve();
  /** Imports and removals, one after the other: none takes what another brings. */
  private readonly turns = new Turns();

  constructor(store: BlockStore, hashes: BlockHashes, lent: () => Lent | null = () => null) {
    this.lent = lent;
    this.store = store;
    this.hashes = hashes;
  }

  peek(cid: Uint8Array): Uint8Array | undefined {
    return this.store.peek(cid);
  }

  async get(cid: Uint8Array): Promise<Uint8Array | undefined> {
    return (await this.store.get(cid)) ?? this.lent()?.get(cid);
  }

  async has(cid: Uint8Array): Promise<boolean> {
    return (await this.store.has(cid)) || ((await this.lent()?.has(cid)) ?? false);
  }

  /** A piece that somebody else keeps. */
  async lentPiece(commP: Uint8Array): Promise<LentPiece | null> {
    return (await this.lent()?.piece(commP)) ?? null;
  }

  /** Imports files and folders; all lie below one. */
  importFiles(path: string, entries: AsyncIterable<InputEntry>, signal?: AbortSignal): Promise<Import> {
    return this.turns.run(async () => {
      const writer = new Writer(this.store);
      const root = await importUnixfs(entries, (cid, bytes) => writer.put({ cid: cid.bytes, bytes }));
      signal?.throwIfAborted();
      return this.listed(writer, { root, path, source: "file" });
    });
  }

  /** Imports a CAR file of any DAG with one root; every block is checked, and the DAG must be whole. */
  importCar(path: string, car: ByteSource, source: "car" | "retrieval" = "car", signal?: AbortSignal): Promise<Import> {
    return this.turns.run(async () => {
      const reader = await CarReader.open(car);
      const [first, ...others] = reader.roots;
      if (first === undefined || others.length > 0)
        throw new DataError(
          { code: "BAD_INPUT" },
          `a CAR file of one root is expected, this has ${reader.roots.length}`,
        );
      const writer = new Writer(this.store);
      const pace = new Pace(signal);
      for (let next = await reader.next(); next !== null; next = await reader.next()) {
        await pace.step();
        await writer.put(this.checked({ cid: next.block.cid.slice(), bytes: next.block.bytes.slice() }));
      }
      await writer.flush();
      const root = cidFromBytes(first);
      for await (const _ of walk(this.store, root, signal === undefined ? {} : { signal }));
      return this.listed(writer, { root, path, source });
    });
  }

  /**
   * Imports JSON as one block of DAG-JSON, in its canonical form; what it links to must be here. Throws `DataError` for what is none
   * or is longer than a block.
   */
  importDagJson(path: string, json: Uint8Array, signal?: AbortSignal): Promise<Import> {
    return this.turns.run(async () => {
      const { cid: root, bytes } = dagJsonBlock(json);
      const writer = new Writer(this.store);
      await writer.put({ cid: root.bytes, bytes });
      await writer.flush();
      for await (const _ of walk(this.store, root, signal === undefined ? {} : { signal }));
      return this.listed(writer, { root, path, source: "dag-json" });
    });
  }

  /**
   * Keeps blocks that come one by one, for instance from a provider. Until `end` is called nothing is removed from the store:
   * what has come is in no list yet. Resolves when a removal that is under way has stopped.
   */
  async incoming(): Promise<{ put(cid: CID, bytes: Uint8Array): Promise<void>; end(): void }> {
    let hasEnded = false;
    this.arriving++;
    await this.sweeping;
    return {
      put: async (cid, bytes) => this.store.write({ blocks: [this.checked({ cid: cid.bytes, bytes })] }),
      end: () => {
        if (!hasEnded) this.arriving--;
        hasEnded = true;
      },
    };
  }

  /**
   * Lists a DAG whose blocks have come, unless it is listed; all of it must be here. `path`: what people know it by. Blocks that
   * somebody else keeps are kept here from now on: who lends them may let go of them.
   */
  listRetrieval(root: CID, path: string, signal?: AbortSignal): Promise<Import> {
    return this.turns.run(async () => {
      const writer = new Writer(this.store);
      const get = async (cid: Uint8Array): Promise<Uint8Array | undefined> => {
        const own = await this.store.get(cid);
        if (own !== undefined) return own;
        const bytes = await this.lent()?.get(cid);
        if (bytes !== undefined) await writer.put(this.checked({ cid: cid.slice(), bytes }));
        return bytes;
      };
      const source = { peek: (cid: Uint8Array) => this.store.peek(cid), get };
      for await (const _ of walk(source, root, signal === undefined ? {} : { signal }));
      const known = (await this.imports()).find((one) => one.root.equals(root));
      if (known === undefined) return this.listed(writer, { root, path, source: "retrieval" });
      await writer.flush();
      return known;
    });
  }

  private checked(block: Block): Block {
    const name = (): string => `${cidFromBytes(block.cid)}`;
    if (block.bytes.length > MAX_BLOCK)
      throw new DataError({ code: "LIMIT" }, `block ${name()} has ${block.bytes.length} bytes, over ${MAX_BLOCK}`);
    if (checkBlock(block, this.hashes) === "right") return block;
    throw new DataError({ code: "BAD_BLOCK", cid: name() }, `block ${name()} is not what its CID says`);
  }

  private async listed(writer: Writer, { root, ...rest }: Omit<Import, "id">): Promise<Import> {
    const id = ((await this.imports()).at(-1)?.id ?? 0) + 1;
    if (id >= MAX_IMPORTS) throw new DataError({ code: "LIMIT" }, `${MAX_IMPORTS} imports are kept at most`);
    const stored: Stored = { ...rest, root: `${root}` };
    await writer.flush([[keyOf(id), utf8(JSON.stringify(stored))]]);
    return { id, root, ...rest };
  }

  /** What was imported, the first one first. */
  async imports(): Promise<readonly Import[]> {
    return (await this.store.metadataWith(PREFIX)).map(([name, value]) => {
      const { root, ...rest } = JSON.parse(fromUtf8(value)) as Stored;
      return { id: Number.parseInt(name.slice(PREFIX.length), 16), root: parseCid(root), ...rest };
    });
  }

  /** Notes which piece a DAG's CAR file is, or its file. */
  async notePiece(commP: Uint8Array, { root, size, form }: OwnPiece): Promise<void> {
    const stored: StoredPiece = { root: `${root}`, size, ...(form === "raw" ? { form } : {}) };
    await this.store.write({ metadata: [[`${PIECE_PREFIX}${toHex(commP)}`, utf8(JSON.stringify(stored))]] });
  }

  /** The DAG that a piece is made of; null for a piece that nobody committed to. */
  async piece(commP: Uint8Array): Promise<OwnPiece | null> {
    const found = await this.store.metadata(`${PIECE_PREFIX}${toHex(commP)}`);
    if (found === undefined) return null;
    const { root, size, form = "car" } = JSON.parse(fromUtf8(found)) as StoredPiece;
    return { root: parseCid(root), size, form };
  }

  /** As `piece`, and null, too, for one whose data was removed: a provider of this node may have it still. */
  async heldPiece(commP: Uint8Array): Promise<OwnPiece | null> {
    const known = await this.piece(commP);
    return known !== null && (await this.has(known.root.bytes)) ? known : null;
  }

  /** Takes an import from the list, and its blocks unless another import has them. */
  remove(id: number): Promise<void> {
    return this.turns.run(async () => {
      const kept = await this.imports();
      if (!kept.some((one) => one.id === id))
        throw new DataError({ code: "UNKNOWN_IMPORT", id: `${id}` }, `there is no import ${id}`);
      await this.store.write({ metadata: [[keyOf(id), null]] }, { sync: true });
      const swept = this.sweep(kept.filter((one) => one.id !== id));
      this.sweeping = swept.catch(() => undefined);
      await swept;
    });
  }

  /** Removes blocks that nobody lists; those that are left when a delivery begins go with the next removal. */
  private async sweep(kept: readonly Import[]): Promise<void> {
    const live = new CidSet();
    for (const { root } of kept) for await (const _ of walk(this.store, root, {}, live)) if (this.arriving > 0) return;
    let removed: Uint8Array[] = [];
    for await (const { cid } of this.store.everyBlock()) {
      if (this.arriving > 0) return;
      if (live.has(cid)) continue;
      removed.push(cid);
      if (removed.length < 1000) continue;
      await this.store.write({ removed });
      removed = [];
    }
    if (this.arriving === 0) await this.store.write({ removed });
  }

  /** Ends when what is under way has. */
  async close(): Promise<void> {
    await this.turns.idle();
    await this.store.close();
  }
}

function keyOf(id: number): string {
  if (!Number.isSafeInteger(id) || id < 0 || id > MAX_ID)
    throw new DataError({ code: "UNKNOWN_IMPORT", id: `${id}` }, `there is no import ${id}`);
  return `${PREFIX}${id.toString(16).padStart(14, "0")}`;
}

/** Writes blocks in batches; the last one is on the disk when it resolves. */
class Writer {
  private readonly store: BlockStore;
  private blocks: Block[] = [];
  private held = 0;
  private last: Promise<void> = Promise.resolve();

  constructor(store: BlockStore) {
    this.store = store;
  }

  async put(block: Block): Promise<void> {
    this.blocks.push(block);
    this.held += block.bytes.length;
    if (this.held >= BATCH_BYTES) await this.write({});
  }

  /** Writes what waits, together with facts. */
  async flush(metadata: readonly (readonly [string, Uint8Array])[] = []): Promise<void> {
    await this.write({ metadata }, true);
  }

  private write(more: { metadata?: readonly (readonly [string, Uint8Array])[] }, sync = false): Promise<void> {
    const { blocks } = this;
    this.blocks = [];
    this.held = 0;
    this.last = this.last.then(() => this.store.write({ ...more, blocks }, { sync }));
    return this.last;
  }
}
