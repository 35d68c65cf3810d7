/**
 * What a client does with a provider that speaks the protocol of go-fil-markets: it offers, sends its data over graphsync
 * where it is not brought by hand, and asks how the deal is. What the provider says counts when its worker has signed it.
 * Source: go-fil-markets v1.28.3 storagemarket/impl/clientstates.
 */
import { describeError, isFilError } from "../../base/errors.ts";
import { sleepFor } from "../../base/sleep.ts";
import { unpaddedBytesOf } from "../../sector/piece/cid.ts";
import type { CID } from "../../types/cid.ts";
import { parseCid } from "../../types/cid.ts";
import { WHOLE_DAG } from "../graphsync/selector.ts";
import type { PushOptions } from "../transfer/push.ts";
import type { MarketChain } from "./chain-access.ts";
import { type ClientDeal, offeredRoot, signedOfClient } from "./client-record.ts";
import { DealError } from "./errors.ts";
import {
  cidCbor,
  encodeDealState,
  encodeResponse,
  LEGACY_STATES,
  type LegacyState,
  type ProviderDealState,
} from "./legacy-messages.ts";
import type { LinkTo } from "./link.ts";
import { signedProposalCid } from "./proposal.ts";
import { storageVoucher } from "./pushed.ts";

/** Sends a DAG of this node to a peer, by its multiaddr or identity. */
export type Push = (peer: string, options: Omit<PushOptions, "blocks">) => Promise<void>;

export type LegacyParts = {
  readonly chain: MarketChain;
  readonly linkTo: LinkTo;
  readonly push: Push;
  readonly randomBytes: (length: number) => Uint8Array;
};

const FAILED: readonly LegacyState[] = ["ProposalNotFound", "ProposalRejected", "Rejecting", "Failing", "Error"];
const PUBLISHED: readonly LegacyState[] = [
  ...(["Staged", "AwaitingPreCommit", "Sealing", "Finalizing", "Active", "Expired", "Slashed"] as const),
];
/** States of a provider in which data is still to come. */
const WITHOUT_DATA: readonly LegacyState[] = [
  ...(["Unknown", "Validating", "AcceptWait", "WaitingForData", "StartDataTransfer", "Transferring"] as const),
  ...(["TransferQueued", "ProviderTransferAwaitRestart", "ClientTransferRestart"] as const),
];
const MAX_REFUSALS = 5;
const PAUSE_FIRST_MS = 500;
const PAUSE_MOST_MS = 60_000;

const notSigned = (provider: unknown): never => {
  throw new DealError({ code: "NO_ANSWER" }, `what was answered for ${provider} is not signed by its worker`);
};

/** What a provider says to an offer. `hasData`: whether it has the data already, as of an offer that it took before. */
export async function offerLegacy(
  { chain, linkTo }: LegacyParts,
  deal: ClientDeal,
  signal: AbortSignal,
): Promise<{ readonly accepted: boolean; readonly message: string; readonly hasData: boolean }> {
  const signed = signedOfClient(deal);
  const { provider, pieceCid, pieceSize } = signed.proposal;
  const isManual = deal.delivery.kind !== "graphsync";
  const piece = {
    transferType: isManual ? "manual" : "graphsync",
    root: offeredRoot(deal),
    pieceCid: isManual ? pieceCid : null,
    pieceSize: isManual ? BigInt(unpaddedBytesOf(Number(pieceSize))) : 0n,
    rawBlockSize: BigInt(deal.size),
  };
  const offer = { signed, piece, fastRetrieval: deal.keepUnsealed };
  const { response, signature } = await linkTo(provider, deal.peer).legacyOffer(offer, signal);
  const { worker } = await chain.provider(provider);
  const isRight =
    response.proposal.equals(signedProposalCid(signed)) &&
    chain.messages.verify(signature, worker, encodeResponse(response));
  if (!isRight) return notSigned(provider);
  const state = LEGACY_STATES[response.state] ?? "Unknown";
  return {
    accepted: !FAILED.includes(state),
    message: response.message,
    hasData: !WITHOUT_DATA.includes(state),
  };
}

/** How a deal is at its provider. Throws `DealError` NO_ANSWER. */
export async function askLegacyStatus(
  { chain, linkTo }: Pick<LegacyParts, "chain" | "linkTo">,
  deal: ClientDeal,
  signal: AbortSignal,
): Promise<ProviderDealState & { readonly name: LegacyState }> {
  const signed = signedOfClient(deal);
  const { provider, client } = signed.proposal;
  const proposal: CID = signedProposalCid(signed);
  const signature = chain.messages.sign(await chain.messages.keyOf(client), cidCbor(proposal));
  const told = await linkTo(provider, deal.peer).legacyStatus({ proposal, signature }, signal);
  const { worker } = await chain.provider(provider);
  if (!chain.messages.verify(told.signature, worker, encodeDealState(told.deal))) return notSigned(provider);
  return { ...told.deal, name: LEGACY_STATES[told.deal.state] ?? "Unknown" };
}

export const isFailedState = (name: LegacyState): boolean => FAILED.includes(name);
export const isPublishedState = (name: LegacyState): boolean => PUBLISHED.includes(name);

/** What comes of sending: the provider has the data, or a channel is to be used from now on. Throws what is tried again. */
export type Sent =
  | { readonly kind: "sent" }
  | { readonly kind: "channel"; readonly event: string; readonly text: string; readonly change: Partial<ClientDeal> };

/** Sends a deal's data, one attempt a call. Throws `DealError` TRANSFER where the provider does not take it. */
export async function sendData(parts: LegacyParts, deal: ClientDeal, signal: AbortSignal): Promise<Sent> {
  const { peer, push = null, refusals = 0 } = deal;
  const signed = signedOfClient(deal);
  if (push === null) {
    const number = new DataView(parts.randomBytes(8).slice().buffer).getBigUint64(0) >> 11n;
    const channel = { id: `${number}`, isOpen: false, breaks: 0 };
    return { kind: "channel", event: "opened", text: `channel ${number}`, change: { push: channel } };
  }
  try {
    await parts.push(peer ?? "", {
      ...{ id: BigInt(push.id), root: parseCid(deal.root), selector: WHOLE_DAG },
      ...{ voucher: storageVoucher(signedProposalCid(signed)), isRestart: push.isOpen, signal },
    });
    return { kind: "sent" };
  } catch (error) {
    signal.throwIfAborted();
    if (isFilError(error, "REJECTED") || isFilError(error, "CANCELLED")) {
      // It may have the data already, or know nothing of the channel.
      const { name, message } = await askLegacyStatus(parts, deal, signal);
      if (isFailedState(name))
        throw new DealError({ code: "TRANSFER", reason: "STATUS" }, `the provider says: ${message}`);
      if (!WITHOUT_DATA.includes(name)) return { kind: "sent" };
      if (refusals + 1 >= MAX_REFUSALS)
        throw new DealError({ code: "TRANSFER", reason: "STATUS" }, `${describeError(error)}, ${MAX_REFUSALS} times`);
      await sleepFor(PAUSE_FIRST_MS * 2 ** refusals, signal);
      const change = { push: null, refusals: refusals + 1 };
      return { kind: "channel", event: "refused", text: describeError(error), change };
    }
    if (!["BROKEN", "UNREACHABLE"].some((code) => isFilError(error, code))) throw error;
    await sleepFor(Math.min(PAUSE_MOST_MS, PAUSE_FIRST_MS * 2 ** push.breaks), signal);
    // The provider may not have heard of a channel that could not be told of.
    const isOpen = push.isOpen || isFilError(error, "BROKEN");
    const change = { push: { ...push, isOpen, breaks: push.breaks + 1 } };
    return { kind: "channel", event: "interrupted", text: describeError(error), change };
  }
}
