/** Filigree.Mk20*: deals of this node's user with providers of Curio's market of 2025. */
import type { Mk20Record } from "../../market/storage/mk20/client.ts";
import { MK20_LIMITS, MK20_STATES, type Mk20Source } from "../../market/storage/mk20/messages.ts";
import { isUlid } from "../../market/storage/mk20/ulid.ts";
import type { CID } from "../../types/cid.ts";
import { parseCid } from "../../types/cid.ts";
import { address, link, uint64 } from "../codec/chain-types.ts";
import {
  boolean,
  choice,
  fallback,
  integer,
  list,
  nothing,
  nullable,
  object,
  text,
  type ValueOf,
} from "../codec/codec.ts";
import { badParams } from "../errors.ts";
import { type Group, method, param } from "../method.ts";
import { API_VERSIONS } from "../versions.ts";
import { idAt } from "../view.ts";
import { MANY } from "./miner-shapes.ts";

const url = text(2048);
const bytes = integer(0, Number.MAX_SAFE_INTEGER);
const epochs = integer(0, Number.MAX_SAFE_INTEGER);
const idParam = param("deal", text(26));
const sourceKind = choice("put", "http", "offline");
const names = list(text(4096), MANY);

const wantedDeal = object("Mk20Wanted", {
  /** Of the provider's market, without the path of MK20. */
  Url: url,
  ...{ Root: link, Wallet: address, Miner: address, Raw: fallback(boolean, false) },
  Source: fallback(sourceKind, "put"),
  /** Where the data is, of source http; tried in this order. */
  Urls: fallback(list(url, MK20_LIMITS.urls), []),
  ...{ StartEpoch: fallback(nullable(epochs), null), Duration: epochs, Allocation: fallback(nullable(uint64), null) },
  Contract: fallback(nullable(object("Mk20Contract", { Address: text(42), DealID: uint64 })), null),
  Announce: fallback(boolean, false),
});
const deal = object("Mk20Deal", {
  ...{
    ID: text(26),
    Url: url,
    Root: link,
    Raw: boolean,
    Wallet: text(128),
    Miner: text(128),
    Piece: link,
    Size: bytes,
  },
  ...{ Source: sourceKind, IsAccepted: boolean, IsSent: boolean },
});

const dealJson = ({ id, form, root, piece, ...more }: Mk20Record): ValueOf<typeof deal> => ({
  ...{ ID: id, Url: more.url, Root: parseCid(root), Raw: form === "raw", Wallet: more.wallet, Miner: more.miner },
  ...{ Piece: parseCid(piece) as CID, Size: more.size, Source: more.source },
  ...{ IsAccepted: more.isAccepted, IsSent: more.isSent },
});

function ulid(id: string): string {
  return isUlid(id) ? id : badParams("deal: the 26 digits that Mk20Deal gave are expected");
}

function sourceOf({ Source, Urls }: ValueOf<typeof wantedDeal>): Mk20Source {
  if (Source !== "http") return Urls.length === 0 ? { kind: Source } : badParams("deal.Urls: of source http alone");
  return { kind: "http", urls: Urls.map((one, i) => ({ url: one, headers: {}, priority: i, fallback: i > 0 })) };
}

const methods = {
  Mk20Info: method({
    summary: "What a provider of MK20 takes: products, sources of data, and contracts.",
    permission: "sign",
    params: [param("url", url), param("wallet", address)],
    result: object("Mk20Info", { Products: names, Sources: names, Contracts: names }),
    cost: "wait",
    async run([where, wallet], { node, signal }) {
      const { products, sources, contracts } = await node.deals.mk20.info(where, wallet, signal);
      return { Products: products, Sources: sources, Contracts: contracts };
    },
  }),
  Mk20Deal: method({
    summary: "Makes a deal of direct data onboarding about data of this node; ends when the provider has taken it.",
    permission: "admin",
    params: [param("deal", wantedDeal)],
    result: deal,
    cost: "wait",
    async run([wanted], { node, signal }) {
      const { Contract } = wanted;
      const made = await node.deals.mk20.deal(
        {
          ...{ url: wanted.Url, root: wanted.Root, form: wanted.Raw ? "raw" : "car", wallet: wanted.Wallet },
          ...{ miner: await idAt(node, wanted.Miner, []), source: sourceOf(wanted), startEpoch: wanted.StartEpoch },
          ...{ duration: wanted.Duration, allocation: wanted.Allocation, announce: wanted.Announce },
          contract: Contract === null ? null : { address: Contract.Address, dealId: Contract.DealID },
        },
        signal,
      );
      return dealJson(made);
    },
  }),
  Mk20Send: method({
    summary: "Sends a deal's data to its provider, or what it lacks of it; ends when it has all.",
    permission: "admin",
    params: [idParam],
    result: deal,
    cost: "wait",
    run: async ([id], { node, signal }) => dealJson(await node.deals.mk20.send(ulid(id), signal)),
  }),
  Mk20Status: method({
    summary: "How a deal is, as its provider says now.",
    permission: "sign",
    params: [idParam],
    result: object("Mk20Status", { State: choice(...MK20_STATES), Error: text(4096), Deal: deal }),
    cost: "wait",
    async run([id], { node, signal }) {
      const { mk20 } = node.deals;
      const { state, error } = await mk20.status(ulid(id), signal);
      return { State: state, Error: error, Deal: dealJson(await mk20.get(id)) };
    },
  }),
  Mk20Remove: method({
    summary: "Removes the record of a deal that has ended, as its provider says; with `anyway` of any, without asking.",
    permission: "admin",
    params: [idParam, param("anyway", fallback(boolean, false))],
    result: nothing,
    cost: "wait",
    async run([id, anyway], { node, signal }) {
      await node.deals.mk20.remove(ulid(id), anyway, signal);
      return null;
    },
  }),
  Mk20Deals: method({
    summary: "Deals of this node's user with providers of MK20, as they were made.",
    permission: "write",
    result: list(deal, MANY),
    cost: "walk",
    run: async (_, { node }) => (await node.deals.mk20.list()).map(dealJson),
  }),
} as const;

export const mk20Group: Group<typeof methods> & { readonly prefix: "Filigree." } = {
  title: "Client: MK20",
  summary: "Deals of this node's user with providers of Curio's market of 2025.",
  prefix: "Filigree.",
  versions: API_VERSIONS,
  methods,
};
