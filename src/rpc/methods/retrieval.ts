/**
 * Retrievals: what this node asks for its user's data and who of its peers has what, as the reference names it; and, as
 * Filigree.Retrieval*, retrieving, with providers by identity or multiaddr.
 */
import type { QueryResponse, Terms } from "../../market/retrieval/messages.ts";
import { address, amount, link, maybeAddress } from "../codec/chain-types.ts";
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
import { RPC_CODE, RpcError } from "../errors.ts";
import { type Group, group, method, param } from "../method.ts";
import type { NodeServices, RetrievalService } from "../services.ts";
import { API_VERSIONS } from "../versions.ts";
import { MANY } from "./miner-shapes.ts";

const MAX = Number.MAX_SAFE_INTEGER;
const MAX_PROVIDERS = 64;
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

export const findGroup = group("Client", "Who has what.", {
  ClientFindData: method({
    summary:
      "Asks the peers that are connected for a DAG, and gives the offers of those that have it, the cheapest first.",
    params: [rootParam, pieceParam],
    result: list(offer, MANY),
    cost: "wait",
    run: async ([root, piece], { node, signal }) =>
      (await serviceOf(node).find(root, piece, signal)).map(({ peer: id, quote: found }) => ({
        ...{ Err: "", Root: root, Piece: piece, Size: found.size, Miner: null, ...quoteTerms(found) },
        MinPrice: found.unsealPrice + BigInt(found.size) * found.pricePerByte,
        MinerPeer: { Address: found.paymentAddress, ID: id, PieceCID: piece },
      })),
  }),
});

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

const ownMethods = {
  RetrievalQuery: method({
    summary: "What a provider, by identity or multiaddr, asks for a DAG.",
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
  RetrievalGet: method({
    summary:
      "Retrieves a DAG into the user's data, from providers in turn (default: the peers that have it), and pays as it verifies.",
    permission: "sign",
    params: [param("order", order)],
    result: object("Retrieved", { Peer: peer, Bytes: bytes, Links: bytes, Paid: amount, WasHere: boolean }),
    cost: "wait",
    async run([{ Root, Providers, MaxPrice, FundStep, From }], { node, signal }) {
      const got = await serviceOf(node).retrieve({
        ...{ root: Root, providers: Providers, maxPrice: MaxPrice, fundStep: FundStep, from: From, signal },
      });
      return { Peer: got.peer, Bytes: got.bytes, Links: got.links, Paid: got.paid, WasHere: got.wasHere };
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
