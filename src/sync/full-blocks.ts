/** From what a peer sent to whole blocks: headers and exactly the messages that they commit to. */
import type { BlockMessages } from "../chain/message-store.ts";
import { buildMessageMeta } from "../chain/message-store.ts";
import type { FullBlock } from "../consensus/validator.ts";
import type { FetchedTipset } from "../network/exchange-client.ts";
import type { CompactedMessages } from "../network/wire/exchange.ts";
import type { CID } from "../types/cid.ts";
import type { Message, SignedMessage } from "../types/message.ts";
import { type AskOptions, SyncError, type SyncPeers } from "./peers.ts";

/** Peers that may lie about messages before a request is given up. */
const MAX_LIARS = 4;

/** Blocks of a tipset in its order; throws `SyncError` WRONG_MESSAGES if the messages are not those of the headers. */
export function fullBlocks({ tipset, messages, peer }: FetchedTipset): readonly FullBlock[] {
  return tipset.blocks.map((header, i) => {
    const own = messages === null ? null : messagesOfBlock(messages, i);
    if (own === null || !buildMessageMeta(own).root.equals(header.messages))
      throw new SyncError(
        { code: "WRONG_MESSAGES", peer },
        `peer ${peer} sent other messages than those of block ${tipset.key[i]}`,
      );
    return { header, messages: own };
  });
}

function messagesOfBlock(all: CompactedMessages, index: number): BlockMessages | null {
  const [blsAt, secpAt] = [all.blsIncludes[index], all.secpIncludes[index]];
  if (blsAt === undefined || secpAt === undefined) return null;
  return {
    bls: blsAt.map((at) => all.bls[at] as Message),
    secp: secpAt.map((at) => all.secp[at] as SignedMessage),
  };
}

/**
 * Whole tipsets from `key` down, lowest first: as many as one answer holds, at most `length`. Who sends wrong messages is
 * reported, and the tipsets are asked for again.
 */
export async function fetchFull(
  peers: SyncPeers,
  key: readonly CID[],
  length: number,
  options: AskOptions,
): Promise<readonly (readonly FullBlock[])[]> {
  for (let liars = 1; ; liars++) {
    const fetched = await peers.fetch(key, length, { ...options, messages: true });
    try {
      return fetched.map(fullBlocks).reverse();
    } catch (error) {
      if (!(error instanceof SyncError) || error.data.code !== "WRONG_MESSAGES") throw error;
      peers.report(error.data.peer, "badChain");
      if (liars === MAX_LIARS) throw error;
    }
  }
}
