/**
 * The gas of one message, in milligas.
 *
 * A charge that does not fit sets what is used to the limit and fails. From the third generation on, a call may have a limit of
 * its own: the counter starts anew below it, and what was used is added when it ends. In the second generation the counter may
 * fall below 0, because deleting an actor gives gas back.
 * Source: ref-fvm fvm/src/gas/mod.rs.
 */

/** Greatest limit. */
const MOST: u64 = 0x7fffffffffffffff;

/** Gas in milligas, as far as 64 bits hold it. */
export function milligas(gas: u64): u64 {
  return gas > u64.MAX_VALUE / 1000 ? u64.MAX_VALUE : gas * 1000;
}

@final
export class GasTracker {
  private limit: u64 = 0;
  used: u64 = 0;
  /** Limits and counters of the calls around, innermost last. */
  private readonly limits: Array<u64> = [];
  private readonly counters: Array<u64> = [];
  /** Second generation: the counter is a signed number. */
  private signed: bool = false;

  start(limit: u64, signed: bool): void {
    this.limit = min(milligas(limit), MOST);
    this.used = 0;
    this.limits.length = 0;
    this.counters.length = 0;
    this.signed = signed;
  }

  /** Charges milligas; false if they do not fit. Only the second generation charges less than nothing. */
  charge(amount: u64): bool {
    if (this.signed) return this.chargeSigned(<i64>amount);
    let sum = this.used + amount;
    if (sum < amount) sum = u64.MAX_VALUE;
    if (sum > this.limit) {
      this.used = this.limit;
      return false;
    }
    this.used = sum;
    return true;
  }

  private chargeSigned(amount: i64): bool {
    const used = <i64>this.used;
    let sum = used + amount;
    // Signed addition saturates.
    if (used > 0 && amount > 0 && sum < 0) sum = i64.MAX_VALUE;
    if (used < 0 && amount < 0 && sum >= 0) sum = i64.MIN_VALUE;
    if (sum > <i64>this.limit) {
      this.used = this.limit;
      return false;
    }
    this.used = <u64>sum;
    return true;
  }

  /** Milligas that may still be used. */
  get available(): u64 {
    if (!this.signed) return this.limit - this.used;
    const rest = <i64>this.limit - <i64>this.used;
    return <i64>this.used < 0 && rest < 0 ? MOST : <u64>rest;
  }

  pushLimit(limit: u64): void {
    this.limits.push(this.limit);
    this.counters.push(this.used);
    this.limit = min(this.available, limit);
    this.used = 0;
  }

  popLimit(): void {
    this.limit = this.limits.pop();
    const sum = this.used + this.counters.pop();
    this.used = sum < this.used ? u64.MAX_VALUE : sum;
  }

  /** Gas used, rounded up; not below 0. */
  get usedGas(): u64 {
    if (this.signed && <i64>this.used < 0) return 0;
    return this.used / 1000 + (this.used % 1000 == 0 ? 0 : 1);
  }
}
