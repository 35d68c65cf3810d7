/**
 * The vesting table: amounts that become free after an epoch, in the order of epochs.
 *
 * A locked sum vests linearly from `now + initial delay` over the period, in steps of a day; each step falls on a grid
 * aligned with the miner's proving period, so that later sums share entries.
 * Source: specs-actors builtin/miner/vesting_state.go.
 */
import { Big } from "../../../base/big";
import { VestingFund, VestingFunds } from "../codec.gen";
import { VestingSpec } from "../policy";
import { quantizeUp } from "../quantize";

/** Takes out what has vested before an epoch, and returns its sum. */
export function unlockVested(table: VestingFunds, epoch: i64): Big {
  let sum = Big.ZERO;
  let vested = 0;
  while (vested < table.funds.length && table.funds[vested].epoch < epoch) {
    sum = sum.add(table.funds[vested].amount);
    vested++;
  }
  if (vested > 0) table.funds = table.funds.slice(vested);
  return sum;
}

/** Adds a sum that vests from `epoch` on. */
export function lockFunds(table: VestingFunds, epoch: i64, sum: Big, gridOffset: i64, spec: VestingSpec): void {
  const position = new Map<i64, VestingFund>();
  for (let i = 0; i < table.funds.length; i++) position.set(table.funds[i].epoch, table.funds[i]);
  const begin = epoch + spec.initialDelay;
  const period = Big.fromI64(spec.period);
  let vested = Big.ZERO;
  for (let e = begin + spec.step; vested.lt(sum); e += spec.step) {
    const at = quantizeUp(e, spec.quantization, gridOffset);
    const elapsed = at - begin;
    const target = elapsed < spec.period ? sum.mul(Big.fromI64(elapsed)).div(period) : sum;
    const amount = target.sub(vested);
    vested = target;
    if (position.has(at)) {
      const entry = position.get(at);
      entry.amount = entry.amount.add(amount);
    } else {
      const entry = new VestingFund();
      entry.epoch = at;
      entry.amount = amount;
      position.set(at, entry);
      table.funds.push(entry);
    }
  }
  table.funds.sort((a: VestingFund, b: VestingFund): i32 => (a.epoch < b.epoch ? -1 : a.epoch > b.epoch ? 1 : 0));
}

/** Takes up to `target` out of what has not vested at an epoch, the soonest first, and returns the sum taken. */
export function unlockUnvested(table: VestingFunds, epoch: i64, target: Big): Big {
  let sum = Big.ZERO;
  const kept: Array<VestingFund> = [];
  for (let i = 0; i < table.funds.length; i++) {
    const entry = table.funds[i];
    if (entry.epoch >= epoch && sum.lt(target)) {
      const taken = Big.min(target.sub(sum), entry.amount);
      sum = sum.add(taken);
      const left = entry.amount.sub(taken);
      if (left.isZero) continue;
      entry.amount = left;
    }
    kept.push(entry);
  }
  table.funds = kept;
  return sum;
}
