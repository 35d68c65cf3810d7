/**
 * A disk that outlives its node's crashes, with what a crash may do to it: everything up to the last synced write is there
 * afterwards, of what was written since then a part in the order of writing; each batch is there as a whole or not at all.
 */
import type { Window } from "../platform/table.ts";
import type { Batch, Block, BlockStore, WriteOptions, WriteWatch } from "../storage/contract.ts";
import { MemoryStore } from "../storage/memory.ts";
import type { Life, VirtualClock } from "./clock.ts";
import type { Random } from "./random.ts";

/** Milliseconds that a synced write takes. */
const SYNC_MS = [2, 25] as const;

export class SimDisk {
  private readonly clock: VirtualClock;
  private readonly random: Random;
  private readonly store = new MemoryStore();
  /** What undoes each batch that was written and is not synced yet, in the order of writing. */
  private journal: Batch[] = [];

  /** `first`: what is on it from the beginning. */
  constructor(clock: VirtualClock, random: Random, first: Batch) {
    this.clock = clock;
    this.random = random;
    this.store.writeNow(first);
  }

  /** Batches that a crash could lose. */
  get unsynced(): number {
    return this.journal.length;
  }

  /** Bytes of the blocks on it. */
  get bytes(): number {
    return this.store.totalBytes;
  }

  /** Blocks on it. */
  get entries(): number {
    return this.store.size;
  }

  /** The disk for one life of its node: what is written after its end reaches nothing, and is never acknowledged. */
  mount(life: Life): BlockStore {
    this.recover();
    return new SimStore(this.store, life, this.clock, {
      write: (batch) => {
        this.journal.push(inverseOf(this.store, batch));
        this.store.writeNow(batch);
      },
      synced: () => {
        this.journal = [];
      },
      takes: () => this.random.between(...SYNC_MS),
    });
  }

  /** As after the power went: some of what was not synced is there. */
  private recover(): void {
    const kept = this.random.between(0, this.journal.length);
    for (const undo of this.journal.slice(kept).reverse()) this.store.writeNow(undo);
    this.journal = [];
  }
}

/** The batch that brings back what is there before `batch` is written. */
function inverseOf(store: MemoryStore, { blocks = [], removed = [], metadata = [] }: Batch): Batch {
  const gone: Block[] = [];
  for (const cid of removed) {
    const bytes = store.peek(cid);
    if (bytes !== undefined) gone.push({ cid, bytes });
  }
  return {
    blocks: gone,
    removed: blocks.filter(({ cid }) => store.peek(cid) === undefined).map(({ cid }) => cid),
    metadata: metadata.map(([name]) => [name, store.metadataNow(name) ?? null] as const),
  };
}

type Effects = { write(batch: Batch): void; synced(): void; takes(): number };

class SimStore implements BlockStore {
  private readonly live: MemoryStore;
  private readonly life: Life;
  private readonly clock: VirtualClock;
  private readonly effects: Effects;

  constructor(live: MemoryStore, life: Life, clock: VirtualClock, effects: Effects) {
    this.live = live;
    this.life = life;
    this.clock = clock;
    this.effects = effects;
  }

  peek(cid: Uint8Array): Uint8Array | undefined {
    return this.live.peek(cid);
  }

  get(cid: Uint8Array): Promise<Uint8Array | undefined> {
    return this.live.get(cid);
  }

  has(cid: Uint8Array): Promise<boolean> {
    return this.live.has(cid);
  }

  metadata(name: string): Promise<Uint8Array | undefined> {
    return this.live.metadata(name);
  }

  metadataWith(prefix: string): Promise<(readonly [string, Uint8Array])[]> {
    return this.live.metadataWith(prefix);
  }

  metadataBetween(low: string, high: string, window: Window): Promise<(readonly [string, Uint8Array])[]> {
    return this.live.metadataBetween(low, high, window);
  }

  everyBlock(): AsyncIterable<Block> {
    return this.live.everyBlock();
  }

  watchWrites(): WriteWatch {
    return this.live.watchWrites();
  }

  /** A synced write takes its time; another is there at once, for whoever reads. */
  write(batch: Batch, { sync = false }: WriteOptions = {}): Promise<void> {
    return new Promise((resolve) => {
      const land = (): void => {
        this.effects.write(batch);
        if (sync) this.effects.synced();
        resolve();
      };
      if (!this.life.alive) return;
      if (sync) this.clock.after(this.effects.takes(), land, this.life);
      else land();
    });
  }

  async close(): Promise<void> {}
}
