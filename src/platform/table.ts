/**
 * The ordered table of bytes that a platform keeps on its disk. `src/storage/table-store.ts` makes a block store of it.
 */
import { FilError } from "../base/errors.ts";

export type TableErrorData = {
  /**
   * LOCKED: another process has it. MISSING: there is none, and none was to be made. FOREIGN: the folder holds other
   * things than ours. DAMAGED: files are missing, cut or changed. BEHIND: it has lost writes that were acknowledged.
   * FAILED: the system refused (`cause` says why).
   */
  readonly code: "LOCKED" | "MISSING" | "FOREIGN" | "DAMAGED" | "BEHIND" | "FAILED";
  readonly place: string;
};
export class TableError extends FilError<TableErrorData> {}

export type TableChange =
  | { readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly key: Uint8Array; readonly value: null };

export type ChangeOptions = {
  /** The changes are on the disk when the promise resolves. */
  readonly sync?: boolean;
  /** What these changes reach, in words ("head at epoch 7"): names what a damaged table has lost. */
  readonly note?: string;
};

/** Which part of an ordered range is wanted. */
export type Window = {
  /** Most entries that are given, at least 1. */
  readonly limit: number;
  /** Whether they are taken from the end, the last first. */
  readonly descending: boolean;
};

export type Table = {
  /** Answers at once, or (a platform that cannot) is absent; undefined also where `get` may know more. */
  readonly peek?: (key: Uint8Array) => Uint8Array | undefined;
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  /** All entries whose key starts with `prefix`, in bytewise order. */
  range(prefix: Uint8Array): Promise<(readonly [key: Uint8Array, value: Uint8Array])[]>;
  /** Entries with `low <= key < high`, bytewise: the first `limit` of them, or from the last downwards. */
  between(
    low: Uint8Array,
    high: Uint8Array,
    window: Window,
  ): Promise<(readonly [key: Uint8Array, value: Uint8Array])[]>;
  /** Applies all changes or none. Calls take effect in their order. After a failure the table heals itself or refuses. */
  change(changes: readonly TableChange[], options?: ChangeOptions): Promise<void>;
  close(): Promise<void>;
};

export type OpenOptions = {
  /** Whether a table is made where there is none (default: yes). */
  readonly create?: boolean;
  /** Empties an existing table of ours, once it is locked. */
  readonly reset?: boolean;
  /** Takes a damaged table as far as it can be read, and accepts what it has lost. */
  readonly repair?: boolean;
  /** Most values are some hundred KiB or more: the table is kept in a form that takes less memory, and reads short ones slower. */
  readonly longValues?: boolean;
};

/** Opens the table at `place` (a folder; in a browser a database name). Throws `TableError`. */
export type OpenTable = (place: string, options?: OpenOptions) => Promise<Table>;

/** The first key after all that start with `prefix`; undefined when there is none. */
export function afterPrefix(prefix: Uint8Array): Uint8Array | undefined {
  for (let end = prefix.length; end > 0; end--) {
    const last = prefix[end - 1] as number;
    if (last === 0xff) continue;
    const out = prefix.slice(0, end);
    out[end - 1] = last + 1;
    return out;
  }
  return undefined;
}
