/**
 * Arrays of the chain (AMT, width 8, early node form), as the host needs them: reading, and building a dense one.
 *
 * Root: [height, count, node]; node: [bitmap byte, links, values]; a leaf has values, an inner node links, in the order
 * of the set bits (least significant bit first). Used for the messages and receipts of blocks. State arrays are read
 * with the same functions; only the core writes them. Source: go-amt-ipld v2.
 */
import * as dagCbor from "@ipld/dag-cbor";
import { BoundedMap } from "../base/bounded-map.ts";
import { FilError } from "../base/errors.ts";
import { CID, cidOfBlock } from "../types/cid.ts";
import type { Block, BlockSource } from "./contract.ts";

export type NodeErrorData =
  | { readonly code: "MISSING_BLOCK"; readonly cid: string }
  | { readonly code: "BAD_NODE"; readonly cid: string };
export class NodeError extends FilError<NodeErrorData> {}

const WIDTH = 8;
/** 8^21 exceeds 2^63. */
const MAX_HEIGHT = 21;

type Node = { readonly bits: number; readonly links: readonly CID[]; readonly values: readonly unknown[] };

/**
 * Bytes of the blocks whose content is kept decoded, in all: nodes near a root are asked for in every lookup. Decoded they
 * take many times as much.
 */
const KEPT_BYTES = 1 << 20;
/** By the very bytes: stores that hold blocks in memory give the same ones each time. */
const decoded = new BoundedMap<Uint8Array, { readonly value: unknown; readonly size: number }>(
  KEPT_BYTES,
  ({ size }) => size,
);

/** Loads and decodes a block, which others may hold, too: nobody changes it. Throws `NodeError`. */
export async function loadNode(blocks: BlockSource, cid: CID): Promise<unknown> {
  const bytes = blocks.peek(cid.bytes) ?? (await blocks.get(cid.bytes));
  if (bytes === undefined) throw new NodeError({ code: "MISSING_BLOCK", cid: `${cid}` }, `block ${cid} is not here`);
  const known = decoded.get(bytes);
  if (known !== undefined) return known.value;
  try {
    const value: unknown = dagCbor.decode(bytes);
    decoded.set(bytes, { value, size: bytes.length });
    return value;
  } catch (cause) {
    throw new NodeError({ code: "BAD_NODE", cid: `${cid}` }, `block ${cid} is not canonical DAG-CBOR`, { cause });
  }
}

export function badNode(cid: CID, why: string): never {
  throw new NodeError({ code: "BAD_NODE", cid: `${cid}` }, `node ${cid}: ${why}`);
}

function asNode(value: unknown, cid: CID): Node {
  if (!Array.isArray(value) || value.length !== 3) return badNode(cid, "not an AMT node");
  const [bitmap, links, values] = value as unknown[];
  if (!(bitmap instanceof Uint8Array) || bitmap.length !== 1) return badNode(cid, "bitmap is not one byte");
  if (!Array.isArray(links) || !Array.isArray(values)) return badNode(cid, "links or values are not lists");
  const bits = bitmap[0] as number;
  const used = links.length + values.length;
  if (used !== popCount(bits) || (links.length > 0 && values.length > 0)) badNode(cid, "bitmap does not fit");
  return { bits, links: links.map((link) => CID.asCID(link) ?? badNode(cid, "not a link")), values };
}

function popCount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}

async function loadRoot(blocks: BlockSource, root: CID): Promise<{ height: number; count: bigint; node: Node }> {
  const value = await loadNode(blocks, root);
  if (!Array.isArray(value) || value.length !== 3) return badNode(root, "not an AMT root");
  const [height, count, node] = value as unknown[];
  // CBOR's floats are numbers too.
  if (typeof height !== "number" || !Number.isInteger(height) || height < 0 || height > MAX_HEIGHT)
    return badNode(root, "bad height");
  if (!(Number.isSafeInteger(count) || typeof count === "bigint") || (count as number | bigint) < 0)
    return badNode(root, "bad count");
  return { height, count: BigInt(count as number | bigint), node: asNode(node, root) };
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
  const { height, count, node } = await loadRoot(blocks, root);
  if (count > BigInt(most)) badNode(root, `an array of ${count} values; at most ${most} may be in it`);
  // On the way to each value lie as many nodes as the array is high; a node without values has no place in it.
  const left = { values: count, nodes: count * BigInt(height + 1) + 1n };
  yield* walk(blocks, root, node, height, 0n, left);
}

async function* walk(
  blocks: BlockSource,
  cid: CID,
  node: Node,
  height: number,
  base: bigint,
  left: { values: bigint; nodes: bigint },
): AsyncGenerator<readonly [bigint, unknown]> {
  if (left.nodes-- === 0n) badNode(cid, "the array has more nodes than its values need");
  if (node.links.length > 0 !== height > 0 && node.bits !== 0) badNode(cid, "height does not fit");
  const span = BigInt(WIDTH) ** BigInt(height);
  let at = 0;
  for (let slot = 0; slot < WIDTH; slot++) {
    if (((node.bits >> slot) & 1) === 0) continue;
    const index = base + BigInt(slot) * span;
    if (height === 0) {
      if (left.values-- === 0n) badNode(cid, "the array has more values than its root counts");
      yield [index, node.values[at]] as const;
    } else {
      const link = node.links[at] as CID;
      yield* walk(blocks, link, asNode(await loadNode(blocks, link), link), height - 1, index, left);
    }
    at++;
  }
}

/** The value at `index`, or undefined. */
export async function amtGet(blocks: BlockSource, root: CID, index: bigint): Promise<unknown> {
  let { height, node } = await loadRoot(blocks, root);
  if (index >= BigInt(WIDTH) ** BigInt(height + 1)) return undefined;
  for (;;) {
    const slot = Number((index / BigInt(WIDTH) ** BigInt(height)) % BigInt(WIDTH));
    if (((node.bits >> slot) & 1) === 0) return undefined;
    const at = popCount(node.bits & ((1 << slot) - 1));
    if (height === 0) return node.values[at];
    const link = node.links[at] ?? badNode(root, "height does not fit");
    node = asNode(await loadNode(blocks, link), link);
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
