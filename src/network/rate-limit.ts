/** Token buckets: how often a peer may do a thing. The number of buckets is bounded; the one longest unused goes first. */

export type Rate = { readonly burst: number; readonly perSecond: number };

type Bucket = { tokens: number; at: number };

/** Buckets kept: some per connection, many times the number of connections. */
const MAX_BUCKETS = 4096;

export class RateLimiter {
  private readonly rate: Rate;
  private readonly now: () => number;
  private readonly buckets = new Map<string, Bucket>();

  /** `now`: milliseconds. */
  constructor(rate: Rate, now: () => number) {
    this.rate = rate;
    this.now = now;
  }

  /** Takes one token of `key`; false if there is none. */
  allow(key: string): boolean {
    const now = this.now();
    const { burst, perSecond } = this.rate;
    const old = this.buckets.get(key);
    this.buckets.delete(key);
    const refilled = old === undefined ? burst : old.tokens + (Math.max(0, now - old.at) / 1000) * perSecond;
    const tokens = Math.min(burst, refilled);
    const allowed = tokens >= 1;
    this.buckets.set(key, { tokens: allowed ? tokens - 1 : tokens, at: now });
    if (this.buckets.size > MAX_BUCKETS) this.buckets.delete(this.buckets.keys().next().value as string);
    return allowed;
  }
}
