/** The CID of a transaction's message and the hash of a message's transaction, each by the other. */
import { messageHash } from "../../chain/eth-index.ts";
import { link } from "../codec/chain-types.ts";
import { nullable } from "../codec/codec.ts";
import { cidOfTransaction, knownMessage } from "../eth/blocks.ts";
import { hash } from "../eth/codecs.ts";
import { group, method, param } from "../method.ts";

export const ethNamesGroup = group("Ethereum: messages", "Messages by the hashes of their transactions.", {
  EthGetMessageCidByTransactionHash: method({
    summary: "The CID of a transaction's message, also of one that waits; null if it is nowhere.",
    params: [param("hash", hash)],
    result: nullable(link),
    async run([wanted], { node }) {
      const cid = await cidOfTransaction(node, wanted);
      return (await knownMessage(node, cid)) === null ? null : cid;
    },
  }),
  EthGetTransactionHashByCid: method({
    summary: "The hash of a message's transaction; null if it is nowhere.",
    params: [param("cid", link)],
    result: nullable(hash),
    async run([cid], { node }) {
      const found = await knownMessage(node, cid);
      return found === null ? null : messageHash(found.cid, found.signed, node.network.chainId);
    },
  }),
});
