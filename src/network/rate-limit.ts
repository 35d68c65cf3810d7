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
    return old === undefined
      ? burst
      : Math.min(burst, old.tokens + (Math.max(0, this.now() - old.at) / 1000) * perSecond);
  }

  private put(key: string, tokens: number): void {
    this.buckets.delete(key);
    this.buckets.set(key, { tokens, at: this.now() });
    if (this.buckets.size > MAX_BUCKETS) this.buckets.delete(this.buckets.keys().next().value as string);
  }
}
