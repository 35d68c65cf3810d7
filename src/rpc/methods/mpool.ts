/** Filecoin.Mpool*: sending messages and looking at those that wait. */
import { signMessage } from "../../keys/keys.ts";
import { PoolError } from "../../mpool/rules.ts";
import { linkToJson } from "../../types/block-header.ts";
import {
  messageFromJson,
  type SignedMessage,
  signedMessageCid,
  signedMessageFromJson,
  signedMessageToJson,
} from "../../types/message.ts";
import { addressAt } from "../arguments.ts";
import type { MethodTable, Subscribe } from "../dispatcher.ts";
import { badParams, RPC_CODE, RpcError } from "../errors.ts";
import type { NodeServices } from "../services.ts";
import { read, withPermission } from "./common.ts";
import { completeGas, maxFeeOf } from "./gas.ts";
import { orNotFound, viewAt } from "./state.ts";

/** Messages of one batch. */
const MAX_BATCH = 100;

async function push(node: NodeServices, signed: SignedMessage) {
  try {
    await node.pool.push(signed);
  } catch (error) {
    if (error instanceof PoolError && error.code !== "ALREADY_PENDING")
      throw new RpcError(RPC_CODE.untyped, `mpool push: ${error.message}`);
    if (!(error instanceof PoolError)) throw error;
  }
  return linkToJson(signedMessageCid(signed));
}

export function mpoolMethods(node: NodeServices): MethodTable {
  const { letter } = node.network;
  return {
    "Filecoin.MpoolPush": withPermission("write", (params) => push(node, signedMessageFromJson(params[0]))),
    "Filecoin.MpoolBatchPush": withPermission("write", async (params) => {
      const list = params[0];
      if (!Array.isArray(list) || list.length > MAX_BATCH)
        return badParams(`list of at most ${MAX_BATCH} messages expected`);
      const cids: unknown[] = [];
      for (const item of list as unknown[]) cids.push(await push(node, signedMessageFromJson(item)));
      return cids;
    }),
    "Filecoin.MpoolPushMessage": withPermission("sign", async (params) => {
      const wanted = messageFromJson(params[0]);
      if (wanted.nonce !== 0n) badParams("Nonce must be 0: the node chooses it");
      const head = node.chain.head;
      const view = await viewAt(node, head.key);
      const key = await orNotFound(view.accountKey(wanted.from));
      const actor = await orNotFound(view.requireActor(key));
      const complete = await completeGas(node, { ...wanted, from: key }, head, maxFeeOf(params[1]));
      const message = { ...complete, nonce: node.pool.nextNonce(key, actor.nonce) };
      const signed = signMessage(node.crypto, node.keystore.get(key), message);
      await push(node, signed);
      return signedMessageToJson(signed, letter);
    }),
    "Filecoin.MpoolGetNonce": read(async (params) => {
      const address = addressAt(params, 0, "address");
      const view = await viewAt(node, []);
      const key = await orNotFound(view.accountKey(address));
      const actor = await orNotFound(view.requireActor(key));
      return Number(node.pool.nextNonce(key, actor.nonce));
    }),
    "Filecoin.MpoolPending": read(() => node.pool.pending().map((signed) => signedMessageToJson(signed, letter))),
    "Filecoin.MpoolSelect": read(async () => {
      const baseFee = node.chain.head.blocks[0]?.parentBaseFee ?? 0n;
      return (await node.pool.select(baseFee)).map((signed) => signedMessageToJson(signed, letter));
    }),
    "Filecoin.MpoolClear": withPermission("write", () => {
      node.pool.clear();
      return null;
    }),
    "Filecoin.MpoolSub": { permission: "read", subscription: true, run: () => changes(node) },
  };
}

function changes(node: NodeServices): Subscribe {
  return (emit) =>
    node.pool.onChange(({ kind, signed }) =>
      emit({ Type: kind === "add" ? 0 : 1, Message: signedMessageToJson(signed, node.network.letter) }),
    );
}
