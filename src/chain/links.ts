/** Walking blocks by their links: everything below a block, each block once. */
import { linksOf } from "../exec/reachable.ts";
import { NodeError } from "../storage/amt.ts";
import type { CidSet } from "../storage/cid-set.ts";
import type { Block, BlockSource } from "../storage/contract.ts";
import { type CID, cidFromBytes, isIdentity } from "../types/cid.ts";

const DAG_CBOR = 0x71;
/** Sealed and unsealed commitments: names of data that no store holds. */
const COMMITMENTS = [0xf101, 0xf102];

/** A block by its CID; those of identity CIDs are in the CID itself. Throws `NodeError` MISSING_BLOCK. */
export async function loadBlock(blocks: BlockSource, cid: CID): Promise<Uint8Array> {
  if (isIdentity(cid)) return cid.multihash.digest;
  const bytes = blocks.peek(cid.bytes) ?? (await blocks.get(cid.bytes));
  if (bytes === undefined) throw new NodeError({ code: "MISSING_BLOCK", cid: `${cid}` }, `block ${cid} is not here`);
  return bytes;
}

/** Links that wait to be followed, at most: of what is ours there are some thousands, and blocks of others may be nothing but links. */
const MOST_OPEN = 1 << 20;

/** A block and all below it that `seen` has not yet; `seen` learns them. Throws `NodeError` MISSING_BLOCK, BAD_NODE. */
export async function* walkBlocks(blocks: BlockSource, root: CID, seen: CidSet): AsyncGenerator<Block> {
  const open = [root];
  for (let cid = open.pop(); cid !== undefined; cid = open.pop()) {
    if (COMMITMENTS.includes(cid.code) || !seen.add(cid.bytes)) continue;
    const bytes = await loadBlock(blocks, cid);
    yield { cid: cid.bytes, bytes };
    if (cid.code === DAG_CBOR) for (const link of linksOf(bytes).reverse()) open.push(cidFromBytes(link));
    if (open.length > MOST_OPEN)
      throw new NodeError({ code: "BAD_NODE", cid: `${cid}` }, `more than ${MOST_OPEN} links wait at block ${cid}`);
  }
}
