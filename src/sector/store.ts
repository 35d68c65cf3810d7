/**
 * Where a sector's files are: a replica, its labels and trees, addressed by name and byte range.
 *
 * Sealing and proving read and write windows of these files and hold nothing else, so that a store may be memory, a
 * directory, or something far away. Names follow the cache directories of the official implementation.
 */
import { SectorError } from "./params.ts";

export type SectorStore = {
  /** Exactly `length` bytes from `from`. Throws `MISSING_FILE`, `NOT_A_FILE`, or `BAD_LENGTH` beyond the end. */
  read(name: string, from: number, length: number): Promise<Uint8Array>;
  /** Writes at `from`, making the file or growing it with zeros as needed. */
  write(name: string, from: number, bytes: Uint8Array): Promise<void>;
  /** Bytes of the file, or null if there is none. */
  size(name: string): Promise<number | null>;
  /** Removes the file if there is one. */
  remove(name: string): Promise<void>;
};

/** The sector's data, Fr32-padded and aligned, as it is sealed. */
export const UNSEALED_FILE = "unsealed";
/** The replica. */
export const SEALED_FILE = "sealed";
export const TREE_D_FILE = "sc-02-data-tree-d.dat";
/** CommC and CommRLast, 32 bytes each. */
export const P_AUX_FILE = "p_aux";

export function layerFile(layer: number): string {
  return `sc-02-data-layer-${layer}.dat`;
}

/** One file for each base tree; without a number if there is only one. */
export function treeFile(tree: "c" | "r-last", index: number, count: number): string {
  return `sc-02-data-tree-${tree}${count > 1 ? `-${index}` : ""}.dat`;
}

/** A store in memory. */
export class MemorySectorStore implements SectorStore {
  readonly files = new Map<string, Uint8Array>();

  read(name: string, from: number, length: number): Promise<Uint8Array> {
    const file = this.files.get(name);
    if (file === undefined)
      return Promise.reject(new SectorError({ code: "MISSING_FILE", name }, `the sector has no file ${name}`));
    if (from + length > file.length) return Promise.reject(shortFile(name, file.length, from + length));
    return Promise.resolve(file.subarray(from, from + length));
  }

  write(name: string, from: number, bytes: Uint8Array): Promise<void> {
    const old = this.files.get(name) ?? new Uint8Array(0);
    let file = old;
    if (from + bytes.length > old.length) {
      // Room for twice as much keeps appending linear; the view shows only what was written.
      const needed = from + bytes.length;
      const room = old.buffer.byteLength >= needed ? old.buffer : new ArrayBuffer(Math.max(needed, 2 * old.length));
      file = new Uint8Array(room, 0, needed);
      if (room !== old.buffer) file.set(old);
    }
    file.set(bytes, from);
    this.files.set(name, file);
    return Promise.resolve();
  }

  size(name: string): Promise<number | null> {
    return Promise.resolve(this.files.get(name)?.length ?? null);
  }

  remove(name: string): Promise<void> {
    this.files.delete(name);
    return Promise.resolve();
  }

  names(): Promise<readonly string[]> {
    return Promise.resolve([...this.files.keys()]);
  }
}

/** Before the names of files of a sector's update, which lie beside those of its first replica. */
const UPDATE_PREFIX = "update-";

/** The files of a sector's update among all of the sector's: its new data, replica and trees, under the names that every sector's have. */
export function updateStore(store: SectorStore): SectorStore {
  const named = (name: string): string => `${UPDATE_PREFIX}${name}`;
  return {
    read: (name, from, length) => store.read(named(name), from, length),
    write: (name, from, bytes) => store.write(named(name), from, bytes),
    size: (name) => store.size(named(name)),
    remove: (name) => store.remove(named(name)),
  };
}

export function shortFile(name: string, length: number, expected: number): SectorError {
  return new SectorError(
    { code: "BAD_LENGTH", what: name, length, expected },
    `${name} has ${length} bytes, ${expected} are needed`,
  );
}
