/** Invariants of the storage market. Source: specs-actors builtin/market/testing.go (v2.1.0). */
import { Big } from "../../base/big";
import { equal, ptrOf } from "../../base/bytes";
import { Cid } from "../../ipld/cid";
import { CheckContext } from "../../runtime/check";
import { ArrayOf, BalanceTable, MapOf, parseUintKey, SetOf } from "../../runtime/collections";
import { parseAddress } from "../../types/address";
import { DealProposal, DealState, MarketState } from "./codec.gen";
import { EPOCH_UNDEFINED } from "./policy";
import { DealOps, dealIdOf } from "./set-multimap";
import { proposalCid } from "./state";

/** What the global check and reports want to know. */
@final
export class MarketSummary {
  proposals: u64 = 0;
  states: u64 = 0;
  pending: u64 = 0;
  lockedParties: u64 = 0;
  operationEpochs: u64 = 0;
  operations: u64 = 0;
}

/** What was found out about proposals, for the checks after them. */
@final
class Known {
  readonly ids: Set<u64> = new Set();
  /** CIDs by the last eight bytes of their digests. */
  readonly cids: Map<u64, Cid> = new Map();
  /** Deals that must still be scheduled. */
  readonly unscheduled: Set<u64> = new Set();
  collateral: Big = Big.ZERO;
}

export function checkMarket(st: MarketState, at: CheckContext): MarketSummary {
  const summary = new MarketSummary();
  at.that(!st.totalClientLockedCollateral.negative, "total client collateral is negative");
  at.that(!st.totalProviderLockedCollateral.negative, "total provider collateral is negative");
  at.that(!st.totalClientStorageFee.negative, "total storage fee is negative");
  const known = checkProposals(st, at, summary);
  checkStates(st, at, known, summary);
  checkPending(st, at, known, summary);
  checkBalances(st, at, known, summary);
  checkOperations(st, at, known, summary);
  return summary;
}

function shortKey(cid: Cid): u64 {
  return cid.bytes.length < 8 ? 0 : load<u64>(ptrOf(cid.bytes) + <usize>(cid.bytes.length - 8));
}

function checkProposals(st: MarketState, at: CheckContext, summary: MarketSummary): Known {
  const known = new Known();
  const cursor = ArrayOf.load<DealProposal>(at, st.proposals).cursor();
  while (cursor.next()) {
    const id = cursor.index;
    const deal = cursor.value();
    const name = "deal " + id.toString();
    summary.proposals++;
    known.ids.add(id);
    const cid = proposalCid(at, deal);
    known.cids.set(shortKey(cid), cid);
    if (deal.startEpoch >= at.epoch) known.unscheduled.add(id);
    known.collateral = known.collateral.add(deal.clientCollateral).add(deal.providerCollateral);
    at.that(deal.client.isId, name + "'s client is not an ID address");
    at.that(deal.provider.isId, name + "'s provider is not an ID address");
    at.that(id < st.nextID, name + " is not below the next id");
  }
  return known;
}

function checkStates(st: MarketState, at: CheckContext, known: Known, summary: MarketSummary): void {
  const cursor = ArrayOf.load<DealState>(at, st.states).cursor();
  while (cursor.next()) {
    const state = cursor.value();
    const start = state.sectorStartEpoch;
    const updated = state.lastUpdatedEpoch;
    const slashed = state.slashEpoch;
    const name = "state of deal " + cursor.index.toString();
    summary.states++;
    at.that(start >= 0, name + " has no start");
    at.that(updated == EPOCH_UNDEFINED || updated >= start, name + " was updated before its sector started");
    at.that(updated == EPOCH_UNDEFINED || updated <= at.epoch, name + " was updated in the future");
    at.that(slashed == EPOCH_UNDEFINED || slashed >= start, name + " was slashed before its sector started");
    at.that(slashed == EPOCH_UNDEFINED || slashed <= at.epoch, name + " was slashed in the future");
    at.that(known.ids.has(cursor.index), name + " has no proposal");
  }
}

function checkPending(st: MarketState, at: CheckContext, known: Known, summary: MarketSummary): void {
  const cursor = MapOf.load<DealProposal>(at, st.pendingProposals).cursor();
  while (cursor.next()) {
    const cid = proposalCid(at, cursor.value());
    summary.pending++;
    at.that(equal(cid.bytes, cursor.key), "a pending proposal is kept under another's CID");
    const key = shortKey(cid);
    at.that(known.cids.has(key) && known.cids.get(key).eq(cid), "a pending proposal is not among the proposals");
  }
}

function checkBalances(st: MarketState, at: CheckContext, known: Known, summary: MarketSummary): void {
  const escrow = BalanceTable.load(at, st.escrowTable);
  const cursor = BalanceTable.load(at, st.lockedTable).cursor();
  let locked = Big.ZERO;
  while (cursor.next()) {
    const amount = cursor.value().value;
    const address = parseAddress(cursor.key);
    summary.lockedParties++;
    locked = locked.add(amount);
    if (address === null) at.report.add("a key of the locked table is no address");
    else at.that(escrow.get(address).ge(amount), "more is locked than held for a party");
  }
  const expected = st.totalProviderLockedCollateral.add(st.totalClientLockedCollateral).add(st.totalClientStorageFee);
  at.that(locked.eq(expected), "the locked table does not sum up to the locked totals");
  const held = escrow.total();
  at.that(held.le(at.balance), "more is held in escrow than the actor has");
  at.that(held.ge(known.collateral), "less is held in escrow than the collateral of all deals");
}

function checkOperations(st: MarketState, at: CheckContext, known: Known, summary: MarketSummary): void {
  const operations = DealOps.load(at, st.dealOpsByEpoch);
  const epochs = operations.map.cursor();
  while (epochs.next()) {
    const epoch = parseUintKey(epochs.key);
    summary.operationEpochs++;
    const deals = SetOf.load(at, epochs.value().value).cursor();
    while (deals.next()) {
      const id = dealIdOf(deals.key);
      summary.operations++;
      known.unscheduled.delete(id);
      at.that(known.ids.has(id), "deal " + id.toString() + " is scheduled at " + epoch.toString() + " but unknown");
    }
  }
  at.that(known.unscheduled.size == 0, "deals before their start are not scheduled");
}
