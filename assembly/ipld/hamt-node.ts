/**
 * One node of a HAMT and its wire forms.
 *
 * A node is a sparse table of at most 2^width pointers: bit i of the bitfield says that slot i is present, and the
 * pointers of the present slots follow in order. A pointer is a link to a child node or a bucket of one to three
 * key-value pairs.
 *
 *   node      [bitfield: bytes, [pointer ...]]     the bitfield is a big-endian number without leading zeros
 *   pointer   early:    {"0": link} or {"1": [[key, value] ...]}
 *             current:  link or [[key, value] ...]
 *   key       bytes; value any one CBOR item
 *
 * Rule sets: 0 is go-hamt-ipld v0.1.5 (actors v0), 2 is go-hamt-ipld/v2 v2.0.0 (actors v2), 3 is the present one
 * (go-hamt-ipld/v3 and later). What is checked on loading differs: rule set 0 trusts its blocks, 2 and 3 insist on the
 * canonical form (sorted buckets, no node that would fit into a bucket of its parent).
 */
import { Bytes, bytesAt, compareAt, EMPTY, ptrOf } from "../base/bytes";
import { CBOR_BAD_VALUE, CborReader } from "./cbor-reader";
import { CborWriter } from "./cbor-writer";
import { Cid, codecAt, CODEC_DAG_CBOR } from "./cid";

/** Most pairs in a bucket. */
export const HAMT_BUCKET: i32 = 3;
/** Widest supported node: 64 pointers. Filecoin uses 5 (and 6 for a few later maps). */
export const HAMT_MAX_WIDTH: i32 = 6;
/** Longest bitfield that the early readers let pass, leading zeros included. */
const MAX_BITFIELD_BYTES: u64 = 256;

@final
export class HamtEntry {
  constructor(
    readonly key: Bytes,
    public value: Bytes,
  ) {}
}

/** Of pointers that are links. */
const NO_ENTRIES: Array<HamtEntry> = [];

@final
export class HamtPointer {
  /** Link of the child as last written; null for a bucket, and for a new child under rule set 3. */
  link: Cid | null = null;
  /** The child, once loaded or made. */
  child: HamtNode | null = null;
  /** Rule set 3: the child differs from what the link leads to. */
  dirty: bool = false;

  constructor(readonly entries: Array<HamtEntry> = NO_ENTRIES) {}

  // @ts-ignore: decorator
  @inline
  get isShard(): bool {
    return this.link !== null || this.child !== null;
  }
}

const NO_SPANS: StaticArray<u32> = [];
/** In the second half of a span: bits of the size, above which stands the number of a bucket's pairs, 0 for a link. */
const SIZE_BITS: u32 = 30;
const SIZE_MASK: u32 = (1 << SIZE_BITS) - 1;

/**
 * A node. Of one that was read, a pointer becomes an object when it is asked for; the others are passed on as the bytes that
 * they are, which is their one wire form (readers take no other). Most changes touch one pointer of a node.
 */
@final
export class HamtNode {
  /** What is wrong with it, when it was read; empty for a sound node. */
  fault: string = "";
  /** Number of pointers that are bytes of the block still. */
  private unopened: i32 = 0;

  constructor(
    public bits: u64 = 0,
    private readonly pointers: Array<HamtPointer | null> = [],
    private block: Bytes = EMPTY,
    /** Of each pointer that the block has, where it begins there, and its size and kind. */
    private spans: StaticArray<u32> = NO_SPANS,
    /** Rule set that it was read by. */
    private readonly version: i32 = 0,
  ) {
    this.unopened = spans.length >> 1;
  }

  /** Number of pointers. */
  get size(): i32 {
    return this.pointers.length;
  }

  has(slot: i32): bool {
    return ((this.bits >> slot) & 1) != 0;
  }

  /** Position among the pointers of a slot. */
  position(slot: i32): i32 {
    return <i32>popcnt<u64>(this.bits & (((<u64>1) << slot) - 1));
  }

  /** The pointer at a position. */
  pointer(at: i32): HamtPointer {
    const known = this.pointers[at];
    if (known !== null) return known;
    const pointer = readPointer(this.block, <i32>this.spans[at << 1], this.version);
    this.pointers[at] = pointer;
    this.unopened--;
    if (this.unopened == 0) this.letGo();
    return pointer;
  }

  /** The pointer at a position if it is an object already: only such a one has a child or was changed. */
  opened(at: i32): HamtPointer | null {
    return this.pointers[at];
  }

  replace(at: i32, pointer: HamtPointer): void {
    this.pointers[at] = pointer;
  }

  insert(slot: i32, pointer: HamtPointer): void {
    this.openAll();
    const at = this.position(slot);
    const pointers = this.pointers;
    pointers.push(pointer);
    for (let i = pointers.length - 1; i > at; i--) pointers[i] = pointers[i - 1];
    pointers[at] = pointer;
    this.bits |= (<u64>1) << slot;
  }

  remove(slot: i32): void {
    this.openAll();
    const at = this.position(slot);
    const pointers = this.pointers;
    for (let i = at; i < pointers.length - 1; i++) pointers[i] = pointers[i + 1];
    pointers.pop();
    this.bits &= ~((<u64>1) << slot);
  }

  /** Positions change: from now on no pointer is looked up in the block. */
  private openAll(): void {
    for (let i = 0; i < this.pointers.length; i++) this.pointer(i);
  }

  /** All pointers are objects: the block, which a walk over a large map would hold beside them, is not needed. */
  private letGo(): void {
    this.block = EMPTY;
    this.spans = NO_SPANS;
  }

  /** Writes the pointer at a position if it is none that was opened; false if it was. */
  writeUnopened(at: i32, w: CborWriter): bool {
    if (this.pointers[at] !== null) return false;
    w.rawAt(ptrOf(this.block) + <usize>this.spans[at << 1], <i32>(this.spans[(at << 1) + 1] & SIZE_MASK));
    return true;
  }

  /** Number of pairs of the bucket at a position, 0 for a shard. */
  private pairsAt(at: i32): i32 {
    const pointer = this.pointers[at];
    if (pointer === null) return <i32>(this.spans[(at << 1) + 1] >> SIZE_BITS);
    return pointer.isShard ? 0 : pointer.entries.length;
  }

  get shardCount(): i32 {
    let count = 0;
    for (let i = 0; i < this.pointers.length; i++) if (this.pairsAt(i) == 0) count++;
    return count;
  }

  get entryCount(): i32 {
    let count = 0;
    for (let i = 0; i < this.pointers.length; i++) count += this.pairsAt(i);
    return count;
  }
}

function refuse(why: string): HamtNode {
  const node = new HamtNode();
  node.fault = why;
  return node;
}

function readBits(r: CborReader): u64 {
  const raw = r.bytes(MAX_BITFIELD_BYTES);
  let bits: u64 = 0;
  for (let i = 0; i < raw.length; i++) {
    if (bits >> 56 != 0) r.fail(CBOR_BAD_VALUE);
    bits = (bits << 8) | <u64>unchecked(raw[i]);
  }
  return bits;
}

/** Reads a node; its `fault` tells whether it is well formed. `root` nodes may be small or empty. */
export function decodeHamtNode(block: Bytes, version: i32, width: i32, root: bool): HamtNode {
  const r = new CborReader(block);
  r.tuple(2);
  const bits = readBits(r);
  const count = r.array((<u64>1) << width);
  if (!r.ok) return refuse("HAMT node does not decode");
  if (width < 6 && bits >> (1 << width) != 0) return refuse("HAMT node has bits beyond its width");
  if (<i32>popcnt<u64>(bits) != count) return refuse("HAMT node's bitfield and pointers disagree");
  const spans = new StaticArray<u32>(count << 1);
  for (let i = 0; i < count; i++) {
    const start = r.offset;
    const link = version < 3 ? readEarlyKind(r) : r.peek() == 6;
    let size = 0;
    if (link) {
      if (!r.passCid()) return refuse("HAMT pointer does not decode");
      if (version >= 2 && codecAt(r.passedAt + 1, r.passedBytes - 1) != CODEC_DAG_CBOR) return refuse("HAMT link is not DAG-CBOR");
    } else {
      size = r.array(<u64>HAMT_BUCKET);
      if (!r.ok || size == 0) return refuse("HAMT bucket is malformed");
      let before: usize = 0;
      let beforeBytes = 0;
      for (let j = 0; j < size; j++) {
        r.tuple(2);
        r.passBytes();
        const key = r.passedAt;
        const keyBytes = r.passedBytes;
        r.passItem();
        if (!r.ok) return refuse("HAMT entry does not decode");
        if (j > 0 && version >= 2 && compareAt(before, beforeBytes, key, keyBytes) >= 0) return refuse("HAMT bucket is not sorted");
        before = key;
        beforeBytes = keyBytes;
      }
    }
    unchecked((spans[i << 1] = <u32>start));
    unchecked((spans[(i << 1) + 1] = <u32>(r.offset - start) | (<u32>size << SIZE_BITS)));
  }
  const node = new HamtNode(bits, new Array<HamtPointer | null>(count), block, spans, version);
  if (!root && version >= 2) {
    if (count == 0) return refuse("HAMT has an empty inner node");
    if (node.shardCount == 0 && node.entryCount <= HAMT_BUCKET) return refuse("HAMT node should be a bucket");
  }
  return node;
}

/** The pointer at an offset of a node's block, which `decodeHamtNode` has found well formed. */
function readPointer(block: Bytes, start: i32, version: i32): HamtPointer {
  const r = new CborReader(block);
  r.seek(start);
  const link = version < 3 ? readEarlyKind(r) : r.peek() == 6;
  if (link) {
    const pointer = new HamtPointer();
    pointer.link = r.cid();
    return pointer;
  }
  const size = r.array(<u64>HAMT_BUCKET);
  const entries = new Array<HamtEntry>(size);
  for (let i = 0; i < size; i++) {
    r.tuple(2);
    const key = r.bytes();
    entries[i] = new HamtEntry(key, r.raw());
  }
  return new HamtPointer(entries);
}

/** Reads the map head and key of an early pointer: true for a link, false for a bucket. */
function readEarlyKind(r: CborReader): bool {
  const pairs = r.map(1);
  const key = r.text(1);
  if (pairs != 1 || key.length != 1) {
    r.fail(CBOR_BAD_VALUE);
    return true;
  }
  const kind = unchecked(key[0]);
  if (kind != 0x30 && kind != 0x31) r.fail(CBOR_BAD_VALUE);
  return kind == 0x30;
}

/** The wire form. Every child of the node must have a link. */
export function encodeHamtNode(node: HamtNode, version: i32): Bytes {
  const w = new CborWriter();
  w.array(2);
  w.bytes(writeBits(node.bits));
  w.array(node.size);
  for (let i = 0; i < node.size; i++) {
    if (node.writeUnopened(i, w)) continue;
    const pointer = node.pointer(i);
    const link = pointer.link;
    if (version < 3) w.map(1).text(link !== null ? KEY_LINK : KEY_BUCKET);
    if (link !== null) {
      w.cid(link);
      continue;
    }
    const entries = pointer.entries;
    w.array(entries.length);
    for (let j = 0; j < entries.length; j++) w.array(2).bytes(entries[j].key).raw(entries[j].value);
  }
  return w.finish();
}

const KEY_LINK: Bytes = [0x30];
const KEY_BUCKET: Bytes = [0x31];

function writeBits(bits: u64): Bytes {
  if (bits == 0) return EMPTY;
  const size = 8 - <i32>(clz<u64>(bits) >> 3);
  const scratch = memory.data(8);
  store<u64>(scratch, bswap<u64>(bits));
  return bytesAt(scratch + <usize>(8 - size), size);
}

/** Slot of a key at a depth: the next `width` bits of its SHA-256 at `digest`, from the top; -1 past the last bit. */
export function hamtSlot(digest: usize, depth: i32, width: i32): i32 {
  const from = depth * width;
  if (from + width > 256) return -1;
  const at = from >> 3;
  const high = <u32>load<u8>(digest + <usize>at) << 8;
  const low: u32 = at + 1 < 32 ? load<u8>(digest + <usize>at + 1) : 0;
  return <i32>(((high | low) >> (16 - width - (from & 7))) & ((1 << width) - 1));
}
