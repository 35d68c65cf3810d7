/** Filecoin.Chain*: tipsets, blocks and messages as they stand in the chain. */
import type { HeadChange } from "../../chain/chain.ts";
import { weightOf } from "../../chain/weight.ts";
import { type CID, isIdentity } from "../../types/cid.ts";
import { messageCid, signedMessageCid } from "../../types/message.ts";
import {
  amount,
  bytes,
  epoch,
  header,
  link,
  message,
  receipt,
  signedMessage,
  tipset,
  tipsetKey,
} from "../codec/chain-types.ts";
import { boolean, choice, list, object } from "../codec/codec.ts";
import { RPC_CODE, RpcError } from "../errors.ts";
import { group, method, param, type Subscribe, subscription } from "../method.ts";
import type { NodeServices } from "../services.ts";
import { eventMethods } from "./events.ts";

/** Blocks larger than this are not sent, bytes. */
const MAX_OBJECT = 2 << 20;
/** Entries of a list in an answer. */
const MANY = 1_000_000;

const chainMessage = object("ApiMessage", { Cid: link, Message: message });
export const headChange = object("HeadChange", { Type: choice("current", "apply", "revert"), Val: tipset });

/** A block's bytes; those of an identity CID are in the CID itself. */
export async function readObject(node: NodeServices, cid: CID): Promise<Uint8Array> {
  const found = isIdentity(cid) ? cid.multihash.digest : await node.chain.blocks.get(cid.bytes);
  if (found === undefined) throw new RpcError(RPC_CODE.untyped, `blockstore: block not found: ${cid}`);
  if (found.length > MAX_OBJECT)
    throw new RpcError(RPC_CODE.limit, `block ${cid} has ${found.length} bytes, over ${MAX_OBJECT}`);
  return found;
}

async function parentMessages(node: NodeServices, cid: CID) {
  const { parents } = await node.chain.header(cid);
  return parents.length === 0 ? [] : messagesOf(node, parents);
}

async function messagesOf(node: NodeServices, key: readonly CID[]) {
  const found = await node.chain.tipsetMessages(await node.chain.tipset(key));
  return found.map((one) => ({ Cid: one.cid, Message: one.message }));
}

export const chainGroup = group("Chain", "Tipsets, blocks, messages and objects of the chain.", {
  ChainHead: method({
    summary: "The head: the heaviest tipset that this node knows.",
    result: tipset,
    run: (_, { node }) => node.chain.head,
  }),
  ChainNotify: subscription({
    summary: "Every change of the head: first the current one, then tipsets reverted and applied, in order.",
    result: list(headChange, MANY),
    run: (_, { node }) => notify(node),
  }),
  ChainGetGenesis: method({
    summary: "The genesis tipset.",
    result: tipset,
    run: (_, { node }) => node.chain.genesis(),
  }),
  ChainGetTipSet: method({
    summary: "A tipset by its key.",
    params: [param("tipsetKey", tipsetKey)],
    result: tipset,
    run: ([key], { node }) => node.chain.tipset(key),
  }),
  ChainGetTipSetByHeight: method({
    summary: "The tipset at an epoch or, where that is a null round, the last one before it; below the given tipset.",
    params: [param("height", epoch), param("tipsetKey", tipsetKey)],
    result: tipset,
    run: async ([height, key], { node }) => node.chain.tipsetAtOrBefore(height, await node.chain.tipset(key)),
  }),
  ChainGetTipSetAfterHeight: method({
    summary:
      "The tipset at an epoch or, where that is a null round, the first one after it; not above the given tipset.",
    params: [param("height", epoch), param("tipsetKey", tipsetKey)],
    result: tipset,
    run: async ([height, key], { node }) => node.chain.tipsetAtOrAfter(height, await node.chain.tipset(key)),
  }),
  ChainGetBlock: method({
    summary: "A block header by its CID.",
    params: [param("block", link)],
    result: header,
    run: ([cid], { node }) => node.chain.header(cid),
  }),
  ChainGetBlockMessages: method({
    summary: "The messages that a block carries.",
    params: [param("block", link)],
    result: object("BlockMessages", {
      BlsMessages: list(message, MANY),
      SecpkMessages: list(signedMessage, MANY),
      Cids: list(link, MANY),
    }),
    async run([cid], { node }) {
      const { bls, secp } = await node.chain.messages(await node.chain.header(cid));
      return {
        BlsMessages: bls,
        SecpkMessages: secp,
        Cids: [...bls.map((one) => messageCid(one)), ...secp.map((one) => signedMessageCid(one))],
      };
    },
  }),
  ChainGetMessagesInTipset: method({
    summary: "The messages of a tipset, each once, in the order of execution.",
    params: [param("tipsetKey", tipsetKey)],
    result: list(chainMessage, MANY),
    run: ([key], { node }) => messagesOf(node, key),
  }),
  ChainGetParentMessages: method({
    summary: "The messages of the parent tipset of a block: those whose receipts the block commits to.",
    params: [param("block", link)],
    result: list(chainMessage, MANY),
    run: ([cid], { node }) => parentMessages(node, cid),
  }),
  ChainGetParentReceipts: method({
    summary: "The receipts of the parent tipset of a block, in the order of ChainGetParentMessages.",
    params: [param("block", link)],
    result: list(receipt, MANY),
    async run([cid], { node }) {
      const { parents, parentMessageReceipts } = await node.chain.header(cid);
      if (parents.length === 0) return [];
      // After a snapshot without receipts they are computed.
      if (!(await node.chain.blocks.has(parentMessageReceipts.bytes)))
        await node.states.result(await node.chain.tipset(parents));
      return node.chain.receiptsAt(parentMessageReceipts);
    },
  }),
  ...eventMethods,
  ChainGetMessage: method({
    summary: "A message by its CID, from a block or from the message pool.",
    params: [param("message", link)],
    result: message,
    async run([cid], { node }) {
      const pending = node.pool.get(cid.bytes);
      return pending?.message ?? (await node.chain.message(cid)).message;
    },
  }),
  ChainReadObj: method({
    summary: "The bytes of a block of the store.",
    params: [param("object", link)],
    result: bytes(),
    run: ([cid], { node }) => readObject(node, cid),
  }),
  ChainHasObj: method({
    summary: "Whether the store has a block.",
    params: [param("object", link)],
    result: boolean,
    run: async ([cid], { node }) => isIdentity(cid) || node.chain.blocks.has(cid.bytes),
  }),
  ChainTipSetWeight: method({
    summary: "The weight of the chain up to and with a tipset.",
    params: [param("tipsetKey", tipsetKey)],
    result: amount,
    run: async ([key], { node }) => {
      const tipset = await node.chain.tipset(key);
      return node.weight === undefined ? weightOf(tipset) : node.weight(tipset);
    },
  }),
});

function notify(node: NodeServices): Subscribe<readonly { Type: HeadChange["type"]; Val: HeadChange["tipset"] }[]> {
  const spell = (changes: readonly HeadChange[]) => changes.map(({ type, tipset: Val }) => ({ Type: type, Val }));
  return (emit) => {
    emit(spell([{ type: "current", tipset: node.chain.head }]));
    return node.chain.onHeadChange((changes) => emit(spell(changes)));
  };
}
