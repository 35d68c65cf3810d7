/** A table from addresses to actor ids, with entries that can be taken back. */
import { Bytes, equal, hash32 } from "../base/bytes";

@final
class Entry {
  constructor(
    readonly key: Bytes,
    readonly id: u64,
    public next: Entry | null,
  ) {}
}

const FIRST_BUCKETS: i32 = 64;

@final
export class AddressTable {
  private buckets: StaticArray<Entry | null> = new StaticArray<Entry | null>(FIRST_BUCKETS);
  /** Keys in the order of their coming. */
  private readonly order: Array<Bytes> = [];

  /** Number of entries, for `rollBack`. */
  get size(): i32 {
    return this.order.length;
  }

  /** The id under `key`, or -1. */
  get(key: Bytes): i64 {
    let entry = this.buckets[this.slot(key)];
    while (entry !== null) {
      if (equal(entry.key, key)) return <i64>entry.id;
      entry = entry.next;
    }
    return -1;
  }

  /** Adds an entry; the key must not be there. */
  add(key: Bytes, id: u64): void {
    if (this.order.length >= this.buckets.length << 1) this.grow();
    const slot = this.slot(key);
    this.buckets[slot] = new Entry(key, id, this.buckets[slot]);
    this.order.push(key);
  }

  /** Takes back every entry added since `size` was this. */
  rollBack(size: i32): void {
    while (this.order.length > size) {
      const slot = this.slot(this.order.pop());
      // A chain holds its entries youngest first.
      const entry = this.buckets[slot];
      this.buckets[slot] = entry === null ? null : entry.next;
    }
  }

  private slot(key: Bytes): i32 {
    return <i32>(hash32(key) & (<u32>this.buckets.length - 1));
  }

  private grow(): void {
    const old = this.buckets;
    this.buckets = new StaticArray<Entry | null>(old.length << 2);
    // Entries go in again in the order of their coming, so that chains stay youngest first.
    for (let i = 0; i < this.order.length; i++) {
      const key = this.order[i];
      let entry = old[<i32>(hash32(key) & (<u32>old.length - 1))];
      while (entry !== null && entry.key !== key) entry = entry.next;
      if (entry === null) continue;
      const slot = this.slot(key);
      this.buckets[slot] = new Entry(key, entry.id, this.buckets[slot]);
    }
  }
}
