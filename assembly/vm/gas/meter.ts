/**
 * The gas of one message: a counter, its limit, and the names under which it is charged.
 *
 * Charges are all or nothing. One that does not fit sets the counter to the limit and fails. Nested calls share the
 * counter and the limit of the message; what a failed call used stays used. Deleting an actor is a negative charge, so
 * the counter may sink, even below zero.
 */
import { PriceList } from "./price-list";
import { Trace } from "../trace";

@final
export class GasMeter {
  /** gas */
  used: i64 = 0;
  limit: i64 = 0;

  constructor(
    public prices: PriceList,
    private readonly trace: Trace,
  ) {}

  start(limit: i64): void {
    this.used = 0;
    this.limit = limit;
  }

  /** Charges `compute` gas and `storage` storage units; false if they do not fit. */
  charge(name: string, compute: i64, storage: i64): bool {
    const total = compute + storage * this.prices.storageMultiplier;
    if (this.trace.on) this.trace.charge(name, total, compute, storage);
    if (this.used > this.limit - total) {
      this.used = this.limit;
      return false;
    }
    this.used += total;
    return true;
  }
}
