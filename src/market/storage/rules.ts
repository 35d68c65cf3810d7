/**
 * By which rules a provider takes deals. Whatever is refused is refused with the field, what is allowed, and what was
 * offered. The actors' own bounds: `assembly/actors/market/policy.ts`.
 * Source: boost v1.7.5 storagemarket/deal_acceptance.go; go-fil-markets v1.28.3 storagemarket/impl/providerstates.
 */
import { utf8 } from "../../base/bytes.ts";
import { LONGEST_LIFE_EVER, longestLife, SHORTEST_LIFE } from "../../params/lives.ts";
import { commitmentOfCidV1 } from "../../sector/piece/cid.ts";
import { filText } from "../../types/amount.ts";
import type { CID } from "../../types/cid.ts";
import { refuse } from "./errors.ts";
import type { StorageAsk } from "./legacy-messages.ts";
import { clientFunds, type DealProposal, durationOf } from "./proposal.ts";

/** What an operator decides. Epochs unless said otherwise. */
export type DealRules = {
  readonly online: boolean;
  readonly offline: boolean;
  readonly verified: boolean;
  readonly unverified: boolean;
  readonly minDuration: number;
  readonly maxDuration: number;
  /** From now until a deal begins: transfer, publishing and sealing must be done by then. */
  readonly minStartDelay: number;
  readonly maxStartDelay: number;
  /** The provider's collateral is at most so many times the least. */
  readonly maxCollateralFactor: number;
  /** Clients as addresses; an empty list allows everybody. */
  readonly allowedClients: readonly string[];
  readonly deniedClients: readonly string[];
  /** Piece CIDs, version 1. */
  readonly deniedPieces: readonly string[];
  /** Deals that may be on their way at a time. */
  readonly maxDeals: number;
  /** Whether data is fetched from other hosts than this one. */
  readonly remoteSources: boolean;
  /** Whether a sector is sealed as soon as a piece is in it, however empty it is. */
  readonly sealAtOnce: boolean;
  /** Milliseconds that a deal waits for others to be published with, and deals of one message. */
  readonly publishDelayMs: number;
  readonly maxDealsPerMessage: number;
  /**
   * Epochs after which payments of active deals are asked for, all that are due in one message, where the market makes none by
   * itself; 0: at a deal's end alone.
   */
  readonly settleEpochs: number;
  /** Where each offer is posted that all rules allow: anything but an answer `{"accept":true}` refuses it. Null: nowhere. */
  readonly hookUrl: string | null;
};

const DAY = 2880;

/** Least and most epochs of a deal. */
export type DealDuration = { readonly min: number; readonly max: number };

export function dealDuration(networkVersion: number): DealDuration {
  return { min: SHORTEST_LIFE, max: longestLife(networkVersion) };
}
/** The bounds of whatever version: the network's own are asked for beside an operator's rules. */
export const WIDEST_DURATION: DealDuration = { min: SHORTEST_LIFE, max: LONGEST_LIFE_EVER };
/** Bytes of a label. Source: specs-actors v2.1.0 actors/builtin/market/policy.go (DealMaxLabelSize). */
export const MAX_LABEL_BYTES = 256;
const MIN_PIECE_BYTES = 128n;
const GIB = 1n << 30n;

export const DEFAULT_RULES: DealRules = {
  online: true,
  offline: true,
  verified: true,
  unverified: true,
  minDuration: WIDEST_DURATION.min,
  maxDuration: WIDEST_DURATION.max,
  // Sealing is given 480 epochs (lotus node/config/def.go, StartEpochSealingBuffer); the rest is for data and publishing.
  minStartDelay: 500,
  maxStartDelay: 60 * DAY,
  maxCollateralFactor: 2,
  allowedClients: [],
  deniedClients: [],
  deniedPieces: [],
  maxDeals: 1000,
  remoteSources: false,
  sealAtOnce: true,
  publishDelayMs: 0,
  maxDealsPerMessage: 8,
  // As often as the market of the main network looked at a deal by itself at last (deal_updates_interval).
  settleEpochs: 30 * DAY,
  hookUrl: null,
};

/** An offer as the rules see it, whichever protocol brought it. */
export type Offer = {
  readonly proposal: DealProposal;
  readonly root: CID | null;
  readonly isOffline: boolean;
  /** Bytes of the data; null where the offer does not say. */
  readonly size: number | null;
};

/** What the rules look up. */
export type OfferFacts = {
  readonly epoch: number;
  readonly sectorBytes: number;
  readonly ask: StorageAsk;
  /** attoFIL, of the provider's collateral. */
  readonly collateral: { readonly min: bigint; readonly max: bigint };
  /** attoFIL in the client's escrow that nothing locks, less what accepted deals will lock. */
  readonly clientBalance: bigint;
  /** Bytes; null for a client without. */
  readonly dataCap: bigint | null;
  /** Bytes of the smallest verified deal. */
  readonly minVerifiedBytes: bigint;
  /** The network's bounds. */
  readonly dealDuration: DealDuration;
  /** Deals on their way. */
  readonly underWay: number;
  /** The client's addresses, by ID and by key. */
  readonly clientNames: readonly string[];
};

/** attoFIL an epoch that an ask comes to, rounded down as the reference does. */
export function leastPrice(
  { price, verifiedPrice }: StorageAsk,
  { pieceSize, verified }: Pick<DealProposal, "pieceSize" | "verified">,
): bigint {
  return ((verified ? verifiedPrice : price) * pieceSize) / GIB;
}

/** Throws `DealError` REFUSED for an offer that no provider of this network could take. */
export function checkProposal({ proposal, size }: Offer, facts: OfferFacts): void {
  const { epoch, sectorBytes, collateral, minVerifiedBytes, dealDuration: bounds } = facts;
  const { label, pieceCid, pieceSize, startEpoch, endEpoch, pricePerEpoch, clientCollateral } = proposal;
  if (typeof label !== "string") refuse("label", "text, as the actors of this network have it", "bytes");
  else if (utf8(label).length > MAX_LABEL_BYTES)
    refuse("label", `at most ${MAX_LABEL_BYTES} bytes`, `${utf8(label).length} bytes`);
  if (commitmentOfCidV1(pieceCid) === null) refuse("pieceCid", "a piece CID of version 1", `${pieceCid}`);
  const isSize = pieceSize >= MIN_PIECE_BYTES && (pieceSize & (pieceSize - 1n)) === 0n;
  if (!isSize || pieceSize > BigInt(sectorBytes))
    refuse("pieceSize", `a power of two from ${MIN_PIECE_BYTES} to ${sectorBytes}, the sector's bytes`, `${pieceSize}`);
  if (proposal.verified && pieceSize < minVerifiedBytes)
    refuse("pieceSize", `at least ${minVerifiedBytes} bytes of a verified deal, the network's bound`, `${pieceSize}`);
  if (size !== null && (size <= 0 || BigInt(size) > (pieceSize / 128n) * 127n))
    refuse("transferSize", `1 to ${(pieceSize / 128n) * 127n} bytes for a piece of ${pieceSize}`, `${size}`);
  if (endEpoch <= startEpoch) refuse("endEpoch", `after the start, epoch ${startEpoch}`, `${endEpoch}`);
  if (startEpoch <= BigInt(epoch)) refuse("startEpoch", `after epoch ${epoch}, which is now`, `${startEpoch}`);
  const duration = durationOf(proposal);
  if (duration < BigInt(bounds.min) || duration > BigInt(bounds.max))
    refuse("duration", `${bounds.min} to ${bounds.max} epochs, the network's bounds`, `${duration}`);
  if (pricePerEpoch < 0n || pricePerEpoch > collateral.max)
    refuse("price", `0 to ${filText(collateral.max)} an epoch, the network's bounds`, filText(pricePerEpoch));
  if (clientCollateral < 0n || clientCollateral > collateral.max)
    refuse("clientCollateral", `0 to ${filText(collateral.max)}, the network's bounds`, filText(clientCollateral));
  // The client read the least collateral some epochs ago: half of the tenth that is on top of it may have gone meanwhile.
  const least = (collateral.min * 21n) / 22n;
  if (proposal.providerCollateral < least)
    refuse("providerCollateral", `at least ${filText(least)}`, filText(proposal.providerCollateral));
  if (proposal.providerCollateral > collateral.max)
    refuse("providerCollateral", `at most ${filText(collateral.max)}`, filText(proposal.providerCollateral));
}

/** Throws `DealError` REFUSED for an offer that this provider does not take. */
export function checkRules(offer: Offer, rules: DealRules, facts: OfferFacts): void {
  const { proposal, isOffline } = offer;
  const { ask, epoch, collateral, clientNames } = facts;
  const { verified, pieceSize, pieceCid, startEpoch, endEpoch } = proposal;
  const yes = (is: boolean, field: "offline" | "verified", limit: string, offered: string): void => {
    if (!is) refuse(field, limit, offered);
  };
  yes(isOffline ? rules.offline : rules.online, "offline", ...kinds(isOffline, "offline", "online"));
  yes(verified ? rules.verified : rules.unverified, "verified", ...kinds(verified, "verified", "unverified"));
  const isListed = (list: readonly string[]): boolean => clientNames.some((name) => list.includes(name));
  const client = clientNames[0] ?? `${proposal.client}`;
  if (isListed(rules.deniedClients)) refuse("client", "none of the denied list", client);
  if (rules.allowedClients.length > 0 && !isListed(rules.allowedClients))
    refuse("client", "one of the allowed list", client);
  if (rules.deniedPieces.includes(`${pieceCid}`)) refuse("pieceCid", "none of the denied list", `${pieceCid}`);
  if (facts.underWay >= rules.maxDeals) refuse("deals", `${rules.maxDeals} on their way at a time`, "one more");
  if (pieceSize < ask.minPieceSize || pieceSize > ask.maxPieceSize)
    refuse("pieceSize", `${ask.minPieceSize} to ${ask.maxPieceSize} bytes, as the ask says`, `${pieceSize}`);
  const least = leastPrice(ask, proposal);
  if (proposal.pricePerEpoch < least)
    refuse("price", `at least ${filText(least)} an epoch, as the ask says`, filText(proposal.pricePerEpoch));
  const duration = durationOf(proposal);
  const longest = Math.min(rules.maxDuration, facts.dealDuration.max);
  if (duration < BigInt(rules.minDuration) || duration > BigInt(longest))
    refuse("duration", `${rules.minDuration} to ${longest} epochs`, `${duration}`);
  const delay = startEpoch - BigInt(epoch);
  if (delay < BigInt(rules.minStartDelay) || delay > BigInt(rules.maxStartDelay))
    refuse(
      "startEpoch",
      `epoch ${epoch + rules.minStartDelay} to ${epoch + rules.maxStartDelay}, ${rules.minStartDelay} to ${rules.maxStartDelay} from now`,
      `${startEpoch}`,
    );
  // No sector can hold it to its end: published all the same, it would cost the provider its collateral.
  const last = BigInt(epoch + facts.dealDuration.max - 1);
  if (endEpoch > last)
    refuse("endEpoch", `at most epoch ${last}, the longest that a sector made now may last`, `${endEpoch}`);
  const most = collateral.min * BigInt(rules.maxCollateralFactor);
  if (proposal.providerCollateral > most)
    refuse("providerCollateral", `at most ${filText(most)}`, filText(proposal.providerCollateral));
  const needed = clientFunds(proposal);
  if (facts.clientBalance < needed)
    refuse("clientBalance", `${filText(needed)} free in the client's escrow`, filText(facts.clientBalance));
  if (verified && (facts.dataCap ?? 0n) < pieceSize)
    refuse("dataCap", `${pieceSize} bytes of the client's data cap`, `${facts.dataCap ?? 0n}`);
}

const kinds = (is: boolean, one: string, other: string): [string, string] => [
  `this provider takes no ${is ? one : other} deals`,
  is ? `an ${one} one`.replace("an v", "a v") : `an ${other} one`,
];
