/**
 * Retrievals: what this node asks for its user's data and who of its peers has what, as the reference names it; and, as
 * Filigree.Retrieval*, retrieving, with providers by identity, multiaddr or miner's address.
 */
import type { TakenDeal } from "../../market/retrieval/book.ts";
import { type DataSelector, readDataSelector } from "../../market/retrieval/data-selector.ts";
import { DEAL_STATUS, type QueryResponse, type Terms } from "../../market/retrieval/messages.ts";
import { type CID, parseCid } from "../../types/cid.ts";
import { address, amount, link, maybeAddress } from "../codec/chain-types.ts";
import {
  boolean,
  choice,
  fallback,
  filePath,
  integer,
  list,
  nothing,
  nullable,
  object,
  text,
  type ValueOf,
} from "../codec/codec.ts";
import { badParams, RPC_CODE, RpcError } from "../errors.ts";
import { type Group, group, method, param } from "../method.ts";
import type { NodeServices, RetrievalService } from "../services.ts";
import { API_VERSIONS } from "../versions.ts";
import { fileRef } from "./client.ts";
import { MANY } from "./miner-shapes.ts";

const MAX = Number.MAX_SAFE_INTEGER;
const MAX_PROVIDERS = 64;
/** Bytes that a free stream may send unless told otherwise. */
const DEFAULT_STREAM = 2 ** 30;
/** Text of a selector. */
const MAX_SELECTOR = 16 << 10;
const bytes = integer(0, MAX);
const peer = text(512);
const rootParam = param("root", link);
const pieceParam = param("piece", fallback(nullable(link), null));

const ask = object("RetrievalAsk", {
  PricePerByte: amount,
  UnsealPrice: amount,
  PaymentInterval: bytes,
  PaymentIntervalIncrease: bytes,
});
const retrievalPeer = object("RetrievalPeer", { Address: maybeAddress, ID: text(128), PieceCID: nullable(link) });
const offer = object("QueryOffer", {
  ...{ Err: text(), Root: link, Piece: nullable(link), Size: bytes, MinPrice: amount, UnsealPrice: amount },
  ...{ PricePerByte: amount, PaymentInterval: bytes, PaymentIntervalIncrease: bytes, Miner: maybeAddress },
  MinerPeer: retrievalPeer,
});
const quote = object("RetrievalQuote", {
  Status: choice("available", "unavailable", "error"),
  PieceFound: choice("available", "unavailable", "unknown"),
  ...{ Size: bytes, PaymentAddress: maybeAddress, PricePerByte: amount, UnsealPrice: amount },
  ...{ PaymentInterval: bytes, PaymentIntervalIncrease: bytes, Message: text() },
});
const order = object("RetrievalOrder", {
  Root: link,
  Providers: fallback(list(peer, MAX_PROVIDERS), []),
  MaxPrice: fallback(amount, 0n),
  FundStep: fallback(nullable(amount), null),
  Bitswap: fallback(boolean, false),
  // As of ClientRetrieve: a path, or a selector as DAG-JSON.
  DataSelector: fallback(nullable(text(MAX_SELECTOR)), null),
  // Where it is to be exported: nothing is paid if nothing can be written there.
  Path: fallback(nullable(filePath), null),
  From: fallback(nullable(address), null),
});
const dealState = choice("ongoing", "completed", "failed");
const deals = object("RetrievalDeals", {
  Given: list(
    object("GivenRetrieval", {
      ...{ Peer: peer, ID: text(32), Root: link, Sent: bytes, Received: amount, PricePerByte: amount },
      ...{ State: dealState, Message: text(), At: bytes },
    }),
    MANY,
  ),
  Taken: list(
    object("TakenRetrieval", {
      ...{ Peer: peer, ID: text(32), Root: text(), Bytes: bytes, Paid: amount, PricePerByte: amount },
      ...{
        Reserved: amount,
        Channel: nullable(text()),
        Lane: nullable(text()),
        State: dealState,
        Message: text(),
        At: bytes,
      },
    }),
    MANY,
  ),
});

function serviceOf({ retrieval }: NodeServices): RetrievalService {
  if (retrieval !== undefined) return retrieval;
  throw new RpcError(RPC_CODE.untyped, "this node has no peers; retrievals need devnet --nodes, or node start");
}

const askJson = (terms: Terms): ValueOf<typeof ask> => ({
  ...{ PricePerByte: terms.pricePerByte, UnsealPrice: terms.unsealPrice },
  ...{ PaymentInterval: terms.paymentInterval, PaymentIntervalIncrease: terms.paymentIntervalIncrease },
});

const quoteTerms = (found: QueryResponse) => ({
  ...{ PricePerByte: found.pricePerByte, UnsealPrice: found.unsealPrice, PaymentInterval: found.paymentInterval },
  PaymentIntervalIncrease: found.paymentIntervalIncrease,
});

const offerOf = (root: CID, piece: CID | null, id: string, found: QueryResponse): ValueOf<typeof offer> => ({
  ...{ Err: found.status === "available" ? "" : found.message || found.status, Root: root, Piece: piece },
  ...{ Size: found.size, Miner: null, ...quoteTerms(found) },
  MinPrice: found.unsealPrice + BigInt(found.size) * found.pricePerByte,
  MinerPeer: { Address: found.paymentAddress, ID: id, PieceCID: piece },
});

/** What both versions of ClientRetrieve take; what is left out is not asked for. */
const referenceOrder = object("ClientRetrievalOrder", {
  ...{ Root: link, Piece: fallback(nullable(link), null), DataSelector: fallback(nullable(text(MAX_SELECTOR)), null) },
  ...{ Size: fallback(bytes, 0), Total: amount, UnsealPrice: fallback(amount, 0n) },
  ...{ PaymentInterval: fallback(bytes, 0), PaymentIntervalIncrease: fallback(bytes, 0) },
  ...{ Client: fallback(maybeAddress, null), Miner: fallback(maybeAddress, null) },
  MinerPeer: fallback(nullable(object("RetrievalPeerID", { ID: fallback(text(128), "") })), null),
});

/** What of a DAG is meant: all of it where nothing is said. */
function selectOf(text: string | null): { readonly select?: DataSelector } {
  return text === null || text === "" ? {} : { select: readDataSelector(text) };
}

function orderOf(wanted: ValueOf<typeof referenceOrder>) {
  const { Root, DataSelector, Total, Client, Miner, MinerPeer } = wanted;
  const peer = MinerPeer === null || MinerPeer.ID === "" ? (Miner === null ? [] : [`${Miner}`]) : [MinerPeer.ID];
  return { root: Root, providers: peer, maxPrice: Total, from: Client, ...selectOf(DataSelector) };
}

const dealId = param("deal", bytes);
const info = object("RetrievalInfo", {
  ...{ PayloadCID: link, ID: bytes, PieceCID: nullable(link), PricePerByte: amount, UnsealPrice: amount },
  ...{ Status: integer(0, 64), Message: text(), Provider: text(512), BytesReceived: bytes, BytesPaidFor: bytes },
  ...{ TotalPaid: amount, TransferChannelID: nothing, DataTransfer: nothing, Event: nothing },
});
const STATUS_OF = {
  ongoing: DEAL_STATUS.ongoing,
  completed: DEAL_STATUS.completed,
  failed: DEAL_STATUS.errored,
} as const;

const infoOf = ({ id, peer: from, root, terms, bytes: came, paid, state, message }: TakenDeal) => ({
  ...{ PayloadCID: parseCid(root), ID: Number(id), PieceCID: null, PricePerByte: terms.pricePerByte },
  ...{
    UnsealPrice: terms.unsealPrice,
    Status: STATUS_OF[state],
    Message: message,
    Provider: from,
    BytesReceived: came,
  },
  BytesPaidFor:
    terms.pricePerByte === 0n || paid < terms.unsealPrice ? 0 : Number((paid - terms.unsealPrice) / terms.pricePerByte),
  ...{ TotalPaid: paid, TransferChannelID: null, DataTransfer: null, Event: null },
});

export const findGroup = group("Client", "Who has what, and retrieving it, as the reference names it.", {
  ClientFindData: method({
    summary:
      "Asks the peers that are connected for a DAG, then the miners with a deal for it, and gives the offers, the cheapest first.",
    // Connects to where the chain says, and looks through all of its deals.
    permission: "write",
    params: [rootParam, pieceParam],
    result: list(offer, MANY),
    cost: "wait",
    run: async ([root, piece], { node, signal }) =>
      (await serviceOf(node).find(root, piece, signal)).map(({ peer: id, quote: found }) =>
        offerOf(root, piece, id, found),
      ),
  }),
  ClientMinerQueryOffer: method({
    summary: "What a miner, which the chain names a peer of, asks for a DAG.",
    // Connects to where the chain says.
    permission: "write",
    params: [param("miner", address), rootParam, pieceParam],
    result: offer,
    cost: "wait",
    async run([miner, root, piece], { node, signal }) {
      const found = await serviceOf(node).query(`${miner}`, root, piece, signal);
      return { ...offerOf(root, piece, "", found), Miner: miner };
    },
  }),
  ClientRetrieveWait: method({
    summary: "Waits until a retrieval that ClientRetrieve began has ended; an error says why it failed.",
    permission: "admin",
    params: [dealId],
    result: nothing,
    cost: "wait",
    async run([id], { node, signal }) {
      await serviceOf(node).wait(BigInt(id), signal);
      return null;
    },
  }),
  ClientListRetrievals: method({
    summary: "Retrievals of this node's user, with the statuses of the reference's deals.",
    permission: "write",
    result: list(info, MANY),
    run: (_, { node }) => serviceOf(node).book.taken().map(infoOf),
  }),
  ClientCancelRetrievalDeal: method({
    summary: "Gives a retrieval up; what has come stays.",
    permission: "write",
    params: [dealId],
    result: nothing,
    run([id], { node }) {
      serviceOf(node).cancel(BigInt(id));
      return null;
    },
  }),
});

const orderParam = param("order", referenceOrder);

export const retrieveV1Group = group(
  "Client",
  "Retrieving, as the present version has it.",
  {
    ClientRetrieve: method({
      summary:
        "Begins a retrieval into the user's data from a peer or a miner (neither: who has it), at what the provider asks, for at most Total.",
      permission: "admin",
      params: [orderParam],
      result: object("RestrievalRes", { DealID: bytes }),
      run: ([wanted], { node }) => ({ DealID: Number(serviceOf(node).begin(orderOf(wanted))) }),
    }),
  },
  ["v1"],
);

export const retrieveV0Group = group(
  "Client",
  "Retrieving, as the older version has it.",
  {
    ClientRetrieve: method({
      summary: "Retrieves as the present version, waits for the end, and writes what came to a file if one is named.",
      permission: "admin",
      params: [orderParam, param("file", fallback(nullable(fileRef), null))],
      result: nothing,
      cost: "wait",
      async run([wanted, file], { node, signal }) {
        if (file !== null) await node.client.checkPlace(file.Path);
        const order = orderOf(wanted);
        if (file !== null && order.select?.path === null)
          badParams("order: what a selector chooses is no file; name a path, or no file");
        const { listed } = await serviceOf(node).retrieve({ ...order, signal });
        if (file !== null && listed !== null) await node.client.export(listed, file.Path, file.IsCAR, signal);
        return null;
      },
    }),
  },
  ["v0"],
);

export const retrievalAskGroup = group("Market", "What this node asks for retrievals.", {
  MarketGetRetrievalAsk: method({
    summary: "What this node asks for its user's data: attoFIL, and bytes from one payment to the next.",
    result: ask,
    run: (_, { node }) => askJson(serviceOf(node).book.ask),
  }),
  MarketSetRetrievalAsk: method({
    summary: "Sets what this node asks for its user's data.",
    permission: "admin",
    params: [param("ask", ask)],
    result: nothing,
    async run([wanted], { node }) {
      await serviceOf(node).setAsk({
        ...{ pricePerByte: wanted.PricePerByte, unsealPrice: wanted.UnsealPrice },
        ...{ paymentInterval: wanted.PaymentInterval, paymentIntervalIncrease: wanted.PaymentIntervalIncrease },
      });
      return null;
    },
  }),
});

const MAX_FOUND = 100;
const contentDeal = object("ContentDeal", { ProposalCid: link, PieceCID: link, Verified: boolean, Unsealed: boolean });
const contentProvider = object("ContentProvider", {
  ...{ KnownBy: choice("here", "deal", "chain"), Miner: maybeAddress, ID: text(128) },
  ...{ Addrs: list(text(), MAX_FOUND), Protocols: list(text(64), MAX_FOUND), Deal: nullable(contentDeal) },
});

const ownMethods = {
  RetrievalProviders: method({
    summary:
      "Who has a block, as this node knows it without asking others: itself and its providers' deals, its user's deals, labels of deals on the chain.",
    params: [rootParam],
    result: list(contentProvider, MAX_FOUND),
    cost: "walk",
    run: async ([root], { node, signal }) =>
      (await node.content.find(root, signal)).map(({ source, miner, peer: id, addresses, transports, deal }) => ({
        ...{ KnownBy: source, Miner: miner, ID: id ?? "", Addrs: addresses, Protocols: transports },
        Deal:
          deal === null
            ? null
            : {
                ...{ ProposalCid: deal.proposal, PieceCID: deal.piece },
                ...{ Verified: deal.isVerified, Unsealed: deal.isUnsealed },
              },
      })),
  }),
  RetrievalQuery: method({
    summary: "What a provider, by identity, multiaddr or miner's address, asks for a DAG.",
    // Connects to whom it is told to, as NetConnect does.
    permission: "write",
    params: [param("provider", peer), rootParam, pieceParam],
    result: quote,
    cost: "wait",
    async run([provider, root, piece], { node, signal }) {
      const found = await serviceOf(node).query(provider, root, piece, signal);
      return {
        ...{ Status: found.status, PieceFound: found.pieceFound, Size: found.size, Message: found.message },
        ...{ PaymentAddress: found.paymentAddress, ...quoteTerms(found) },
      };
    },
  }),
  RetrievalTransports: method({
    summary: "Over what a provider serves, and where.",
    permission: "write",
    params: [param("provider", peer)],
    result: list(
      object("RetrievalTransport", { Name: text(64), Addresses: list(text(), MAX_PROVIDERS) }),
      MAX_PROVIDERS,
    ),
    cost: "wait",
    run: async ([provider], { node, signal }) =>
      (await serviceOf(node).transportsOf(provider, signal)).map(({ name, addresses }) => ({
        ...{ Name: name, Addresses: addresses },
      })),
  }),
  RetrievalStream: method({
    summary:
      "Gets a file from a provider by the free stream of 2019, at most MaxBytes, into the user's data; it must be the file of that root.",
    permission: "admin",
    params: [param("provider", peer), rootParam, param("maxBytes", fallback(bytes, DEFAULT_STREAM))],
    result: object("Streamed", { Bytes: bytes }),
    cost: "wait",
    run: async ([provider, root, most], { node, signal }) => ({
      Bytes: (await serviceOf(node).stream(root, provider, most, signal)).bytes,
    }),
  }),
  RetrievalFreeStream: method({
    summary: "Whether this node serves the free stream of 2019.",
    params: [],
    result: boolean,
    run: (_, { node }) => serviceOf(node).hasFreeStream(),
  }),
  RetrievalSetFreeStream: method({
    summary:
      "Serves the free stream of 2019 from now on, or no more: all data of the user, by CID, to any peer, for nothing.",
    permission: "admin",
    params: [param("on", boolean)],
    result: nothing,
    async run([on], { node }) {
      await serviceOf(node).setFreeStream(on);
      return null;
    },
  }),
  RetrievalGet: method({
    summary:
      "Retrieves a DAG into the user's data, from providers in turn (default: who has it), and pays as it verifies; or, for nothing, by bitswap. With a Path, where it is to be exported, only if something can be written there. Listed is the import that it is now; null where a selector chose blocks, which are there until an import is removed.",
    permission: "sign",
    params: [param("order", order)],
    result: object("Retrieved", {
      Peer: peer,
      Bytes: bytes,
      Links: bytes,
      Paid: amount,
      WasHere: boolean,
      Listed: nullable(link),
    }),
    cost: "wait",
    async run([{ Root, Providers, MaxPrice, FundStep, From, Bitswap, DataSelector, Path }], { node, session, signal }) {
      if (Path !== null) {
        if (!session.permissions.includes("admin")) badParams("order.Path: exporting needs the permission admin");
        await node.client.checkPlace(Path);
      }
      const select = selectOf(DataSelector);
      if (Bitswap) {
        if (select.select !== undefined) badParams("order: bitswap knows no selectors; without it a part can be had");
        const { bytes: came, links } = await serviceOf(node).fetch(Root, Providers, signal);
        return { Peer: "", Bytes: came, Links: links, Paid: 0n, WasHere: came === 0, Listed: Root };
      }
      const got = await serviceOf(node).retrieve({
        ...{ root: Root, providers: Providers, maxPrice: MaxPrice, fundStep: FundStep, from: From, signal },
        ...select,
      });
      const { peer: from, listed } = got;
      return { Peer: from, Bytes: got.bytes, Links: got.links, Paid: got.paid, WasHere: got.wasHere, Listed: listed };
    },
  }),
  RetrievalDeals: method({
    summary: "Retrievals from this node, and by its user: bytes, payments, and how they ended.",
    permission: "write",
    result: deals,
    run: (_, { node }) => {
      const { book } = serviceOf(node);
      return {
        Given: book.given().map(({ channel, terms, received, state, message, at }) => ({
          ...{ Peer: channel.peer, ID: `${channel.id}`, Root: channel.root, Sent: channel.sent, Received: received },
          ...{ PricePerByte: terms.pricePerByte, State: state, Message: message, At: at },
        })),
        Taken: book
          .taken()
          .map(({ id, peer: from, root, terms, bytes: came, paid, reserved, channel, lane, state, message, at }) => ({
            ...{ Peer: from, ID: `${id}`, Root: root, Bytes: came, Paid: paid, PricePerByte: terms.pricePerByte },
            ...{ Reserved: reserved, Channel: channel, Lane: lane, State: state, Message: message, At: at },
          })),
      };
    },
  }),
} as const;

export const ownRetrievalGroup: Group<typeof ownMethods> & { readonly prefix: "Filigree." } = {
  title: "Retrieval",
  summary: "Retrievals: what the network's own interface has no words for.",
  prefix: "Filigree.",
  versions: API_VERSIONS,
  methods: ownMethods,
};
