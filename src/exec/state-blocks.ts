/** Blocks of a state that is being changed: tuples, arrays and maps are read, changed value by value, and written again. */
import * as dagCbor from "@ipld/dag-cbor";
import { encodeVarint } from "../base/varint.ts";
import { amtEntries, amtGet, loadNode } from "../storage/amt.ts";
import type { BlockSource } from "../storage/contract.ts";
import { hamtEntries, hamtGet } from "../storage/hamt.ts";
import { buildHamt } from "../storage/hamt-build.ts";
import { type Block, CID, cidOfBlock } from "../types/cid.ts";

type Tuple = readonly unknown[];

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

  /** The same array with each value changed: its shape depends on the indexes alone. */
  async changedArray(root: CID, change: (index: bigint, value: unknown) => Promise<unknown> | unknown): Promise<CID> {
    const [width, height, count, top] = (await this.tuple(root)) as [number, number, number | bigint, Tuple];
    const node = async ([bitmap, links, values]: Tuple, level: number, from: bigint): Promise<Tuple> => {
      const step = 1n << BigInt(width * level);
      const slots = slotsOf(bitmap as Uint8Array);
      const next: unknown[] = [];
      const inner = links as readonly unknown[];
      for (const [i, one] of inner.entries()) {
        const child = await this.tuple(linkIn(one));
        next.push(this.put(await node(child, level - 1, from + BigInt(slots[i] as number) * step)));
      }
      const out: unknown[] = [];
      for (const [i, value] of (values as readonly unknown[]).entries())
        out.push(await change(from + BigInt(slots[i] as number), value));
      return [bitmap, next, out];
    };
    return this.put([width, height, count, await node(top, height, 0n)]);
  }

  /** The same map, of the present form, with each value, a list, changed: its shape depends on the keys alone. */
  async changedMap(root: CID, change: (value: Tuple, key: Uint8Array) => Promise<Tuple> | Tuple): Promise<CID> {
    const [bits, pointers] = (await this.tuple(root)) as [Uint8Array, readonly unknown[]];
    const next: unknown[] = [];
    for (const one of pointers) {
      if (!Array.isArray(one)) {
        next.push(await this.changedMap(linkIn(one), change));
        continue;
      }
      const bucket: unknown[] = [];
      for (const [key, value] of one as readonly Tuple[])
        bucket.push([key, await change(value as Tuple, key as Uint8Array)]);
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
