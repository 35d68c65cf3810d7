/** Buckets in the module's memory that are emptied into one file, each into its own part of it. */
import type { Proofs } from "../../core/proofs.ts";
import { SectorError } from "../params.ts";
import type { SectorStore } from "../store.ts";
import { RESERVE } from "./paging-plan.ts";

export type BucketPlace = {
  /** A u32 for each bucket, and room for `count` · `capacity` entries. */
  readonly fills: number;
  readonly entries: number;
  readonly count: number;
  readonly capacity: number;
  readonly entryBytes: number;
};

export class Buckets {
  readonly place: BucketPlace;
  private readonly proofs: Proofs;
  private readonly store: SectorStore;
  private readonly file: string;
  /** Where each bucket's part of the file begins, and one more: the end. In entries. */
  private readonly offsets: ArrayLike<number>;
  private readonly written: Float64Array;

  /** Empty buckets over memory that may hold anything. */
  constructor(proofs: Proofs, store: SectorStore, file: string, place: BucketPlace, offsets: ArrayLike<number>) {
    this.proofs = proofs;
    this.store = store;
    this.file = file;
    this.place = place;
    this.offsets = offsets;
    this.written = new Float64Array(place.count);
    proofs.instance.wipe(place.fills, 4 * place.count);
  }

  /**
   * Runs `fill` until it has done `total` steps: it is given those done, does some, and returns how many; whenever it
   * stops early a bucket is full, and the full ones are emptied.
   */
  async fillBy(total: number, fill: (done: number) => number): Promise<void> {
    for (let done = 0; done < total; ) {
      done += fill(done);
      if (done < total) await this.empty(this.place.capacity - RESERVE);
    }
    // The next call must find room too.
    await this.empty(this.place.capacity - RESERVE);
  }

  /** Empties all buckets, or only bucket `only`. */
  flush(only?: number): Promise<void> {
    return this.empty(0, only);
  }

  /** Empties buckets that hold more than `above` entries. */
  private async empty(above: number, only?: number): Promise<void> {
    const { fills, entries, count, capacity, entryBytes } = this.place;
    const { instance } = this.proofs;
    const bytes = instance.read(fills, 4 * count);
    const held = new Uint32Array(bytes.buffer);
    const writes: Promise<void>[] = [];
    for (let b = only ?? 0; b < (only === undefined ? count : only + 1); b++) {
      const fill = held[b] as number;
      if (fill <= above) continue;
      const at = (this.offsets[b] as number) + (this.written[b] as number);
      if (at + fill > (this.offsets[b + 1] as number))
        throw new SectorError(
          { code: "BAD_LENGTH", what: this.file, length: at + fill, expected: this.offsets[b + 1] as number },
          `part ${b} of ${this.file} overflows`,
        );
      const data = instance.read(entries + b * capacity * entryBytes, fill * entryBytes);
      writes.push(this.store.write(this.file, at * entryBytes, data));
      this.written[b] = (this.written[b] as number) + fill;
      instance.wipe(fills + 4 * b, 4);
      if (writes.length === WRITES) await Promise.all(writes.splice(0));
    }
    await Promise.all(writes);
  }
}

/** Writes under way at a time. */
const WRITES = 16;

/** The bytes `[from, from + length)` of a file in pieces of `piece`, each asked for while the one before is in use. */
export async function* pieces(
  store: SectorStore,
  name: string,
  from: number,
  length: number,
  piece: number,
): AsyncGenerator<{ readonly bytes: Uint8Array; readonly at: number }> {
  const ask = (at: number): Promise<Uint8Array> => {
    const read = store.read(name, from + at, Math.min(piece, length - at));
    // A reader that stops leaves the piece ahead unread; its failure is nobody's.
    read.catch(() => undefined);
    return read;
  };
  if (length === 0) return;
  let ahead = ask(0);
  for (let at = 0; at < length; at += piece) {
    const bytes = await ahead;
    if (at + piece < length) ahead = ask(at + piece);
    yield { bytes, at };
  }
}
