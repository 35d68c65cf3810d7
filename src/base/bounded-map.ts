/**
 * A map that keeps what is used, up to a capacity: a cache. What was set first goes first, except that an entry that was
 * asked for since is passed over once ("second chance"): asking marks an entry and moves nothing.
 */

type Entry<Value> = { readonly value: Value; readonly weight: number; used: boolean };

export class BoundedMap<Key, Value> {
  private readonly entries = new Map<Key, Entry<Value>>();
  private readonly capacity: number;
  private readonly weigh: (value: Value) => number;
  private weight = 0;

  /** `capacity` is in units of `weigh`, by default entries. One entry above it is never kept. */
  constructor(capacity: number, weigh: (value: Value) => number = () => 1) {
    this.capacity = capacity;
    this.weigh = weigh;
  }

  get size(): number {
    return this.entries.size;
  }

  get(key: Key): Value | undefined {
    const entry = this.entries.get(key);
    if (entry === undefined) return undefined;
    entry.used = true;
    return entry.value;
  }

  set(key: Key, value: Value): void {
    this.delete(key);
    const weight = this.weigh(value);
    if (weight > this.capacity) return;
    // Each round of the loop takes an entry out or a mark off: at the latest in the second round about, there is room.
    for (const [oldest, entry] of this.entries) {
      if (this.weight + weight <= this.capacity) break;
      this.entries.delete(oldest);
      if (entry.used) {
        entry.used = false;
        this.entries.set(oldest, entry);
      } else this.weight -= entry.weight;
    }
    this.entries.set(key, { value, weight, used: false });
    this.weight += weight;
  }

  delete(key: Key): boolean {
    const old = this.entries.get(key);
    if (old === undefined) return false;
    this.weight -= old.weight;
    return this.entries.delete(key);
  }
}
