/**
 * CAR files of any size, read where they lie: one pass notes where every block is, then blocks are fetched by CID.
 *
 * Memory: some 20 to 30 bytes a block, and one window of the file. The table holds 32 bits of a block's hash and its
 * place; the CID that stands there decides, so that equal hashes are only slow. Strict and bounded as `readCar`.
 */
import { equal } from "../base/bytes.ts";
import { badCar, cidLength, MAX_SECTION, readVarint } from "./car.ts";
import { type ByteSource, CarReader } from "./car-reader.ts";
import type { Block, BlockSource } from "./contract.ts";

export type { ByteSource };

export type IndexOptions = {
  /** Sees every block once, in the order of the file; throws to refuse it. Its arrays are views. */
  readonly onBlock?: (block: Block) => void;
  /** Bytes of the file that have been read, and all. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
  /** Of the source, where some of it was read already, which is passed over. */
  readonly reader?: CarReader;
};

/** Bytes read for a block at first: enough for most. */
const FIRST_READ = 4096;
const EMPTY = -1;
const FIRST_SLOTS = 1 << 10;

/** Where blocks are: open addressing, at most two thirds full. */
class Places {
  private hashes = new Uint32Array(FIRST_SLOTS);
  private places = new Float64Array(FIRST_SLOTS).fill(EMPTY);
  count = 0;

  add(hash: number, place: number): void {
    if (3 * (this.count + 1) > 2 * this.places.length) this.grow();
    this.put(hash, place);
    this.count++;
  }

  /** Places of all blocks with this hash. */
  *of(hash: number): Generator<number> {
    const mask = this.places.length - 1;
    for (let slot = hash & mask; this.places[slot] !== EMPTY; slot = (slot + 1) & mask)
      if (this.hashes[slot] === hash) yield this.places[slot] as number;
  }

  private put(hash: number, place: number): void {
    const mask = this.places.length - 1;
    let slot = hash & mask;
    while (this.places[slot] !== EMPTY) slot = (slot + 1) & mask;
    this.hashes[slot] = hash;
    this.places[slot] = place;
  }

  private grow(): void {
    const { hashes, places } = this;
    this.hashes = new Uint32Array(2 * places.length);
    this.places = new Float64Array(2 * places.length).fill(EMPTY);
    places.forEach((place, slot) => {
      if (place !== EMPTY) this.put(hashes[slot] as number, place);
    });
  }
}

/** The last bytes of a CID are a digest's, mostly: as good as a hash; mixed for those that are not. */
function hashOf(cid: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let i = Math.max(0, cid.length - 8); i < cid.length; i++)
    hash = Math.imul(hash ^ (cid[i] as number), 0x01000193) >>> 0;
  return hash;
}

/** A CAR file by CID. */
export class CarIndex implements BlockSource {
  /** Binary CIDs. */
  readonly roots: readonly Uint8Array[];
  private readonly source: ByteSource;
  private readonly end: number;
  private readonly places: Places;

  private constructor(roots: readonly Uint8Array[], source: ByteSource, end: number, places: Places) {
    this.roots = roots;
    this.source = source;
    this.end = end;
    this.places = places;
  }

  /** Reads the file once. Throws `CarError`, and what `onBlock` throws. */
  static async open(source: ByteSource, options: IndexOptions = {}): Promise<CarIndex> {
    const reader = options.reader ?? (await CarReader.open(source));
    const { begin, end } = reader;
    const places = new Places();
    for (let one = await reader.next(); one !== null; one = await reader.next()) {
      options.signal?.throwIfAborted();
      options.onBlock?.(one.block);
      places.add(hashOf(one.block.cid), one.at);
      options.onProgress?.(reader.at - begin, end - begin);
    }
    return new CarIndex(reader.roots, source, end, places);
  }

  /** Blocks in the file; one that stands there twice counts twice. */
  get blocks(): number {
    return this.places.count;
  }

  /** At once where the source can; else nothing is known at once. */
  peek(cid: Uint8Array): Uint8Array | undefined {
    const { source } = this;
    if (source.readNow === undefined) return undefined;
    for (const at of this.places.of(hashOf(cid))) {
      const first = source.readNow(at, this.firstLength(at));
      const { start, length, isWhole } = this.boundsIn(first, at);
      const bytes = isWhole ? first.subarray(start, start + length) : source.readNow(at + start, length);
      const found = this.blockIn(bytes, length, at, cid);
      if (found !== null) return found;
    }
    return undefined;
  }

  async get(cid: Uint8Array): Promise<Uint8Array | undefined> {
    for (const at of this.places.of(hashOf(cid))) {
      const first = await this.source.read(at, this.firstLength(at));
      const { start, length, isWhole } = this.boundsIn(first, at);
      const bytes = isWhole ? first.subarray(start, start + length) : await this.source.read(at + start, length);
      const found = this.blockIn(bytes, length, at, cid);
      if (found !== null) return found;
    }
    return undefined;
  }

  private firstLength(at: number): number {
    return Math.min(FIRST_READ, this.end - at);
  }

  /** Where a section lies, of which the first bytes were read. */
  private boundsIn(first: Uint8Array, at: number) {
    const [start, length] = readVarint(first, 0, at);
    // Bounds were checked in the pass; a file that changed since then is cut here and fails by its CID or length.
    if (length > MAX_SECTION) badCar(at, "the file changed while it was read");
    return { start, length, isWhole: start + length <= first.length };
  }

  /** The block of a section if it is the one; null for another. */
  private blockIn(section: Uint8Array, length: number, at: number, cid: Uint8Array): Uint8Array | null {
    if (section.length !== length) badCar(at, "the file changed while it was read");
    const end = cidLength(section, at);
    return equal(section.subarray(0, end), cid) ? section.slice(end) : null;
  }
}
