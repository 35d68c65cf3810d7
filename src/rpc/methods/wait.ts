/** Finding a message on the chain, and waiting until it is there deep enough. */

import { CHAIN_LIMITS } from "../../params/networks.ts";
import type { Tipset } from "../../types/block-header.ts";
import type { CID } from "../../types/cid.ts";
import type { Message, MessageReceipt } from "../../types/message.ts";
import { RPC_CODE, RpcError } from "../errors.ts";
import type { NodeServices } from "../services.ts";

export type FoundMessage = {
  /** CID of the message that stands there: another one if ours was replaced. */
  readonly cid: CID;
  readonly message: Message;
  readonly receipt: MessageReceipt;
  /** Tipset that carries the message. */
  readonly tipset: Tipset;
  /** Tipset on top of it, whose headers commit to the receipt; null while there is none. */
  readonly child: Tipset | null;
};

/** The message on the chain, at most `lookback` epochs below the head (-1: anywhere); null if it is not there. */
export async function findMessage(
  node: NodeServices,
  cid: CID,
  lookback: number,
  allowReplaced: boolean,
): Promise<FoundMessage | null> {
  const direct = await node.chain.locate(cid);
  const tipset = direct ?? (allowReplaced ? await replacedIn(node, cid, lookback) : null);
  if (tipset === null || (lookback >= 0 && tipset.height < node.chain.head.height - lookback)) return null;
  const messages = await node.chain.tipsetMessages(tipset);
  const wanted = await original(node, cid);
  const at = messages.findIndex(
    (one) =>
      one.cid.equals(cid) ||
      (wanted !== null && one.message.nonce === wanted.nonce && one.message.from.equals(wanted.from)),
  );
  const found = messages[at];
  const receipt = (await node.chain.receipts(tipset))[at];
  if (found === undefined || receipt === undefined) return null;
  const child = tipset.height < node.chain.head.height ? await node.chain.tipsetAtOrAfter(tipset.height + 1) : null;
  return { cid: found.cid, message: found.message, receipt, tipset, child };
}

async function original(node: NodeServices, cid: CID): Promise<Message | null> {
  const pending = node.pool.get(cid.bytes);
  if (pending !== undefined) return pending.message;
  return (await node.chain.blocks.has(cid.bytes)) ? (await node.chain.message(cid)).message : null;
}

/** The canonical tipset with another message of the same sender and nonce. */
async function replacedIn(node: NodeServices, cid: CID, lookback: number): Promise<Tipset | null> {
  const wanted = await original(node, cid);
  if (wanted === null) return null;
  const depth = lookback >= 0 && lookback < CHAIN_LIMITS.finality ? lookback : CHAIN_LIMITS.finality;
  for (let at: Tipset | null = node.chain.head; at !== null && at.height + depth >= node.chain.head.height; ) {
    for (const { message } of await node.chain.tipsetMessages(at))
      if (message.nonce === wanted.nonce && message.from.equals(wanted.from)) return at;
    at = await node.chain.parent(at);
  }
  return null;
}

/**
 * Waits until the message has been executed and `confidence` epochs stand on top of it. Where epochs pass only when
 * messages arrive, being executed is enough.
 */
export async function waitForMessage(
  node: NodeServices,
  cid: CID,
  confidence: number,
  lookback: number,
  allowReplaced: boolean,
  signal: AbortSignal,
): Promise<FoundMessage> {
  if (confidence > CHAIN_LIMITS.finality)
    throw new RpcError(RPC_CODE.untyped, `confidence ${confidence} is over finality, ${CHAIN_LIMITS.finality}`);
  for (;;) {
    const found = await findMessage(node, cid, lookback, allowReplaced);
    const deep = found?.child != null && node.chain.head.height >= found.tipset.height + confidence;
    if (found !== null && (deep || node.dev?.instant === true)) return found;
    await nextHead(node, signal);
  }
}

function nextHead(node: NodeServices, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = node.chain.onHeadChange(() => end(resolve));
    const onAbort = (): void => end(() => reject(new RpcError(RPC_CODE.untyped, "the client went away")));
    function end(settle: () => void): void {
      stop();
      signal.removeEventListener("abort", onAbort);
      settle();
    }
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort);
  });
}
