/** Free blocks by bitswap, from whoever of the connected peers has them: nothing is agreed on, and nothing paid. */
import { type CID, cidFromBytes } from "../../types/cid.ts";
import type { ClientStore } from "../data/client-store.ts";
import { walk } from "../data/links.ts";

/** The bytes of a block; rejects if nobody has it. */
export type PeerBlock = (cid: CID, signal: AbortSignal) => Promise<Uint8Array>;

export type Fetched = { readonly bytes: number; readonly links: number };

/** Fetches what of a DAG is not here, each block verified as it comes, and lists it. What came stays if it breaks. */
export async function fetchByBitswap(
  store: ClientStore,
  root: CID,
  block: PeerBlock,
  signal: AbortSignal,
): Promise<Fetched> {
  const incoming = await store.incoming();
  let bytes = 0;
  let links = 0;
  const get = async (key: Uint8Array): Promise<Uint8Array> => {
    const here = await store.get(key);
    if (here !== undefined) return here;
    const cid = cidFromBytes(key);
    const came = await block(cid, signal);
    await incoming.put(cid, came);
    bytes += came.length;
    return came;
  };
  try {
    for await (const _ of walk({ peek: () => undefined, get }, root, { signal })) links++;
  } finally {
    incoming.end();
  }
  await store.listRetrieval(root, "bitswap", signal);
  return { bytes, links };
}
