/**
 * Finding one key in a HAMT without building its nodes: for the machine's own reads, which are free of charge.
 *
 * A node is scanned where the host copied it, head by head, up to the slot of the key. Most lookups of a machine touch a
 * leaf of the tree once, so that taking a node apart into objects would cost several times the scan; nodes of the upper
 * levels are passed by nearly all of them, and are kept with the places of their pointers. Early node encoding (see `ipld/hamt-node.ts`), five bits a level.
 */
import { endRun } from "../abi/engine";
import { blockCopy, blockLength } from "../abi/host";
import { Bytes, bytesAt, ptrOf } from "../base/bytes";
import { sha256 } from "../crypto/hash/sha256";
import { argumentAt, argumentSize } from "../ipld/cbor-head";
import { Cid } from "../ipld/cid";

const WIDTH: i32 = 5;
/** Levels in a SHA-256 digest. */
const MAX_DEPTH: i32 = 256 / WIDTH;
const MAX_BITFIELD_BYTES: u64 = 8;

const MAJOR_BYTES: u32 = 2;
const MAJOR_TEXT: u32 = 3;
const MAJOR_ARRAY: u32 = 4;
const MAJOR_MAP: u32 = 5;
const MAJOR_TAG: u32 = 6;
const MAJOR_SIMPLE: u32 = 7;

/** The node being scanned, and the memory it lies in. */
let buffer: usize = 0;
let capacity: i32 = 0;
let end: usize = 0;

/** Argument of the head read last. */
let argument: u64 = 0;
/** Major type of the head read last. */
let major: u32 = 0;

function malformed(): void {
  endRun("a HAMT node of the machine's own state is malformed");
}

/** Loads the block of the CID at `cid` into the buffer. The CID may lie in the buffer itself. */
function fetch(cid: usize, length: i32): usize {
  const size = blockLength(cid, length);
  if (size > capacity) {
    if (buffer != 0) heap.free(buffer);
    capacity = max(size, 16384);
    buffer = heap.alloc(<usize>capacity);
  }
  blockCopy(buffer);
  end = buffer + <usize>size;
  return buffer;
}

/** Reads a head and returns the address behind it. */
function head(at: usize): usize {
  if (at >= end) malformed();
  const first = load<u8>(at);
  const size = argumentSize(first);
  if (size < 0 || at + 1 + <usize>size > end) malformed();
  major = first >> 5;
  argument = argumentAt(at, size);
  return at + 1 + <usize>size;
}

/** Reads a head that must have a major type. */
function expect(at: usize, wanted: u32): usize {
  const next = head(at);
  if (major != wanted) malformed();
  return next;
}

/** Address behind the `argument` bytes at `at`. */
function over(at: usize): usize {
  if (argument > <u64>(end - at)) malformed();
  return at + <usize>argument;
}

/** Address behind the item at `at`. */
function skip(at: usize): usize {
  let items: u64 = 1;
  while (items > 0) {
    at = head(at);
    items--;
    if (major == MAJOR_BYTES || major == MAJOR_TEXT) at = over(at);
    else if (major == MAJOR_TAG) items++;
    else if (major == MAJOR_ARRAY || major == MAJOR_MAP) {
      if (argument > <u64>(end - at)) malformed();
      items += major == MAJOR_MAP ? argument << 1 : argument;
    } else if (major == MAJOR_SIMPLE && argument > 22) malformed();
  }
  return at;
}

/** A node that is kept: where each of its pointers begins, so that a lookup goes to one without passing the others. */
@final
class KeptNode {
  constructor(
    readonly cid: Bytes,
    readonly bytes: Bytes,
    readonly field: u64,
    /** Offset of each pointer in the bytes. */
    readonly pointers: StaticArray<u16>,
  ) {}
}

/** Levels of which nodes are kept, and how many nodes they have: the root, its children and theirs. */
const KEPT_DEPTH: i32 = 3;
const KEPT_NODES: i32 = 1 + 32 + 32 * 32;
/** Largest node that is kept; its offsets have 16 bits. */
const MAX_KEPT_NODE: i32 = 16384;
/** Bytes of nodes that one map keeps. */
const MAX_KEPT_BYTES: i32 = 4 << 20;

/**
 * Lookups in one map, whose root may change from one to the next. The nodes of its upper levels are kept by their place, each for as long as the
 * same node stands there, as nearly every lookup passes them.
 */
@final
export class HamtLookup {
  private readonly kept: StaticArray<KeptNode | null> = new StaticArray<KeptNode | null>(KEPT_NODES);
  private keptBytes: i32 = 0;

  /** The value of the key of `keyLength` bytes at `key` in the map below `root`, as CBOR bytes, or null. */
  find(root: Cid, key: usize, keyLength: i32): Bytes | null {
    const digest = memory.data(40, 8);
    sha256(key, <usize>keyLength, digest);
    let cid = ptrOf(root.bytes);
    let length = root.bytes.length;
    let place = 0;
    for (let depth = 0; depth < MAX_DEPTH; depth++) {
      const slot = slotOf(digest, depth);
      let at: usize = 0;
      const node = depth < KEPT_DEPTH ? this.nodeAt(place, cid, length) : null;
      if (node !== null) {
        if (((node.field >> slot) & 1) == 0) return null;
        end = ptrOf(node.bytes) + <usize>node.bytes.length;
        at = ptrOf(node.bytes) + <usize>node.pointers[pointersBefore(node.field, slot)];
      } else {
        // A node that is too large to be kept is at hand already.
        at = enter(depth < KEPT_DEPTH ? buffer : fetch(cid, length));
        if (((field >> slot) & 1) == 0) return null;
        for (let i = pointersBefore(field, slot); i > 0; i--) at = skip(at);
      }
      place = (place << WIDTH) + 1 + slot;

      // {"0": link} or {"1": bucket}
      at = expect(at, MAJOR_MAP);
      if (argument != 1) malformed();
      at = expect(at, MAJOR_TEXT);
      const kind = at < end ? load<u8>(at) : 0;
      if (argument != 1 || (kind != 0x30 && kind != 0x31)) malformed();
      if (kind == 0x31) return findInBucket(at + 1, key, keyLength);
      at = expect(at + 1, MAJOR_TAG);
      at = expect(at, MAJOR_BYTES);
      if (over(at) - at < 2) malformed();
      cid = at + 1;
      length = <i32>argument - 1;
    }
    malformed();
    return null;
  }

  /** The node of the CID, which is kept at its place; null if it is too large for that, and then it lies in the buffer. */
  private nodeAt(place: i32, cid: usize, length: i32): KeptNode | null {
    const known = this.kept[place];
    if (known !== null && known.cid.length == length && memory.compare(ptrOf(known.cid), cid, <usize>length) == 0) return known;
    const name = bytesAt(cid, length);
    let at = enter(fetch(cid, length));
    const size = <i32>(end - buffer);
    const total = this.keptBytes + size - (known === null ? 0 : known.bytes.length);
    if (size > MAX_KEPT_NODE || total > MAX_KEPT_BYTES) return null;
    const bits = field;
    const pointers = new StaticArray<u16>(<i32>popcnt<u64>(bits));
    for (let i = 0, n = pointers.length; i < n; i++) {
      pointers[i] = <u16>(at - buffer);
      at = skip(at);
    }
    const node = new KeptNode(name, bytesAt(buffer, size), bits, pointers);
    this.kept[place] = node;
    this.keptBytes = total;
    return node;
  }
}

/** Which slots of the node that was entered last are taken. */
let field: u64 = 0;

/** Reads a node at `at` up to its first pointer, whose address it returns. */
function enter(at: usize): usize {
  at = expect(at, MAJOR_ARRAY);
  if (argument != 2) malformed();
  at = expect(at, MAJOR_BYTES);
  const fieldEnd = over(at);
  if (argument > MAX_BITFIELD_BYTES) malformed();
  field = 0;
  for (; at < fieldEnd; at++) field = (field << 8) | <u64>load<u8>(at);
  at = expect(at, MAJOR_ARRAY);
  if (argument != popcnt<u64>(field)) malformed();
  return at;
}

/** Pointers of a node that stand before that of a slot. */
function pointersBefore(bits: u64, slot: i32): i32 {
  return <i32>popcnt<u64>(bits & (((<u64>1) << slot) - 1));
}

function findInBucket(at: usize, key: usize, keyLength: i32): Bytes | null {
  at = expect(at, MAJOR_ARRAY);
  const pairs = argument;
  for (let i: u64 = 0; i < pairs; i++) {
    at = expect(at, MAJOR_ARRAY);
    if (argument != 2) malformed();
    at = expect(at, MAJOR_BYTES);
    const value = over(at);
    const found = <i32>argument == keyLength && memory.compare(at, key, <usize>keyLength) == 0;
    at = skip(value);
    if (found) return bytesAt(value, <i32>(at - value));
  }
  return null;
}

/** Slot of a level: the level's five bits of the digest, from its first bit on. */
function slotOf(digest: usize, depth: i32): i32 {
  const bit = depth * WIDTH;
  const word = (<u32>load<u8>(digest + <usize>(bit >> 3)) << 8) | <u32>load<u8>(digest + <usize>(bit >> 3) + 1);
  return <i32>((word >> (16 - WIDTH - (bit & 7))) & 31);
}
