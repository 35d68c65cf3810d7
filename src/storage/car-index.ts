/**
 * CAR files of any size, read where they lie: one pass notes where every block is, then blocks are fetched by CID.
 *
 * Memory: some 20 to 30 bytes a block, and one window of the file. The table holds 32 bits of a block's hash and its
 * place; the CID that stands there decides, so that equal hashes are only slow. Strict and bounded as `readCar`.
 */
import { equal } from "../base/bytes.ts";
import {
  badCar,
  CAR_HEAD,
  carPayload,
  cidLength,
  MAX_HEADER,
  MAX_SECTION,
  MAX_VARINT,
  readCarHeader,
  readVarint,
} from "./car.ts";
import type { Block, BlockSource } from "./contract.ts";

/** Bytes that can be read in any order: a file, or what was spooled into one. */
export type ByteSource = {
  readonly size: number;
  /** Bytes `[from, from + length)`; fewer at the end. */
  read(from: number, length: number): Promise<Uint8Array>;
};

export type IndexOptions = {
  /** Sees every block once, in the order of the file; throws to refuse it. Its arrays are views. */
  readonly onBlock?: (block: Block) => void;
  /** Bytes of the file that have been read, and all. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
};

/** Bytes read at a time in the pass; a section that is longer is read by itself. */
const WINDOW = 4 << 20;
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

/** A CAR file by CID. `peek` knows nothing: a file answers later. */
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
    const [begin, end] = carPayload(await source.read(0, CAR_HEAD), source.size);
    const window = new Window(source, end);
    const header = await window.section(begin, MAX_HEADER, "header");
    const roots = readCarHeader(header.bytes, header.start).map((root) => root.slice());
    const places = new Places();
    for (let at = header.next; at < end; ) {
      options.signal?.throwIfAborted();
      const { bytes, start, next } = await window.section(at, MAX_SECTION, "section");
      const length = cidLength(bytes, start);
      const cid = bytes.subarray(0, length);
      options.onBlock?.({ cid, bytes: bytes.subarray(length) });
      places.add(hashOf(cid), at);
      options.onProgress?.(next - begin, end - begin);
      at = next;
    }
    return new CarIndex(roots, source, end, places);
  }

  /** Blocks in the file; one that stands there twice counts twice. */
  get blocks(): number {
    return this.places.count;
  }

  peek(): undefined {
    return undefined;
  }

  async get(cid: Uint8Array): Promise<Uint8Array | undefined> {
    for (const at of this.places.of(hashOf(cid))) {
      const section = await this.section(at);
      const length = cidLength(section, at);
      if (equal(section.subarray(0, length), cid)) return section.slice(length);
    }
    return undefined;
  }

  private async section(at: number): Promise<Uint8Array> {
    const first = await this.source.read(at, Math.min(FIRST_READ, this.end - at));
    const [start, length] = readVarint(first, 0, at);
    // Bounds were checked in the pass; a file that changed since then is cut here and fails by its CID or length.
    if (length > MAX_SECTION) badCar(at, "the file changed while it was read");
    const bytes =
      start + length <= first.length
        ? first.subarray(start, start + length)
        : await this.source.read(at + start, length);
    return bytes.length === length ? bytes : badCar(at, "the file changed while it was read");
  }
}

type Section = { readonly bytes: Uint8Array; readonly start: number; readonly next: number };

/** Sections of a file in order, out of large reads. */
class Window {
  private readonly source: ByteSource;
  private readonly end: number;
  private from = 0;
  private held: Uint8Array = new Uint8Array(0);

  constructor(source: ByteSource, end: number) {
    this.source = source;
    this.end = end;
  }

  /** The section at `at`, without its length in front. */
  async section(at: number, most: number, name: string): Promise<Section> {
    const prefix = await this.bytes(at, Math.min(MAX_VARINT, this.end - at));
    const [skip, length] = readVarint(prefix, 0, at);
    const start = at + skip;
    if (length > most || start + length > this.end) badCar(at, `${name} of ${length} bytes`);
    return { bytes: await this.bytes(start, length), start, next: start + length };
  }

  private async bytes(at: number, length: number): Promise<Uint8Array> {
    if (at < this.from || at + length > this.from + this.held.length) {
      this.held = await this.source.read(at, Math.min(Math.max(WINDOW, length), this.end - at));
      this.from = at;
      if (this.held.length < length) badCar(at, "the file ends within a section");
    }
    return this.held.subarray(at - this.from, at - this.from + length);
  }
}
