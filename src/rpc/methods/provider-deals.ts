/**
 * Storage deals of this node's own providers, with the names of the reference's miner interface; and, as
 * Filigree.Provider*, their rules and logs. There a process has one miner; here the last parameter names one of several.
 * Source: lotus v1.10.0 api/api_storage.go.
 */

import { isFilError } from "../../base/errors.ts";
import { contents, sizeOf } from "../../market/data/files.ts";
import { signedOf } from "../../market/storage/provider-record.ts";
import { type DealRules, WIDEST_DURATION } from "../../market/storage/rules.ts";
import { commitmentOfCidV1 } from "../../sector/piece/cid.ts";
import { Address } from "../../types/address.ts";
import { type CID, parseCid } from "../../types/cid.ts";
import { address, amount, link, uint64 } from "../codec/chain-types.ts";
import { boolean, fallback, filePath, nothing, nullable, type ValueOf } from "../codec/codec.ts";
import {
  cids,
  dealRules,
  dealView,
  dealViews,
  indexedDeals,
  minerDeals,
  pendingDeals,
  settlements,
  signedAsk,
} from "../codec/deal-types.ts";
import { badParams, RPC_CODE, RpcError } from "../errors.ts";
import { type Group, group, method, param } from "../method.ts";
import type { DealsService, NodeServices } from "../services.ts";
import { API_VERSIONS } from "../versions.ts";
import { idAt } from "../view.ts";
import { minerDealJson, proposalJson, providerView, signedAskJson, timeText } from "./deal-views.ts";
import { refuseOther } from "./sectors.ts";

function providerOf(node: NodeServices): NonNullable<DealsService["provider"]> {
  const { provider } = node.deals;
  if (provider !== null) return provider;
  throw new RpcError(
    RPC_CODE.untyped,
    "this node has no miners with sectors of its own that could take deals: a local network with miners has (filigree devnet --miners <n>)",
  );
}

async function minerOf(node: NodeServices, wanted: Address | null): Promise<Address> {
  const { miners } = providerOf(node);
  const id = wanted === null ? miners[0] : await idAt(node, wanted, []);
  const found = miners.find((miner) => id !== undefined && miner.equals(id));
  if (found !== undefined) return found;
  const step =
    "ask the node whose own miner it is; one that is a process of its own (`filigree miner run`) takes no deals";
  return refuseOther(node, wanted, miners, step);
}

async function importData(node: NodeServices, proposal: CID, path: string): Promise<null> {
  const size = await sizeOf(path);
  await providerOf(node).importData(`${proposal}`, { bytes: contents(path, size), size });
  return null;
}

const minerParam = param("miner", nullable(address));
const fileParams = [param("proposal", link), param("path", filePath)] as const;

/** A pair of methods that look at one rule and change it. */
const considers = (rule: "online" | "offline" | "verified" | "unverified", what: string) => ({
  get: method({
    summary: `Whether this node takes ${what} storage deals.`,
    permission: "admin",
    result: boolean,
    run: (_, { node }) => providerOf(node).rules[rule],
  }),
  set: method({
    summary: `Takes ${what} storage deals from now on, or not.`,
    permission: "admin",
    params: [param("on", boolean)],
    result: nothing,
    async run([on], { node }) {
      const provider = providerOf(node);
      await provider.setRules({ ...provider.rules, [rule]: on });
      return null;
    },
  }),
});
const [online, offline] = [considers("online", "online"), considers("offline", "offline")];
const [verified, unverified] = [considers("verified", "verified"), considers("unverified", "unverified")];

const importMethod = method({
  summary: "Gives a deal the data that it waits for, from a file; the data is checked against the deal's piece.",
  permission: "write",
  params: fileParams,
  result: nothing,
  cost: "wait",
  run: ([proposal, path], { node }) => importData(node, proposal, path),
});

export const providerDealsGroup = group("Provider: deals", "Storage deals that this node's own miners take.", {
  MarketGetAsk: method({
    summary: "What a miner asks for its space, signed by its worker.",
    params: [minerParam],
    result: signedAsk,
    run: async ([miner], { node }) => signedAskJson(await providerOf(node).ask(await minerOf(node, miner))),
  }),
  MarketSetAsk: method({
    summary: "Asks for something else from now on: attoFIL for a GiB and an epoch, epochs it holds, bytes of pieces.",
    permission: "admin",
    params: [
      ...([param("price", amount), param("verifiedPrice", amount), param("duration", uint64)] as const),
      ...([param("minPieceSize", uint64), param("maxPieceSize", uint64), minerParam] as const),
    ],
    result: nothing,
    async run([price, verifiedPrice, duration, minPieceSize, maxPieceSize, miner], { node }) {
      const terms = { price, verifiedPrice, duration, minPieceSize, maxPieceSize };
      await providerOf(node).setAsk(await minerOf(node, miner), terms);
      return null;
    },
  }),
  MarketListIncompleteDeals: method({
    summary: "Deals that this node has taken, in their order, whatever became of them.",
    result: minerDeals,
    cost: "walk",
    run: (_, { node }) => providerOf(node).list().map(minerDealJson),
  }),
  MarketImportDealData: importMethod,
  DealsImportData: { ...importMethod, permission: "admin" },
  MarketPendingDeals: method({
    summary: "Deals that wait to be published, and how long they wait for others, nanoseconds.",
    permission: "write",
    result: pendingDeals,
    run(_, { node }) {
      const provider = providerOf(node);
      const { deals, dueAt } = provider.pending();
      const delay = provider.rules.publishDelayMs;
      return {
        Deals: deals.map((deal) => {
          const { proposal, signature } = signedOf(deal);
          return { Proposal: proposalJson(proposal), ClientSignature: signature };
        }),
        PublishPeriodStart: timeText(dueAt === null ? 0 : dueAt - delay),
        PublishPeriod: delay * 1_000_000,
      };
    },
  }),
  MarketPublishPendingDeals: method({
    summary: "Publishes the deals that wait, now.",
    permission: "admin",
    result: nothing,
    run(_, { node }) {
      providerOf(node).publishNow();
      return null;
    },
  }),
  DealsConsiderOnlineStorageDeals: online.get,
  DealsSetConsiderOnlineStorageDeals: online.set,
  DealsConsiderOfflineStorageDeals: offline.get,
  DealsSetConsiderOfflineStorageDeals: offline.set,
  DealsConsiderVerifiedStorageDeals: verified.get,
  DealsSetConsiderVerifiedStorageDeals: verified.set,
  DealsConsiderUnverifiedStorageDeals: unverified.get,
  DealsSetConsiderUnverifiedStorageDeals: unverified.set,
  DealsPieceCidBlocklist: method({
    summary: "Pieces that this node takes no deals about.",
    permission: "admin",
    result: cids,
    run: (_, { node }) => providerOf(node).rules.deniedPieces.map(parseCid),
  }),
  DealsSetPieceCidBlocklist: method({
    summary: "Takes no deals about these pieces from now on, and about all others.",
    permission: "admin",
    params: [param("pieces", cids)],
    result: nothing,
    async run([pieces], { node }) {
      const provider = providerOf(node);
      const other = pieces.find((one) => commitmentOfCidV1(one) === null);
      if (other !== undefined) badParams(`pieces: piece CIDs of version 1 expected, got ${other}`);
      await provider.setRules({ ...provider.rules, deniedPieces: pieces.map((one) => `${one}`) });
      return null;
    },
  }),
});

function rulesJson(rules: DealRules): ValueOf<typeof dealRules> {
  const named = Object.entries(rules).map(([name, value]) => [`${name[0]?.toUpperCase()}${name.slice(1)}`, value]);
  return Object.fromEntries(named) as ValueOf<typeof dealRules>;
}

function rulesOf(given: ValueOf<typeof dealRules>): DealRules {
  const named = Object.entries(given).map(([name, value]) => [`${name[0]?.toLowerCase()}${name.slice(1)}`, value]);
  const rules = Object.fromEntries(named) as DealRules;
  if (
    rules.minDuration < WIDEST_DURATION.min ||
    rules.maxDuration > WIDEST_DURATION.max ||
    rules.minDuration > rules.maxDuration
  )
    badParams(
      `rules.MinDuration and MaxDuration: within ${WIDEST_DURATION.min} and ${WIDEST_DURATION.max} epochs expected`,
    );
  if (rules.minStartDelay > rules.maxStartDelay) badParams("rules.MinStartDelay: at most MaxStartDelay expected");
  for (const client of [...rules.allowedClients, ...rules.deniedClients]) checkAddress(client);
  const { hookUrl } = rules;
  if (hookUrl !== null && !/^https?:\/\//.test(hookUrl)) badParams("rules.HookUrl: a URL of http or https expected");
  return rules;
}

function checkAddress(text: string): void {
  try {
    Address.parse(text);
  } catch (error) {
    if (!isFilError(error)) throw error;
    badParams(`rules: ${text.slice(0, 100)} is no address`);
  }
}

const ownMethods = {
  ProviderDeals: method({
    summary: "Deals that this node has taken, with their states as they are called here; without their logs.",
    result: dealViews,
    cost: "walk",
    run: (_, { node }) => {
      const provider = providerOf(node);
      return provider.list().map((deal) =>
        providerView(deal, {
          ...{ log: [], received: provider.receivedOf(deal), sealing: provider.sealingStateOf(deal) },
          startBuffer: provider.startBuffer,
        }),
      );
    },
  }),
  ProviderDealLog: method({
    summary: "A deal that this node has taken, with all that happened to it.",
    params: [param("proposal", link)],
    result: dealView,
    async run([proposal], { node }) {
      const provider = providerOf(node);
      const log = await provider.log(`${proposal}`);
      const deal = provider.get(`${proposal}`);
      const more = { log, received: provider.receivedOf(deal), sealing: provider.sealingStateOf(deal) };
      return providerView(deal, { ...more, startBuffer: provider.startBuffer });
    },
  }),
  ProviderSettle: method({
    summary:
      "Asks the market for what active deals have earned by now, of these proposals or, with null, of all: one message for each provider, more for more than 256 deals. From network version 22 on; before it the market pays by itself.",
    permission: "admin",
    params: [param("proposals", fallback(nullable(cids), null))],
    result: settlements,
    async run([proposals], { node }) {
      const sent = await providerOf(node).settle(proposals?.map((one) => `${one}`) ?? null);
      return sent.map(({ message, deals }) => ({ Message: parseCid(message), Deals: deals.map(parseCid) }));
    },
  }),
  ProviderIndex: method({
    summary:
      "Deals whose data can be had by its blocks, and how many; with a block's CID, those whose data has it. Data that is no CAR file is had as a piece alone.",
    permission: "admin",
    params: [param("block", fallback(nullable(link), null))],
    result: indexedDeals,
    cost: "walk",
    async run([block], { node }) {
      const provider = providerOf(node);
      const { index } = provider;
      const deals = block === null ? provider.list().map(({ id }) => id) : await index.dealsOf(block.bytes);
      const counted: { Proposal: CID; Blocks: number }[] = [];
      for (const id of deals) {
        const blocks = await index.count(id);
        if (blocks > 0) counted.push({ Proposal: parseCid(id), Blocks: blocks });
      }
      return counted;
    },
  }),
  ProviderRules: method({
    summary: "The rules by which this node takes deals.",
    permission: "admin",
    result: dealRules,
    run: (_, { node }) => rulesJson(providerOf(node).rules),
  }),
  ProviderSetRules: method({
    summary: "Takes deals by other rules from now on.",
    permission: "admin",
    params: [param("rules", dealRules)],
    result: nothing,
    async run([rules], { node }) {
      await providerOf(node).setRules(rulesOf(rules));
      return null;
    },
  }),
} as const;

export const ownProviderGroup: Group<typeof ownMethods> & { readonly prefix: "Filigree." } = {
  title: "Provider: deals",
  summary: "Storage deals of this node's own miners: rules, states and logs.",
  prefix: "Filigree.",
  versions: API_VERSIONS,
  methods: ownMethods,
};
