/** Deals on their way into sectors: checked at pre-commit, activated at prove-commit. */
import { Big } from "../../../base/big";
import { Bytes } from "../../../base/bytes";
import { NOTHING } from "../../../runtime/actor";
import { ArrayOf, cidKey } from "../../../runtime/collections";
import { Runtime } from "../../../runtime/runtime";
import {
  ActivateDealsParams,
  ComputeDataCommitmentParams,
  VerifyDealsForActivationParams,
  VerifyDealsForActivationReturn,
} from "../../../runtime/shared.gen";
import { Address } from "../../../types/address";
import { Link } from "../../../types/codec";
import { ERR_FORBIDDEN, ERR_ILLEGAL_ARGUMENT, ERR_ILLEGAL_STATE } from "../../../types/exit-code";
import { DealProposal, DealState, MarketState } from "../codec.gen";
import { dealWeight, EPOCH_UNDEFINED } from "../policy";
import { MarketChange, PENDING, PROPOSALS, proposalCid, requireProposal, STATES } from "../state";

/** Allowed: miners. Weighs the deals of a sector about to be pre-committed. */
export function verifyDealsForActivation(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<VerifyDealsForActivationParams>(params);
  rt.allowTypes(["storageminer"]);
  const st = rt.state<MarketState>();
  return rt.encode(weighDeals(rt, st, p.dealIDs, rt.caller, p.sectorExpiry, p.sectorStart));
}

/** Allowed: miners. Marks the deals of a proven sector as active. */
export function activateDeals(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<ActivateDealsParams>(params);
  rt.allowTypes(["storageminer"]);
  const st = rt.begin<MarketState>();
  weighDeals(rt, st, p.dealIDs, rt.caller, p.sectorExpiry, rt.epoch);
  const change = new MarketChange(rt, st, STATES, PENDING | PROPOSALS);
  for (let i = 0; i < p.dealIDs.length; i++) {
    const id = p.dealIDs[i];
    const known = change.states.get(id);
    rt.require(known === null, ERR_ILLEGAL_ARGUMENT, "deal is already included in another sector");
    const deal = requireProposal(rt, change.proposals, id);
    const isPending = change.pending.has(cidKey(proposalCid(rt, deal)));
    rt.require(isPending, ERR_ILLEGAL_STATE, "deal to activate is not pending");
    const state = new DealState();
    state.sectorStartEpoch = rt.epoch;
    state.lastUpdatedEpoch = EPOCH_UNDEFINED;
    state.slashEpoch = EPOCH_UNDEFINED;
    change.states.set(id, state);
  }
  change.flush();
  rt.commit(st);
  return NOTHING;
}

/** Allowed: miners. The unsealed CID of a sector filled with the pieces of these deals. */
export function computeDataCommitment(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<ComputeDataCommitmentParams>(params);
  rt.allowTypes(["storageminer"]);
  const st = rt.state<MarketState>();
  const proposals = ArrayOf.load<DealProposal>(rt, st.proposals);
  const pieces = rt.writer();
  pieces.array(p.dealIDs.length);
  for (let i = 0; i < p.dealIDs.length; i++) {
    const deal = requireProposal(rt, proposals, p.dealIDs[i]);
    pieces.array(2).u64(deal.pieceSize).cid(deal.pieceCID);
  }
  const commitment = rt.unsealedSectorCid(p.sectorType, pieces.finish());
  if (commitment === null) {
    rt.abort(ERR_ILLEGAL_ARGUMENT, "failed to compute unsealed sector CID");
    return NOTHING;
  }
  return rt.encode(Link.of(commitment));
}

/** Checks that deals may enter a sector of `miner` that lives until `expiry`, and sums up their weights. */
function weighDeals(
  rt: Runtime,
  st: MarketState,
  ids: Array<u64>,
  miner: Address,
  expiry: i64,
  epoch: i64,
): VerifyDealsForActivationReturn {
  const refusesDuplicates = rt.version.marketRefusesDuplicates;
  const proposals = ArrayOf.load<DealProposal>(rt, st.proposals);
  const result = new VerifyDealsForActivationReturn();
  result.dealWeight = Big.ZERO;
  result.verifiedDealWeight = Big.ZERO;
  const seen = new Set<u64>();
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i];
    rt.require(!refusesDuplicates || !seen.has(id), ERR_ILLEGAL_ARGUMENT, "deal present multiple times");
    seen.add(id);
    const deal = requireProposal(rt, proposals, id);
    rt.require(deal.provider.eq(miner), ERR_FORBIDDEN, "deal has another provider");
    rt.require(epoch <= deal.startEpoch, ERR_ILLEGAL_ARGUMENT, "deal start epoch has already elapsed");
    rt.require(deal.endEpoch <= expiry, ERR_ILLEGAL_ARGUMENT, "deal outlives the sector");
    result.dealSpace += deal.pieceSize;
    const weight = dealWeight(deal);
    if (deal.verifiedDeal) result.verifiedDealWeight = result.verifiedDealWeight.add(weight);
    else result.dealWeight = result.dealWeight.add(weight);
  }
  return result;
}
