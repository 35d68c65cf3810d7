/**
 * What a store of blocks and its small table of metadata must do. Implementations: `memory.ts`, and per platform level
 * (Node, Deno) and IndexedDB (browser); all pass the suite in `test/compliance/`.
 *
 * - `peek` answers at once or not at all; a store that can only answer later returns undefined and `get` finds it.
 * - `write` is atomic: after a crash either everything of a batch is there or nothing.
 * - with `sync` the batch has reached the disk when the promise resolves.
 * - a write that failed leaves the store as after a crash: what was acknowledged before is there, and stays there.
 * - bytes read back are checked against what was written; a mismatch throws `StorageError` CORRUPT, never wrong data.
 */
import { FilError } from "../base/errors.ts";
import type { Window } from "../platform/table.ts";
import type { Block } from "../types/cid.ts";
import { CidSet } from "./cid-set.ts";

export type StorageErrorData =
  /** A value does not match its checksum. */
  | { readonly code: "CORRUPT"; readonly key: string }
  | { readonly code: "CLOSED" }
  /** The codes of `TableErrorData`, in `src/platform/table.ts`. */
  | {
      readonly code: "LOCKED" | "MISSING" | "FOREIGN" | "DAMAGED" | "BEHIND" | "FAILED";
      readonly place: string;
    };
export class StorageError extends FilError<StorageErrorData> {}

export type { Block };

/** Where blocks come from: all that execution needs. */
export type BlockSource = {
  peek(cid: Uint8Array): Uint8Array | undefined;
  get(cid: Uint8Array): Promise<Uint8Array | undefined>;
};

export type Batch = {
  readonly blocks?: readonly Block[];
  /** Binary CIDs of blocks that go. */
  readonly removed?: readonly Uint8Array[];
  /** Facts by name; null removes one. */
  readonly metadata?: readonly (readonly [name: string, value: Uint8Array | null])[];
};

/** A batch that only adds blocks. */
export type Additions = Required<Omit<Batch, "removed">>;

export type WriteOptions = {
  /** The batch has reached the disk when the promise resolves. */
  readonly sync?: boolean;
  /** What the batch reaches, in words ("head at epoch 7"): names what a store that was cut short has lost. */
  readonly note?: string;
};

/** Notes which blocks are written while it runs. */
export type WriteWatch = { has(cid: Uint8Array): boolean; stop(): void };

export type BlockStore = BlockSource & {
  has(cid: Uint8Array): Promise<boolean>;
  metadata(name: string): Promise<Uint8Array | undefined>;
  /** Names and values of the metadata that start with `prefix`, in the order of their names. */
  metadataWith(prefix: string): Promise<(readonly [name: string, value: Uint8Array])[]>;
  /** Facts with `low <= name < high` in the order of UTF-8: the first `limit`, or from the last downwards. */
  metadataBetween(low: string, high: string, window: Window): Promise<(readonly [name: string, value: Uint8Array])[]>;
  /** Every block, in no order that means anything; what is written meanwhile may be among them or not. */
  everyBlock(): AsyncIterable<Block>;
  /** From now on, CIDs of blocks as `write` is called with them: what a collection must not take. */
  watchWrites(): WriteWatch;
  write(batch: Batch, options?: WriteOptions): Promise<void>;
  close(): Promise<void>;
};

/** The watches of a store. */
export class WriteWatches {
  private readonly open = new Set<CidSet>();

  start(): WriteWatch {
    const seen = new CidSet();
    this.open.add(seen);
    return { has: (cid) => seen.has(cid), stop: () => void this.open.delete(seen) };
  }

  note(cid: Uint8Array): void {
    for (const seen of this.open) seen.add(cid);
  }
}
