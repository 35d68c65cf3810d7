/** Filecoin.Market*: funds in the storage market. */
import { isFilError } from "../../base/errors.ts";
import { encodeMethodParams } from "../../state/state-view.ts";
import type { Address } from "../../types/address.ts";
import { filText } from "../../types/amount.ts";
import type { Tipset } from "../../types/block-header.ts";
import { type CID, parseCid } from "../../types/cid.ts";
import { messageCid, signedMessageCid } from "../../types/message.ts";
import type { Json } from "../../types/schema-codec.ts";
import { MARKET } from "../../types/singletons.ts";
import { address, amount, link } from "../codec/chain-types.ts";
import { nothing, nullable } from "../codec/codec.ts";
import { badParams, RPC_CODE, RpcError } from "../errors.ts";
import type { Adding, Funds } from "../fund-book.ts";
import { group, method, param } from "../method.ts";
import type { NodeServices } from "../services.ts";
import { idAt, orNotFound, viewAt } from "../view.ts";
import { allowed } from "./gas.ts";
import { balanceOf } from "./market-state.ts";
import { openActor } from "./miner-state.ts";
import { pushMessage, unpriced } from "./mpool.ts";

const ADD_BALANCE = 2n;
const WITHDRAW = 3n;

async function send(node: NodeServices, from: Address, value: bigint, number: bigint, json: Json): Promise<CID> {
  const { code } = await orNotFound((await viewAt(node, [])).requireActor(MARKET));
  const params = encodeMethodParams(code, number, json, node.network.prefix);
  const message = unpriced({ from, to: MARKET, value, method: number, params });
  return signedMessageCid(await pushMessage(node, message, allowed(null)));
}

/** Messages to one balance that may be under way. */
const MAX_ADDING = 100;
/** Looks at a head that moves meanwhile. */
const MAX_LOOKS = 5;

/** Whether a message that adds to a balance is still to be executed, as seen from a tipset. */
async function isUnderWay(node: NodeServices, tipset: Tipset, cid: CID): Promise<boolean> {
  const unknown = (error: unknown): null => {
    // One that was dropped and then forgotten: a node in memory keeps messages of its last tipsets alone.
    if (isFilError(error, "UNKNOWN_MESSAGE") || isFilError(error, "MESSAGE_UNKNOWN")) return null;
    throw error;
  };
  // A message that was replaced by another one has been decided upon as well.
  const found = await node.states.search(tipset, cid, { lookback: -1, allowReplaced: true }).catch(unknown);
  if (found !== null) return false;
  if (node.pool.get(cid.bytes) !== undefined) return true;
  for (const block of tipset.blocks) {
    const { bls, secp } = await node.chain.messages(block);
    if (bls.some((one) => messageCid(one).equals(cid))) return true;
    if (secp.some((one) => signedMessageCid(one).equals(cid))) return true;
  }
  return false;
}

/** Funds of an actor without the messages that were executed or dropped, and what its balance has free or soon will have. */
async function freeFunds(node: NodeServices, id: Address, funds: Funds): Promise<{ funds: Funds; free: bigint }> {
  for (let attempt = 1; ; attempt++) {
    const { head } = node.chain;
    const adding: Adding[] = [];
    for (const one of funds.adding) if (await isUnderWay(node, head, parseCid(one.cid))) adding.push(one);
    const { Escrow, Locked } = await balanceOf(await openActor(node, MARKET, head.key), id.bytes);
    const coming = adding.reduce((sum, { amount }) => sum + amount, 0n);
    // What left the pool for a block meanwhile would be missed.
    if (node.chain.head === head || attempt === MAX_LOOKS)
      return { funds: { reserved: funds.reserved, adding }, free: Escrow - Locked + coming };
  }
}

/** Reserves funds; what the balance lacks is sent to it, in a message whose CID is the answer. */
function reserve(node: NodeServices, wallet: Address, id: Address, wanted: bigint): Promise<CID | null> {
  return node.funds.change(id, async (before) => {
    const { funds, free } = await freeFunds(node, id, before);
    const reserved = funds.reserved + wanted;
    if (reserved <= free) return { funds: { ...funds, reserved }, result: null };
    if (funds.adding.length >= MAX_ADDING)
      throw new RpcError(RPC_CODE.limit, `${MAX_ADDING} messages to this balance wait; wait for some of them`);
    const amount = reserved - free;
    const cid = await send(node, wallet, amount, ADD_BALANCE, id.toString());
    return { funds: { reserved, adding: [...funds.adding, { cid: cid.toString(), amount }] }, result: cid };
  });
}

/** Takes funds out of a balance, but not what is reserved. */
function withdraw(node: NodeServices, wallet: Address, one: Address, id: Address, value: bigint): Promise<CID> {
  return node.funds.change(id, async (funds) => {
    const { Escrow, Locked } = await balanceOf(await openActor(node, MARKET, []), id.bytes);
    if (value > 0n && funds.reserved > 0n && value > Escrow - Locked - funds.reserved)
      throw new RpcError(
        RPC_CODE.untyped,
        `insufficient funds for withdrawal of ${filText(value)} (reserved: ${filText(funds.reserved)})`,
      );
    const params = { ProviderOrClientAddress: one.toString(), Amount: value.toString() };
    return { funds, result: await send(node, wallet, 0n, WITHDRAW, params) };
  });
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
    run: async ([wallet, one, value], { node }) => withdraw(node, wallet, one, await idAt(node, one, []), value),
  }),
  MarketReserveFunds: method({
    summary: "Reserves funds in somebody's balance; what it lacks is sent from a key of this node (null: nothing is).",
    permission: "sign",
    params,
    result: nullable(link),
    cost: "execute",
    async run([wallet, one, value], { node }) {
      if (value < 0n) return badParams(`amount: 0 or more expected, got ${value}`);
      return reserve(node, wallet, await idAt(node, one, []), value);
    },
  }),
  MarketReleaseFunds: method({
    summary: "Reserves less of somebody's balance; never less than nothing.",
    permission: "sign",
    params: [param("address", address), param("amount", amount)],
    result: nothing,
    async run([one, value], { node }) {
      if (value < 0n) return badParams(`amount: 0 or more expected, got ${value}`);
      return node.funds.change(await idAt(node, one, []), async ({ reserved, adding }) => ({
        funds: { reserved: reserved > value ? reserved - value : 0n, adding },
        result: null,
      }));
    },
  }),
  MarketGetReserved: method({
    summary: "What is reserved of somebody's balance, attoFIL.",
    permission: "sign",
    params: [param("address", address)],
    result: amount,
    run: async ([one], { node }) => (await node.funds.of(await idAt(node, one, []))).reserved,
  }),
});
