/**
 * Hash array mapped trie: a map from byte strings to CBOR items, over a block store.
 *
 * The slot of a key in a node is taken from its SHA-256, a few bits per level. A full bucket becomes a child node; a
 * deletion that leaves a child with no more than a bucket's worth of pairs pulls them up again.
 *
 * Block accesses are consensus (each one is charged), so they follow the reference libraries, odd habits included:
 *  - a child that was visited, even only for reading, is kept and written again by `flush` (rule sets 0 and 2);
 *  - the child made by splitting a bucket is written at once, and loaded again when next visited (0 and 2);
 *  - `flush` writes children before their parent, in slot order, and the root always;
 *  - rule set 0 pulls the pairs of a collapsing child up in slot order, unsorted; 2 and 3 sort them by key;
 *  - rule set 3 writes changed nodes only, at `flush`.
 * Limits: values and keys as the CBOR reader has them; depth 256 / width bits of digest.
 * Source: go-hamt-ipld v0.1.5, v2.0.0, v3; IPLD specification of the HashMap advanced layout (Filecoin variant).
 */
import { Bytes, compare, EMPTY, equal, ptrOf } from "../base/bytes";
import { sha256 } from "../crypto/hash/sha256";
import { Cid } from "./cid";
import {
  decodeHamtNode,
  encodeHamtNode,
  HAMT_BUCKET,
  HAMT_MAX_WIDTH,
  HamtEntry,
  HamtNode,
  HamtPointer,
  hamtSlot,
} from "./hamt-node";
import { BlockStore } from "./store";

/** Bits of digest per level in Filecoin's maps. */
export const HAMT_WIDTH: i32 = 5;

const UNCHANGED: i32 = 0;
const CHANGED: i32 = 1;
const ABSENT: i32 = 2;

/**
 * Digest of a key, in a place that the next digest overwrites: it is needed only on the way down, and nothing is hashed
 * there before the bottom.
 */
function digestOf(key: Bytes): usize {
  const at = memory.data(32);
  sha256(ptrOf(key), <usize>key.length, at);
  return at;
}

@final
export class Hamt {
  private constructor(
    readonly store: BlockStore,
    readonly version: i32,
    readonly width: i32,
    readonly root: HamtNode,
  ) {
    assert(width > 0 && width <= HAMT_MAX_WIDTH, "HAMT width not supported");
  }

  /** Loads the root node. `version` is the rule set (the actors version serves: 0, 2, or 3 and up for the present). */
  static load(store: BlockStore, root: Cid, version: i32, width: i32 = HAMT_WIDTH): Hamt {
    const node = decodeHamtNode(store.get(root), version, width, true);
    if (node.fault.length > 0) store.fail(node.fault);
    return new Hamt(store, version, width, node);
  }

  static empty(store: BlockStore, version: i32, width: i32 = HAMT_WIDTH): Hamt {
    return new Hamt(store, version, width, new HamtNode());
  }

  /** The value of a key, or null. */
  get(key: Bytes): Bytes | null {
    const digest = digestOf(key);
    let node = this.root;
    for (let depth = 0; ; depth++) {
      const slot = this.slot(digest, depth);
      if (!node.has(slot)) return null;
      const pointer = node.pointer(node.position(slot));
      if (pointer.isShard) {
        node = this.child(pointer);
        continue;
      }
      const entries = pointer.entries;
      for (let i = 0; i < entries.length; i++) if (equal(entries[i].key, key)) return entries[i].value;
      return null;
    }
  }

  has(key: Bytes): bool {
    return this.get(key) !== null;
  }

  /** Sets a key to one CBOR item. */
  set(key: Bytes, value: Bytes): void {
    this.change(this.root, digestOf(key), 0, key, value);
  }

  /** Removes a key; false if it was absent (nodes visited on the way stay loaded). */
  delete(key: Bytes): bool {
    return this.change(this.root, digestOf(key), 0, key, null) != ABSENT;
  }

  /** Writes what has to be written and returns the root's CID. */
  flush(): Cid {
    this.flushChildren(this.root);
    return this.store.put(encodeHamtNode(this.root, this.version));
  }

  /** Walks all pairs in slot order, loading nodes when it comes to them. The map must not change meanwhile. */
  cursor(): HamtCursor {
    return new HamtCursor(this);
  }

  private slot(digest: usize, depth: i32): i32 {
    const slot = hamtSlot(digest, depth, this.width);
    if (slot < 0) this.store.fail("HAMT is deeper than its digests");
    return slot;
  }

  /** The node behind a shard pointer. */
  child(pointer: HamtPointer): HamtNode {
    const known = pointer.child;
    if (known !== null) return known;
    const node = decodeHamtNode(this.store.get(pointer.link!), this.version, this.width, false);
    if (node.fault.length > 0) this.store.fail(node.fault);
    pointer.child = node;
    return node;
  }

  /** Sets (or with a null value removes) a key below `node`. */
  private change(node: HamtNode, digest: usize, depth: i32, key: Bytes, value: Bytes | null): i32 {
    const slot = this.slot(digest, depth);
    if (!node.has(slot)) {
      if (value === null) return ABSENT;
      node.insert(slot, new HamtPointer([new HamtEntry(key, value)]));
      return CHANGED;
    }
    const at = node.position(slot);
    const pointer = node.pointer(at);
    if (pointer.isShard) {
      const child = this.child(pointer);
      const result = this.change(child, digest, depth + 1, key, value);
      if (result != CHANGED) return result;
      pointer.dirty = true;
      if (value === null) this.collapse(node, at, child);
      return CHANGED;
    }
    const entries = pointer.entries;
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i];
      if (!equal(entry.key, key)) continue;
      if (value === null) {
        if (entries.length == 1) node.remove(slot);
        else removeAt(entries, i);
        return CHANGED;
      }
      if (this.version >= 3 && equal(entry.value, value)) return UNCHANGED;
      entry.value = value;
      return CHANGED;
    }
    if (value === null) return ABSENT;
    if (entries.length >= HAMT_BUCKET) node.replace(at, this.split(entries, digest, depth, key, value));
    else insertSorted(entries, new HamtEntry(key, value));
    return CHANGED;
  }

  /** A full bucket and one more pair, as a child. */
  private split(entries: Array<HamtEntry>, digest: usize, depth: i32, key: Bytes, value: Bytes): HamtPointer {
    const child = new HamtNode();
    this.change(child, digest, depth + 1, key, value);
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i];
      this.change(child, digestOf(entry.key), depth + 1, entry.key, entry.value);
    }
    const pointer = new HamtPointer();
    if (this.version < 3) pointer.link = this.store.put(encodeHamtNode(child, this.version));
    else {
      pointer.child = child;
      pointer.dirty = true;
    }
    return pointer;
  }

  /** Pulls the pairs of a child up if they fit into a bucket. */
  private collapse(node: HamtNode, at: i32, child: HamtNode): void {
    const below = child.size;
    if (this.version < 2) {
      if (below == 0) this.store.fail("HAMT child became empty");
      if (below == 1) {
        if (!child.pointer(0).isShard) node.replace(at, child.pointer(0));
        return;
      }
      if (below > HAMT_BUCKET) return;
    }
    if (child.shardCount != 0 || child.entryCount > HAMT_BUCKET) return;
    if (below == 1) {
      node.replace(at, child.pointer(0));
      return;
    }
    const pulled: Array<HamtEntry> = [];
    for (let i = 0; i < below; i++) {
      const entries = child.pointer(i).entries;
      for (let j = 0; j < entries.length; j++) {
        if (this.version < 2) pulled.push(entries[j]);
        else insertSorted(pulled, entries[j]);
      }
    }
    node.replace(at, new HamtPointer(pulled));
  }

  private flushChildren(node: HamtNode): void {
    for (let i = 0; i < node.size; i++) {
      const pointer = node.opened(i);
      if (pointer === null) continue;
      const child = pointer.child;
      if (child === null || (this.version >= 3 && !pointer.dirty)) continue;
      this.flushChildren(child);
      pointer.link = this.store.put(encodeHamtNode(child, this.version));
      pointer.dirty = false;
      if (this.version < 3) pointer.child = null;
    }
  }
}

/** Inserts before the first greater key (the list itself may be unsorted under rule set 0). */
function insertSorted(entries: Array<HamtEntry>, entry: HamtEntry): void {
  let at = 0;
  while (at < entries.length && compare(entry.key, entries[at].key) >= 0) at++;
  entries.push(entry);
  for (let i = entries.length - 1; i > at; i--) entries[i] = entries[i - 1];
  entries[at] = entry;
}

function removeAt(entries: Array<HamtEntry>, at: i32): void {
  for (let i = at; i < entries.length - 1; i++) entries[i] = entries[i + 1];
  entries.pop();
}

/** Steps through a map: `while (c.next()) { c.key; c.value; }`. */
@final
export class HamtCursor {
  key: Bytes = EMPTY;
  value: Bytes = EMPTY;
  private readonly nodes: Array<HamtNode> = [];
  private readonly places: Array<i32> = [];
  private entry: i32 = 0;

  constructor(private readonly map: Hamt) {
    this.nodes.push(map.root);
    this.places.push(0);
  }

  next(): bool {
    while (this.nodes.length > 0) {
      const top = this.nodes.length - 1;
      const node = this.nodes[top];
      const place = this.places[top];
      if (place >= node.size) {
        this.nodes.pop();
        this.places.pop();
        continue;
      }
      const pointer = node.pointer(place);
      if (pointer.isShard) {
        if ((top + 2) * this.map.width > 256) this.map.store.fail("HAMT is deeper than its digests");
        this.places[top] = place + 1;
        this.nodes.push(this.map.child(pointer));
        this.places.push(0);
        continue;
      }
      if (this.entry >= pointer.entries.length) {
        this.entry = 0;
        this.places[top] = place + 1;
        continue;
      }
      const found = pointer.entries[this.entry++];
      this.key = found.key;
      this.value = found.value;
      return true;
    }
    return false;
  }
}
