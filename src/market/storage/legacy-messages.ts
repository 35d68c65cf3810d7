/**
 * Messages of the market as go-fil-markets speaks it: ask, proposal with its answer, status. Maps; what a provider says is
 * signed by its worker over the bytes of the part that it says.
 * Source: go-fil-markets v1.28.3 storagemarket/types.go, storagemarket/network/types.go, storagemarket/dealstatus.go.
 */
import * as dagCbor from "@ipld/dag-cbor";
import type { Address } from "../../types/address.ts";
import { bigToBytes } from "../../types/amount.ts";
import type { CID } from "../../types/cid.ts";
import { encodeSignature, type Signature } from "../../types/message.ts";
import { encodeMap, Fields } from "./fields.ts";
import {
  type DealProposal,
  proposalOf,
  proposalTuple,
  type SignedProposal,
  signedProposalOf,
  signedProposalTuple,
} from "./proposal.ts";

export const LEGACY_PROTOCOLS = {
  ask: "/fil/storage/ask/1.1.0",
  deal: "/fil/storage/mk/1.1.1",
  status: "/fil/storage/status/1.1.0",
} as const;

/** States of a deal by their codes. */
export const LEGACY_STATES = [
  ...([
    "Unknown",
    "ProposalNotFound",
    "ProposalRejected",
    "ProposalAccepted",
    "Staged",
    "Sealing",
    "Finalizing",
  ] as const),
  ...(["Active", "Expired", "Slashed", "Rejecting", "Failing", "FundsReserved", "CheckForAcceptance"] as const),
  ...(["Validating", "AcceptWait", "StartDataTransfer", "Transferring", "WaitingForData", "VerifyData"] as const),
  ...(["ReserveProviderFunds", "ReserveClientFunds", "ProviderFunding", "ClientFunding", "Publish"] as const),
  ...(["Publishing", "Error", "ProviderTransferAwaitRestart", "ClientTransferRestart", "AwaitingPreCommit"] as const),
  "TransferQueued",
] as const;
export type LegacyState = (typeof LEGACY_STATES)[number];

export function legacyCode(state: LegacyState): number {
  return LEGACY_STATES.indexOf(state);
}

export type StorageAsk = {
  /** attoFIL for a GiB and an epoch. */
  readonly price: bigint;
  readonly verifiedPrice: bigint;
  /** Padded bytes. */
  readonly minPieceSize: bigint;
  readonly maxPieceSize: bigint;
  readonly miner: Address;
  /** Epochs. */
  readonly timestamp: bigint;
  readonly expiry: bigint;
  readonly seqNo: bigint;
};
export type SignedAsk = { readonly ask: StorageAsk; readonly signature: Signature };

const askMap = (ask: StorageAsk) => ({
  Price: bigToBytes(ask.price),
  VerifiedPrice: bigToBytes(ask.verifiedPrice),
  MinPieceSize: ask.minPieceSize,
  MaxPieceSize: ask.maxPieceSize,
  Miner: ask.miner.bytes,
  Timestamp: ask.timestamp,
  Expiry: ask.expiry,
  SeqNo: ask.seqNo,
});

export const encodeAsk = (ask: StorageAsk): Uint8Array => encodeMap(askMap(ask));
const signedAskMap = ({ ask, signature }: SignedAsk) => ({ Ask: askMap(ask), Signature: encodeSignature(signature) });
export const encodeSignedAsk = (signed: SignedAsk): Uint8Array => encodeMap(signedAskMap(signed));

function askOf(fields: Fields): StorageAsk {
  return {
    price: fields.amount("Price"),
    verifiedPrice: fields.amount("VerifiedPrice"),
    minPieceSize: fields.u64("MinPieceSize"),
    maxPieceSize: fields.u64("MaxPieceSize"),
    miner: fields.address("Miner"),
    timestamp: fields.i64("Timestamp"),
    expiry: fields.i64("Expiry"),
    seqNo: fields.u64("SeqNo"),
  };
}
const signedAskOf = (fields: Fields): SignedAsk => ({
  ask: askOf(fields.map("Ask")),
  signature: fields.signature("Signature"),
});
export const decodeSignedAsk = (bytes: Uint8Array): SignedAsk => signedAskOf(Fields.ofBytes("SignedAsk", bytes));

export const encodeAskRequest = (miner: Address): Uint8Array => encodeMap({ Miner: miner.bytes });
export const decodeAskRequest = (bytes: Uint8Array): Address => Fields.ofBytes("AskRequest", bytes).address("Miner");

export const encodeAskResponse = (ask: SignedAsk | null): Uint8Array =>
  encodeMap({ Ask: ask === null ? null : signedAskMap(ask) });
export const decodeAskResponse = (bytes: Uint8Array): SignedAsk | null =>
  Fields.ofBytes("AskResponse", bytes).nullable("Ask", (fields, field) => signedAskOf(fields.map(field)));

export type DataRef = {
  readonly transferType: "graphsync" | "manual" | (string & {});
  readonly root: CID;
  readonly pieceCid: CID | null;
  /** Bytes before padding. */
  readonly pieceSize: bigint;
  readonly rawBlockSize: bigint;
};

const dataRefMap = ({ transferType, root, pieceCid, pieceSize, rawBlockSize }: DataRef) => ({
  TransferType: transferType,
  Root: root,
  PieceCid: pieceCid,
  PieceSize: pieceSize,
  RawBlockSize: rawBlockSize,
});
export const encodeDataRef = (ref: DataRef): Uint8Array => encodeMap(dataRefMap(ref));

function dataRefOf(fields: Fields): DataRef {
  return {
    transferType: fields.text("TransferType", 64),
    root: fields.cid("Root"),
    pieceCid: fields.nullable("PieceCid", (all, field) => all.cid(field)),
    pieceSize: fields.u64("PieceSize"),
    rawBlockSize: fields.u64("RawBlockSize"),
  };
}
export const decodeDataRef = (bytes: Uint8Array): DataRef => dataRefOf(Fields.ofBytes("DataRef", bytes));

export type LegacyOffer = {
  readonly signed: SignedProposal;
  readonly piece: DataRef;
  readonly fastRetrieval: boolean;
};

export function encodeLegacyOffer({ signed, piece, fastRetrieval }: LegacyOffer): Uint8Array {
  return encodeMap({
    DealProposal: signedProposalTuple(signed),
    Piece: dataRefMap(piece),
    FastRetrieval: fastRetrieval,
  });
}
export function decodeLegacyOffer(bytes: Uint8Array): LegacyOffer {
  const fields = Fields.ofBytes("Proposal", bytes);
  return {
    signed: signedProposalOf(fields.value("DealProposal"), fields.path("DealProposal")),
    piece: dataRefOf(fields.map("Piece")),
    fastRetrieval: fields.bool("FastRetrieval"),
  };
}

export type LegacyResponse = {
  /** Code of `LEGACY_STATES`. */
  readonly state: number;
  readonly message: string;
  readonly proposal: CID;
  readonly publishMessage: CID | null;
};

const responseMap = ({ state, message, proposal, publishMessage }: LegacyResponse) => ({
  State: state,
  Message: message,
  Proposal: proposal,
  PublishMessage: publishMessage,
});
export const encodeResponse = (response: LegacyResponse): Uint8Array => encodeMap(responseMap(response));

export type SignedResponse = { readonly response: LegacyResponse; readonly signature: Signature };
export const encodeSignedResponse = ({ response, signature }: SignedResponse): Uint8Array =>
  encodeMap({ Response: responseMap(response), Signature: encodeSignature(signature) });
export function decodeSignedResponse(bytes: Uint8Array): SignedResponse {
  const fields = Fields.ofBytes("SignedResponse", bytes);
  const inner = fields.map("Response");
  return {
    response: {
      state: Number(inner.u64("State")),
      message: inner.text("Message"),
      proposal: inner.cid("Proposal"),
      publishMessage: inner.nullable("PublishMessage", (all, field) => all.cid(field)),
    },
    signature: fields.signature("Signature"),
  };
}

/** `signature`: the client's, over the CBOR of the proposal's CID. */
export type LegacyStatusRequest = { readonly proposal: CID; readonly signature: Signature };
export const encodeLegacyStatusRequest = ({ proposal, signature }: LegacyStatusRequest): Uint8Array =>
  encodeMap({ Proposal: proposal, Signature: encodeSignature(signature) });
export function decodeLegacyStatusRequest(bytes: Uint8Array): LegacyStatusRequest {
  const fields = Fields.ofBytes("DealStatusRequest", bytes);
  return { proposal: fields.cid("Proposal"), signature: fields.signature("Signature") };
}
/** What a client signs to ask for a deal's status. */
export const cidCbor = (cid: CID): Uint8Array => dagCbor.encode(cid);

export type ProviderDealState = {
  readonly state: number;
  readonly message: string;
  readonly proposal: DealProposal | null;
  readonly proposalCid: CID | null;
  readonly addFundsCid: CID | null;
  readonly publishCid: CID | null;
  readonly dealId: bigint;
  readonly fastRetrieval: boolean;
};

const dealStateMap = (deal: ProviderDealState) => ({
  State: deal.state,
  Message: deal.message,
  Proposal: deal.proposal === null ? null : proposalTuple(deal.proposal),
  ProposalCid: deal.proposalCid,
  AddFundsCid: deal.addFundsCid,
  PublishCid: deal.publishCid,
  DealID: deal.dealId,
  FastRetrieval: deal.fastRetrieval,
});
export const encodeDealState = (deal: ProviderDealState): Uint8Array => encodeMap(dealStateMap(deal));

export type SignedDealState = { readonly deal: ProviderDealState; readonly signature: Signature };
export const encodeSignedDealState = ({ deal, signature }: SignedDealState): Uint8Array =>
  encodeMap({ DealState: dealStateMap(deal), Signature: encodeSignature(signature) });
export function decodeSignedDealState(bytes: Uint8Array): SignedDealState {
  const fields = Fields.ofBytes("DealStatusResponse", bytes);
  const deal = fields.map("DealState");
  const link = (field: string): CID | null => deal.nullable(field, (all, name) => all.cid(name));
  return {
    deal: {
      state: Number(deal.u64("State")),
      message: deal.text("Message"),
      proposal: deal.nullable("Proposal", (all, name) => proposalOf(all.value(name), all.path(name))),
      proposalCid: link("ProposalCid"),
      addFundsCid: link("AddFundsCid"),
      publishCid: link("PublishCid"),
      dealId: deal.u64("DealID"),
      fastRetrieval: deal.bool("FastRetrieval"),
    },
    signature: fields.signature("Signature"),
  };
}
