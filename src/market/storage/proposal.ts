/**
 * What a client and a provider agree on: a tuple, signed by the client over its bytes. The label is text, or, from actors
 * v8 on, text or bytes; text is encoded alike in all versions.
 * Source: go-state-types builtin/v9/market; specs-actors v2.1.0 actors/builtin/market/deal.go.
 */
import * as dagCbor from "@ipld/dag-cbor";
import * as Digest from "multiformats/hashes/digest";
import { equal } from "../../base/bytes.ts";
import { sha256 } from "../../base/digests.ts";
import { type KeyCrypto, verifyBytes } from "../../keys/keys.ts";
import type { JsonObject } from "../../state/actor-reader.ts";
import { Address } from "../../types/address.ts";
import { bigToBytes } from "../../types/amount.ts";
import { CID, cidOfBlock, parseCid } from "../../types/cid.ts";
import { encodeSignature, type Signature } from "../../types/message.ts";
import { badMessage } from "./errors.ts";
import { decodeCbor, Fields } from "./fields.ts";

export type DealLabel = string | Uint8Array;

export type DealProposal = {
  readonly pieceCid: CID;
  /** Bytes with padding. */
  readonly pieceSize: bigint;
  readonly verified: boolean;
  readonly client: Address;
  readonly provider: Address;
  readonly label: DealLabel;
  readonly startEpoch: bigint;
  readonly endEpoch: bigint;
  /** attoFIL, as all amounts. */
  readonly pricePerEpoch: bigint;
  readonly providerCollateral: bigint;
  readonly clientCollateral: bigint;
};

export type SignedProposal = { readonly proposal: DealProposal; readonly signature: Signature };

const DAG_CBOR = 0x71;
const SHA2_256 = 0x12;

const FIELDS = [
  ...(["PieceCID", "PieceSize", "VerifiedDeal", "Client", "Provider", "Label"] as const),
  ...(["StartEpoch", "EndEpoch", "StoragePricePerEpoch", "ProviderCollateral", "ClientCollateral"] as const),
] as const;

/** The value that DAG-CBOR makes a proposal of. */
export function proposalTuple(proposal: DealProposal): readonly unknown[] {
  const { pieceCid, pieceSize, verified, client, provider, label, startEpoch, endEpoch } = proposal;
  return [
    ...[pieceCid, pieceSize, verified, client.bytes, provider.bytes, label, startEpoch, endEpoch],
    bigToBytes(proposal.pricePerEpoch),
    bigToBytes(proposal.providerCollateral),
    bigToBytes(proposal.clientCollateral),
  ];
}

export function encodeProposal(proposal: DealProposal): Uint8Array {
  return dagCbor.encode(proposalTuple(proposal));
}

/** A proposal of the market's state. */
export function proposalOfJson(json: JsonObject): DealProposal {
  const amount = (name: string): bigint => BigInt(json[name] as string);
  return {
    pieceCid: parseCid((json["PieceCID"] as { readonly "/": string })["/"]),
    pieceSize: BigInt(json["PieceSize"] as number | string),
    verified: json["VerifiedDeal"] as boolean,
    client: Address.parse(json["Client"] as string),
    provider: Address.parse(json["Provider"] as string),
    label: json["Label"] as string,
    startEpoch: BigInt(json["StartEpoch"] as number | string),
    endEpoch: BigInt(json["EndEpoch"] as number | string),
    pricePerEpoch: amount("StoragePricePerEpoch"),
    providerCollateral: amount("ProviderCollateral"),
    clientCollateral: amount("ClientCollateral"),
  };
}

/** Throws `DealError` BAD_MESSAGE. */
export function proposalOf(value: unknown, name = "Proposal"): DealProposal {
  const fields = Fields.ofTuple(name, value, FIELDS);
  const label = fields.value("Label");
  return {
    pieceCid: fields.cid("PieceCID"),
    pieceSize: fields.u64("PieceSize"),
    verified: fields.bool("VerifiedDeal"),
    client: fields.address("Client"),
    provider: fields.address("Provider"),
    label: label instanceof Uint8Array ? label : fields.text("Label"),
    startEpoch: fields.i64("StartEpoch"),
    endEpoch: fields.i64("EndEpoch"),
    pricePerEpoch: fields.amount("StoragePricePerEpoch"),
    providerCollateral: fields.amount("ProviderCollateral"),
    clientCollateral: fields.amount("ClientCollateral"),
  };
}

/** Throws `DealError` BAD_MESSAGE for anything but a proposal's only encoding. */
export function decodeProposal(bytes: Uint8Array): DealProposal {
  const proposal = proposalOf(decodeCbor("Proposal", bytes));
  if (!equal(encodeProposal(proposal), bytes)) badMessage("Proposal", "not in its canonical form");
  return proposal;
}

export function signedProposalTuple({ proposal, signature }: SignedProposal): readonly unknown[] {
  return [proposalTuple(proposal), encodeSignature(signature)];
}

export function encodeSignedProposal(signed: SignedProposal): Uint8Array {
  return dagCbor.encode(signedProposalTuple(signed));
}

/** Throws `DealError` BAD_MESSAGE. */
export function signedProposalOf(value: unknown, name = "ClientDealProposal"): SignedProposal {
  const fields = Fields.ofTuple(name, value, ["Proposal", "ClientSignature"]);
  return {
    proposal: proposalOf(fields.value("Proposal"), fields.path("Proposal")),
    signature: fields.signature("ClientSignature"),
  };
}

/** Throws `DealError` BAD_MESSAGE. */
export function decodeSignedProposal(bytes: Uint8Array): SignedProposal {
  const signed = signedProposalOf(decodeCbor("ClientDealProposal", bytes));
  if (!equal(encodeSignedProposal(signed), bytes)) badMessage("ClientDealProposal", "not in its canonical form");
  return signed;
}

/** Names a proposal on chain, and a deal here. */
export function proposalCid(proposal: DealProposal): CID {
  return cidOfBlock(encodeProposal(proposal));
}

/**
 * Names a proposal with its signature, by SHA-256: in Boost's statuses, and in messages and vouchers of go-fil-markets.
 * As go-fil-markets v1.28.3 storagemarket/impl/provider.go has it: the default hash of its encoder.
 */
export function signedProposalCid(signed: SignedProposal): CID {
  return CID.createV1(DAG_CBOR, Digest.create(SHA2_256, sha256(encodeSignedProposal(signed))));
}

/** Whether the client, whose key address is `key`, has signed the proposal. */
export function isSigned(crypto: KeyCrypto, { proposal, signature }: SignedProposal, key: Address): boolean {
  return verifyBytes(crypto, signature, key, encodeProposal(proposal));
}

/** Epochs for which the deal is paid. */
export function durationOf({ startEpoch, endEpoch }: DealProposal): bigint {
  return endEpoch - startEpoch;
}

/** What must lie in the client's escrow when the deal is published. */
export function clientFunds(proposal: DealProposal): bigint {
  return proposal.clientCollateral + proposal.pricePerEpoch * durationOf(proposal);
}

/** The label as text; bytes that are no text as hexadecimal digits. */
export function labelText(label: DealLabel): string {
  return typeof label === "string"
    ? label
    : `0x${[...label].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
