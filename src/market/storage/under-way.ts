/** Whether a message of this node is still to be executed. */
import { isFilError } from "../../base/errors.ts";
import type { MessagePool } from "../../mpool/pool.ts";
import type { StateManager } from "../../stmgr/state-manager.ts";
import type { CID } from "../../types/cid.ts";
import { messageCid, signedMessageCid } from "../../types/message.ts";

export type UnderWayNode = { readonly states: StateManager; readonly pool: MessagePool };

/** As seen from the head: it waits in the pool, or stands in the head's own blocks. */
export async function isUnderWay({ states, pool }: UnderWayNode, cid: CID): Promise<boolean> {
  const { chain } = states;
  const { head } = chain;
  const unknown = (error: unknown): null => {
    // One that was dropped and then forgotten: a node in memory keeps messages of its last tipsets alone.
    if (isFilError(error, "UNKNOWN_MESSAGE") || isFilError(error, "MESSAGE_UNKNOWN")) return null;
    throw error;
  };
  // A message that was replaced by another one has been decided upon as well.
  const found = await states.search(head, cid, { lookback: -1, allowReplaced: true }).catch(unknown);
  if (found !== null) return false;
  if (pool.get(cid.bytes) !== undefined) return true;
  for (const block of head.blocks) {
    const { bls, secp } = await chain.messages(block);
    if (bls.some((one) => messageCid(one).equals(cid))) return true;
    if (secp.some((one) => signedMessageCid(one).equals(cid))) return true;
  }
  return false;
}
