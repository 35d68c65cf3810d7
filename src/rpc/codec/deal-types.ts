/** Codecs of storage deals in the network's spelling, and in this node's own. Source: lotus v1.10.0 api/types.go, api/api_full.go. */
import { address, amount, anyEpoch, link, signature, uint64 } from "./chain-types.ts";
import { boolean, choice, fallback, integer, list, nullable, object, record, text } from "./codec.ts";

const MAX_EVENTS = 200;
const MAX_DEALS = 100_000;
const MAX_LIST = 10_000;
const milliseconds = integer(0, Number.MAX_SAFE_INTEGER);
const epochs = integer(0, 1_000_000_000);

export const dataRef = object("DataRef", {
  TransferType: fallback(text(64), ""),
  Root: link,
  PieceCid: nullable(link),
  PieceSize: fallback(uint64, 0n),
  RawBlockSize: fallback(uint64, 0n),
});

export const startDealParams = object("StartDealParams", {
  Data: dataRef,
  Wallet: address,
  Miner: address,
  EpochPrice: amount,
  MinBlocksDuration: uint64,
  ProviderCollateral: nullable(amount),
  DealStartEpoch: fallback(anyEpoch, -1),
  FastRetrieval: fallback(boolean, true),
  VerifiedDeal: fallback(boolean, false),
});

export const dealInfo = object("DealInfo", {
  ProposalCid: link,
  State: uint64,
  Message: text(),
  Provider: address,
  DataRef: dataRef,
  PieceCID: link,
  Size: uint64,
  PricePerEpoch: amount,
  Duration: uint64,
  DealID: uint64,
  CreationTime: text(),
  Verified: boolean,
});

export const storageAsk = object("StorageAsk", {
  Price: amount,
  VerifiedPrice: amount,
  MinPieceSize: uint64,
  MaxPieceSize: uint64,
  Miner: address,
  Timestamp: anyEpoch,
  Expiry: anyEpoch,
  SeqNo: uint64,
});
export const signedAsk = object("SignedStorageAsk", { Ask: storageAsk, Signature: signature });

export const proposal = object("DealProposal", {
  PieceCID: link,
  PieceSize: uint64,
  VerifiedDeal: boolean,
  Client: address,
  Provider: address,
  Label: text(1024),
  StartEpoch: anyEpoch,
  EndEpoch: anyEpoch,
  StoragePricePerEpoch: amount,
  ProviderCollateral: amount,
  ClientCollateral: amount,
});
const signedProposal = { Proposal: proposal, ClientSignature: signature };
export const clientDealProposal = object("ClientDealProposal", signedProposal);

export const minerDeal = object("MinerDeal", {
  ...signedProposal,
  ProposalCid: link,
  PublishCid: nullable(link),
  Client: text(),
  State: uint64,
  SlashEpoch: anyEpoch,
  FastRetrieval: boolean,
  Message: text(),
  Ref: nullable(dataRef),
  DealID: uint64,
  CreationTime: text(),
  SectorNumber: uint64,
});
export const minerDeals = list(minerDeal, MAX_DEALS);

export const pendingDeals = object("PendingDealInfo", {
  Deals: list(clientDealProposal, MAX_DEALS),
  PublishPeriodStart: text(),
  PublishPeriod: integer(0, Number.MAX_SAFE_INTEGER),
});

const event = object("DealEvent", {
  At: milliseconds,
  Event: text(),
  To: text(),
  Text: text(),
});

/** A deal with all that this node knows of it: of its user, or of one of its providers. */
export const dealView = object("DealView", {
  ProposalCid: link,
  Uuid: nullable(text()),
  State: text(),
  About: text(),
  Error: text(),
  Since: milliseconds,
  /** The last epoch at which it may be in its state. */
  Deadline: nullable(anyEpoch),
  Proposal: proposal,
  Root: nullable(link),
  Bytes: uint64,
  Received: uint64,
  PublishMessage: nullable(link),
  DealId: nullable(uint64),
  Sector: nullable(uint64),
  SealingState: text(),
  Activated: nullable(anyEpoch),
  Slashed: nullable(anyEpoch),
  Log: list(event, MAX_EVENTS),
});
export const dealViews = list(dealView, MAX_DEALS);

/** What a user wants of a deal, with what the network's interface has no words for. */
export const wantedDeal = object("WantedDeal", {
  Root: link,
  Wallet: address,
  Miner: address,
  Duration: epochs,
  Price: nullable(amount),
  /** An epoch, where `Price` is null. */
  MaxPrice: fallback(nullable(amount), null),
  StartEpoch: nullable(epochs),
  Collateral: nullable(amount),
  Verified: fallback(boolean, false),
  KeepUnsealed: fallback(boolean, true),
  /** The piece is the bytes of the file that Root is, and not its CAR file. */
  Raw: fallback(boolean, false),
  /** Multiaddr of the provider; empty: as the chain or this node knows it. */
  Peer: fallback(text(1024), ""),
  Offline: fallback(boolean, false),
  Transfer: fallback(choice("", "libp2p", "graphsync"), ""),
  Url: fallback(text(8192), ""),
  Headers: fallback(record(text(8192), 32), {}),
  /** Whether it is made though one of the same piece and parties is open. */
  Again: fallback(boolean, true),
});

export const renewal = object("Renewal", {
  Duration: fallback(nullable(epochs), null),
  StartEpoch: fallback(nullable(epochs), null),
  MaxPrice: fallback(nullable(amount), null),
  Again: fallback(boolean, true),
});

export const dealRules = object("DealRules", {
  Online: boolean,
  Offline: boolean,
  Verified: boolean,
  Unverified: boolean,
  MinDuration: epochs,
  MaxDuration: epochs,
  MinStartDelay: epochs,
  MaxStartDelay: epochs,
  MaxCollateralFactor: integer(1, 1_000_000),
  AllowedClients: list(text(100), MAX_LIST),
  DeniedClients: list(text(100), MAX_LIST),
  DeniedPieces: list(text(200), MAX_LIST),
  MaxDeals: integer(0, MAX_DEALS),
  RemoteSources: boolean,
  SealAtOnce: boolean,
  PublishDelayMs: integer(0, 86_400_000),
  MaxDealsPerMessage: integer(1, 256),
  SettleEpochs: epochs,
  HookUrl: nullable(text(8192)),
});

export const cids = list(link, MAX_LIST);

export const settlements = list(object("DealSettlement", { Message: link, Deals: list(link, MAX_DEALS) }), MAX_DEALS);

export const indexedDeals = list(
  object("IndexedDeal", { Proposal: link, Blocks: integer(0, Number.MAX_SAFE_INTEGER) }),
  MAX_DEALS,
);
