/**
 * Token buckets: how often a peer may do a thing. The number of buckets is bounded; the one longest unused goes first.
 * What a peer sent while this node stood still comes all at once: for that time a bucket holds more than its burst.
 */

export type Rate = { readonly burst: number; readonly perSecond: number };

/** `moreUntil`: until when it may hold more than the burst. */
type Bucket = { tokens: number; at: number; late: number; moreUntil: number };

/** Buckets kept: some per connection, many times the number of connections. */
const MAX_BUCKETS = 4096;
/** Milliseconds in which what waited here is read, and the longest standstill that counts. */
const READING_MS = 10_000;
const LONGEST_LATE_MS = 600_000;

export class RateLimiter {
  private readonly rate: Rate;
  private readonly now: () => number;
  private readonly late: () => number;
  private readonly buckets = new Map<string, Bucket>();

  /** `now`: milliseconds; `late`: milliseconds so far in which this node stood still, see `own-time.ts`. */
  constructor(rate: Rate, now: () => number, late: () => number = () => 0) {
    this.rate = rate;
    this.now = now;
    this.late = late;
  }

  /** Takes tokens of `key`, one if not said otherwise; false, and takes none, if there are not enough. */
  allow(key: string, cost = 1): boolean {
    const tokens = this.tokens(key);
    this.put(key, tokens >= cost ? tokens - cost : tokens);
    return tokens >= cost;
  }

  /** Takes tokens that may not be there yet; tells how many milliseconds it takes until they would be. */
  owe(key: string, cost: number): number {
    const tokens = this.tokens(key) - cost;
    this.put(key, tokens);
    return tokens >= 0 ? 0 : Math.ceil((-tokens / this.rate.perSecond) * 1000);
  }

  private tokens(key: string): number {
    const { burst, perSecond } = this.rate;
    const old = this.buckets.get(key);
    if (old === undefined) return burst;
    const now = this.now();
    const late = Math.min(LONGEST_LATE_MS, this.late() - old.late);
    if (late > 0) old.moreUntil = now + READING_MS;
    const room = now < old.moreUntil ? Math.max(burst, old.tokens) + (late / 1000) * perSecond : burst;
    return Math.min(room, old.tokens + (Math.max(0, now - old.at) / 1000) * perSecond);
  }

  private put(key: string, tokens: number): void {
    const moreUntil = this.buckets.get(key)?.moreUntil ?? 0;
    this.buckets.delete(key);
    this.buckets.set(key, { tokens, at: this.now(), late: this.late(), moreUntil });
    if (this.buckets.size > MAX_BUCKETS) this.buckets.delete(this.buckets.keys().next().value as string);
  }
}
