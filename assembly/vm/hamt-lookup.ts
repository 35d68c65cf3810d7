/**
 * Finding one key in a HAMT without building its nodes: for the machine's own reads, which are free of charge.
 *
 * A node is scanned where the host copied it, head by head, up to the slot of the key; nothing is allocated but the
 * answer. Most lookups of a machine touch a leaf of the tree once, so that taking a node apart into objects would cost
 * several times the scan. Early node encoding (see `ipld/hamt-node.ts`), five bits a level.
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

/** The value of `key` in the map below `root`, as CBOR bytes, or null. */
export function hamtFind(root: Cid, key: Bytes): Bytes | null {
  const digest = memory.data(40, 8);
  sha256(ptrOf(key), <usize>key.length, digest);
  let at = fetch(ptrOf(root.bytes), root.bytes.length);
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const slot = slotOf(digest, depth);
    at = expect(at, MAJOR_ARRAY);
    if (argument != 2) malformed();
    at = expect(at, MAJOR_BYTES);
    const fieldEnd = over(at);
    if (argument > MAX_BITFIELD_BYTES) malformed();
    let field: u64 = 0;
    for (; at < fieldEnd; at++) field = (field << 8) | <u64>load<u8>(at);
    at = expect(at, MAJOR_ARRAY);
    if (argument != popcnt<u64>(field)) malformed();
    if (((field >> slot) & 1) == 0) return null;
    const before = <i32>popcnt<u64>(field & (((<u64>1) << slot) - 1));
    for (let i = 0; i < before; i++) at = skip(at);

    // {"0": link} or {"1": bucket}
    at = expect(at, MAJOR_MAP);
    if (argument != 1) malformed();
    at = expect(at, MAJOR_TEXT);
    const kind = at < end ? load<u8>(at) : 0;
    if (argument != 1 || (kind != 0x30 && kind != 0x31)) malformed();
    if (kind == 0x31) return findInBucket(at + 1, key);
    at = expect(at + 1, MAJOR_TAG);
    at = expect(at, MAJOR_BYTES);
    if (over(at) - at < 2) malformed();
    at = fetch(at + 1, <i32>argument - 1);
  }
  malformed();
  return null;
}

function findInBucket(at: usize, key: Bytes): Bytes | null {
  at = expect(at, MAJOR_ARRAY);
  const pairs = argument;
  for (let i: u64 = 0; i < pairs; i++) {
    at = expect(at, MAJOR_ARRAY);
    if (argument != 2) malformed();
    at = expect(at, MAJOR_BYTES);
    const value = over(at);
    const found = <i32>argument == key.length && memory.compare(at, ptrOf(key), <usize>key.length) == 0;
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
