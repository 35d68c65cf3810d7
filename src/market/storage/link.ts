/** How a client reaches a provider: over the network, or in the same node. */
import type { Address } from "../../types/address.ts";
import { answerInclusion, answerLegacyOffer, answerLegacyStatus, answerOffer, answerStatus } from "./answers.ts";
import type { BoostAnswer, BoostOffer, BoostStatus, BoostStatusRequest } from "./boost-messages.ts";
import { DealError } from "./errors.ts";
import type { Inclusion } from "./inclusion.ts";
import type {
  LegacyOffer,
  LegacyStatusRequest,
  SignedAsk,
  SignedDealState,
  SignedResponse,
} from "./legacy-messages.ts";
import type { StorageProvider } from "./provider.ts";

export type ProviderLink = {
  ask(miner: Address, signal: AbortSignal): Promise<SignedAsk>;
  /** Throws `DealError` NOT_SPOKEN for a provider of the older protocol alone. */
  offer(offer: BoostOffer, signal: AbortSignal): Promise<BoostAnswer>;
  status(request: BoostStatusRequest, signal: AbortSignal): Promise<BoostStatus>;
  inclusion(request: BoostStatusRequest, signal: AbortSignal): Promise<Inclusion | null>;
  /** As go-fil-markets has it. */
  legacyOffer(offer: LegacyOffer, signal: AbortSignal): Promise<SignedResponse>;
  legacyStatus(request: LegacyStatusRequest, signal: AbortSignal): Promise<SignedDealState>;
};

/** The way to a provider. `peer`: multiaddr or identity; null: the provider of this node. Throws `DealError` NO_ANSWER. */
export type LinkTo = (miner: Address, peer: string | null) => ProviderLink;

export function localLink(provider: StorageProvider): ProviderLink {
  return {
    ask: (miner) => provider.ask(miner),
    offer: (offer) => answerOffer(provider, offer, null),
    status: (request) => answerStatus(provider, request),
    inclusion: (request) => answerInclusion(provider, request),
    legacyOffer: (offer) => answerLegacyOffer(provider, offer, null),
    legacyStatus: (request) => answerLegacyStatus(provider, request),
  };
}

export function noLink(why: string): never {
  throw new DealError({ code: "NO_ANSWER" }, why);
}
