/**
 * A block store over a platform's table.
 *
 * Keys: "b" and the binary CID, "f" and the UTF-8 name of a stored. Values: CRC-32 of the key and the bytes (4 bytes,
 * little-endian), then the bytes. The checksum catches torn and rotten values; that bytes match their CID is for
 * whoever brings them from outside to check.
 */
import { concat, fromUtf8, toHex, utf8 } from "../base/bytes.ts";
import { crc32 } from "../base/crc32.ts";
import { checkNames, type OptionNames } from "../base/options.ts";
import {
  type OpenOptions,
  type OpenTable,
  type Table,
  type TableChange,
  TableError,
  type Window,
} from "../platform/table.ts";
import {
  type Batch,
  type Block,
  type BlockStore,
  StorageError,
  type WriteOptions,
  type WriteWatch,
  WriteWatches,
} from "./contract.ts";

const BLOCK = 0x62;
const FACT = 0x66;
/** Blocks that are read at once when all are. */
const PAGE = 64;

function keyOf(kind: number, name: Uint8Array): Uint8Array {
  const key = new Uint8Array(name.length + 1);
  key[0] = kind;
  key.set(name, 1);
  return key;
}

function seal(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(4 + bytes.length);
  new DataView(out.buffer).setUint32(0, crc32(bytes, crc32(key)), true);
  out.set(bytes, 4);
  return out;
}

function unseal(key: Uint8Array, value: Uint8Array): Uint8Array {
  const bytes = value.subarray(4);
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  if (value.length < 4 || view.getUint32(0, true) !== crc32(bytes, crc32(key)))
    throw new StorageError(
      { code: "CORRUPT", key: toHex(key) },
      "a stored value does not match its checksum; restore the folder from a copy, or start with --reset to begin anew (that removes its keys, too)",
    );
  return bytes;
}

const OPTIONS: OptionNames<OpenOptions> = { create: true, reset: true, repair: true, longValues: true };

export class TableStore implements BlockStore {
  private readonly table: Table;
  private readonly watches = new WriteWatches();

  private constructor(table: Table) {
    this.table = table;
  }

  /** Opens the store at `place` with a platform's `openTable`. Throws `StorageError`, `OptionError`. */
  static async open(place: string, openTable: OpenTable, options?: OpenOptions): Promise<TableStore> {
    if (options !== undefined) checkNames("TableStore.open", options, OPTIONS);
    try {
      return new TableStore(await openTable(place, options));
    } catch (cause) {
      throw storageError(cause, place);
    }
  }

  peek(cid: Uint8Array): Uint8Array | undefined {
    if (this.table.peek === undefined) return undefined;
    const key = keyOf(BLOCK, cid);
    try {
      const value = this.table.peek(key);
      return value === undefined ? undefined : unseal(key, value);
    } catch (cause) {
      throw storageError(cause);
    }
  }

  get(cid: Uint8Array): Promise<Uint8Array | undefined> {
    return this.read(keyOf(BLOCK, cid));
  }

  async has(cid: Uint8Array): Promise<boolean> {
    return (await this.get(cid)) !== undefined;
  }

  metadata(name: string): Promise<Uint8Array | undefined> {
    return this.read(keyOf(FACT, utf8(name)));
  }

  async metadataWith(prefix: string): Promise<(readonly [string, Uint8Array])[]> {
    const found = await this.table.range(keyOf(FACT, utf8(prefix))).catch(rethrow);
    return found.map(([key, value]) => [fromUtf8(key.subarray(1)), unseal(key, value)] as const);
  }

  async metadataBetween(low: string, high: string, window: Window): Promise<(readonly [string, Uint8Array])[]> {
    const found = await this.table.between(keyOf(FACT, utf8(low)), keyOf(FACT, utf8(high)), window).catch(rethrow);
    return found.map(([key, value]) => [fromUtf8(key.subarray(1)), unseal(key, value)] as const);
  }

  async *everyBlock(): AsyncGenerator<Block> {
    const end = Uint8Array.of(BLOCK + 1);
    for (let low: Uint8Array = Uint8Array.of(BLOCK); ; ) {
      const page = await this.table.between(low, end, { limit: PAGE, descending: false }).catch(rethrow);
      for (const [key, value] of page) yield { cid: key.subarray(1), bytes: unseal(key, value) };
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return;
      low = concat(last[0], Uint8Array.of(0));
    }
  }

  watchWrites(): WriteWatch {
    return this.watches.start();
  }

  async write(batch: Batch, options?: WriteOptions): Promise<void> {
    const changes: TableChange[] = [];
    for (const { cid, bytes } of batch.blocks ?? []) {
      const key = keyOf(BLOCK, cid);
      changes.push({ key, value: seal(key, bytes) });
      this.watches.note(cid);
    }
    for (const cid of batch.removed ?? []) changes.push({ key: keyOf(BLOCK, cid), value: null });
    for (const [name, value] of batch.metadata ?? []) {
      const key = keyOf(FACT, utf8(name));
      changes.push({ key, value: value === null ? null : seal(key, value) });
    }
    await this.table.change(changes, options).catch(rethrow);
  }

  close(): Promise<void> {
    return this.table.close();
  }

  private async read(key: Uint8Array): Promise<Uint8Array | undefined> {
    const value = await this.table.get(key).catch(rethrow);
    return value === undefined ? undefined : unseal(key, value);
  }
}

function rethrow(cause: unknown): never {
  throw storageError(cause);
}

/** A table's error as the store's. */
function storageError(cause: unknown, place = ""): unknown {
  if (cause instanceof StorageError) return cause;
  if (cause instanceof TableError) return new StorageError(cause.data, cause.message, { cause: cause.cause });
  const why = cause instanceof Error ? cause.message : String(cause);
  return new StorageError({ code: "FAILED", place }, `the store fails: ${why}`, { cause });
}
