/**
 * Array mapped trie: a sparse array of CBOR items, over a block store.
 *
 * The index, read `width` bits at a time from the top, is the path. The tree is as high as the greatest index ever
 * needed and shrinks when only its first branch is left.
 *
 * Block accesses are consensus (each one is charged), so they follow the reference libraries, odd habits included.
 * Rule set 2 (go-amt-ipld/v2 v2.1.0, actors v0 and v2):
 *  - a node that was visited by get, set or delete is kept, and written again by every `flush`;
 *  - growing flushes the old root node and stores it before anything is put into the new level;
 *  - walking uses kept nodes but keeps none, and loads a branch before it sees that the branch lies before the start;
 *  - shrinking may load the branch that becomes the root.
 * Rule set 3 (v3 and later): only changed nodes are written, at `flush`; walking keeps nodes and skips without loading.
 * Limits: index up to 2^63 - 1 (rule set 3: 2^64 - 2), and so many levels as its bits need.
 * Source: go-amt-ipld v2.1.0 and v3; IPLD specification of the Vector-like AMT of Filecoin.
 */
import { Bytes, EMPTY } from "../base/bytes";
import { AMT_MAX_WIDTH, AmtNode, readAmtNode, writeAmtNode } from "./amt-node";
import { CBOR_BAD_VALUE, CborReader } from "./cbor-reader";
import { CborWriter } from "./cbor-writer";
import { Cid } from "./cid";
import { BlockStore } from "./store";

/** Greatest index of the early arrays. */
export const AMT_MAX_INDEX: u64 = 0x7fffffffffffffff;
/** Bits of index per level in the early arrays. */
export const AMT_WIDTH: i32 = 3;

/** What `Amt.firstSetIndex` answers for an array without elements. */
export const AMT_NONE: u64 = 0xffffffffffffffff;

@final
export class Amt {
  private height: i32 = 0;
  count: u64 = 0;
  private root: AmtNode = new AmtNode();

  private constructor(
    readonly store: BlockStore,
    readonly version: i32,
    readonly width: i32,
  ) {
    assert(width > 0 && width <= AMT_MAX_WIDTH, "AMT width not supported");
  }

  /** Loads the root. `version` is the rule set: below 3 the early one with width 3, else the present one. */
  static load(store: BlockStore, root: Cid, version: i32 = 2, width: i32 = AMT_WIDTH): Amt {
    const amt = new Amt(store, version, version < 3 ? AMT_WIDTH : width);
    const r = new CborReader(store.get(root));
    r.tuple(version < 3 ? 3 : 4);
    if (version >= 3 && r.u64() != <u64>width) r.fail(CBOR_BAD_VALUE);
    const height = r.u64();
    if (height > amt.maxHeight) r.fail(CBOR_BAD_VALUE);
    amt.height = <i32>height;
    amt.count = r.u64();
    if (r.ok) amt.root = readAmtNode(r, version, amt.width, amt.height, true);
    if (!r.ok) store.fail("AMT root is malformed");
    return amt;
  }

  static empty(store: BlockStore, version: i32 = 2, width: i32 = AMT_WIDTH): Amt {
    return new Amt(store, version, version < 3 ? AMT_WIDTH : width);
  }

  /** The value at an index, or null. An index above AMT_MAX_INDEX is malformed. */
  get(index: u64): Bytes | null {
    this.checkIndex(index);
    if (this.isBeyond(index)) return null;
    let node = this.root;
    for (let height = this.height; height > 0; height--) {
      const slot = this.slot(index, height);
      if (!node.has(slot)) return null;
      node = this.child(node, slot, height, false);
    }
    const slot = this.slot(index, 0);
    if (!node.has(slot)) return null;
    node.spreadValues(this.width);
    return node.valueSlots![slot];
  }

  /** Sets the value at an index to one CBOR item. */
  set(index: u64, value: Bytes): void {
    this.checkIndex(index);
    while (this.isBeyond(index)) this.grow();
    let node = this.root;
    node.dirty = true;
    for (let height = this.height; height > 0; height--) {
      node = this.child(node, this.slot(index, height), height, true);
      node.dirty = true;
    }
    const slot = this.slot(index, 0);
    node.spreadValues(this.width);
    node.valueSlots![slot] = value;
    if (!node.has(slot)) this.count++;
    node.mark(slot);
  }

  /** Removes an element; false if it was absent (nodes visited on the way stay loaded). */
  delete(index: u64): bool {
    this.checkIndex(index);
    if (this.isBeyond(index) || !this.deleteBelow(this.root, this.height, index)) return false;
    this.count--;
    if (this.version >= 3 && this.root.isEmpty) {
      this.root = new AmtNode();
      this.height = 0;
    }
    while (this.root.bits == 1 && this.height > 0) {
      this.root = this.child(this.root, 0, this.height, false);
      this.root.dirty = true;
      this.height--;
    }
    return true;
  }

  /** Removes elements one by one; stops with false at the first that is absent. */
  batchDelete(indices: Array<u64>): bool {
    for (let i = 0; i < indices.length; i++) if (!this.delete(indices[i])) return false;
    return true;
  }

  /** Smallest index in use, or AMT_NONE. */
  firstSetIndex(): u64 {
    let node = this.root;
    let index: u64 = 0;
    for (let height = this.height; height >= 0; height--) {
      if (height == 0) node.spreadValues(this.width);
      else node.spreadLinks(this.width);
      if (node.isEmpty) return AMT_NONE;
      const slot = <i32>ctz<u64>(node.bits);
      index += <u64>slot << (height * this.width);
      if (height > 0) node = this.child(node, slot, height, false);
    }
    return index;
  }

  /** Writes what has to be written and returns the root's CID. */
  flush(): Cid {
    this.flushNode(this.root, this.height);
    const w = new CborWriter();
    if (this.version < 3) w.array(3);
    else w.array(4).u64(<u64>this.width);
    w.u64(<u64>this.height).u64(this.count);
    writeAmtNode(w, this.root, this.width);
    return this.store.put(w.finish());
  }

  /** Walks elements from index `start` on, loading nodes when it comes to them. The array must not change meanwhile. */
  cursor(start: u64 = 0): AmtCursor {
    return new AmtCursor(this, this.root, this.height, start);
  }

  private get maxHeight(): u64 {
    return <u64>(63 / this.width - (this.version < 3 ? 1 : 0));
  }

  private checkIndex(index: u64): void {
    if (index > (this.version < 3 ? AMT_MAX_INDEX : u64.MAX_VALUE - 1)) this.store.fail("AMT index out of range");
  }

  /** True if the tree is too low to hold an index. */
  private isBeyond(index: u64): bool {
    const bits = (this.height + 1) * this.width;
    return bits < 64 && index >> bits != 0;
  }

  private slot(index: u64, height: i32): i32 {
    return <i32>(index >> (height * this.width)) & ((1 << this.width) - 1);
  }

  private grow(): void {
    const old = this.root;
    if (!old.isEmpty) {
      const root = new AmtNode();
      root.bits = 1;
      if (this.version < 3) {
        this.flushNode(old, this.height);
        root.links.push(this.putNode(old));
      } else {
        root.linkSlots = new StaticArray<Cid | null>(1 << this.width);
        root.children = new StaticArray<AmtNode | null>(1 << this.width);
        old.dirty = true;
        root.children![0] = old;
      }
      this.root = root;
    } else if (this.version >= 3) this.root = new AmtNode();
    this.height++;
  }

  /** The child of `node`, a node at `height`; loaded, or made if allowed. */
  private child(node: AmtNode, slot: i32, height: i32, make: bool): AmtNode {
    node.spreadLinks(this.width);
    const children = node.children!;
    const known = children[slot];
    if (known !== null) return known;
    const link = node.linkSlots![slot];
    let child: AmtNode;
    if (node.has(slot) && link !== null) child = this.loadNode(link, height - 1);
    else {
      if (!make) this.store.fail("AMT branch is missing");
      child = new AmtNode();
      node.mark(slot);
    }
    children[slot] = child;
    return child;
  }

  loadNode(link: Cid, height: i32): AmtNode {
    const r = new CborReader(this.store.get(link));
    const node = readAmtNode(r, this.version, this.width, height, false);
    if (!r.ok) this.store.fail("AMT node is malformed");
    return node;
  }

  private deleteBelow(node: AmtNode, height: i32, index: u64): bool {
    const slot = this.slot(index, height);
    if (!node.has(slot)) return false;
    if (height == 0) {
      node.spreadValues(this.width);
      node.valueSlots![slot] = null;
      node.unmark(slot);
      node.dirty = true;
      return true;
    }
    const child = this.child(node, slot, height, false);
    if (!this.deleteBelow(child, height - 1, index)) return false;
    node.dirty = true;
    if (child.isEmpty) {
      node.unmark(slot);
      node.children![slot] = null;
      node.linkSlots![slot] = null;
    }
    return true;
  }

  private flushNode(node: AmtNode, height: i32): void {
    node.dirty = false;
    if (height == 0) {
      node.gatherValues();
      if (this.version >= 3) node.links = [];
      return;
    }
    const children = node.children;
    if (children === null) return;
    for (let slot = 0; slot < children.length; slot++) {
      const child = children[slot];
      if (child === null || (this.version >= 3 && !child.dirty)) continue;
      this.flushNode(child, height - 1);
      node.linkSlots![slot] = this.putNode(child);
    }
    node.gatherLinks();
    if (this.version >= 3) node.values = [];
  }

  private putNode(node: AmtNode): Cid {
    const w = new CborWriter();
    writeAmtNode(w, node, this.width);
    return this.store.put(w.finish());
  }
}

/** Steps through an array: `while (c.next()) { c.index; c.value; }`. */
@final
export class AmtCursor {
  index: u64 = 0;
  value: Bytes = EMPTY;
  /** Path from the root: nodes, the slots to look at next, and the first index below each node. */
  private readonly nodes: Array<AmtNode> = [];
  private readonly slots: Array<i32> = [];
  private readonly offsets: Array<u64> = [];

  constructor(
    private readonly amt: Amt,
    root: AmtNode,
    private readonly height: i32,
    private readonly start: u64,
  ) {
    this.enter(root, 0);
  }

  private enter(node: AmtNode, offset: u64): void {
    this.nodes.push(node);
    this.slots.push(0);
    this.offsets.push(offset);
  }

  next(): bool {
    const width = this.amt.width;
    while (this.nodes.length > 0) {
      const top = this.nodes.length - 1;
      const slot = this.slots[top];
      if (slot == 1 << width) {
        this.nodes.pop();
        this.slots.pop();
        this.offsets.pop();
        continue;
      }
      this.slots[top] = slot + 1;
      const node = this.nodes[top];
      const height = this.height - top;
      if (height == 0) {
        node.spreadValues(width);
        const value = node.valueSlots![slot];
        const index = this.offsets[top] + <u64>slot;
        if (value === null || index < this.start) continue;
        this.index = index;
        this.value = value;
        return true;
      }
      const size: u64 = (<u64>1) << (height * width);
      const offset = this.offsets[top] + <u64>slot * size;
      const skipped = this.start >= offset + size;
      node.spreadLinks(width);
      let child = node.children![slot];
      if (child === null) {
        const link = node.linkSlots![slot];
        if (link === null || (skipped && this.amt.version >= 3)) continue;
        child = this.amt.loadNode(link, height - 1);
        if (this.amt.version >= 3) node.children![slot] = child;
      }
      if (!skipped) this.enter(child, offset);
    }
    return false;
  }
}
