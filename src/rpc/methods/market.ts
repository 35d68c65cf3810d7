/** Filecoin.Market*: funds in the storage market. */
import { encodeMethodParams } from "../../state/state-view.ts";
import type { Address } from "../../types/address.ts";
import type { CID } from "../../types/cid.ts";
import { signedMessageCid } from "../../types/message.ts";
import type { Json } from "../../types/schema-codec.ts";
import { MARKET } from "../../types/singletons.ts";
import { address, amount, link } from "../codec/chain-types.ts";
import { badParams } from "../errors.ts";
import { group, method, param } from "../method.ts";
import type { NodeServices } from "../services.ts";
import { orNotFound, viewAt } from "../view.ts";
import { allowed } from "./gas.ts";
import { pushMessage } from "./mpool.ts";

const ADD_BALANCE = 2n;
const WITHDRAW = 3n;

async function send(node: NodeServices, from: Address, value: bigint, number: bigint, json: Json): Promise<CID> {
  const { code } = await orNotFound((await viewAt(node, [])).requireActor(MARKET));
  const params = encodeMethodParams(code, number, json, node.network.letter);
  const free = { nonce: 0n, gasLimit: 0n, gasFeeCap: 0n, gasPremium: 0n };
  const message = { ...free, from, to: MARKET, value, method: number, params };
  return signedMessageCid(await pushMessage(node, message, allowed(null)));
}

const params = [param("wallet", address), param("address", address), param("amount", amount)] as const;

export const marketGroup = group("Market", "Funds in the storage market.", {
  MarketAddBalance: method({
    summary: "Sends funds of a key of this node to somebody's balance in the storage market.",
    permission: "sign",
    params,
    result: link,
    cost: "execute",
    run([wallet, one, value], { node }) {
      if (value <= 0n) return badParams(`amount: more than 0 expected, got ${value}`);
      return send(node, wallet, value, ADD_BALANCE, one.toString());
    },
  }),
  MarketWithdraw: method({
    summary: "Takes funds that are not locked out of somebody's balance in the storage market.",
    permission: "sign",
    params,
    result: link,
    cost: "execute",
    run: ([wallet, one, value], { node }) =>
      send(node, wallet, 0n, WITHDRAW, { ProviderOrClientAddress: one.toString(), Amount: value.toString() }),
  }),
});
