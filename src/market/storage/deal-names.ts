/** Deals by what else than their id names them: Boost's UUID, the signed proposal of the older protocol, the piece. */
import type { CID } from "../../types/cid.ts";
import { signedProposalCid } from "./proposal.ts";
import { type ProviderDeal, proposalOfDeal, signedOf } from "./provider-record.ts";

export class DealNames {
  private readonly uuids = new Map<string, string>();
  private readonly proposals = new Map<string, string>();
  private readonly pieces = new Map<string, Set<string>>();

  constructor(deals: Iterable<ProviderDeal> = []) {
    for (const deal of deals) this.add(deal);
  }

  add(deal: ProviderDeal): void {
    const { id, uuid } = deal;
    if (uuid !== null) this.uuids.set(uuid, id);
    this.proposals.set(`${signedProposalCid(signedOf(deal))}`, id);
    const piece = `${proposalOfDeal(deal).pieceCid}`;
    const known = this.pieces.get(piece) ?? new Set();
    this.pieces.set(piece, known.add(id));
  }

  /** Forgets what names a deal that is gone. */
  remove(deal: ProviderDeal): void {
    if (deal.uuid !== null) this.uuids.delete(deal.uuid);
    this.proposals.delete(`${signedProposalCid(signedOf(deal))}`);
    const piece = `${proposalOfDeal(deal).pieceCid}`;
    const known = this.pieces.get(piece);
    known?.delete(deal.id);
    if (known?.size === 0) this.pieces.delete(piece);
  }

  byUuid(uuid: string): string | undefined {
    return this.uuids.get(uuid);
  }

  bySigned(signed: CID): string | undefined {
    return this.proposals.get(`${signed}`);
  }

  ofPiece(piece: CID): Iterable<string> {
    return this.pieces.get(`${piece}`) ?? [];
  }
}
