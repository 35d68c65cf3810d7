/** A store in memory: for tests, short-lived networks, and as a layer over a slower store. */

import type { Window } from "../platform/table.ts";
import { cidKey } from "../types/cid.ts";
import {
  type Batch,
  type Block,
  type BlockSource,
  type BlockStore,
  StorageError,
  type WriteWatch,
  WriteWatches,
} from "./contract.ts";
import { OrderedNames } from "./ordered-names.ts";

export class MemoryStore implements BlockStore {
  private readonly blocks = new Map<string, Uint8Array>();
  private readonly table = new Map<string, Uint8Array>();
  private readonly names = new OrderedNames();
  private closed = false;
  /** Blocks written while a collection marks; null when none is under way. */
  private fresh: Set<string> | null = null;
  private bytes = 0;
  private readonly watches = new WriteWatches();
  private readonly below: BlockSource | undefined;

  /** `below` is asked for blocks that are not here; it is never written to. */
  constructor(below?: BlockSource) {
    this.below = below;
  }

  /** Number of blocks held here. */
  get size(): number {
    return this.blocks.size;
  }

  peek(cid: Uint8Array): Uint8Array | undefined {
    this.check();
    return this.blocks.get(cidKey(cid)) ?? this.below?.peek(cid);
  }

  async get(cid: Uint8Array): Promise<Uint8Array | undefined> {
    return this.peek(cid) ?? (await this.below?.get(cid));
  }

  async has(cid: Uint8Array): Promise<boolean> {
    return (await this.get(cid)) !== undefined;
  }

  async metadata(name: string): Promise<Uint8Array | undefined> {
    return this.metadataNow(name);
  }

  /** `metadata` without the promise. */
  metadataNow(name: string): Uint8Array | undefined {
    this.check();
    return this.table.get(name);
  }

  async metadataWith(prefix: string): Promise<(readonly [string, Uint8Array])[]> {
    this.check();
    return this.names.starting(prefix).map((name) => [name, this.table.get(name) as Uint8Array] as const);
  }

  /** Both bounds must have the same folder (the name up to its last "/"). */
  async metadataBetween(low: string, high: string, window: Window): Promise<(readonly [string, Uint8Array])[]> {
    this.check();
    const names = this.names.between(low, high, window.limit, window.descending);
    return names.map((name) => [name, this.table.get(name) as Uint8Array] as const);
  }

  async write(batch: Batch): Promise<void> {
    this.writeNow(batch);
  }

  /** `write` without the promise. */
  writeNow(batch: Batch): void {
    this.check();
    for (const block of batch.blocks ?? []) {
      const key = cidKey(block.cid);
      this.bytes += block.bytes.length - (this.blocks.get(key)?.length ?? 0);
      this.blocks.set(key, compact(block.bytes));
      this.fresh?.add(key);
      this.watches.note(block.cid);
    }
    for (const cid of batch.removed ?? []) {
      const key = cidKey(cid);
      this.bytes -= this.blocks.get(key)?.length ?? 0;
      this.blocks.delete(key);
    }
    for (const [name, value] of batch.metadata ?? []) {
      if (value === null) {
        this.table.delete(name);
        this.names.remove(name);
      } else {
        this.table.set(name, compact(value));
        this.names.add(name);
      }
    }
  }

  /** Bytes of all blocks held here. */
  get totalBytes(): number {
    return this.bytes;
  }

  watchWrites(): WriteWatch {
    return this.watches.start();
  }

  /** Begins a collection: what is written from now on outlives it. */
  startCollection(): void {
    this.fresh = new Set();
  }

  /** Ends a collection: forgets every block that is neither `live` (by `cidKey`) nor written since it began. */
  endCollection(live: ReadonlySet<string>): number {
    const fresh = this.fresh ?? new Set();
    this.fresh = null;
    let removed = 0;
    for (const [key, bytes] of this.blocks) {
      if (live.has(key) || fresh.has(key)) continue;
      this.blocks.delete(key);
      this.bytes -= bytes.length;
      removed++;
    }
    return removed;
  }

  /** Every block held here. */
  *entries(): Generator<{ readonly key: string; readonly bytes: Uint8Array }> {
    for (const [key, bytes] of this.blocks) yield { key, bytes };
  }

  async *everyBlock(): AsyncGenerator<Block> {
    this.check();
    for (const [key, bytes] of this.blocks) yield { cid: Uint8Array.from(key, (c) => c.charCodeAt(0)), bytes };
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  private check(): void {
    if (this.closed) throw new StorageError({ code: "CLOSED" }, "the store is closed");
  }
}

/** The bytes, in a buffer of their own if theirs is much larger: a small view would keep all of it from being freed. */
function compact(bytes: Uint8Array): Uint8Array {
  return bytes.buffer.byteLength > 2 * bytes.length ? new Uint8Array(bytes) : bytes;
}
