/** Filecoin.Market*: funds in the storage market. */
import { address, amount, link } from "../codec/chain-types.ts";
import { nothing, nullable } from "../codec/codec.ts";
import { badParams } from "../errors.ts";
import { group, method, param } from "../method.ts";
import { idAt, keyAt } from "../view.ts";
import { estimated } from "./gas.ts";

const params = [param("wallet", address), param("address", address), param("amount", amount)] as const;

export const marketGroup = group("Market", "Funds in the storage market.", {
  MarketAddBalance: method({
    summary: "Sends funds of a key of this node to somebody's balance in the storage market.",
    permission: "sign",
    params,
    result: link,
    cost: "execute",
    async run([wallet, one, value], { node }) {
      if (value <= 0n) return badParams(`amount: more than 0 expected, got ${value}`);
      return estimated(node.funds.add(await keyAt(node, wallet, []), one, value));
    },
  }),
  MarketWithdraw: method({
    summary: "Takes funds that are not locked out of somebody's balance in the storage market.",
    permission: "sign",
    params,
    result: link,
    cost: "execute",
    run: async ([wallet, one, value], { node }) =>
      estimated(node.funds.withdraw(await keyAt(node, wallet, []), one, await idAt(node, one, []), value)),
  }),
  MarketReserveFunds: method({
    summary: "Reserves funds in somebody's balance; what it lacks is sent from a key of this node (null: nothing is).",
    permission: "sign",
    params,
    result: nullable(link),
    cost: "execute",
    async run([wallet, one, value], { node }) {
      if (value < 0n) return badParams(`amount: 0 or more expected, got ${value}`);
      return estimated(node.funds.reserve(await keyAt(node, wallet, []), await idAt(node, one, []), value));
    },
  }),
  MarketReleaseFunds: method({
    summary: "Reserves less of somebody's balance; never less than nothing, nor than what deals hold.",
    permission: "sign",
    params: [param("address", address), param("amount", amount)],
    result: nothing,
    async run([one, value], { node }) {
      if (value < 0n) return badParams(`amount: 0 or more expected, got ${value}`);
      await node.funds.release(await idAt(node, one, []), value);
      return null;
    },
  }),
  MarketGetReserved: method({
    summary: "What is reserved of somebody's balance, for deals too, beside what is locked for them already, attoFIL.",
    permission: "sign",
    params: [param("address", address)],
    result: amount,
    run: async ([one], { node }) => node.funds.reservedOf(await idAt(node, one, [])),
  }),
});
