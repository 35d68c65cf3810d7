/** A map that keeps what was used last, up to a capacity: a cache. */

export class BoundedMap<Key, Value> {
  private readonly entries = new Map<Key, Value>();
  private readonly capacity: number;
  private readonly weigh: (value: Value) => number;
  private weight = 0;
  /** The entry that was used last: it is in its place already. */
  private newest: Key | undefined;

  /** `capacity` is in units of `weigh`, by default entries. One entry above it is never kept. */
  constructor(capacity: number, weigh: (value: Value) => number = () => 1) {
    this.capacity = capacity;
    this.weigh = weigh;
  }

  get size(): number {
    return this.entries.size;
  }

  get(key: Key): Value | undefined {
    const value = this.entries.get(key);
    if (value === undefined || key === this.newest) return value;
    this.entries.delete(key);
    this.entries.set(key, value);
    this.newest = key;
    return value;
  }

  set(key: Key, value: Value): void {
    this.delete(key);
    const weight = this.weigh(value);
    if (weight > this.capacity) return;
    this.entries.set(key, value);
    this.newest = key;
    this.weight += weight;
    for (const [oldest, old] of this.entries) {
      if (this.weight <= this.capacity) break;
      this.entries.delete(oldest);
      this.weight -= this.weigh(old);
    }
  }

  delete(key: Key): boolean {
    const old = this.entries.get(key);
    if (old === undefined) return false;
    this.weight -= this.weigh(old);
    if (key === this.newest) this.newest = undefined;
    return this.entries.delete(key);
  }
}
