/**
 * A store whose facts can be taken back to an earlier moment. Blocks need not be: they are what their CIDs say, and those
 * that nothing names any more are for a collection to find.
 *
 * `mark` begins a layer, which notes of each fact the value that it had, before it is written for the first time. Taking
 * back writes those values again, in one batch, so that a process that is killed meanwhile has all of it done or nothing.
 * Layers are nested; they live as long as the process. Without layers every write goes straight through.
 */
import { Turns } from "../base/turns.ts";
import type { Window } from "../platform/table.ts";
import type { Batch, Block, BlockStore, WriteOptions, WriteWatch } from "./contract.ts";

type Facts = NonNullable<Batch["metadata"]>;
/** Values before the first write in the layer; null: there was none. */
type Layer = Map<string, Uint8Array | null>;
/** A moment to which facts can be taken back. */
export type Mark = ReadonlyMap<string, Uint8Array | null>;

export class UndoStore implements BlockStore {
  readonly inner: BlockStore;
  private readonly stays: (name: string) => boolean;
  private readonly layers: Layer[] = [];
  /** Writes of facts follow one another while there are layers. */
  private readonly turns = new Turns();
  private waiting = 0;
  private readonly underWay = new Set<Promise<void>>();

  /** `stays`: names of facts that are never taken back. */
  constructor(inner: BlockStore, stays: (name: string) => boolean) {
    this.inner = inner;
    this.stays = stays;
  }

  /** From now on facts can be taken back to what they are now. */
  mark(): Mark {
    const layer: Layer = new Map();
    this.layers.push(layer);
    // What was begun before is before the mark: nobody reads an old value until it is written.
    const earlier = [...this.underWay];
    if (earlier.length > 0) void this.turns.run(async () => void (await Promise.allSettled(earlier)));
    return layer;
  }

  /** Forgets the newest mark: what was written since stays. */
  forget(mark: Mark): void {
    const top = this.layers.pop();
    if (top === undefined || top !== mark) throw new Error("only the newest mark can be forgotten");
    const below = this.layers.at(-1);
    if (below !== undefined) for (const [name, value] of top) if (!below.has(name)) below.set(name, value);
  }

  /**
   * Takes the facts back to a mark. The marks after it are over, and it is too unless `keep`. `work` is given the write that
   * does it, and the names of what changes; nothing else is written meanwhile.
   */
  takeBack(
    mark: Mark,
    keep: boolean,
    work: (write: (options: WriteOptions) => Promise<void>, names: ReadonlySet<string>) => Promise<void>,
  ): Promise<void> {
    return this.turn(async () => {
      const at = this.layers.indexOf(mark as Layer);
      if (at < 0) throw new Error("there is no such mark");
      const values = new Map<string, Uint8Array | null>();
      for (const layer of this.layers.slice(at).reverse()) for (const [name, value] of layer) values.set(name, value);
      const metadata: Facts = [...values];
      await work(async (options) => {
        await this.inner.write({ metadata }, options);
        this.layers.splice(keep ? at + 1 : at);
        if (keep) this.layers[at]?.clear();
      }, new Set(values.keys()));
    });
  }

  async write(batch: Batch, options?: WriteOptions): Promise<void> {
    const names = (batch.metadata ?? []).map(([name]) => name).filter((name) => !this.stays(name));
    if (names.length === 0) return this.inner.write(batch, options);
    if (this.layers.length === 0 && this.waiting === 0) {
      const writing = this.inner.write(batch, options).finally(() => this.underWay.delete(writing));
      this.underWay.add(writing);
      return writing;
    }
    return this.turn(async () => {
      const top = this.layers.at(-1);
      if (top !== undefined)
        for (const name of names) if (!top.has(name)) top.set(name, (await this.inner.metadata(name)) ?? null);
      await this.inner.write(batch, options);
    });
  }

  private async turn(work: () => Promise<void>): Promise<void> {
    this.waiting++;
    try {
      await this.turns.run(work);
    } finally {
      this.waiting--;
    }
  }

  // All else is the store's beneath.

  peek(cid: Uint8Array): Uint8Array | undefined {
    return this.inner.peek(cid);
  }

  get(cid: Uint8Array): Promise<Uint8Array | undefined> {
    return this.inner.get(cid);
  }

  has(cid: Uint8Array): Promise<boolean> {
    return this.inner.has(cid);
  }

  metadata(name: string): Promise<Uint8Array | undefined> {
    return this.inner.metadata(name);
  }

  metadataWith(prefix: string): Promise<(readonly [string, Uint8Array])[]> {
    return this.inner.metadataWith(prefix);
  }

  metadataBetween(low: string, high: string, window: Window): Promise<(readonly [string, Uint8Array])[]> {
    return this.inner.metadataBetween(low, high, window);
  }

  everyBlock(): AsyncIterable<Block> {
    return this.inner.everyBlock();
  }

  watchWrites(): WriteWatch {
    return this.inner.watchWrites();
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}
