/** Filecoin.Chain*: tipsets, blocks and messages as they stand in the chain. */
import { toBase64 } from "../../base/bytes.ts";
import type { HeadChange } from "../../chain/chain-store.ts";
import { weightOf } from "../../chain/weight.ts";
import { headerToJson, linkToJson, type Tipset, tipsetToJson } from "../../types/block-header.ts";
import type { CID } from "../../types/cid.ts";
import {
  messageCid,
  messageToJson,
  receiptToJson,
  signedMessageCid,
  signedMessageToJson,
} from "../../types/message.ts";
import { cidAt, epochAt, keyAt } from "../arguments.ts";
import type { MethodTable, Subscribe } from "../dispatcher.ts";
import { RPC_CODE, RpcError } from "../errors.ts";
import type { NodeServices } from "../services.ts";
import { read } from "./common.ts";

/** Blocks larger than this are not sent, bytes. */
const MAX_OBJECT = 2 << 20;

export function chainMethods(node: NodeServices): MethodTable {
  const { chain } = node;
  const { letter } = node.network;
  const json = (tipset: Tipset) => tipsetToJson(tipset, letter);

  /** The canonical line below `key`: lookups by height start there. */
  const below = async (params: readonly unknown[], at: number): Promise<Tipset> => chain.tipset(keyAt(params, at));

  return {
    "Filecoin.ChainHead": read(() => json(chain.head)),
    "Filecoin.ChainGetGenesis": read(async () => json(await chain.genesis())),
    "Filecoin.ChainGetTipSet": read(async (params) => json(await chain.tipset(keyAt(params, 0)))),
    "Filecoin.ChainGetTipSetByHeight": read(async (params) => {
      const top = await below(params, 1);
      const height = epochAt(params, 0, "height");
      if (height > top.height)
        throw new RpcError(RPC_CODE.untyped, "looking for tipset with height greater than start point");
      return json(height === top.height ? top : await chain.tipsetAtOrBefore(height));
    }),
    "Filecoin.ChainGetTipSetAfterHeight": read(async (params) => {
      const top = await below(params, 1);
      const found = await chain.tipsetAtOrAfter(epochAt(params, 0, "height"));
      return json(found.height > top.height ? top : found);
    }),
    "Filecoin.ChainGetBlock": read(async (params) =>
      headerToJson(await chain.header(cidAt(params, 0, "block")), letter),
    ),
    "Filecoin.ChainGetBlockMessages": read(async (params) => {
      const { bls, secp } = await chain.messages(await chain.header(cidAt(params, 0, "block")));
      return {
        BlsMessages: bls.map((message) => messageToJson(message, letter)),
        SecpkMessages: secp.map((signed) => signedMessageToJson(signed, letter)),
        Cids: [
          ...bls.map((message) => linkToJson(messageCid(message))),
          ...secp.map((signed) => linkToJson(signedMessageCid(signed))),
        ],
      };
    }),
    "Filecoin.ChainGetMessagesInTipset": read(async (params) => {
      const tipset = await chain.tipset(keyAt(params, 0));
      return (await chain.tipsetMessages(tipset)).map(({ cid, message }) => ({
        Cid: linkToJson(cid),
        Message: messageToJson(message, letter),
      }));
    }),
    "Filecoin.ChainGetParentMessages": read(async (params) => {
      const header = await chain.header(cidAt(params, 0, "block"));
      if (header.parents.length === 0) return [];
      const parent = await chain.tipset(header.parents);
      return (await chain.tipsetMessages(parent)).map(({ cid, message }) => ({
        Cid: linkToJson(cid),
        Message: messageToJson(message, letter),
      }));
    }),
    "Filecoin.ChainGetParentReceipts": read(async (params) => {
      const header = await chain.header(cidAt(params, 0, "block"));
      if (header.parents.length === 0) return [];
      return (await chain.receiptsAt(header.parentMessageReceipts)).map(receiptToJson);
    }),
    "Filecoin.ChainGetMessage": read(async (params) => {
      const cid = cidAt(params, 0, "message");
      const pending = node.pool.get(cid.bytes);
      const message = pending?.message ?? (await chain.message(cid)).message;
      return messageToJson(message, letter);
    }),
    "Filecoin.ChainReadObj": read(async (params) => {
      const bytes = await object(node, cidAt(params, 0, "object"));
      return toBase64(bytes);
    }),
    "Filecoin.ChainHasObj": read((params) => chain.blocks.has(cidAt(params, 0, "object").bytes)),
    "Filecoin.ChainTipSetWeight": read(async (params) => weightOf(await chain.tipset(keyAt(params, 0))).toString()),
    "Filecoin.ChainNotify": { permission: "read", subscription: true, run: () => notify(node) },
  };
}

async function object(node: NodeServices, cid: CID): Promise<Uint8Array> {
  const bytes = await node.chain.blocks.get(cid.bytes);
  if (bytes === undefined) throw new RpcError(RPC_CODE.untyped, `blockstore: block not found: ${cid}`);
  if (bytes.length > MAX_OBJECT) throw new RpcError(RPC_CODE.limit, `block ${cid} has ${bytes.length} bytes`);
  return bytes;
}

function notify(node: NodeServices): Subscribe {
  const spell = (changes: readonly HeadChange[]) =>
    changes.map(({ type, tipset }) => ({ Type: type, Val: tipsetToJson(tipset, node.network.letter) }));
  return (emit) => {
    emit(spell([{ type: "current", tipset: node.chain.head }]));
    return node.chain.onHeadChange((changes) => emit(spell(changes)));
  };
}
