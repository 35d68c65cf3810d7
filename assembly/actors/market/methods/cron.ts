/**
 * What happens to deals by the clock: payment, expiry, slashing, time-out.
 *
 * A deal is processed at the epoch under which it is scheduled, and then every day. Payment covers the epochs since the
 * last processing, within the deal's term and up to its slashing.
 */
import { Big } from "../../../base/big";
import { Bytes } from "../../../base/bytes";
import { NOTHING } from "../../../runtime/actor";
import { cidKey } from "../../../runtime/collections";
import { Runtime } from "../../../runtime/runtime";
import { ERR_ILLEGAL_STATE } from "../../../types/exit-code";
import { CRON } from "../../../types/singletons";
import { DealProposal, DealState, MarketState } from "../codec.gen";
import { DEAL_UPDATES_INTERVAL, EPOCH_UNDEFINED, missedActivationPenalty, totalFee } from "../policy";
import { burn, restoreBytes } from "../sends";
import { dealIdOf } from "../set-multimap";
import {
  CLIENT_COLLATERAL,
  CLIENT_STORAGE_FEE,
  ESCROW,
  LOCKED,
  MarketChange,
  OPERATIONS,
  PENDING,
  PROPOSALS,
  proposalCid,
  PROVIDER_COLLATERAL,
  requireProposal,
  STATES,
} from "../state";

/** What one run of cron gathers. */
@final
class Tick {
  slashed: Big = Big.ZERO;
  /** Verified deals that timed out: their data cap is given back. */
  readonly timedOut: Array<DealProposal> = [];
  /** Deals to process again, by epoch. */
  readonly next: Map<i64, Array<u64>> = new Map();

  constructor(
    readonly rt: Runtime,
    readonly change: MarketChange,
  ) {}
}

/** Allowed: cron. Processes the deals scheduled since the last run. */
export function cronTick(rt: Runtime, _params: Bytes): Bytes {
  rt.allowOnly([CRON]);
  const st = rt.begin<MarketState>();
  const change = new MarketChange(rt, st, PROPOSALS | STATES | LOCKED | ESCROW | PENDING | OPERATIONS);
  const tick = new Tick(rt, change);
  for (let epoch = st.lastCron + 1; epoch <= rt.epoch; epoch++) {
    const due = change.operations.get(epoch);
    if (due !== null) {
      const cursor = due.cursor();
      while (cursor.next()) processDeal(tick, dealIdOf(cursor.key));
    }
    change.operations.removeAll(epoch);
  }
  const epochs = tick.next.keys();
  epochs.sort((a: i64, b: i64): i32 => (a < b ? -1 : a > b ? 1 : 0));
  for (let i = 0; i < epochs.length; i++) change.operations.put(epochs[i], tick.next.get(epochs[i]));
  st.lastCron = rt.epoch;
  change.flush();
  rt.commit(st);
  for (let i = 0; i < tick.timedOut.length; i++) restoreBytes(rt, tick.timedOut[i].client, tick.timedOut[i].pieceSize);
  if (!tick.slashed.isZero) burn(rt, tick.slashed);
  return NOTHING;
}

function processDeal(tick: Tick, id: u64): void {
  const rt = tick.rt;
  const change = tick.change;
  const deal = requireProposal(rt, change.proposals, id);
  const key = cidKey(proposalCid(rt, deal));
  const state = change.states.get(id);
  if (state === null) {
    timeOut(tick, id, deal);
    rt.require(change.pending.delete(key), ERR_ILLEGAL_STATE, "failed to delete pending proposal");
    return;
  }
  // The first processing after activation ends the time during which the proposal may not be published again.
  if (state.lastUpdatedEpoch == EPOCH_UNDEFINED)
    rt.require(change.pending.delete(key), ERR_ILLEGAL_STATE, "failed to delete pending proposal");
  if (settle(tick, deal, state)) {
    rt.require(change.proposals.delete(id), ERR_ILLEGAL_STATE, "failed to delete deal proposal");
    rt.require(change.states.delete(id), ERR_ILLEGAL_STATE, "failed to delete deal state");
    return;
  }
  rt.invariant(deal.startEpoch <= rt.epoch, "deal is processed before its start");
  state.lastUpdatedEpoch = rt.epoch;
  change.states.set(id, state);
  const next = rt.epoch + DEAL_UPDATES_INTERVAL;
  if (!tick.next.has(next)) tick.next.set(next, []);
  tick.next.get(next).push(id);
}

/** A deal that no sector took in time: the client gets all back, the provider loses the collateral. */
function timeOut(tick: Tick, id: u64, deal: DealProposal): void {
  const rt = tick.rt;
  const change = tick.change;
  rt.invariant(rt.epoch >= deal.startEpoch, "deal without a state is not timed out");
  change.unlock(deal.client, totalFee(deal), CLIENT_STORAGE_FEE);
  change.unlock(deal.client, deal.clientCollateral, CLIENT_COLLATERAL);
  const penalty = missedActivationPenalty(deal.providerCollateral);
  const rest = deal.providerCollateral.sub(penalty);
  change.slash(deal.provider, penalty, PROVIDER_COLLATERAL);
  change.unlock(deal.provider, rest, PROVIDER_COLLATERAL);
  tick.slashed = tick.slashed.add(penalty);
  if (deal.verifiedDeal) tick.timedOut.push(deal);
  rt.require(change.proposals.delete(id), ERR_ILLEGAL_STATE, "failed to delete deal proposal");
}

/** Pays what is due up to now; true if the deal has come to its end. */
function settle(tick: Tick, deal: DealProposal, state: DealState): bool {
  const rt = tick.rt;
  const change = tick.change;
  const epoch = rt.epoch;
  const wasUpdated = state.lastUpdatedEpoch != EPOCH_UNDEFINED;
  const wasSlashed = state.slashEpoch != EPOCH_UNDEFINED;
  rt.invariant(!wasUpdated || state.lastUpdatedEpoch <= epoch, "deal was updated in the future");
  if (deal.startEpoch > epoch) return false;

  let payEnd = min(epoch, deal.endEpoch);
  if (wasSlashed) {
    rt.invariant(epoch >= state.slashEpoch, "deal was slashed in the future");
    rt.invariant(state.slashEpoch <= deal.endEpoch, "deal was slashed after its end");
    payEnd = state.slashEpoch;
  }
  const payStart = wasUpdated ? max(deal.startEpoch, state.lastUpdatedEpoch) : deal.startEpoch;
  // Nothing is due to a deal that was slashed before its start.
  const due = deal.storagePricePerEpoch.mul(Big.fromI64(payEnd - payStart));
  if (due.isPositive) change.pay(deal.client, deal.provider, due);

  if (wasSlashed) {
    // The fee runs from start to end, whenever the slashing was.
    const left = deal.endEpoch - max(deal.startEpoch, state.slashEpoch);
    rt.invariant(left >= 0, "negative duration is left");
    change.unlock(deal.client, deal.storagePricePerEpoch.mul(Big.fromI64(left)), CLIENT_STORAGE_FEE);
    change.unlock(deal.client, deal.clientCollateral, CLIENT_COLLATERAL);
    change.slash(deal.provider, deal.providerCollateral, PROVIDER_COLLATERAL);
    tick.slashed = tick.slashed.add(deal.providerCollateral);
    return true;
  }
  if (epoch < deal.endEpoch) return false;
  rt.invariant(state.sectorStartEpoch != EPOCH_UNDEFINED, "expired deal was never in a sector");
  change.unlock(deal.provider, deal.providerCollateral, PROVIDER_COLLATERAL);
  change.unlock(deal.client, deal.clientCollateral, CLIENT_COLLATERAL);
  return true;
}
