/** Blocks of a state that is being changed: tuples, arrays and maps are read, changed value by value, and written again. */
import * as dagCbor from "@ipld/dag-cbor";
import { encodeVarint } from "../base/varint.ts";
import { amtEntries, amtGet, Left, loadInner, loadNode, loadRoot, type Node } from "../storage/amt.ts";
import type { BlockSource } from "../storage/contract.ts";
import { hamtEntries, hamtGet, hamtNodeAt } from "../storage/hamt.ts";
import { buildHamt } from "../storage/hamt-build.ts";
import { type Block, CID, cidOfBlock } from "../types/cid.ts";

type Tuple = readonly unknown[];

/** Values of an array that is changed: a count may say anything, and a few nodes that link to one another bear it out. */
const MOST_VALUES = 1n << 24n;

export class StateBlocks {
  private readonly source: BlockSource;
  private readonly write: (block: Block) => void;

  /** `source` has all of the state that is read, or throws what makes the whole change run again. */
  constructor(source: BlockSource, write: (block: Block) => void) {
    this.source = source;
    this.write = write;
  }

  /** A block that is a list. */
  async tuple(cid: CID): Promise<Tuple> {
    const value = await loadNode(this.source, cid);
    if (!Array.isArray(value)) throw new RangeError(`a state that is to be changed is not what it should be: ${cid}`);
    return value;
  }

  put(value: unknown): CID {
    const bytes = dagCbor.encode(value);
    const cid = cidOfBlock(bytes);
    this.write({ cid: cid.bytes, bytes });
    return cid;
  }

  /** Values of an array, with their indexes. */
  array(root: CID): AsyncGenerator<readonly [bigint, unknown]> {
    return amtEntries(this.source, root);
  }

  element(root: CID, index: bigint): Promise<unknown> {
    return amtGet(this.source, root, index);
  }

  /** Entries of a map of the usual width. */
  map(root: CID): AsyncGenerator<readonly [Uint8Array, unknown]> {
    return hamtEntries(this.source, root);
  }

  /** A value of such a map; undefined where it has none. */
  entry(root: CID, key: Uint8Array): Promise<unknown> {
    return hamtGet(this.source, root, key);
  }

  /**
   * The same array, of the present form, with each value changed: its shape depends on the indexes alone. Throws `NodeError` for what is none,
   * as `amtEntries` does: a state may come from another node.
   */
  async changedArray(root: CID, change: (index: bigint, value: unknown) => Promise<unknown> | unknown): Promise<CID> {
    const [width, , exact, present] = await this.tuple(root);
    const { height, count, node: top, slots } = await loadRoot(this.source, root);
    if (present === undefined || count > MOST_VALUES)
      throw new RangeError(`the array ${root} is of an early form, or has more than ${MOST_VALUES} values`);
    const left = new Left(count, height);
    const node = async (cid: CID, { bitmap, links, values }: Node, level: number, from: bigint): Promise<Tuple> => {
      left.enter(cid, { bitmap, links, values }, level);
      const step = BigInt(slots) ** BigInt(level);
      const used = slotsOf(bitmap);
      const next: unknown[] = [];
      for (const [i, link] of links.entries()) {
        const child = await loadInner(this.source, link, slots);
        next.push(this.put(await node(link, child, level - 1, from + BigInt(used[i] as number) * step)));
      }
      const out: unknown[] = [];
      for (const [i, value] of values.entries()) {
        left.take(cid);
        out.push(await change(from + BigInt(used[i] as number), value));
      }
      return [bitmap, next, out];
    };
    return this.put([width, height, exact, await node(root, top, height, 0n)]);
  }

  /**
   * The same map, of the present form, with each value, a list, changed: its shape depends on the keys alone. Throws `NodeError` for what is
   * none, as `hamtEntries` does: a state may come from another node.
   */
  async changedMap(
    root: CID,
    change: (value: Tuple, key: Uint8Array) => Promise<Tuple> | Tuple,
    path: readonly number[] = [],
  ): Promise<CID> {
    const [bits, given] = (await this.tuple(root)) as [Uint8Array, readonly unknown[]];
    const next: unknown[] = [];
    for (const { pointer, slot } of await hamtNodeAt(this.source, root, path)) {
      const present = given[next.length];
      if (!Array.isArray(present)) linkIn(present);
      if ("link" in pointer) {
        next.push(await this.changedMap(pointer.link, change, [...path, slot]));
        continue;
      }
      const bucket: unknown[] = [];
      for (const [key, value] of pointer.bucket) {
        if (!Array.isArray(value)) throw new RangeError(`a value of the map ${root} is no list`);
        bucket.push([key, await change(value, key)]);
      }
      next.push(bucket);
    }
    return this.put([bits, next]);
  }

  /** The same map with one more entry. */
  async mapWith(root: CID, key: Uint8Array, value: unknown): Promise<CID> {
    const entries: [Uint8Array, unknown][] = [];
    for await (const [at, old] of hamtEntries(this.source, root)) entries.push([at, old]);
    return buildHamt([...entries, [key, value]], this.write, "present");
  }

  /** A map by numbers. */
  numbered(entries: ReadonlyMap<bigint, unknown>): CID {
    const keyed = [...entries].map(([key, value]) => [encodeVarint(key), value] as const);
    return buildHamt(keyed, this.write, "present");
  }
}

/** Throws for what is no link. */
export function linkIn(value: unknown): CID {
  const cid = CID.asCID(value);
  if (cid === null) throw new RangeError("a state that is to be changed is not what it should be: a link expected");
  return cid;
}

/** Set bits of a bitmap, the lowest first. */
function slotsOf(bitmap: Uint8Array): readonly number[] {
  const slots: number[] = [];
  for (let slot = 0; slot < bitmap.length * 8; slot++)
    if ((((bitmap[slot >> 3] as number) >> (slot & 7)) & 1) === 1) slots.push(slot);
  return slots;
}
