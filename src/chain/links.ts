/** Walking blocks by their links: what a block refers to, and everything below it, each block once. */
import * as dagCbor from "@ipld/dag-cbor";
import { NodeError } from "../storage/amt.ts";
import type { Block, BlockSource } from "../storage/contract.ts";
import { CID, cidKey, isIdentity } from "../types/cid.ts";

const DAG_CBOR = 0x71;
/** Sealed and unsealed commitments: names of data that no store holds. */
const COMMITMENTS = [0xf101, 0xf102];

/** Links of a block, in the order in which they stand in it. Raw blocks have none. */
export function linksOf(cid: CID, bytes: Uint8Array): CID[] {
  if (cid.code !== DAG_CBOR) return [];
  const out: CID[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null || value instanceof Uint8Array) return;
    const link = CID.asCID(value);
    if (link !== null) out.push(link);
    else for (const inner of Object.values(value)) visit(inner);
  };
  visit(dagCbor.decode(bytes));
  return out;
}

/** A block by its CID; those of identity CIDs are in the CID itself. Throws `NodeError` MISSING_BLOCK. */
export async function loadBlock(blocks: BlockSource, cid: CID): Promise<Uint8Array> {
  if (isIdentity(cid)) return cid.multihash.digest;
  const bytes = blocks.peek(cid.bytes) ?? (await blocks.get(cid.bytes));
  if (bytes === undefined) throw new NodeError({ code: "MISSING_BLOCK", cid: `${cid}` }, `block ${cid} is not here`);
  return bytes;
}

/** A block and all below it that `seen` has not yet; `seen` learns them. */
export async function* walkBlocks(blocks: BlockSource, root: CID, seen: Set<string>): AsyncGenerator<Block> {
  const open = [root];
  for (let cid = open.pop(); cid !== undefined; cid = open.pop()) {
    const key = cidKey(cid);
    if (seen.has(key) || COMMITMENTS.includes(cid.code)) continue;
    seen.add(key);
    const bytes = await loadBlock(blocks, cid);
    yield { cid: cid.bytes, bytes };
    open.push(...linksOf(cid, bytes).reverse());
  }
}
