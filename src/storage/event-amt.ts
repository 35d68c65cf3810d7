/**
 * Arrays of events: AMTs of the later node form with a width in their root, read in order.
 *
 * Root: [bit width, height, count, node]; node: [bitmap, links, values], with a bit a slot, least significant first.
 * Source: go-amt-ipld v4 internal/internal.go; lotus chain/types/event.go (EventAMTBitwidth).
 */
import { CID } from "../types/cid.ts";
import { badNode, loadNode } from "./amt.ts";
import type { BlockSource } from "./contract.ts";

export const EVENT_BIT_WIDTH = 5;
/** Values that are read of one array, and its height. */
const MAX_VALUES = 100_000;
const MAX_HEIGHT = 12;

/** The values of an array of `EVENT_BIT_WIDTH`; throws `NodeError`. */
export async function eventValues(blocks: BlockSource, root: CID): Promise<unknown[]> {
  const value = await loadNode(blocks, root);
  if (!Array.isArray(value) || value.length !== 4) return badNode(root, "not the root of an array of events");
  const [bitWidth, height, count, node] = value as unknown[];
  if (bitWidth !== EVENT_BIT_WIDTH) return badNode(root, `bit width ${bitWidth}, not ${EVENT_BIT_WIDTH}`);
  if (typeof height !== "number" || !Number.isInteger(height) || height < 0 || height > MAX_HEIGHT)
    return badNode(root, "bad height");
  const out: unknown[] = [];
  await walk(blocks, root, node, height, out);
  return out.length === count ? out : badNode(root, `${out.length} values, not ${count}`);
}

async function walk(
  blocks: BlockSource,
  cid: CID,
  node: unknown,
  height: number,
  out: unknown[],
  isRoot = true,
): Promise<void> {
  if (!Array.isArray(node) || node.length !== 3) return badNode(cid, "not a node");
  const [bitmap, links, values] = node as unknown[];
  if (!(bitmap instanceof Uint8Array) || bitmap.length !== 1 << (EVENT_BIT_WIDTH - 3))
    return badNode(cid, "bitmap of another width");
  if (!Array.isArray(links) || !Array.isArray(values)) return badNode(cid, "links or values are not lists");
  const used = bitmap.reduce((sum, byte) => sum + bitsOf(byte), 0);
  // So that the number of values bounds that of nodes: a few that link to one another stand for any number.
  if (used === 0 && !isRoot) return badNode(cid, "an empty node below the root");
  if (used !== (height === 0 ? values : links).length || (height === 0 ? links : values).length > 0)
    return badNode(cid, "bitmap does not fit");
  if (out.length + values.length > MAX_VALUES) return badNode(cid, `more than ${MAX_VALUES} values`);
  out.push(...values);
  for (const one of links) {
    const link = CID.asCID(one) ?? badNode(cid, "not a link");
    await walk(blocks, link, await loadNode(blocks, link), height - 1, out, false);
  }
}

function bitsOf(byte: number): number {
  let count = 0;
  for (let rest = byte; rest !== 0; rest &= rest - 1) count++;
  return count;
}
