/** Deals as the RPC interface tells of them. */
import {
  CLIENT_STATES,
  type ClientDeal,
  clientCode,
  clientDeadline,
  signedOfClient,
} from "../../market/storage/client-record.ts";
import type { SignedAsk } from "../../market/storage/legacy-messages.ts";
import { type DealProposal, durationOf, labelText } from "../../market/storage/proposal.ts";
import {
  deadlineOf,
  legacyStateOf,
  PROVIDER_STATES,
  type ProviderDeal,
  signedOf,
} from "../../market/storage/provider-record.ts";
import type { DealEvent } from "../../market/storage/record-book.ts";
import { unpaddedBytesOf } from "../../sector/piece/cid.ts";
import { parseCid } from "../../types/cid.ts";
import type { ValueOf } from "../codec/codec.ts";
import type { dealInfo, dealView, minerDeal, proposal, signedAsk, storageAsk } from "../codec/deal-types.ts";

/** Milliseconds as the network spells a time. */
export const timeText = (ms: number): string => new Date(ms).toISOString();
const linkOr = (text: string | null) => (text === null ? null : parseCid(text));

export function askJson({ ask }: SignedAsk): ValueOf<typeof storageAsk> {
  return {
    Price: ask.price,
    VerifiedPrice: ask.verifiedPrice,
    MinPieceSize: ask.minPieceSize,
    MaxPieceSize: ask.maxPieceSize,
    Miner: ask.miner,
    Timestamp: Number(ask.timestamp),
    Expiry: Number(ask.expiry),
    SeqNo: ask.seqNo,
  };
}

export function signedAskJson(signed: SignedAsk): ValueOf<typeof signedAsk> {
  return { Ask: askJson(signed), Signature: signed.signature };
}

export function proposalJson(one: DealProposal): ValueOf<typeof proposal> {
  return {
    PieceCID: one.pieceCid,
    PieceSize: one.pieceSize,
    VerifiedDeal: one.verified,
    Client: one.client,
    Provider: one.provider,
    Label: labelText(one.label),
    StartEpoch: Number(one.startEpoch),
    EndEpoch: Number(one.endEpoch),
    StoragePricePerEpoch: one.pricePerEpoch,
    ProviderCollateral: one.providerCollateral,
    ClientCollateral: one.clientCollateral,
  };
}

const TRANSFER = { http: "http", libp2p: "libp2p", local: "local", offline: "manual", graphsync: "graphsync" } as const;

export function dealInfoJson(deal: ClientDeal): ValueOf<typeof dealInfo> {
  const { proposal: one } = signedOfClient(deal);
  const size = BigInt(unpaddedBytesOf(Number(one.pieceSize)));
  return {
    ProposalCid: parseCid(deal.id),
    State: BigInt(clientCode(deal)),
    Message: deal.error,
    Provider: one.provider,
    DataRef: {
      ...{ TransferType: TRANSFER[deal.delivery.kind], Root: parseCid(deal.root), PieceCid: one.pieceCid },
      ...{ PieceSize: size, RawBlockSize: BigInt(deal.size) },
    },
    PieceCID: one.pieceCid,
    Size: size,
    PricePerEpoch: one.pricePerEpoch,
    Duration: durationOf(one),
    DealID: BigInt(deal.dealId ?? 0),
    CreationTime: timeText(deal.made),
    Verified: one.verified,
  };
}

export function minerDealJson(deal: ProviderDeal): ValueOf<typeof minerDeal> {
  const { proposal: one, signature } = signedOf(deal);
  return {
    ...{ Proposal: proposalJson(one), ClientSignature: signature, ProposalCid: parseCid(deal.id) },
    PublishCid: linkOr(deal.publish?.cid ?? null),
    Client: deal.peer ?? "",
    State: BigInt(legacyStateOf(deal)),
    SlashEpoch: deal.slashed ?? -1,
    FastRetrieval: deal.keepUnsealed,
    Message: deal.error,
    Ref:
      deal.root === null
        ? null
        : {
            ...{ TransferType: TRANSFER[deal.source.kind], Root: parseCid(deal.root), PieceCid: one.pieceCid },
            ...{ PieceSize: BigInt(unpaddedBytesOf(Number(one.pieceSize))), RawBlockSize: BigInt(deal.size) },
          },
    DealID: BigInt(deal.dealId ?? 0),
    CreationTime: timeText(deal.made),
    SectorNumber: BigInt(deal.sector ?? 0),
  };
}

const events = (log: readonly DealEvent[]) =>
  log.map(({ at, event, to, text }) => ({ At: at, Event: event, To: to, Text: text }));
const wide = (value: number | null): bigint | null => (value === null ? null : BigInt(value));

export function clientView(deal: ClientDeal, log: readonly DealEvent[]): ValueOf<typeof dealView> {
  return {
    ...{ ProposalCid: parseCid(deal.id), Uuid: deal.uuid, State: deal.state, About: CLIENT_STATES[deal.state].about },
    ...{ Error: deal.error, Since: deal.since, Deadline: clientDeadline(deal) },
    ...{ Proposal: proposalJson(signedOfClient(deal).proposal), Root: parseCid(deal.root) },
    ...{ Bytes: BigInt(deal.size), Received: 0n, PublishMessage: linkOr(deal.publishMessage) },
    ...{ DealId: wide(deal.dealId), Sector: null, SealingState: deal.told },
    ...{ Activated: deal.activated, Slashed: deal.slashed, Log: events(log) },
  };
}

export function providerView(
  deal: ProviderDeal,
  more: {
    readonly log: readonly DealEvent[];
    readonly received: number;
    readonly sealing: string;
    readonly startBuffer: number;
  },
): ValueOf<typeof dealView> {
  return {
    ...{ ProposalCid: parseCid(deal.id), Uuid: deal.uuid, State: deal.state, About: PROVIDER_STATES[deal.state].about },
    ...{ Error: deal.error, Since: deal.since, Deadline: deadlineOf(deal, more.startBuffer) },
    ...{ Proposal: proposalJson(signedOf(deal).proposal), Root: linkOr(deal.root) },
    ...{ Bytes: BigInt(deal.size), Received: BigInt(more.received) },
    ...{ PublishMessage: linkOr(deal.publish?.cid ?? null), DealId: wide(deal.dealId), Sector: wide(deal.sector) },
    ...{ SealingState: more.sealing, Activated: deal.activated, Slashed: deal.slashed, Log: events(more.log) },
  };
}
