/** What a provider answers to the messages of the market, of both families; `protocols.ts` carries them. */
import type { CID } from "../../types/cid.ts";
import { parseCid } from "../../types/cid.ts";
import {
  type BoostAnswer,
  type BoostOffer,
  type BoostStatus,
  type BoostStatusRequest,
  decodeHttpSource,
  uuidBytes,
} from "./boost-messages.ts";
import { DealError, refuse } from "./errors.ts";
import type { Inclusion } from "./inclusion.ts";
import {
  cidCbor,
  encodeDealState,
  encodeResponse,
  type LegacyOffer,
  type LegacyStatusRequest,
  legacyCode,
  type SignedDealState,
  type SignedResponse,
} from "./legacy-messages.ts";
import { signedProposalCid } from "./proposal.ts";
import type { StorageProvider } from "./provider.ts";
import {
  checkpointOf,
  type DealSource,
  legacyStateOf,
  type ProviderDeal,
  proposalOfDeal,
  signedOf,
} from "./provider-record.ts";

/** Transfers whose data is fetched from a URL, also of a peer. */
const FETCHED = ["http", "libp2p"];
/** Data of the same node's user: no peer may say so. */
const LOCAL = "local";
const NO_DEAL = "deal not found, or the signature is not its client's";

function sourceOf({ isOffline, transfer }: BoostOffer, peer: string | null): DealSource {
  if (isOffline) return { kind: "offline" };
  if (transfer.type === LOCAL && peer === null) return { kind: "local" };
  if (!FETCHED.includes(transfer.type))
    refuse("transferType", '"http" or "libp2p", or an offline deal', `"${transfer.type}"`);
  const { url, headers } = decodeHttpSource(transfer.params);
  return { kind: "http", url, headers };
}

const isRefusal = (error: unknown): error is DealError =>
  error instanceof DealError && ["REFUSED", "BAD_MESSAGE", "NOT_A_PROVIDER", "LIMIT"].includes(error.code);

/** `peer`: who offers; null for this node's own user. */
export async function answerOffer(
  provider: StorageProvider,
  offer: BoostOffer,
  peer: string | null,
): Promise<BoostAnswer> {
  try {
    const { size } = offer.transfer;
    if (size > BigInt(Number.MAX_SAFE_INTEGER)) refuse("transferSize", "bytes of a file", `${size}`);
    await provider.offer({
      ...{ signed: offer.signed, uuid: offer.uuid, peer, root: offer.root, source: sourceOf(offer, peer) },
      size: offer.isOffline && size === 0n ? null : Number(size),
      keepUnsealed: !offer.removeUnsealed,
      announce: !offer.skipAnnounce,
    });
    return { accepted: true, message: "" };
  } catch (error) {
    if (isRefusal(error)) return { accepted: false, message: error.message };
    throw error;
  }
}

/** Where a deal's piece is, for its client alone. */
export async function answerInclusion(
  provider: StorageProvider,
  { uuid, signature }: BoostStatusRequest,
): Promise<Inclusion | null> {
  const deal = provider.byUuid(uuid);
  if (deal === null || !(await provider.isOfClient(deal, signature, uuidBytes(uuid)))) return null;
  return provider.inclusionOf(deal);
}

/** Tells nobody but a deal's client of it. */
export async function answerStatus(
  provider: StorageProvider,
  { uuid, signature }: BoostStatusRequest,
): Promise<BoostStatus> {
  const deal = provider.byUuid(uuid);
  const isClient = deal !== null && (await provider.isOfClient(deal, signature, uuidBytes(uuid)));
  if (deal === null || !isClient)
    return { uuid, error: NO_DEAL, deal: null, isOffline: false, transferSize: 0n, received: 0n };
  const signed = signedOf(deal);
  return {
    uuid,
    error: "",
    deal: {
      error: deal.state === "Failed" || deal.state === "Slashed" ? deal.error || deal.state : "",
      status: checkpointOf(deal),
      sealingStatus: provider.sealingStateOf(deal),
      proposal: signed.proposal,
      signedProposalCid: signedProposalCid(signed),
      publishCid: publishOf(deal),
      dealId: BigInt(deal.dealId ?? 0),
    },
    isOffline: deal.source.kind === "offline",
    transferSize: BigInt(deal.size),
    received: BigInt(provider.receivedOf(deal)),
  };
}

const publishOf = ({ publish }: ProviderDeal): CID | null => (publish === null ? null : parseCid(publish.cid));

/** An offer of the older protocol: its data comes by hand, or is pushed over graphsync. Deals are named by their signed proposals. */
export async function answerLegacyOffer(
  provider: StorageProvider,
  { signed, piece, fastRetrieval }: LegacyOffer,
  peer: string | null,
): Promise<SignedResponse> {
  const { proposal } = signed;
  const cid = signedProposalCid(signed);
  const answer = async (state: number, message: string, publishMessage: CID | null): Promise<SignedResponse> => {
    const response = { state, message, proposal: cid, publishMessage };
    return { response, signature: await provider.sign(proposal.provider, encodeResponse(response)) };
  };
  try {
    const { transferType: type, root } = piece;
    if (type !== "manual" && (type !== "graphsync" || peer === null))
      refuse("transferType", '"manual" or "graphsync"', `"${type}"`);
    const deal = await provider.offer({
      ...{ signed, uuid: null, peer, root, source: { kind: type === "manual" ? "offline" : "graphsync" }, size: null },
      ...{ keepUnsealed: fastRetrieval, announce: true },
    });
    // The one state after which clients of the older protocol send their data.
    const state = deal.state === "Transferring" ? legacyCode("WaitingForData") : legacyStateOf(deal);
    return answer(state, "", publishOf(deal));
  } catch (error) {
    // Nothing is signed in the name of another provider.
    const refusal = isRefusal(error) && !isOtherProvider(error) ? error.message : null;
    if (refusal === null) throw error;
    return answer(legacyCode("ProposalRejected"), refusal, null);
  }
}

function isOtherProvider({ data }: DealError): boolean {
  return data.code === "NOT_A_PROVIDER" || (data.code === "REFUSED" && data.field === "provider");
}

export async function answerLegacyStatus(
  provider: StorageProvider,
  { proposal, signature }: LegacyStatusRequest,
): Promise<SignedDealState> {
  const deal = provider.bySigned(proposal);
  const isClient = deal !== null && (await provider.isOfClient(deal, signature, cidCbor(proposal)));
  const { miners } = provider;
  const [first] = miners;
  if (first === undefined) throw new DealError({ code: "NOT_A_PROVIDER" }, "this node has no provider");
  if (deal === null || !isClient) {
    const unknown = {
      ...{ state: legacyCode("ProposalNotFound"), message: NO_DEAL, proposal: null, proposalCid: proposal },
      ...{ addFundsCid: null, publishCid: null, dealId: 0n, fastRetrieval: false },
    };
    return { deal: unknown, signature: await provider.sign(first, encodeDealState(unknown)) };
  }
  const known = {
    ...{ state: legacyStateOf(deal), message: deal.error, proposal: proposalOfDeal(deal), proposalCid: proposal },
    ...{ addFundsCid: null, publishCid: publishOf(deal), dealId: BigInt(deal.dealId ?? 0) },
    fastRetrieval: deal.keepUnsealed,
  };
  return { deal: known, signature: await provider.sign(proposalOfDeal(deal).provider, encodeDealState(known)) };
}
