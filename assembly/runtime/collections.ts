/**
 * Typed collections of actor state: maps, arrays, sets, multimaps and balance tables over HAMT and AMT.
 *
 * Each is a handle: `load` reads the root block, changes stay in memory, `root()` writes and returns the new CID. Every
 * block access is charged, so an actor must load, touch and flush as often, and in the order, as the reference does.
 * Results tell what happened (null, false); the exit code belongs to the call site. A value that does not decode or a
 * malformed node ends the call with ERR_ILLEGAL_STATE.
 * Source: specs-actors actors/util/adt (v0.9.12 and v2.1.0, which differ only in the HAMT below).
 */
import { Big } from "../base/big";
import { Bytes, bytesAt } from "../base/bytes";
import { putVarint } from "../base/varint";
import { Amt, AmtCursor } from "../ipld/amt";
import { CborReader } from "../ipld/cbor-reader";
import { Cid } from "../ipld/cid";
import { Hamt, HamtCursor } from "../ipld/hamt";
import { Address } from "../types/address";
import { Amount, Codec, Link } from "../types/codec";
import { ObjectStore } from "./object-store";

/** CBOR null: the value of every key of a set. */
const NULL_ITEM: Bytes = [0xf6];

// ---- keys

export function addressKey(address: Address): Bytes {
  return address.bytes;
}

export function cidKey(cid: Cid): Bytes {
  return cid.bytes;
}

/** Unsigned varint. */
export function uintKey(value: u64): Bytes {
  const scratch = memory.data(16);
  return bytesAt(scratch, putVarint(scratch, value));
}

/** Zig-zag varint, as Go's binary.PutVarint. */
export function intKey(value: i64): Bytes {
  return uintKey((<u64>value << 1) ^ <u64>(value >> 63));
}

/** Reads `uintKey` back. */
export function parseUintKey(key: Bytes): u64 {
  let value: u64 = 0;
  for (let i = 0; i < key.length && i < 10; i++) value |= <u64>(key[i] & 0x7f) << (7 * <u64>i);
  return value;
}

/** Reads `intKey` back. */
export function parseIntKey(key: Bytes): i64 {
  const zigzag = parseUintKey(key);
  return <i64>(zigzag >> 1) ^ -<i64>(zigzag & 1);
}

function decodeValue<V extends Codec>(rt: ObjectStore, bytes: Bytes): V {
  const r = new CborReader(bytes, rt.actorsVersion);
  const value = instantiate<V>();
  value.read(r);
  if (!r.ok) rt.fail("value in a collection does not decode");
  return value;
}

// ---- maps

@final
export class MapOf<V extends Codec> {
  constructor(
    readonly rt: ObjectStore,
    readonly raw: Hamt,
  ) {}

  static load<V extends Codec>(rt: ObjectStore, root: Cid): MapOf<V> {
    return new MapOf<V>(rt, Hamt.load(rt, root, rt.version.hamt));
  }

  static empty<V extends Codec>(rt: ObjectStore): MapOf<V> {
    return new MapOf<V>(rt, Hamt.empty(rt, rt.version.hamt));
  }

  get(key: Bytes): V | null {
    const bytes = this.raw.get(key);
    return bytes === null ? null : decodeValue<V>(this.rt, bytes);
  }

  has(key: Bytes): bool {
    return this.raw.has(key);
  }

  put(key: Bytes, value: V): void {
    this.raw.set(key, this.rt.encode(value));
  }

  /** False if the key was absent (an error in the reference). */
  delete(key: Bytes): bool {
    return this.raw.delete(key);
  }

  /** Writes the map and returns its CID. */
  root(): Cid {
    return this.raw.flush();
  }

  cursor(): MapCursor<V> {
    return new MapCursor<V>(this.rt, this.raw.cursor());
  }
}

@final
export class MapCursor<V extends Codec> {
  constructor(
    private readonly rt: ObjectStore,
    private readonly inner: HamtCursor,
  ) {}

  next(): bool {
    return this.inner.next();
  }

  get key(): Bytes {
    return this.inner.key;
  }

  /** The value at the cursor, decoded at every call. */
  value(): V {
    return decodeValue<V>(this.rt, this.inner.value);
  }
}

@final
export class SetOf {
  constructor(readonly raw: Hamt) {}

  static load(rt: ObjectStore, root: Cid): SetOf {
    return new SetOf(Hamt.load(rt, root, rt.version.hamt));
  }

  static empty(rt: ObjectStore): SetOf {
    return new SetOf(Hamt.empty(rt, rt.version.hamt));
  }

  put(key: Bytes): void {
    this.raw.set(key, NULL_ITEM);
  }

  has(key: Bytes): bool {
    return this.raw.has(key);
  }

  delete(key: Bytes): bool {
    return this.raw.delete(key);
  }

  root(): Cid {
    return this.raw.flush();
  }

  /** Walks the keys. */
  cursor(): HamtCursor {
    return this.raw.cursor();
  }
}

// ---- arrays

@final
export class ArrayOf<V extends Codec> {
  constructor(
    readonly rt: ObjectStore,
    readonly raw: Amt,
  ) {}

  static load<V extends Codec>(rt: ObjectStore, root: Cid): ArrayOf<V> {
    return new ArrayOf<V>(rt, Amt.load(rt, root, rt.version.amt));
  }

  static empty<V extends Codec>(rt: ObjectStore): ArrayOf<V> {
    return new ArrayOf<V>(rt, Amt.empty(rt, rt.version.amt));
  }

  /** Number of elements. */
  get length(): u64 {
    return this.raw.count;
  }

  /** An index above AMT_MAX_INDEX ends the call with ERR_ILLEGAL_STATE. */
  get(index: u64): V | null {
    const bytes = this.raw.get(index);
    return bytes === null ? null : decodeValue<V>(this.rt, bytes);
  }

  set(index: u64, value: V): void {
    this.raw.set(index, this.rt.encode(value));
  }

  /** Sets the element behind the last one; for arrays without holes. */
  append(value: V): void {
    this.set(this.raw.count, value);
  }

  /** False if the element was absent (an error in the reference). */
  delete(index: u64): bool {
    return this.raw.delete(index);
  }

  batchDelete(indices: Array<u64>): bool {
    return this.raw.batchDelete(indices);
  }

  root(): Cid {
    return this.raw.flush();
  }

  /** Walks the elements from an index on. */
  cursor(start: u64 = 0): ArrayCursor<V> {
    return new ArrayCursor<V>(this.rt, this.raw.cursor(start));
  }
}

@final
export class ArrayCursor<V extends Codec> {
  constructor(
    private readonly rt: ObjectStore,
    private readonly inner: AmtCursor,
  ) {}

  next(): bool {
    return this.inner.next();
  }

  get index(): u64 {
    return this.inner.index;
  }

  /** The element at the cursor, decoded at every call. */
  value(): V {
    return decodeValue<V>(this.rt, this.inner.value);
  }
}

/** A map to arrays: several values per key, in the order of their insertion. */
@final
export class Multimap<V extends Codec> {
  private readonly map: MapOf<Link>;

  constructor(
    readonly rt: ObjectStore,
    raw: Hamt,
  ) {
    this.map = new MapOf<Link>(rt, raw);
  }

  static load<V extends Codec>(rt: ObjectStore, root: Cid): Multimap<V> {
    return new Multimap<V>(rt, Hamt.load(rt, root, rt.version.hamt));
  }

  static empty<V extends Codec>(rt: ObjectStore): Multimap<V> {
    return new Multimap<V>(rt, Hamt.empty(rt, rt.version.hamt));
  }

  /** The array of a key (its root is loaded), or null. */
  get(key: Bytes): ArrayOf<V> | null {
    const link = this.map.get(key);
    return link === null ? null : ArrayOf.load<V>(this.rt, link.value);
  }

  /** Appends a value and writes the key's array. */
  add(key: Bytes, value: V): void {
    const known = this.get(key);
    const array = known === null ? ArrayOf.empty<V>(this.rt) : known;
    array.append(value);
    this.map.put(key, Link.of(array.root()));
  }

  /** Forgets a key; false if it was absent (an error in the reference). */
  removeAll(key: Bytes): bool {
    return this.map.delete(key);
  }

  root(): Cid {
    return this.map.root();
  }

  /** Walks the keys; `array()` loads the array of the present one. */
  cursor(): MultimapCursor<V> {
    return new MultimapCursor<V>(this.rt, this.map.cursor());
  }
}

@final
export class MultimapCursor<V extends Codec> {
  constructor(
    private readonly rt: ObjectStore,
    private readonly inner: MapCursor<Link>,
  ) {}

  next(): bool {
    return this.inner.next();
  }

  get key(): Bytes {
    return this.inner.key;
  }

  array(): ArrayOf<V> {
    return ArrayOf.load<V>(this.rt, this.inner.value().value);
  }
}

// ---- balances

/** Non-negative token amounts by address; an absent address has zero. */
@final
export class BalanceTable {
  private readonly map: MapOf<Amount>;

  constructor(rt: ObjectStore, raw: Hamt) {
    this.map = new MapOf<Amount>(rt, raw);
  }

  static load(rt: ObjectStore, root: Cid): BalanceTable {
    return new BalanceTable(rt, Hamt.load(rt, root, rt.version.hamt));
  }

  static empty(rt: ObjectStore): BalanceTable {
    return new BalanceTable(rt, Hamt.empty(rt, rt.version.hamt));
  }

  root(): Cid {
    return this.map.root();
  }

  get(address: Address): Big {
    const found = this.map.get(addressKey(address));
    return found === null ? Big.ZERO : found.value;
  }

  /** Adds an amount (of any sign); false, without a change, if the balance would become negative. */
  add(address: Address, amount: Big): bool {
    const before = this.get(address);
    const after = before.add(amount);
    if (after.negative) return false;
    // A balance that falls to zero is removed; adding nothing to nothing writes a zero.
    if (after.isZero && !before.isZero) return this.map.delete(addressKey(address));
    this.map.put(addressKey(address), Amount.of(after));
    return true;
  }

  /** Subtracts up to `amount` but leaves at least `floor`; returns what was subtracted. */
  subtractWithMinimum(address: Address, amount: Big, floor: Big): Big {
    const before = this.get(address);
    const available = Big.max(Big.ZERO, before.sub(floor));
    const taken = Big.min(available, amount);
    if (taken.isPositive) this.add(address, taken.neg());
    return taken;
  }

  /** Subtracts an amount; false if the balance is smaller. */
  mustSubtract(address: Address, amount: Big): bool {
    if (amount.gt(this.get(address))) return false;
    return this.add(address, amount.neg());
  }

  /** Sum of all balances. */
  total(): Big {
    let total = Big.ZERO;
    const cursor = this.map.cursor();
    while (cursor.next()) total = total.add(cursor.value().value);
    return total;
  }

  /** Walks the balances. */
  cursor(): MapCursor<Amount> {
    return this.map.cursor();
  }
}
