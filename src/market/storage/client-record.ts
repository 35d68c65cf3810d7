/** What a client keeps of a deal, and the states that it goes through. */
import { type CID, parseCid } from "../../types/cid.ts";
import { type LegacyState, legacyCode } from "./legacy-messages.ts";
import { decodeSignedProposal, type SignedProposal } from "./proposal.ts";
import type { DealRecord } from "./record-book.ts";

/** How the provider gets the data. */
export type Delivery =
  | { readonly kind: "http"; readonly url: string; readonly headers: Readonly<Record<string, string>> }
  /** By HTTP over a stream of this node's, to who knows the token. */
  | { readonly kind: "libp2p"; readonly url: string; readonly token: string }
  | { readonly kind: "offline" }
  /** Out of this node's own store, pushed by data transfer: the older protocol's way. */
  | { readonly kind: "graphsync" }
  /** Out of this node's own store, by a provider of this node. */
  | { readonly kind: "local" };

/** The channel that a deal's data is pushed through. */
export type PushChannel = {
  readonly id: string;
  /** Whether the provider has heard of it. */
  readonly isOpen: boolean;
  /** Breaks since it was opened. */
  readonly breaks: number;
};

export type ClientDeal = DealRecord & {
  readonly state: ClientState;
  readonly uuid: string;
  /** Key address that pays and signs. */
  readonly wallet: string;
  readonly signed: Uint8Array;
  readonly root: string;
  /** The piece is the file's own bytes: offers name it in place of the root, whose blocks nobody can find in it. */
  readonly isRaw?: true;
  /** Bytes of the data's CAR file. */
  readonly size: number;
  readonly delivery: Delivery;
  /** Whether the provider is spoken to in the protocol of go-fil-markets. */
  readonly isLegacy?: boolean;
  /** Epoch from which on it may be offered in it. */
  readonly offerFrom?: number;
  readonly push?: PushChannel | null;
  /** Channels that the provider refused. */
  readonly refusals?: number;
  /** Multiaddr or identity of the provider; null: of this node. */
  readonly peer: string | null;
  readonly keepUnsealed: boolean;
  /** What the provider said last. */
  readonly told: string;
  readonly publishMessage: string | null;
  readonly dealId: number | null;
  /** Epochs. */
  readonly activated: number | null;
  readonly slashed: number | null;
};

type Row = {
  /** What happens here, for people. */
  readonly about: string;
  readonly legacy: LegacyState;
  /** Whether it must be over by the deal's start. */
  readonly isBounded: boolean;
};

export const CLIENT_STATES = {
  Funding: {
    about: "Puts price and collateral into escrow.",
    ...{ legacy: "ClientFunding", isBounded: true },
  },
  Offering: { about: "Offers the deal to the provider.", ...{ legacy: "FundsReserved", isBounded: true } },
  Pushing: {
    about: "Sends its data to the provider over graphsync; goes on where it was after a break.",
    ...{ legacy: "Transferring", isBounded: true },
  },
  Waiting: {
    about: "Waits until the provider has the data and has published the deal.",
    ...{ legacy: "CheckForAcceptance", isBounded: true },
  },
  Published: {
    about: "Is on the chain, and waits until its sector is proven.",
    ...{ legacy: "Sealing", isBounded: false },
  },
  Active: {
    about: "Is stored and proven; the market pays for it.",
    ...{ legacy: "Active", isBounded: false },
  },
  Expired: { about: "Has come to its end.", ...{ legacy: "Expired", isBounded: false } },
  Slashed: {
    about: "Its sector ended before it did; what was not used up is given back.",
    ...{ legacy: "Slashed", isBounded: false },
  },
  Failed: { about: "Came to nothing: its error says why.", ...{ legacy: "Error", isBounded: false } },
} as const satisfies Readonly<Record<string, Row>>;

export type ClientState = keyof typeof CLIENT_STATES;

export const signedOfClient = ({ signed }: Pick<ClientDeal, "signed">): SignedProposal => decodeSignedProposal(signed);
export const clientCode = ({ state }: ClientDeal): number => legacyCode(CLIENT_STATES[state].legacy);

export function clientDeadline(deal: ClientDeal): number | null {
  return CLIENT_STATES[deal.state].isBounded ? Number(signedOfClient(deal).proposal.startEpoch) : null;
}

/** What an offer says that the data is: of a raw piece nothing but the piece can be had. */
export function offeredRoot(deal: Pick<ClientDeal, "root" | "isRaw" | "signed">): CID {
  return deal.isRaw === true ? signedOfClient(deal).proposal.pieceCid : parseCid(deal.root);
}
