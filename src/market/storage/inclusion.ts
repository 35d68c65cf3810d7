/**
 * That a deal's piece is in a sector that the chain knows: the provider gives the path, the client computes the sector's CommD of
 * the deals that the chain has in it, and follows the path from its own piece to that.
 *
 * Own protocol, asked as for a deal's status: `/filigree/storage/inclusion/1.0.0`. The answer is DAG-CBOR: null, or
 * [sector, offset, padded bytes of the sector, [[index, sibling], …]].
 */
import * as dagCbor from "@ipld/dag-cbor";
import type { Proofs } from "../../core/proofs.ts";
import { commitmentOfCidV1 } from "../../sector/piece/cid.ts";
import { verifyInclusion } from "../../sector/piece/inclusion.ts";
import { dataCommitment, type PieceInfo } from "../../sector/piece/pieces.ts";
import { DealError } from "./errors.ts";
import type { DealProposal } from "./proposal.ts";

export const INCLUSION_PROTOCOL = "/filigree/storage/inclusion/1.0.0";

/** Where a provider says that a piece is, with the siblings on its way up to CommD. */
export type Inclusion = {
  readonly sector: number;
  /** Padded bytes into the sector, and of all of it. */
  readonly offset: number;
  readonly sectorBytes: number;
  readonly steps: readonly { readonly index: number; readonly sibling: Uint8Array }[];
};

/** Doublings from the smallest piece to the largest sector. */
const MAX_STEPS = 40;

/** Of what the chain has in a sector: its deals and their proposals, and its pieces in their order. */
export type SectorOnChain = {
  readonly sectorBytes: number;
  readonly pieces: readonly PieceInfo[];
  readonly deals: readonly { readonly id: number; readonly proposal: DealProposal }[];
};

export function encodeInclusion(found: Inclusion | null): Uint8Array {
  if (found === null) return dagCbor.encode(null);
  const { sector, offset, sectorBytes, steps } = found;
  return dagCbor.encode([sector, offset, sectorBytes, steps.map(({ index, sibling }) => [index, sibling])]);
}

/** Throws `DealError` BAD_MESSAGE. */
export function decodeInclusion(bytes: Uint8Array): Inclusion | null {
  const bad = (field: string): never => {
    throw new DealError({ code: "BAD_MESSAGE", field }, `not a proof of inclusion: ${field} is wrong`);
  };
  let value: unknown;
  try {
    value = dagCbor.decode(bytes);
  } catch {
    return bad("its CBOR");
  }
  if (value === null) return null;
  if (!Array.isArray(value) || value.length !== 4) return bad("its form");
  const [sector, offset, sectorBytes, steps] = value as unknown[];
  const whole = (one: unknown, field: string): number =>
    typeof one === "number" && Number.isSafeInteger(one) && one >= 0 ? one : bad(field);
  if (!Array.isArray(steps) || steps.length > MAX_STEPS) return bad("the path");
  return {
    ...{ sector: whole(sector, "the sector"), offset: whole(offset, "the offset") },
    sectorBytes: whole(sectorBytes, "the sector's size"),
    steps: steps.map((step: unknown) => {
      if (!Array.isArray(step) || step.length !== 2) return bad("a step");
      const [index, sibling] = step as unknown[];
      if (!(sibling instanceof Uint8Array) || sibling.length !== 32) return bad("a sibling");
      return { index: whole(index, "an index"), sibling };
    }),
  };
}

/** The piece that a deal is of. */
export function pieceOf({ pieceCid, pieceSize }: DealProposal): PieceInfo {
  return { commP: commitmentOfCidV1(pieceCid) ?? new Uint8Array(32), paddedSize: Number(pieceSize) };
}

/** CommD of a sector, of the pieces that the chain has in it. */
export function commDOnChain(proofs: Proofs, { sectorBytes, pieces }: SectorOnChain): Uint8Array {
  return dataCommitment(proofs, sectorBytes, pieces);
}

/** CommD, if the deal's piece is in the sector as the chain knows it; else throws `DealError` NOT_INCLUDED. */
export function checkInclusion(
  proofs: Proofs,
  onChain: SectorOnChain,
  deal: number,
  { sector, offset, sectorBytes, steps }: Inclusion,
): Uint8Array {
  const no = (why: string): never => {
    throw new DealError(
      { code: "NOT_INCLUDED", deal: `${deal}` },
      `deal ${deal} is not shown to be in sector ${sector}: ${why}`,
    );
  };
  const found = onChain.deals.find(({ id }) => id === deal);
  if (found === undefined) return no("the chain has other deals in that sector");
  if (sectorBytes !== onChain.sectorBytes) no(`it has ${onChain.sectorBytes} bytes, not ${sectorBytes}`);
  const commD = commDOnChain(proofs, onChain);
  const piece = pieceOf(found.proposal);
  const path = {
    ...{ leaf: piece.commP, root: commD },
    steps: steps.map(({ index, sibling }) => ({ index, siblings: [sibling] })),
  };
  if (!verifyInclusion(proofs, commD, piece, { offset, paddedSize: sectorBytes, path }))
    no("the path does not lead from its piece to the sector's CommD");
  return commD;
}
