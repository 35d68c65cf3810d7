/**
 * The market's state under change: the collections that a method needs, and the totals beside them.
 *
 * Collections are loaded and written in one fixed order, whatever a method asks for: proposals, states, locked table,
 * escrow table, pending proposals, deal operations. Only those opened for writing are written.
 * Source: specs-actors builtin/market/market_state.go (marketStateMutation), market_balances.go.
 */
import { Big } from "../../base/big";
import { Cid, cidOf } from "../../ipld/cid";
import { ArrayOf, BalanceTable, MapOf } from "../../runtime/collections";
import { ObjectStore } from "../../runtime/object-store";
import { Runtime } from "../../runtime/runtime";
import { Address } from "../../types/address";
import { ERR_ILLEGAL_STATE, ERR_INSUFFICIENT_FUNDS, ERR_NOT_FOUND } from "../../types/exit-code";
import { DealProposal, DealState, MarketState } from "./codec.gen";
import { totalFee } from "./policy";
import { DealOps } from "./set-multimap";

/** Collections of the state, as bits. */
export const PROPOSALS: u32 = 1;
export const STATES: u32 = 2;
export const LOCKED: u32 = 4;
export const ESCROW: u32 = 8;
export const PENDING: u32 = 16;
export const OPERATIONS: u32 = 32;

/** Why an amount is locked. */
export const CLIENT_COLLATERAL: i32 = 0;
export const CLIENT_STORAGE_FEE: i32 = 1;
export const PROVIDER_COLLATERAL: i32 = 2;

/** CID of a proposal; not a block, so not charged. */
export function proposalCid(store: ObjectStore, deal: DealProposal): Cid {
  return cidOf(store.encode(deal));
}

/** The proposal of a deal; an unknown deal ends the call with ERR_NOT_FOUND. */
export function requireProposal(rt: Runtime, proposals: ArrayOf<DealProposal>, id: u64): DealProposal {
  const deal = proposals.get(id);
  if (deal === null) {
    rt.abort(ERR_NOT_FOUND, "no such deal");
    return new DealProposal();
  }
  return deal;
}

@final
export class MarketChange {
  proposals!: ArrayOf<DealProposal>;
  states!: ArrayOf<DealState>;
  locked!: BalanceTable;
  escrow!: BalanceTable;
  pending!: MapOf<DealProposal>;
  operations!: DealOps;

  /** Loads what is to be written or only read. */
  constructor(
    private readonly rt: Runtime,
    readonly st: MarketState,
    private readonly writes: u32,
    reads: u32 = 0,
  ) {
    const needs = writes | reads;
    if (needs & PROPOSALS) this.proposals = ArrayOf.load<DealProposal>(rt, st.proposals);
    if (needs & STATES) this.states = ArrayOf.load<DealState>(rt, st.states);
    if (needs & LOCKED) this.locked = BalanceTable.load(rt, st.lockedTable);
    if (needs & ESCROW) this.escrow = BalanceTable.load(rt, st.escrowTable);
    if (needs & PENDING) this.pending = MapOf.load<DealProposal>(rt, st.pendingProposals);
    if (needs & OPERATIONS) this.operations = DealOps.load(rt, st.dealOpsByEpoch);
  }

  /** Writes the collections and puts their roots into the state. */
  flush(): void {
    const st = this.st;
    if (this.writes & PROPOSALS) st.proposals = this.proposals.root();
    if (this.writes & STATES) st.states = this.states.root();
    if (this.writes & LOCKED) st.lockedTable = this.locked.root();
    if (this.writes & ESCROW) st.escrowTable = this.escrow.root();
    if (this.writes & PENDING) st.pendingProposals = this.pending.root();
    if (this.writes & OPERATIONS) st.dealOpsByEpoch = this.operations.root();
  }

  /** Locks what a new deal needs of both sides; ends with ERR_INSUFFICIENT_FUNDS if one lacks it. */
  lockForDeal(deal: DealProposal): void {
    const fee = totalFee(deal);
    this.lock(deal.client, deal.clientCollateral.add(fee));
    this.lock(deal.provider, deal.providerCollateral);
    const st = this.st;
    st.totalClientLockedCollateral = st.totalClientLockedCollateral.add(deal.clientCollateral);
    st.totalClientStorageFee = st.totalClientStorageFee.add(fee);
    st.totalProviderLockedCollateral = st.totalProviderLockedCollateral.add(deal.providerCollateral);
  }

  private lock(address: Address, amount: Big): void {
    this.rt.invariant(!amount.negative, "amount to lock is negative");
    const locked = this.locked.get(address);
    const held = this.escrow.get(address);
    this.rt.require(locked.add(amount).le(held), ERR_INSUFFICIENT_FUNDS, "not enough balance to lock");
    this.rt.require(this.locked.add(address, amount), ERR_ILLEGAL_STATE, "failed to add locked balance");
  }

  unlock(address: Address, amount: Big, reason: i32): void {
    this.rt.invariant(!amount.negative, "amount to unlock is negative");
    this.rt.require(this.locked.mustSubtract(address, amount), ERR_ILLEGAL_STATE, "less is locked than to unlock");
    const st = this.st;
    if (reason == CLIENT_COLLATERAL) st.totalClientLockedCollateral = st.totalClientLockedCollateral.sub(amount);
    else if (reason == CLIENT_STORAGE_FEE) st.totalClientStorageFee = st.totalClientStorageFee.sub(amount);
    else st.totalProviderLockedCollateral = st.totalProviderLockedCollateral.sub(amount);
  }

  /** Pays a fee: from what the client has locked to what the provider has free. */
  pay(client: Address, provider: Address, amount: Big): void {
    this.rt.invariant(!amount.negative, "amount to pay is negative");
    this.rt.require(this.escrow.mustSubtract(client, amount), ERR_ILLEGAL_STATE, "escrow is less than the payment");
    this.unlock(client, amount, CLIENT_STORAGE_FEE);
    this.rt.require(this.escrow.add(provider, amount), ERR_ILLEGAL_STATE, "failed to add to escrow");
  }

  /** Takes a locked amount away; the caller burns it. */
  slash(address: Address, amount: Big, reason: i32): void {
    this.rt.invariant(!amount.negative, "amount to slash is negative");
    this.rt.require(this.escrow.mustSubtract(address, amount), ERR_ILLEGAL_STATE, "escrow is less than the slash");
    this.unlock(address, amount, reason);
  }
}
