/** Filecoin.StateMarket*: balances and deals of the storage market. */
import { market as marketSchema } from "../../schema/actors/market.ts";
import type { ObjectReader } from "../../state/actor-reader.ts";
import { Address } from "../../types/address.ts";
import type { Json } from "../../types/schema-codec.ts";
import { MARKET } from "../../types/singletons.ts";
import { address, amount, shape, tipsetKey, uint64 } from "../codec/chain-types.ts";
import { object, record, spelt } from "../codec/codec.ts";
import { stateJson } from "../codec/state-types.ts";
import { RPC_CODE, RpcError } from "../errors.ts";
import { breather } from "../limits.ts";
import { group, method, param } from "../method.ts";
import { idAt } from "../view.ts";
import { openActor } from "./miner-state.ts";

const INACTIVE_DEAL: Json = { SectorStartEpoch: -1, LastUpdatedEpoch: -1, SlashEpoch: -1 };

const deal = spelt<Json>(
  shape("MarketDeal", {
    Proposal: stateJson("DealProposal", marketSchema.module).schema,
    State: stateJson("DealState", marketSchema.module).schema,
  }),
);
const balance = object("MarketBalance", { Escrow: amount, Locked: amount });

async function dealOf(market: ObjectReader, id: bigint, proposal: Json): Promise<Json> {
  return { Proposal: proposal, State: (await market.element("States", id)) ?? INACTIVE_DEAL };
}

export async function balanceOf(market: ObjectReader, id: Uint8Array) {
  const amountOf = async (table: string) => BigInt(((await market.element(table, id)) ?? "0") as string);
  return { Escrow: await amountOf("EscrowTable"), Locked: await amountOf("LockedTable") };
}

export const marketStateGroup = group("State: storage market", "Balances and deals of the storage market.", {
  StateMarketBalance: method({
    summary: "What somebody has in the storage market, and how much of it is locked.",
    params: [param("address", address), param("tipsetKey", tipsetKey)],
    result: balance,
    run: async ([one, key], { node }) =>
      balanceOf(await openActor(node, MARKET, key), (await idAt(node, one, key)).bytes),
  }),
  StateMarketParticipants: method({
    summary: "Balances of all who have one in the storage market.",
    params: [param("tipsetKey", tipsetKey)],
    result: record(balance),
    cost: "walk",
    async run([key], { node, signal }) {
      const market = await openActor(node, MARKET, key);
      const breath = breather(signal);
      const out: Record<string, { Escrow: bigint; Locked: bigint }> = {};
      for await (const [id] of market.entries("EscrowTable")) {
        await breath();
        out[Address.fromBytes(id).toString(node.network.prefix)] = await balanceOf(market, id);
      }
      return out;
    },
  }),
  StateMarketStorageDeal: method({
    summary: "A deal by its id.",
    params: [param("dealId", uint64), param("tipsetKey", tipsetKey)],
    result: deal,
    async run([id, key], { node }) {
      const market = await openActor(node, MARKET, key);
      const proposal = await market.element("Proposals", id);
      if (proposal === null) throw new RpcError(RPC_CODE.untyped, `deal ${id} not found`);
      return dealOf(market, id, proposal);
    },
  }),
  StateMarketDeals: method({
    summary: "All deals, by id.",
    params: [param("tipsetKey", tipsetKey)],
    result: record(deal),
    cost: "walk",
    async run([key], { node, signal }) {
      const market = await openActor(node, MARKET, key);
      const breath = breather(signal);
      const out: Record<string, Json> = {};
      for await (const [id, proposal] of market.elements("Proposals")) {
        await breath();
        out[`${id}`] = await dealOf(market, id, proposal);
      }
      return out;
    },
  }),
});
