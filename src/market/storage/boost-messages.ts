/**
 * Messages of the market as Boost and Curio speak it: an offer with its answer, and the status of a deal, which a UUID
 * names. Version 1.2.0 has two fields of an offer less; its readers pass over them, and its own senders leave them out.
 * Source: boost v1.7.5 storagemarket/types/types.go, storagemarket/types/legacy.go.
 */
import { fromHex, fromUtf8, toHex, utf8 } from "../../base/bytes.ts";
import type { CID } from "../../types/cid.ts";
import { encodeSignature, type Signature } from "../../types/message.ts";
import { badMessage } from "./errors.ts";
import { encodeMap, Fields } from "./fields.ts";
import {
  type DealProposal,
  proposalOf,
  proposalTuple,
  type SignedProposal,
  signedProposalOf,
  signedProposalTuple,
} from "./proposal.ts";

export const BOOST_PROTOCOLS = {
  deal: "/fil/storage/mk/1.2.1",
  dealBefore: "/fil/storage/mk/1.2.0",
  status: "/fil/storage/status/1.2.0",
} as const;

/** How far a deal has come, as a status tells it. Source: boost v1.7.5 storagemarket/types/dealcheckpoints/checkpoints.go. */
export const CHECKPOINTS = [
  ...(["Accepted", "Transferred", "Published", "PublishConfirmed", "AddedPiece"] as const),
  ...(["IndexedAndAnnounced", "Complete"] as const),
] as const;
export type Checkpoint = (typeof CHECKPOINTS)[number];

const UUID_BYTES = 16;
const MAX_PARAMS = 32 << 10;

/** "01234567-89ab-4cde-8f01-23456789abcd" of 16 bytes. */
export function uuidText(bytes: Uint8Array): string {
  const hex = toHex(bytes);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** Throws `DealError` BAD_MESSAGE. */
export function uuidBytes(text: string): Uint8Array {
  const isUuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(text);
  return isUuid ? fromHex(text.replaceAll("-", "")) : badMessage("DealUUID", `${text.slice(0, 50)} is no UUID`);
}

/** A UUID of version 4. */
export function newUuid(randomBytes: (length: number) => Uint8Array): string {
  const bytes = randomBytes(UUID_BYTES).slice();
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return uuidText(bytes);
}

function uuidIn(fields: Fields): string {
  const bytes = fields.bytes("DealUUID", UUID_BYTES);
  return bytes.length === UUID_BYTES ? uuidText(bytes) : badMessage(fields.path("DealUUID"), "16 bytes expected");
}

export type Transfer = {
  /** "http", "libp2p"; empty where the data comes otherwise. */
  readonly type: string;
  readonly clientId: string;
  readonly params: Uint8Array;
  /** Bytes of the CAR file. */
  readonly size: bigint;
};
export const NO_TRANSFER: Transfer = { type: "", clientId: "", params: new Uint8Array(0), size: 0n };

/** Where data is fetched from, as it stands in a transfer's `params`. */
export type HttpSource = { readonly url: string; readonly headers: Readonly<Record<string, string>> };

export function encodeHttpSource({ url, headers }: HttpSource): Uint8Array {
  return utf8(JSON.stringify({ URL: url, Headers: headers }));
}

/** Throws `DealError` BAD_MESSAGE. */
export function decodeHttpSource(params: Uint8Array): HttpSource {
  let json: unknown;
  try {
    json = JSON.parse(fromUtf8(params));
  } catch {
    return badMessage("Transfer.Params", "JSON expected");
  }
  const { URL: url, Headers: given } = (json ?? {}) as { URL?: unknown; Headers?: unknown };
  if (typeof url !== "string") return badMessage("Transfer.Params", "URL: text expected");
  const headers = Object.entries((given ?? {}) as Record<string, unknown>);
  const isPlain = typeof (given ?? {}) === "object" && headers.every(([, value]) => typeof value === "string");
  if (!isPlain) return badMessage("Transfer.Params", "Headers: texts by name expected");
  return { url, headers: Object.fromEntries(headers) as Record<string, string> };
}

export type BoostOffer = {
  readonly uuid: string;
  readonly isOffline: boolean;
  readonly signed: SignedProposal;
  readonly root: CID;
  readonly transfer: Transfer;
  readonly removeUnsealed: boolean;
  readonly skipAnnounce: boolean;
};

const transferMap = ({ type, clientId, params, size }: Transfer) => ({
  Type: type,
  ClientID: clientId,
  Params: params,
  Size: size,
});

export function encodeBoostOffer(offer: BoostOffer, protocol: string): Uint8Array {
  const more = { RemoveUnsealedCopy: offer.removeUnsealed, SkipIPNIAnnounce: offer.skipAnnounce };
  return encodeMap({
    DealUUID: uuidBytes(offer.uuid),
    IsOffline: offer.isOffline,
    ClientDealProposal: signedProposalTuple(offer.signed),
    DealDataRoot: offer.root,
    Transfer: transferMap(offer.transfer),
    ...(protocol === BOOST_PROTOCOLS.dealBefore ? {} : more),
  });
}

/** Of either version. Throws `DealError` BAD_MESSAGE. */
export function decodeBoostOffer(bytes: Uint8Array): BoostOffer {
  const fields = Fields.ofBytes("DealParams", bytes);
  const transfer = fields.map("Transfer");
  const flag = (field: string): boolean => fields.has(field) && fields.bool(field);
  return {
    uuid: uuidIn(fields),
    isOffline: fields.bool("IsOffline"),
    signed: signedProposalOf(fields.value("ClientDealProposal"), fields.path("ClientDealProposal")),
    root: fields.cid("DealDataRoot"),
    transfer: {
      type: transfer.text("Type", 64),
      clientId: transfer.text("ClientID", 1024),
      params: transfer.bytes("Params", MAX_PARAMS),
      size: transfer.u64("Size"),
    },
    removeUnsealed: flag("RemoveUnsealedCopy"),
    skipAnnounce: flag("SkipIPNIAnnounce"),
  };
}

/** `message`: why an offer was refused. */
export type BoostAnswer = { readonly accepted: boolean; readonly message: string };
export const encodeBoostAnswer = ({ accepted, message }: BoostAnswer): Uint8Array =>
  encodeMap({ Accepted: accepted, Message: message });
export function decodeBoostAnswer(bytes: Uint8Array): BoostAnswer {
  const fields = Fields.ofBytes("DealResponse", bytes);
  return { accepted: fields.bool("Accepted"), message: fields.text("Message") };
}

/** `signature`: the client's, over the 16 bytes of the UUID. */
export type BoostStatusRequest = { readonly uuid: string; readonly signature: Signature };
export const encodeBoostStatusRequest = ({ uuid, signature }: BoostStatusRequest): Uint8Array =>
  encodeMap({ DealUUID: uuidBytes(uuid), Signature: encodeSignature(signature) });
export function decodeBoostStatusRequest(bytes: Uint8Array): BoostStatusRequest {
  const fields = Fields.ofBytes("DealStatusRequest", bytes);
  return { uuid: uuidIn(fields), signature: fields.signature("Signature") };
}

export type BoostDealStatus = {
  /** Why the deal failed; empty while it has not. */
  readonly error: string;
  readonly status: Checkpoint | (string & {});
  readonly sealingStatus: string;
  readonly proposal: DealProposal;
  readonly signedProposalCid: CID;
  readonly publishCid: CID | null;
  readonly dealId: bigint;
};
export type BoostStatus = {
  readonly uuid: string;
  /** Why there is no status; empty if there is. */
  readonly error: string;
  readonly deal: BoostDealStatus | null;
  readonly isOffline: boolean;
  readonly transferSize: bigint;
  readonly received: bigint;
};

export function encodeBoostStatus({ uuid, error, deal, isOffline, transferSize, received }: BoostStatus): Uint8Array {
  return encodeMap({
    DealUUID: uuidBytes(uuid),
    Error: error,
    DealStatus:
      deal === null
        ? null
        : {
            Error: deal.error,
            Status: deal.status,
            SealingStatus: deal.sealingStatus,
            Proposal: proposalTuple(deal.proposal),
            SignedProposalCid: deal.signedProposalCid,
            PublishCid: deal.publishCid,
            ChainDealID: deal.dealId,
          },
    IsOffline: isOffline,
    TransferSize: transferSize,
    NBytesReceived: received,
  });
}

export function decodeBoostStatus(bytes: Uint8Array): BoostStatus {
  const fields = Fields.ofBytes("DealStatusResponse", bytes);
  return {
    uuid: uuidIn(fields),
    error: fields.text("Error"),
    deal: fields.nullable("DealStatus", (all, field) => dealStatusOf(all.map(field))),
    isOffline: fields.bool("IsOffline"),
    transferSize: fields.u64("TransferSize"),
    received: fields.u64("NBytesReceived"),
  };
}

function dealStatusOf(fields: Fields): BoostDealStatus {
  return {
    error: fields.text("Error"),
    status: fields.text("Status", 256),
    sealingStatus: fields.text("SealingStatus", 1024),
    proposal: proposalOf(fields.value("Proposal"), fields.path("Proposal")),
    signedProposalCid: fields.cid("SignedProposalCid"),
    publishCid: fields.nullable("PublishCid", (all, name) => all.cid(name)),
    dealId: fields.u64("ChainDealID"),
  };
}
