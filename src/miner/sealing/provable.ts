/**
 * Whether a sector's proof will activate what its pieces are for: deals that the market has, allocations of the verified registry. It is
 * asked before data is taken, before a deposit is at stake, and before the proof is sent.
 *
 * Source: builtin-actors v18.0.0 actors/market/src/lib.rs (validate_deal_can_activate), actors/verifreg/src/lib.rs (can_claim_alloc).
 */
import { pieceCidV1 } from "../../sector/piece/cid.ts";
import type { AllocationTerms } from "../../state/allocations.ts";
import type { PublishedDeal } from "../chain-side/chain.ts";
import type { PieceClaim, SealingChain } from "./chain.ts";
import type { PieceDeal, SectorPiece } from "./record.ts";

/** When a sector is proven, at the earliest and as is to be reckoned with, and when it ends. */
export type SectorTimes = { readonly first: number; readonly proven: number; readonly expiration: number };
/** `commP`: null while it is not known yet. */
type Piece = { readonly deal: PieceDeal; readonly commP: Uint8Array | null; readonly paddedSize: number };

/** What a piece is for, for people. */
export function nameOf({ id, allocation }: PieceDeal): string {
  if (id !== null) return `deal ${id}`;
  return allocation === undefined ? "a piece without a deal" : `allocation t0${allocation.client}/${allocation.id}`;
}

/** Why the proof would not activate what a piece is for; null if it would. `miner`: actor id. */
export function whyNot(piece: Piece, claim: PieceClaim, miner: bigint, times: SectorTimes): string | null {
  const { id, allocation: own } = piece.deal;
  const { deal, allocation } = claim;
  if (deal !== undefined) {
    const why = deal === null ? "the market does not have it (any more)" : whyNotDeal(piece, deal, miner, times);
    if (why !== null) return `deal ${id}: ${why}`;
  }
  if (allocation === undefined) return null;
  const name = own === undefined ? `the allocation of deal ${id}` : nameOf(piece.deal);
  const why =
    allocation === null
      ? "the verified registry does not have it: it was never made, or was taken back"
      : allocation === "claimed"
        ? "it is claimed already, by another sector or another piece"
        : whyNotAllocation(piece, allocation, miner, times);
  return why === null ? null : `${name}: ${why}`;
}

function whyNotDeal(
  piece: Piece,
  deal: PublishedDeal,
  miner: bigint,
  { proven, expiration }: SectorTimes,
): string | null {
  const { provider, startEpoch, endEpoch, isActive } = deal;
  const other = otherPiece(piece, { provider, data: deal.pieceCid, size: deal.pieceSize }, miner);
  if (other !== null) return other;
  if (isActive) return "it is active already, in another sector";
  if (proven > startEpoch)
    return `it begins at epoch ${startEpoch}, and its sector is proven at epoch ${proven} at the soonest`;
  if (endEpoch > expiration) return `it lasts until epoch ${endEpoch}, and its sector until ${expiration}`;
  return null;
}

function whyNotAllocation(piece: Piece, terms: AllocationTerms, miner: bigint, times: SectorTimes): string | null {
  const { first, proven, expiration } = times;
  const other = otherPiece(piece, terms, miner);
  if (other !== null) return other;
  if (proven > terms.expiration)
    return `it has to be claimed by epoch ${terms.expiration}, and its sector is proven at epoch ${proven} at the soonest`;
  if (expiration - proven < terms.termMin)
    return `it wants its data kept for ${terms.termMin} epochs at least, and its sector lasts ${expiration - proven} (until epoch ${expiration})`;
  if (expiration - first > terms.termMax)
    return `it wants its data kept for ${terms.termMax} epochs at most, and its sector lasts ${expiration - first} (until epoch ${expiration})`;
  return null;
}

function otherPiece(
  { commP, paddedSize }: Piece,
  wanted: Pick<AllocationTerms, "provider" | "data" | "size">,
  miner: bigint,
): string | null {
  if (wanted.provider !== miner) return `it is for the provider t0${wanted.provider}, and this one is t0${miner}`;
  if (wanted.size !== BigInt(paddedSize))
    return `it is about a piece of ${wanted.size} bytes, and this one has ${paddedSize}`;
  if (commP !== null && !pieceCidV1(commP).equals(wanted.data))
    return `it is about the piece ${wanted.data}, and this one is ${pieceCidV1(commP)}`;
  return null;
}

/**
 * Whether what the chain does not have may be there again. The market lets go of no deal before its start, and the registry of no allocation
 * before its end if nobody claims it, so the chain has gone another way, on which the message that makes it is still to come: without it the
 * data would not have been taken.
 */
function mayReturn({ id, startEpoch }: PieceDeal, { deal, allocation }: PieceClaim, { proven }: SectorTimes): boolean {
  return (id === null ? allocation === null : deal === null) && proven <= startEpoch;
}

/**
 * Pieces of a sector: what cannot be activated is for nothing from now on, but stays where it is, so that the sector's data is the same.
 * `why`: of what and why not; empty where all can be. `awaited`: those that are kept though the chain does not have now what they are for.
 */
export async function sortPieces(
  pieces: readonly SectorPiece[],
  chain: Pick<SealingChain, "claimOf">,
  miner: bigint,
  times: SectorTimes,
): Promise<{
  readonly pieces: readonly SectorPiece[];
  readonly why: string;
  readonly awaited: readonly SectorPiece[];
}> {
  const kept: SectorPiece[] = [];
  const awaited: SectorPiece[] = [];
  const reasons: string[] = [];
  for (const piece of pieces) {
    const { deal } = piece;
    const claim = deal === null ? {} : await chain.claimOf(deal);
    const isAwaited = deal !== null && mayReturn(deal, claim, times);
    if (isAwaited) awaited.push(piece);
    const why = deal === null || isAwaited ? null : whyNot({ ...piece, deal }, claim, miner, times);
    kept.push(why === null ? piece : { ...piece, deal: null });
    if (why !== null) reasons.push(why);
  }
  return { pieces: kept, why: reasons.join("; "), awaited };
}
