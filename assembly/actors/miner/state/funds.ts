/**
 * The money of a miner.
 *
 *   balance ≥ pre-commit deposits + locked (vesting) funds [+ initial pledge, v2]
 *   unlocked  = balance - deposits - locked [- initial pledge, v2]
 *   available = unlocked - initial pledge (v0), unlocked - fee debt (v2); may be negative
 *
 * A violated sum breaks the actor in v0 and is an illegal state in v2.
 * Source: specs-actors builtin/miner/miner_state.go.
 */
import { Big } from "../../../base/big";
import { Runtime } from "../../../runtime/runtime";
import { ERR_INSUFFICIENT_FUNDS } from "../../../types/exit-code";
import { MinerState, VestingFunds } from "../codec.gen";
import { ERR_BALANCE_INVARIANTS_BROKEN, VestingSpec } from "../policy";
import { lockFunds, unlockUnvested, unlockVested } from "./vesting";

/** A penalty, by where it was taken from. */
@final
export class Payment {
  constructor(
    readonly fromVesting: Big,
    readonly fromBalance: Big,
  ) {}

  get total(): Big {
    return this.fromVesting.add(this.fromBalance);
  }
}

function mustHold(rt: Runtime, condition: bool, why: string): void {
  if (condition) return;
  if (rt.version.minerReportsBrokenMoney) rt.fail(why);
  else rt.trap(why);
}

// ---- totals

/** Initial pledge of all sectors. The state has it under another name in each generation. */
export function pledgeOf(rt: Runtime, st: MinerState): Big {
  return rt.version.minerLocksInitialPledge ? st.initialPledge : st.initialPledgeRequirement;
}

export function addInitialPledge(rt: Runtime, st: MinerState, amount: Big): void {
  const total = pledgeOf(rt, st).add(amount);
  rt.invariant(!total.negative, "negative initial pledge");
  if (rt.version.minerLocksInitialPledge) st.initialPledge = total;
  else st.initialPledgeRequirement = total;
}

export function addPreCommitDeposit(rt: Runtime, st: MinerState, amount: Big): void {
  const total = st.preCommitDeposits.add(amount);
  rt.invariant(!total.negative, "negative pre-commit deposits");
  st.preCommitDeposits = total;
}

export function unlockedBalance(rt: Runtime, st: MinerState): Big {
  let unlocked = rt.currentBalance().sub(st.lockedFunds).sub(st.preCommitDeposits);
  if (rt.version.minerLocksInitialPledge) unlocked = unlocked.sub(st.initialPledge);
  mustHold(rt, !unlocked.negative, "negative unlocked balance");
  return unlocked;
}

export function availableBalance(rt: Runtime, st: MinerState): Big {
  const unlocked = unlockedBalance(rt, st);
  return unlocked.sub(rt.version.minerLocksInitialPledge ? st.feeDebt : st.initialPledgeRequirement);
}

/** v0: refuses to go on while the unlocked balance does not cover the initial pledge. */
export function requirePledgeCovered(rt: Runtime, st: MinerState): void {
  const covered = unlockedBalance(rt, st).ge(st.initialPledgeRequirement);
  rt.require(covered, ERR_INSUFFICIENT_FUNDS, "unlocked balance does not cover the pledge requirement");
}

/** The balance covers what is locked and nothing is negative. */
export function checkBalance(rt: Runtime, st: MinerState): void {
  const balance = rt.currentBalance();
  const locked = st.preCommitDeposits.add(st.lockedFunds);
  if (!rt.version.minerReportsBrokenMoney) {
    const sound = !st.preCommitDeposits.negative && !st.lockedFunds.negative && balance.ge(locked);
    rt.invariant(sound, "balance invariants broken");
    return;
  }
  const positive =
    !st.preCommitDeposits.negative &&
    !st.lockedFunds.negative &&
    !st.initialPledge.negative &&
    !st.feeDebt.negative;
  const sound = positive && balance.ge(locked.add(st.initialPledge));
  rt.require(sound, ERR_BALANCE_INVARIANTS_BROKEN, "balance invariants broken");
}

// ---- vesting

function loadVesting(rt: Runtime, st: MinerState): VestingFunds {
  return rt.getObject<VestingFunds>(st.vestingFunds);
}

function saveVesting(rt: Runtime, st: MinerState, table: VestingFunds): void {
  st.vestingFunds = rt.putObject(table);
}

/** Frees what has vested, and returns the amount. */
export function unlockVestedFunds(rt: Runtime, st: MinerState): Big {
  if (rt.version.minerSkipsEmptyVesting && st.lockedFunds.isZero) return Big.ZERO;
  const table = loadVesting(rt, st);
  const unlocked = unlockVested(table, rt.epoch);
  st.lockedFunds = st.lockedFunds.sub(unlocked);
  mustHold(rt, !st.lockedFunds.negative, "vesting made locked funds negative");
  saveVesting(rt, st, table);
  return unlocked;
}

/** Frees what has vested, then locks a sum. Returns the amount freed. */
export function addLockedFunds(rt: Runtime, st: MinerState, sum: Big, spec: VestingSpec): Big {
  rt.invariant(!sum.negative, "negative sum to lock");
  const table = loadVesting(rt, st);
  const unlocked = unlockVested(table, rt.epoch);
  st.lockedFunds = st.lockedFunds.sub(unlocked);
  rt.invariant(!st.lockedFunds.negative, "vesting made locked funds negative");
  lockFunds(table, rt.epoch, sum, st.provingPeriodStart, spec);
  st.lockedFunds = st.lockedFunds.add(sum);
  saveVesting(rt, st, table);
  return unlocked;
}

/** Takes up to `target` out of funds that have not vested, and returns the amount. */
function unlockUnvestedFunds(rt: Runtime, st: MinerState, target: Big): Big {
  if (rt.version.minerSkipsEmptyVesting && (target.isZero || st.lockedFunds.isZero)) return Big.ZERO;
  const table = loadVesting(rt, st);
  const unlocked = unlockUnvested(table, rt.epoch, target);
  st.lockedFunds = st.lockedFunds.sub(unlocked);
  rt.invariant(!st.lockedFunds.negative, "penalty made locked funds negative");
  saveVesting(rt, st, table);
  return unlocked;
}

// ---- penalties

/** v0: takes a penalty from vesting funds, then from `unlocked`; what neither covers is forgiven. */
export function penalize(rt: Runtime, st: MinerState, target: Big, unlocked: Big): Payment {
  const fromVesting = unlockUnvestedFunds(rt, st, target);
  if (fromVesting.eq(target)) return new Payment(fromVesting, Big.ZERO);
  return new Payment(fromVesting, Big.min(unlocked, target.sub(fromVesting)));
}

/** v2: adds a penalty to the debt. */
export function addFeeDebt(rt: Runtime, st: MinerState, penalty: Big): void {
  if (penalty.negative) rt.fail("negative penalty");
  st.feeDebt = st.feeDebt.add(penalty);
}

/** v2: pays as much debt as vesting funds and then the unlocked balance allow. */
export function repayDebtInPart(rt: Runtime, st: MinerState): Payment {
  const unlocked = unlockedBalance(rt, st);
  const fromVesting = unlockUnvestedFunds(rt, st, st.feeDebt);
  rt.invariant(fromVesting.le(st.feeDebt), "more unlocked than owed");
  st.feeDebt = st.feeDebt.sub(fromVesting);
  const fromBalance = Big.min(unlocked, st.feeDebt);
  st.feeDebt = st.feeDebt.sub(fromBalance);
  return new Payment(fromVesting, fromBalance);
}

/** v2: the whole debt, to be burnt, paid from the unlocked balance; ends the method if that does not suffice. */
export function repayDebts(rt: Runtime, st: MinerState): Big {
  const unlocked = unlockedBalance(rt, st);
  rt.require(unlocked.ge(st.feeDebt), ERR_INSUFFICIENT_FUNDS, "unlocked balance cannot repay the fee debt");
  const debt = st.feeDebt;
  st.feeDebt = Big.ZERO;
  return debt;
}
