/**
 * The ordered table of bytes that a platform keeps on its disk. `src/storage/table-store.ts` makes a block store of it.
 */

export type TableChange =
  | { readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly key: Uint8Array; readonly value: null };

export type Table = {
  /** Answers at once, or (a platform that cannot) is absent. */
  readonly peek?: (key: Uint8Array) => Uint8Array | undefined;
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  /** All entries whose key starts with `prefix`, in bytewise order. */
  range(prefix: Uint8Array): Promise<(readonly [key: Uint8Array, value: Uint8Array])[]>;
  /** Applies all changes or none; with `sync` they are on the disk when the promise resolves. */
  change(changes: readonly TableChange[], sync: boolean): Promise<void>;
  close(): Promise<void>;
};

/** Opens the table at `place` (a folder; in a browser a database name), making it if it is not there. */
export type OpenTable = (place: string) => Promise<Table>;

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
