/** Changing the values of an array of the chain where they stand: its form, either one (see `amt.ts`), stays as it is. */
import * as dagCbor from "@ipld/dag-cbor";
import { CID } from "../types/cid.ts";
import { badNode, loadNode } from "./amt.ts";
import type { BlockSource } from "./contract.ts";

/** The root of the same array with each value changed; what is new goes to `put`, which gives its CID. Throws `NodeError`. */
export async function mapAmt(
  blocks: BlockSource,
  root: CID,
  change: (value: unknown) => unknown,
  put: (block: Uint8Array) => CID,
): Promise<CID> {
  const changed = async (cid: CID, node: unknown): Promise<unknown> => {
    if (!Array.isArray(node) || node.length !== 3) return badNode(cid, "not an AMT node");
    const [bitmap, links, values] = node as [unknown, readonly unknown[], readonly unknown[]];
    const below: CID[] = [];
    for (const link of links) {
      const at = CID.asCID(link) ?? badNode(cid, "not a link");
      below.push(put(dagCbor.encode(await changed(at, await loadNode(blocks, at)))));
    }
    return [bitmap, below, values.map(change)];
  };
  const value = await loadNode(blocks, root);
  if (!Array.isArray(value) || value.length < 3) return badNode(root, "not an AMT root");
  return put(dagCbor.encode([...(value as unknown[]).slice(0, -1), await changed(root, value.at(-1))]));
}
