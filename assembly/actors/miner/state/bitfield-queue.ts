/**
 * A queue of sets by epoch: an array from epoch, rounded up to a grid, to a bitfield.
 * Source: specs-actors builtin/miner/bitfield_queue.go.
 */
import { BITFIELD_MAX_BYTES, BitField } from "../../../ipld/bitfield";
import { CborReader } from "../../../ipld/cbor-reader";
import { CborWriter } from "../../../ipld/cbor-writer";
import { Cid } from "../../../ipld/cid";
import { ArrayCursor, ArrayOf } from "../../../runtime/collections";
import { Runtime } from "../../../runtime/runtime";
import { Codec } from "../../../types/codec";
import { QuantSpec } from "../quantize";

/** A bitfield as an element of a collection or a block of its own. */
@final
export class BitFieldItem extends Codec {
  value: BitField = new BitField();

  static of(value: BitField): BitFieldItem {
    const item = new BitFieldItem();
    item.value = value;
    return item;
  }

  read(r: CborReader): void {
    this.value = BitField.read(r);
  }

  write(w: CborWriter): void {
    this.value.write(w);
  }
}

/** What `popUntil` took out. */
@final
export class Popped {
  constructor(
    readonly values: BitField,
    /** False if there was nothing to take. */
    readonly modified: bool,
  ) {}
}

@final
export class BitfieldQueue {
  private readonly array: ArrayOf<BitFieldItem>;

  constructor(
    private readonly rt: Runtime,
    root: Cid,
    private readonly quant: QuantSpec,
  ) {
    this.array = ArrayOf.load<BitFieldItem>(rt, root);
  }

  get length(): u64 {
    return this.array.length;
  }

  root(): Cid {
    return this.array.root();
  }

  /** Adds values to the entry of an epoch, unless there are none. */
  add(rawEpoch: i64, values: BitField): void {
    if (values.isEmpty) return;
    const epoch = <u64>this.quant.up(rawEpoch);
    const known = this.array.get(epoch);
    this.set(epoch, known === null ? values.copy() : known.value.union(values));
  }

  addValues(epoch: i64, values: Array<u64>): void {
    if (values.length > 0) this.add(epoch, BitField.of(values));
  }

  /** Adds several lists, each to its epoch; in the order of epochs. */
  addMany(epochs: Array<i64>, lists: Array<Array<u64>>): void {
    const quantized: Array<i64> = [];
    const merged: Array<Array<u64>> = [];
    for (let i = 0; i < epochs.length; i++) {
      const epoch = this.quant.up(epochs[i]);
      let at = 0;
      while (at < quantized.length && quantized[at] < epoch) at++;
      if (at < quantized.length && quantized[at] == epoch) {
        merged[at] = merged[at].concat(lists[i]);
        continue;
      }
      quantized.push(epoch);
      merged.push(lists[i]);
      for (let j = quantized.length - 1; j > at; j--) {
        quantized[j] = quantized[j - 1];
        merged[j] = merged[j - 1];
      }
      quantized[at] = epoch;
      merged[at] = lists[i];
    }
    for (let i = 0; i < quantized.length; i++) this.addValues(quantized[i], merged[i]);
  }

  /** Replaces the entry of an epoch (not rounded). */
  set(epoch: u64, values: BitField): void {
    if (<u64>values.encode().length > BITFIELD_MAX_BYTES) this.rt.fail("bitfield too large for a queue entry");
    this.array.set(epoch, BitFieldItem.of(values));
  }

  /** Cuts numbers out of every entry, moving greater ones down, and removes entries left empty. */
  cut(toCut: BitField): void {
    const emptied: Array<u64> = [];
    const cursor = this.array.cursor();
    while (cursor.next()) {
      const rest = cursor.value().value.cut(toCut);
      if (rest.isEmpty) emptied.push(cursor.index);
      else this.set(cursor.index, rest);
    }
    this.batchDelete(emptied);
  }

  /** Takes out all entries up to and including an epoch. */
  popUntil(until: i64): Popped {
    const keys: Array<u64> = [];
    const values: Array<BitField> = [];
    const cursor = this.array.cursor();
    while (cursor.next()) {
      if (<i64>cursor.index > until) break;
      keys.push(cursor.index);
      values.push(cursor.value().value);
    }
    if (keys.length == 0) return new Popped(new BitField(), false);
    this.batchDelete(keys);
    return new Popped(BitField.unionOf(values), true);
  }

  batchDelete(epochs: Array<u64>): void {
    if (!this.array.batchDelete(epochs)) this.rt.fail("queue entry is missing");
  }

  /** Walks the entries. */
  cursor(): BitfieldQueueCursor {
    return new BitfieldQueueCursor(this.array);
  }
}

@final
export class BitfieldQueueCursor {
  epoch: i64 = 0;
  values: BitField = new BitField();
  private readonly inner: ArrayCursor<BitFieldItem>;

  constructor(array: ArrayOf<BitFieldItem>) {
    this.inner = array.cursor();
  }

  next(): bool {
    if (!this.inner.next()) return false;
    this.epoch = <i64>this.inner.index;
    this.values = this.inner.value().value;
    return true;
  }
}
