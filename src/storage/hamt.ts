/**
 * Maps of the chain (HAMT, SHA-256), read by the host; only the core writes them. A level takes 5 bits of a key's hash, in a few
 * maps of later actors 6: the nodes do not say how many.
 *
 * Node: [bitfield, pointers]; the bitfield is a big-endian integer without leading zeros. In the early form a pointer is a map with
 * one key, "0" for a link or "1" for a bucket of at most three [key, value] pairs; in the present one, of actors v3 and later, it is
 * the link or the bucket itself. Source: go-hamt-ipld v0.1.5, v2 and v3.
 */
import { equal } from "../base/bytes.ts";
import { sha256 } from "../base/digests.ts";
import { CID, cidKey } from "../types/cid.ts";
import { badNode, loadNode } from "./amt.ts";
import type { BlockSource } from "./contract.ts";

/** Bits of a key's hash that a level takes. */
export type HamtWidth = 5 | 6;

const USUAL: HamtWidth = 5;
/** Bytes of the bitfield of the widest node. */
const MAX_BITFIELD = 8;
const HASH_BITS = 256;

/** Levels that a hash is enough for. */
function depthOf(width: HamtWidth): number {
  return Math.floor(HASH_BITS / width);
}

export type Pointer = { readonly link: CID } | { readonly bucket: readonly (readonly [Uint8Array, unknown])[] };
/** `low`, `high`: which of the slots 0 to 31, and 32 to 63, have a pointer. */
type Node = { readonly low: number; readonly high: number; readonly pointers: readonly Pointer[] };

/** Nodes taken apart, by the key of their CID: for many lookups in the same maps. */
export type HamtNodes = { get(key: string): Node | undefined; set(key: string, node: Node): unknown };

async function load(blocks: BlockSource, cid: CID, width: HamtWidth, known?: HamtNodes): Promise<Node> {
  const held = known?.get(cidKey(cid));
  if (held !== undefined) return held;
  const node = await read(blocks, cid);
  if (node.high !== 0 && width === USUAL) return badNode(cid, "bad bitfield");
  known?.set(cidKey(cid), node);
  return node;
}

/** Nodes taken apart, by what was decoded. */
const nodes = new WeakMap<object, Node>();

async function read(blocks: BlockSource, cid: CID): Promise<Node> {
  const value = await loadNode(blocks, cid);
  if (typeof value !== "object" || value === null) return badNode(cid, "not a HAMT node");
  const known = nodes.get(value);
  if (known !== undefined) return known;
  const node = asNode(value, cid);
  nodes.set(value, node);
  return node;
}

function asNode(value: unknown, cid: CID): Node {
  if (!Array.isArray(value) || value.length !== 2) return badNode(cid, "not a HAMT node");
  const [bitfield, pointers] = value as unknown[];
  if (!(bitfield instanceof Uint8Array) || bitfield.length > MAX_BITFIELD) return badNode(cid, "bad bitfield");
  if (!Array.isArray(pointers)) return badNode(cid, "pointers are not a list");
  const [low, high] = [wordOf(bitfield, bitfield.length), wordOf(bitfield, bitfield.length - 4)];
  if (pointers.length !== popCount(low) + popCount(high)) return badNode(cid, "bitfield does not fit");
  return { low, high, pointers: pointers.map((pointer) => asPointer(pointer, cid)) };
}

function asPointer(value: unknown, cid: CID): Pointer {
  if (typeof value !== "object" || value === null) return badNode(cid, "not a pointer");
  if (Array.isArray(value)) return asBucket(value, cid);
  const bare = CID.asCID(value);
  if (bare !== null) return { link: bare };
  const entries = Object.entries(value);
  const [key, inner] = entries[0] ?? [];
  if (entries.length !== 1) return badNode(cid, "a pointer is a map with one key");
  const link = key === "0" ? CID.asCID(inner) : null;
  if (link !== null) return { link };
  return key === "1" ? asBucket(inner, cid) : badNode(cid, "bad bucket");
}

function asBucket(inner: unknown, cid: CID): Pointer {
  if (!Array.isArray(inner) || inner.length === 0 || inner.length > 3) return badNode(cid, "bad bucket");
  return {
    bucket: inner.map((pair: unknown) => {
      if (!Array.isArray(pair) || pair.length !== 2 || !(pair[0] instanceof Uint8Array))
        return badNode(cid, "bad pair");
      return [pair[0], pair[1] as unknown] as const;
    }),
  };
}

/** The four bytes before `end` as a number of 32 bits; where there are none, zeros. */
function wordOf(bytes: Uint8Array, end: number): number {
  let word = 0;
  for (let at = Math.max(0, end - 4); at < end; at++) word = (word << 8) | (bytes[at] as number);
  return word;
}

/** Set bits among 32. */
function popCount(word: number): number {
  let count = 0;
  for (let rest = word; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** Where the pointer of a slot stands; -1 if the slot is empty. */
function placeOf({ low, high }: Node, slot: number): number {
  const isLow = slot < 32;
  const word = isLow ? low : high;
  // Shifts take a number's lowest five bits: of slot 40 bit 8 of `high`.
  const bit = 1 << slot;
  if ((word & bit) === 0) return -1;
  return popCount(word & (bit - 1)) + (isLow ? 0 : popCount(low));
}

function slotOf(digest: Uint8Array, level: number, width: HamtWidth): number {
  let slot = 0;
  for (let bit = level * width; bit < (level + 1) * width; bit++)
    slot = (slot << 1) | (((digest[bit >> 3] as number) >> (7 - (bit & 7))) & 1);
  return slot;
}

/** The value under `key`, or undefined. Nodes are taken from `known` and added to it: all of maps of one width. */
export async function hamtGet(
  blocks: BlockSource,
  root: CID,
  key: Uint8Array,
  known?: HamtNodes,
  width: HamtWidth = USUAL,
): Promise<unknown> {
  const digest = sha256(key);
  let cid = root;
  for (let level = 0; level < depthOf(width); level++) {
    const node = await load(blocks, cid, width, known);
    const place = placeOf(node, slotOf(digest, level, width));
    if (place < 0) return undefined;
    const pointer = node.pointers[place] as Pointer;
    if ("bucket" in pointer) return pointer.bucket.find(([other]) => equal(other, key))?.[1];
    cid = pointer.link;
  }
  return badNode(root, "deeper than its hash");
}

/**
 * All pairs, in the order of the tree. A map may come from anybody, and a few nodes that link to one another stand for any
 * number of pairs: each node must hold keys that belong where it stands, so that none is walked twice.
 */
export async function* hamtEntries(
  blocks: BlockSource,
  root: CID,
  width: HamtWidth = USUAL,
  path: readonly number[] = [],
): AsyncGenerator<readonly [Uint8Array, unknown]> {
  for (const { pointer, slot } of await hamtNodeAt(blocks, root, path, width)) {
    if ("bucket" in pointer) yield* pointer.bucket;
    else yield* hamtEntries(blocks, pointer.link, width, [...path, slot]);
  }
}

/** The pointers of a node that stands behind these slots, each with its own. Throws `NodeError` for one that cannot stand there. */
export async function hamtNodeAt(
  blocks: BlockSource,
  cid: CID,
  path: readonly number[],
  width: HamtWidth = USUAL,
): Promise<readonly { readonly pointer: Pointer; readonly slot: number }[]> {
  if (path.length >= depthOf(width)) badNode(cid, "deeper than its hash");
  const node = await load(blocks, cid, width);
  const { pointers } = node;
  if (pointers.length === 0 && path.length > 0) badNode(cid, "an empty node below the root");
  const bucket = pointers.find((pointer) => "bucket" in pointer)?.bucket;
  const digest = bucket === undefined || path.length === 0 ? null : sha256((bucket[0] as [Uint8Array, unknown])[0]);
  if (digest !== null && path.some((slot, level) => slotOf(digest, level, width) !== slot))
    badNode(cid, "a key stands where its hash does not lead");
  let slot = -1;
  return pointers.map((pointer) => {
    do slot++;
    while (placeOf(node, slot) < 0);
    return { pointer, slot };
  });
}
