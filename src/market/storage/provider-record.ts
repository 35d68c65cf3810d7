/** What a provider keeps of a deal, and the states that it goes through. */
import type { Checkpoint } from "./boost-messages.ts";
import { type LegacyState, legacyCode } from "./legacy-messages.ts";
import { type DealProposal, decodeSignedProposal, type SignedProposal } from "./proposal.ts";
import type { DealRecord } from "./record-book.ts";

export type DealSource =
  | { readonly kind: "http"; readonly url: string; readonly headers: Readonly<Record<string, string>> }
  /** The data is given by hand. */
  | { readonly kind: "offline" }
  /** The peer that offers the deal pushes it by data transfer. */
  | { readonly kind: "graphsync" }
  /** The data of this node's own user. */
  | { readonly kind: "local" };

/** A message that is sent for several deals, CBOR with its signature, and a deal's place in it. */
export type SentFor = { readonly cid: string; readonly bytes: Uint8Array; readonly index: number };

export type ProviderDeal = DealRecord & {
  readonly state: ProviderState;
  /** Boost's name of the deal; null for one of the older protocol. */
  readonly uuid: string | null;
  /** Identity of the peer that offered it; null: this process. */
  readonly peer: string | null;
  /** CBOR of the proposal with its signature. */
  readonly signed: Uint8Array;
  readonly root: string | null;
  readonly source: DealSource;
  /** Bytes of the data; 0 while unknown. */
  readonly size: number;
  readonly received: number;
  /** Attempts to get the data since some of it came. */
  readonly attempts: number;
  /** Number of the channel that the data is pushed through; none: there is none. */
  readonly push?: string | null;
  readonly keepUnsealed: boolean;
  readonly announce: boolean;
  /** The message that publishes it, and its place in it. */
  readonly publish: SentFor | null;
  /** The message that asks for its payments, while that is on its way, and its place in it. */
  readonly settle?: SentFor | null;
  /** attoFIL that such messages have brought. */
  readonly paid?: string;
  /** Epoch before which payments are not asked for again, after a failure. */
  readonly settleFrom?: number;
  readonly dealId: number | null;
  readonly sector: number | null;
  readonly offset: number | null;
  /** Epochs. */
  readonly activated: number | null;
  readonly slashed: number | null;
};

type Row = {
  /** What happens here, for people. */
  readonly about: string;
  /** Epoch by which a deal must have left the state: so many before its start, or "start"; null: no bound. */
  readonly due: "sealing" | "start" | null;
  readonly legacy: LegacyState;
  /** The last of Boost's checkpoints that is passed. */
  readonly checkpoint: Checkpoint;
};

export const PROVIDER_STATES = {
  Transferring: {
    about: "Fetches the data; goes on where it was after a break.",
    ...{ due: "sealing", legacy: "Transferring", checkpoint: "Accepted" },
  },
  WaitingForData: {
    about: "Waits until the data is given by hand (filigree provider import-data).",
    ...{ due: "sealing", legacy: "WaitingForData", checkpoint: "Accepted" },
  },
  Verifying: {
    about: "Computes the data's piece commitment, which must be the proposal's.",
    ...{ due: "sealing", legacy: "VerifyData", checkpoint: "Accepted" },
  },
  Funding: {
    about: "Puts the provider's collateral into escrow.",
    ...{ due: "sealing", legacy: "ProviderFunding", checkpoint: "Transferred" },
  },
  Publishing: {
    about: "Waits to be published, together with others.",
    ...{ due: "sealing", legacy: "Publish", checkpoint: "Transferred" },
  },
  PublishWait: {
    about: "Waits until the message that publishes it is executed and has confirmations.",
    ...{ due: "start", legacy: "Publishing", checkpoint: "Published" },
  },
  AddingPiece: {
    about: "Puts the piece into a sector.",
    ...{ due: "sealing", legacy: "Staged", checkpoint: "PublishConfirmed" },
  },
  Sealing: {
    about: "Waits until its sector is proven, which makes the deal active.",
    ...{ due: "start", legacy: "Sealing", checkpoint: "AddedPiece" },
  },
  Active: {
    about: "Is stored, proven every day, and paid by the market.",
    // It is indexed, and announced to nobody: as a provider of Boost's is that waits to announce.
    ...{ due: null, legacy: "Active", checkpoint: "AddedPiece" },
  },
  Settling: {
    about: "Is stored and proven, and waits for the message that asks the market for its payments.",
    ...{ due: null, legacy: "Active", checkpoint: "AddedPiece" },
  },
  Expired: {
    about: "Has come to its end; collateral is given back.",
    ...{ due: null, legacy: "Expired", checkpoint: "Complete" },
  },
  Slashed: {
    about: "Its sector ended before it did; the collateral is lost.",
    ...{ due: null, legacy: "Slashed", checkpoint: "Complete" },
  },
  Failed: {
    about: "Came to nothing: its error says why.",
    ...{ due: null, legacy: "Error", checkpoint: "Complete" },
  },
} as const satisfies Readonly<Record<string, Row>>;

export type ProviderState = keyof typeof PROVIDER_STATES;

/** States of deals that lock nothing in the market yet but will. */
export const UNPUBLISHED: readonly ProviderState[] = [
  ...(["Transferring", "WaitingForData", "Verifying", "Funding", "Publishing", "PublishWait"] as const),
];
/** States of deals that count as on their way. */
export const UNDER_WAY: readonly ProviderState[] = [...UNPUBLISHED, "AddingPiece", "Sealing"];

/** States of deals that nothing happens to any more. */
export const ENDED: readonly ProviderState[] = ["Expired", "Slashed", "Failed"];

export function signedOf({ signed }: Pick<ProviderDeal, "signed">): SignedProposal {
  return decodeSignedProposal(signed);
}

export function proposalOfDeal(deal: Pick<ProviderDeal, "signed">): DealProposal {
  return signedOf(deal).proposal;
}

/** Last epoch of a deal in its state. `startBuffer`: epochs before its start at which its piece must be in a sector. */
export function deadlineOf(deal: ProviderDeal, startBuffer: number): number | null {
  const { due } = PROVIDER_STATES[deal.state];
  if (due === null) return null;
  const start = Number(proposalOfDeal(deal).startEpoch);
  return due === "start" ? start : start - startBuffer;
}

export const legacyStateOf = ({ state }: ProviderDeal): number => legacyCode(PROVIDER_STATES[state].legacy);

/** Of a deal that failed, the last checkpoint that it passed. */
export function checkpointOf(deal: ProviderDeal): Checkpoint {
  if (deal.state !== "Failed") return PROVIDER_STATES[deal.state].checkpoint;
  if (deal.sector !== null) return "AddedPiece";
  if (deal.dealId !== null) return "PublishConfirmed";
  if (deal.publish !== null) return "Published";
  return deal.size > 0 && deal.received >= deal.size ? "Transferred" : "Accepted";
}
