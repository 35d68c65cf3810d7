/**
 * Arrays of the chain (AMT), as the host needs them: reading, and building a dense one in the early form.
 *
 * Root of the early form, eight slots a node: [height, count, node]; of the present one, of actors v3 and later:
 * [bits of a slot's number, height, count, node]. Node: [bitmap, links, values]; a leaf has values, an inner node links, in the
 * order of the set bits (least significant bit first). Messages and receipts of blocks have the early form at any version.
 * State arrays are read with the same functions; only the core writes them. Source: go-amt-ipld v2 and v3.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { BoundedMap } from "../base/bounded-map.ts";
import { equal } from "../base/bytes.ts";
import { FilError } from "../base/errors.ts";
import { CID, type CidKey, cidKey, cidOfBlock } from "../types/cid.ts";
import type { Block, BlockSource } from "./contract.ts";

export type NodeErrorData =
  | { readonly code: "MISSING_BLOCK"; readonly cid: string }
  | { readonly code: "BAD_NODE"; readonly cid: string };
export class NodeError extends FilError<NodeErrorData> {}

const WIDTH = 8;
const EARLY_WIDTH = 3;
/** Bits of a slot's number; the actors' arrays have 2 to 6. */
const MAX_WIDTH = 8;
/** A higher array would have more indexes than the chain has numbers. */
const INDEX_BITS = 63;

export type Node = { readonly bitmap: Uint8Array; readonly links: readonly CID[]; readonly values: readonly unknown[] };

/**
 * Bytes of the blocks whose content is kept decoded, in all: nodes near a root are asked for in every lookup. Decoded they
 * take many times as much.
 */
const KEPT_BYTES = 1 << 20;
/** By CID, with the bytes that were decoded: another store may have the same block, or say that it has. */
const decoded = new BoundedMap<CidKey, { readonly bytes: Uint8Array; readonly value: unknown }>(
  KEPT_BYTES,
  ({ bytes }) => bytes.length,
);

/** Loads and decodes a block, which others may hold, too: nobody changes it. Throws `NodeError`. */
export async function loadNode(blocks: BlockSource, cid: CID): Promise<unknown> {
  const bytes = blocks.peek(cid.bytes) ?? (await blocks.get(cid.bytes));
  if (bytes === undefined) throw new NodeError({ code: "MISSING_BLOCK", cid: `${cid}` }, `block ${cid} is not here`);
  const key = cidKey(cid);
  const known = decoded.get(key);
  if (known !== undefined && (known.bytes === bytes || equal(known.bytes, bytes))) return known.value;
  try {
    const value: unknown = dagCbor.decode(bytes);
    decoded.set(key, { bytes, value });
    return value;
  } catch (cause) {
    throw new NodeError({ code: "BAD_NODE", cid: `${cid}` }, `block ${cid} is not canonical DAG-CBOR`, { cause });
  }
}

export function badNode(cid: CID, why: string): never {
  throw new NodeError({ code: "BAD_NODE", cid: `${cid}` }, `node ${cid}: ${why}`);
}

function asNode(value: unknown, cid: CID, slots: number): Node {
  if (!Array.isArray(value) || value.length !== 3) return badNode(cid, "not an AMT node");
  const [bitmap, links, values] = value as unknown[];
  if (!(bitmap instanceof Uint8Array) || bitmap.length !== Math.ceil(slots / 8))
    return badNode(cid, `the bitmap has not ${slots} bits`);
  if (!Array.isArray(links) || !Array.isArray(values)) return badNode(cid, "links or values are not lists");
  const used = links.length + values.length;
  if (used !== countBits(bitmap, bitmap.length * 8) || (links.length > 0 && values.length > 0))
    badNode(cid, "bitmap does not fit");
  return { bitmap, links: links.map((link) => CID.asCID(link) ?? badNode(cid, "not a link")), values };
}

/** A node below the root of an array with so many slots a node. Throws `NodeError`. */
export async function loadInner(blocks: BlockSource, cid: CID, slots: number): Promise<Node> {
  return asNode(await loadNode(blocks, cid), cid, slots);
}

function hasSlot(bitmap: Uint8Array, slot: number): boolean {
  return (((bitmap[slot >> 3] as number) >> (slot & 7)) & 1) === 1;
}

/** Set bits below `end`. */
function countBits(bitmap: Uint8Array, end: number): number {
  let count = 0;
  for (let slot = 0; slot < end; slot++) if (hasSlot(bitmap, slot)) count++;
  return count;
}

type Root = {
  readonly height: number;
  readonly count: bigint;
  readonly node: Node;
  /** Slots of a node. */
  readonly slots: number;
};

/** An array's root, looked at. Throws `NodeError`. */
export async function loadRoot(blocks: BlockSource, root: CID): Promise<Root> {
  const value = await loadNode(blocks, root);
  if (!Array.isArray(value) || value.length < 3 || value.length > 4) return badNode(root, "not an AMT root");
  const [width, height, count, node] = (
    value.length === 4 ? value : [EARLY_WIDTH, ...(value as unknown[])]
  ) as unknown[];
  // CBOR's floats are numbers too.
  if (typeof width !== "number" || !Number.isInteger(width) || width < 1 || width > MAX_WIDTH)
    return badNode(root, "bad width");
  if (typeof height !== "number" || !Number.isInteger(height) || height < 0 || height > INDEX_BITS / width)
    return badNode(root, "bad height");
  if (!(Number.isSafeInteger(count) || typeof count === "bigint") || (count as number | bigint) < 0)
    return badNode(root, "bad count");
  const slots = 1 << width;
  return { height, count: BigInt(count as number | bigint), node: asNode(node, root, slots), slots };
}

/** Number of values. */
export async function amtCount(blocks: BlockSource, root: CID): Promise<bigint> {
  return (await loadRoot(blocks, root)).count;
}

/**
 * The values with their indexes, ascending. An array may come from anybody, and a few nodes that link to one another stand
 * for any number of values: no more are read than its root counts, and none of an array that counts more than `most`.
 */
export async function* amtEntries(
  blocks: BlockSource,
  root: CID,
  most = Number.MAX_SAFE_INTEGER,
): AsyncGenerator<readonly [bigint, unknown]> {
  const { height, count, node, slots } = await loadRoot(blocks, root);
  if (count > BigInt(most)) badNode(root, `an array of ${count} values; at most ${most} may be in it`);
  yield* walk(blocks, root, node, height, 0n, { slots, left: new Left(count, height) });
}

/** What a walk over an array may still meet: of a few nodes that link to one another it ends, too. Throws `NodeError`. */
export class Left {
  private values: bigint;
  private nodes: bigint;

  constructor(count: bigint, height: number) {
    this.values = count;
    // On the way to each value lie as many nodes as the array is high; a node without values has no place in it.
    this.nodes = count * BigInt(height + 1) + 1n;
  }

  enter(cid: CID, { links, values }: Node, height: number): void {
    if (this.nodes-- === 0n) badNode(cid, "the array has more nodes than its values need");
    if (links.length > 0 !== height > 0 && links.length + values.length > 0) badNode(cid, "height does not fit");
  }

  take(cid: CID): void {
    if (this.values-- === 0n) badNode(cid, "the array has more values than its root counts");
  }
}

async function* walk(
  blocks: BlockSource,
  cid: CID,
  node: Node,
  height: number,
  base: bigint,
  array: { readonly slots: number; readonly left: Left },
): AsyncGenerator<readonly [bigint, unknown]> {
  const { slots, left } = array;
  left.enter(cid, node, height);
  const span = BigInt(slots) ** BigInt(height);
  let at = 0;
  for (let slot = 0; slot < slots; slot++) {
    if (!hasSlot(node.bitmap, slot)) continue;
    const index = base + BigInt(slot) * span;
    if (height === 0) {
      left.take(cid);
      yield [index, node.values[at]] as const;
    } else {
      const link = node.links[at] as CID;
      yield* walk(blocks, link, await loadInner(blocks, link, slots), height - 1, index, array);
    }
    at++;
  }
}

/** The value at `index`, or undefined. */
export async function amtGet(blocks: BlockSource, root: CID, index: bigint): Promise<unknown> {
  const { slots, ...top } = await loadRoot(blocks, root);
  let { height, node } = top;
  if (index >= BigInt(slots) ** BigInt(height + 1)) return undefined;
  for (;;) {
    const slot = Number((index / BigInt(slots) ** BigInt(height)) % BigInt(slots));
    if (!hasSlot(node.bitmap, slot)) return undefined;
    const at = countBits(node.bitmap, slot);
    if (height === 0) return node.values[at];
    const link = node.links[at] ?? badNode(root, "height does not fit");
    node = await loadInner(blocks, link, slots);
    height--;
  }
}

/** Builds the array 0..n-1 and returns its root and blocks. */
export function buildAmt(values: readonly unknown[]): { readonly root: CID; readonly blocks: readonly Block[] } {
  const blocks: Block[] = [];
  const put = (value: unknown): CID => {
    const bytes = dagCbor.encode(value);
    const cid = cidOfBlock(bytes);
    blocks.push({ cid: cid.bytes, bytes });
    return cid;
  };
  const group = (items: readonly unknown[], leaf: boolean): unknown[] => {
    const nodes: unknown[] = [];
    for (let i = 0; i < Math.max(items.length, 1); i += WIDTH) {
      const part = items.slice(i, i + WIDTH);
      const bitmap = Uint8Array.of((1 << part.length) - 1);
      nodes.push(leaf ? [bitmap, [], part] : [bitmap, part, []]);
    }
    return nodes;
  };
  let height = 0;
  let nodes = group(values, true);
  while (nodes.length > 1) {
    nodes = group(nodes.map(put), false);
    height++;
  }
  return { root: put([height, values.length, nodes[0]]), blocks };
}
