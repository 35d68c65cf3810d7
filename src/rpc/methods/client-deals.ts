/** Filecoin.Client*: storage deals of this node's user; and, as Filigree.Client*, what the network's own interface has no words for. */
import { LEGACY_STATES } from "../../market/storage/legacy-messages.ts";
import { paddedBytesOf } from "../../sector/piece/cid.ts";
import type { CID } from "../../types/cid.ts";
import { address, link, uint64 } from "../codec/chain-types.ts";
import { fallback, filePath, list, nullable, object, text, type ValueOf } from "../codec/codec.ts";
import {
  dealInfo,
  dealView,
  dealViews,
  renewal,
  startDealParams,
  storageAsk,
  wantedDeal,
} from "../codec/deal-types.ts";
import { badParams } from "../errors.ts";
import { type Group, group, method, param } from "../method.ts";
import type { NodeServices } from "../services.ts";
import { API_VERSIONS } from "../versions.ts";
import { idAt } from "../view.ts";
import { committed, dataCidSize, importRes } from "./client.ts";
import { askJson, clientView, dealInfoJson } from "./deal-views.ts";
import { MANY } from "./miner-shapes.ts";

type Start = ValueOf<typeof startDealParams>;

/** As the reference's client starts a deal. `manual`: the provider gets the data by hand. */
async function start(node: NodeServices, given: Start, signal: AbortSignal): Promise<CID> {
  const { Data, Wallet, Miner, EpochPrice, MinBlocksDuration, ProviderCollateral, DealStartEpoch } = given;
  const isManual = Data.TransferType === "manual";
  if (!isManual && !["", "graphsync", "http", "local"].includes(Data.TransferType))
    badParams(`Data.TransferType: "manual", or nothing, expected, got "${Data.TransferType}"`);
  if (isManual && (Data.PieceCid === null || Data.PieceSize === 0n))
    badParams("Data.PieceCid and Data.PieceSize: expected for a manual deal");
  const size = Number(Data.PieceSize);
  const piece =
    isManual && Data.PieceCid !== null
      ? { cid: Data.PieceCid, paddedSize: paddedBytesOf(size), carSize: Number(Data.RawBlockSize) || size }
      : undefined;
  const { id } = await node.deals.client.deal(
    {
      ...{ root: Data.Root, wallet: Wallet, miner: await idAt(node, Miner, []), peer: null, offline: isManual },
      ...{ price: EpochPrice, duration: Number(MinBlocksDuration) },
      ...{ verified: given.VerifiedDeal, keepUnsealed: given.FastRetrieval },
      ...(DealStartEpoch > 0 ? { startEpoch: DealStartEpoch } : {}),
      ...(ProviderCollateral === null || ProviderCollateral === 0n ? {} : { collateral: ProviderCollateral }),
      ...(piece === undefined ? {} : { piece }),
    },
    signal,
  );
  return node.deals.client.cidOf(id);
}

const proposalParam = param("proposal", link);

export const clientDealsGroup = group("Client: deals", "Storage deals of this node's user.", {
  ClientQueryAsk: method({
    summary:
      "What a provider asks for its space, signed by it; the first parameter is its peer: empty means this node's own, or as the chain has it.",
    params: [param("peer", fallback(text(1024), "")), param("miner", address)],
    result: storageAsk,
    cost: "wait",
    run: async ([peer, miner], { node, signal }) =>
      askJson(await node.deals.client.ask(await idAt(node, miner, []), peer === "" ? null : peer, signal)),
  }),
  ClientStartDeal: method({
    summary:
      "Begins a deal about data that this node has (or, with transfer type manual, that is brought by hand), with this node's own provider or the peer that the chain has for the miner.",
    permission: "admin",
    params: [param("params", startDealParams)],
    result: nullable(link),
    cost: "wait",
    run: ([given], { node, signal }) => start(node, given, signal),
  }),
  ClientGetDealInfo: method({
    summary: "How a deal of this node's user is.",
    params: [proposalParam],
    result: dealInfo,
    run: ([proposal], { node }) => dealInfoJson(node.deals.client.get(`${proposal}`)),
  }),
  ClientListDeals: method({
    summary: "Deals of this node's user, in the order in which they were made.",
    permission: "write",
    result: list(dealInfo, MANY),
    cost: "walk",
    run: (_, { node }) => node.deals.client.list().map(dealInfoJson),
  }),
  ClientGetDealStatus: method({
    summary: "Name of a deal's state by its code.",
    params: [param("code", uint64)],
    result: text(),
    run([code]) {
      const name = LEGACY_STATES[Number(code)];
      return name === undefined ? badParams(`code: no state of a deal has the code ${code}`) : `StorageDeal${name}`;
    },
  }),
});

const ownMethods = {
  ClientImportDagJson: method({
    summary: "Imports a file of JSON as one block of DAG-JSON, in its canonical form; what it links to must be here.",
    permission: "admin",
    params: [param("path", filePath)],
    result: importRes,
    cost: "wait",
    async run([path], { node, signal }) {
      const { root, id } = await node.client.importDagJson(path, signal);
      return { Root: root, ImportID: id };
    },
  }),
  ClientRawPieceCID: method({
    summary: "As Filecoin.ClientDealPieceCID, of the piece that is the bytes of the file, and not its CAR file.",
    params: [param("root", link), param("path", nullable(filePath))],
    result: dataCidSize,
    cost: "wait",
    run: ([root, path], call) => committed(root, path, "raw", call),
  }),
  ClientDeal: method({
    summary:
      "As Filecoin.ClientStartDeal, with the provider's peer, a URL of the data, and what may be left to be chosen.",
    permission: "admin",
    params: [param("deal", wantedDeal)],
    result: link,
    cost: "wait",
    async run([wanted], { node, signal }) {
      const { Price, MaxPrice, StartEpoch, Collateral, Url, Headers, Peer, Transfer } = wanted;
      const { id } = await node.deals.client.deal(
        {
          ...{ root: wanted.Root, wallet: wanted.Wallet, miner: await idAt(node, wanted.Miner, []) },
          ...{ peer: Peer === "" ? null : Peer, duration: wanted.Duration },
          ...{ offline: wanted.Offline, ...(Transfer === "" ? {} : { transfer: Transfer }) },
          ...{ verified: wanted.Verified, keepUnsealed: wanted.KeepUnsealed, raw: wanted.Raw },
          ...(Price === null ? {} : { price: Price }),
          ...(MaxPrice === null || Price !== null ? {} : { maxPrice: MaxPrice }),
          ...(StartEpoch === null ? {} : { startEpoch: StartEpoch }),
          ...(Collateral === null ? {} : { collateral: Collateral }),
          ...(Url === "" ? {} : { source: { url: Url, headers: Headers } }),
          ...(wanted.Again ? {} : { unlessOpen: () => true }),
        },
        signal,
      );
      return node.deals.client.cidOf(id);
    },
  }),
  ClientRenewDeal: method({
    summary:
      "The same deal once more, from its end on; at what the provider asks now, at most MaxPrice, or what it was.",
    permission: "admin",
    params: [
      proposalParam,
      param("change", fallback(renewal, { Duration: null, StartEpoch: null, MaxPrice: null, Again: true })),
    ],
    result: link,
    cost: "wait",
    async run([proposal, { Duration, StartEpoch, MaxPrice, Again }], { node, signal }) {
      const { client } = node.deals;
      const change = {
        ...(Duration === null ? {} : { duration: Duration }),
        ...(StartEpoch === null ? {} : { startEpoch: StartEpoch }),
        ...(MaxPrice === null ? {} : { maxPrice: MaxPrice }),
        again: Again,
      };
      return client.cidOf((await client.renew(`${proposal}`, change, signal)).id);
    },
  }),
  ClientVerifyDeal: method({
    summary:
      "Has the provider show that a deal's piece is in its sector, and holds that against the CommD of what the chain has in it.",
    permission: "admin",
    params: [proposalParam],
    result: object("VerifiedDeal", { Sector: uint64, Offset: uint64, SectorBytes: uint64, CommD: link }),
    cost: "wait",
    async run([proposal], { node, signal }) {
      const { sector, offset, sectorBytes, commD } = await node.deals.client.verify(`${proposal}`, signal);
      return { Sector: BigInt(sector), Offset: BigInt(offset), SectorBytes: BigInt(sectorBytes), CommD: commD };
    },
  }),
  ClientDeals: method({
    summary: "Deals of this node's user, with their states as they are called here; without their logs.",
    permission: "write",
    result: dealViews,
    cost: "walk",
    run: (_, { node }) => node.deals.client.list().map((deal) => clientView(deal, [])),
  }),
  ClientDealLog: method({
    summary: "A deal of this node's user with all that happened to it.",
    params: [proposalParam],
    result: dealView,
    async run([proposal], { node }) {
      const { client } = node.deals;
      return clientView(client.get(`${proposal}`), await client.log(`${proposal}`));
    },
  }),
} as const;

export const ownClientGroup: Group<typeof ownMethods> & { readonly prefix: "Filigree." } = {
  title: "Client: data and deals",
  summary: "Data and storage deals of this node's user: what the network's own interface has no words for.",
  prefix: "Filigree.",
  versions: API_VERSIONS,
  methods: ownMethods,
};
