/**
 * One node of an AMT and its wire forms.
 *
 * A node has 2^width slots; bit i of its map (least significant bit of the first byte first) says that slot i is set.
 * At height 0 the set slots are values, above they are links to nodes one level lower.
 *
 *   node      [map: bytes of max(1, 2^width / 8), [link ...], [value ...]]
 *   root      early:    [height, count, node]               width 3
 *             current:  [bit width, height, count, node]
 *
 * A loaded node keeps its lists as read (`links`, `values`); they are spread over slots when first needed and gathered
 * again by `flush`. The early library gathers only the list of the node's height and leaves the other as it was, so
 * `values` of a node that has risen above height 0 may be stale, and is written nevertheless.
 */
import { Bytes, bytesAt, ptrOf } from "../base/bytes";
import { CBOR_BAD_VALUE, CborReader } from "./cbor-reader";
import { CborWriter } from "./cbor-writer";
import { Cid, CODEC_DAG_CBOR } from "./cid";

/** Widest supported node: 64 slots. Filecoin uses 3 (all early arrays), later 3 to 6. */
export const AMT_MAX_WIDTH: i32 = 6;

@final
export class AmtNode {
  bits: u64 = 0;
  links: Array<Cid> = [];
  values: Array<Bytes> = [];
  /** Links by slot; null until spread. */
  linkSlots: StaticArray<Cid | null> | null = null;
  /** Values by slot; null until spread. */
  valueSlots: StaticArray<Bytes | null> | null = null;
  /** Loaded or made children by slot; lives and dies with `linkSlots`. */
  children: StaticArray<AmtNode | null> | null = null;
  /** Rule set 3: differs from its stored form. */
  dirty: bool = false;

  get isEmpty(): bool {
    return this.bits == 0;
  }

  // @ts-ignore: decorator
  @inline
  has(slot: i32): bool {
    return ((this.bits >> slot) & 1) != 0;
  }

  mark(slot: i32): void {
    this.bits |= (<u64>1) << slot;
  }

  unmark(slot: i32): void {
    this.bits &= ~((<u64>1) << slot);
  }

  spreadLinks(width: i32): void {
    if (this.linkSlots !== null) return;
    const slots = new StaticArray<Cid | null>(1 << width);
    for (let slot = 0, i = 0; slot < slots.length; slot++) if (this.has(slot)) slots[slot] = this.links[i++];
    this.linkSlots = slots;
    this.children = new StaticArray<AmtNode | null>(1 << width);
  }

  spreadValues(width: i32): void {
    if (this.valueSlots !== null) return;
    const slots = new StaticArray<Bytes | null>(1 << width);
    for (let slot = 0, i = 0; slot < slots.length; slot++) if (this.has(slot)) slots[slot] = this.values[i++];
    this.valueSlots = slots;
  }

  gatherLinks(): void {
    const slots = this.linkSlots;
    if (slots === null) return;
    this.bits = 0;
    this.links = [];
    for (let slot = 0; slot < slots.length; slot++) {
      const link = slots[slot];
      if (link === null) continue;
      this.links.push(link);
      this.mark(slot);
    }
  }

  gatherValues(): void {
    const slots = this.valueSlots;
    if (slots === null) return;
    this.values = [];
    for (let slot = 0; slot < slots.length; slot++) {
      const value = slots[slot];
      if (value === null) continue;
      this.values.push(value);
      this.mark(slot);
    }
  }
}

/** Reads a node at a height into `r`'s faults; `root` nodes may be empty. */
export function readAmtNode(r: CborReader, version: i32, width: i32, height: i32, root: bool): AmtNode {
  const node = new AmtNode();
  r.tuple(3);
  const size = mapBytes(width);
  const map = r.bytes(<u64>size);
  if (map.length != size) r.fail(CBOR_BAD_VALUE);
  for (let i = 0; i < map.length; i++) node.bits |= <u64>unchecked(map[i]) << (i << 3);
  const slots: u64 = (<u64>1) << width;
  if (slots < 64 && node.bits >> slots != 0) r.fail(CBOR_BAD_VALUE);
  const links = r.array(slots);
  for (let i = 0; i < links && r.ok; i++) {
    const link = r.cid();
    if (version >= 3 && r.ok && link.codec != CODEC_DAG_CBOR) r.fail(CBOR_BAD_VALUE);
    node.links.push(link);
  }
  const values = r.array(slots);
  for (let i = 0; i < values && r.ok; i++) node.values.push(r.raw());
  if (!r.ok) return node;
  const set = <i32>popcnt<u64>(node.bits);
  // The early library may write values into a node above height 0 (see above); they are never looked at.
  if ((height == 0 ? values : links) != set) r.fail(CBOR_BAD_VALUE);
  if (version >= 3 && (height == 0 ? links : values) != 0) r.fail(CBOR_BAD_VALUE);
  if (version >= 3 && set == 0 && !root) r.fail(CBOR_BAD_VALUE);
  return node;
}

/** Writes a gathered node. */
export function writeAmtNode(w: CborWriter, node: AmtNode, width: i32): void {
  const scratch = memory.data(8);
  store<u64>(scratch, node.bits);
  w.array(3).bytes(bytesAt(scratch, mapBytes(width)));
  w.array(node.links.length);
  for (let i = 0; i < node.links.length; i++) w.cid(node.links[i]);
  w.array(node.values.length);
  for (let i = 0; i < node.values.length; i++) w.raw(node.values[i]);
}

function mapBytes(width: i32): i32 {
  return width < 3 ? 1 : 1 << (width - 3);
}
