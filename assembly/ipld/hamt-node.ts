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
import { Bytes, bytesAt, compare, EMPTY, ptrOf } from "../base/bytes";
import { CBOR_BAD_VALUE, CborReader } from "./cbor-reader";
import { CborWriter } from "./cbor-writer";
import { Cid, CODEC_DAG_CBOR } from "./cid";

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

@final
export class HamtPointer {
  /** Link of the child as last written; null for a bucket, and for a new child under rule set 3. */
  link: Cid | null = null;
  /** The child, once loaded or made. */
  child: HamtNode | null = null;
  /** Rule set 3: the child differs from what the link leads to. */
  dirty: bool = false;
  entries: Array<HamtEntry> = [];

  // @ts-ignore: decorator
  @inline
  get isShard(): bool {
    return this.link !== null || this.child !== null;
  }

  static bucket(entries: Array<HamtEntry>): HamtPointer {
    const pointer = new HamtPointer();
    pointer.entries = entries;
    return pointer;
  }
}

@final
export class HamtNode {
  /** What is wrong with it, when it was read; empty for a sound node. */
  fault: string = "";
  bits: u64 = 0;
  pointers: Array<HamtPointer> = [];

  has(slot: i32): bool {
    return ((this.bits >> slot) & 1) != 0;
  }

  /** Position among the pointers of a slot. */
  position(slot: i32): i32 {
    return <i32>popcnt<u64>(this.bits & (((<u64>1) << slot) - 1));
  }

  insert(slot: i32, pointer: HamtPointer): void {
    const at = this.position(slot);
    const pointers = this.pointers;
    pointers.push(pointer);
    for (let i = pointers.length - 1; i > at; i--) pointers[i] = pointers[i - 1];
    pointers[at] = pointer;
    this.bits |= (<u64>1) << slot;
  }

  remove(slot: i32): void {
    const at = this.position(slot);
    const pointers = this.pointers;
    for (let i = at; i < pointers.length - 1; i++) pointers[i] = pointers[i + 1];
    pointers.pop();
    this.bits &= ~((<u64>1) << slot);
  }

  get shardCount(): i32 {
    let count = 0;
    for (let i = 0; i < this.pointers.length; i++) if (this.pointers[i].isShard) count++;
    return count;
  }

  get entryCount(): i32 {
    let count = 0;
    for (let i = 0; i < this.pointers.length; i++) count += this.pointers[i].entries.length;
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
  const node = new HamtNode();
  node.bits = bits;
  for (let i = 0; i < count; i++) {
    const pointer = new HamtPointer();
    const link = version < 3 ? readEarlyKind(r) : r.peek() == 6;
    if (link) {
      const cid = r.cid();
      if (!r.ok) return refuse("HAMT pointer does not decode");
      if (version >= 2 && cid.codec != CODEC_DAG_CBOR) return refuse("HAMT link is not DAG-CBOR");
      pointer.link = cid;
    } else {
      const size = r.array(<u64>HAMT_BUCKET);
      if (!r.ok || size == 0) return refuse("HAMT bucket is malformed");
      for (let j = 0; j < size; j++) {
        r.tuple(2);
        const key = r.bytes();
        const value = r.raw();
        if (!r.ok) return refuse("HAMT entry does not decode");
        if (j > 0 && version >= 2 && compare(pointer.entries[j - 1].key, key) >= 0)
          return refuse("HAMT bucket is not sorted");
        pointer.entries.push(new HamtEntry(key, value));
      }
    }
    node.pointers.push(pointer);
  }
  if (!root && version >= 2) {
    if (count == 0) return refuse("HAMT has an empty inner node");
    if (node.shardCount == 0 && node.entryCount <= HAMT_BUCKET) return refuse("HAMT node should be a bucket");
  }
  return node;
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
  const pointers = node.pointers;
  w.array(pointers.length);
  for (let i = 0; i < pointers.length; i++) {
    const pointer = pointers[i];
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
