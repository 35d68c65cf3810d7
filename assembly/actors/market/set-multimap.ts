/**
 * Deal ids by epoch: a map (HAMT by epoch as an unsigned varint) to sets (HAMTs of deal ids). A set is written as soon
 * as it changed. Source: specs-actors builtin/market/set_multimap.go.
 */
import { Cid } from "../../ipld/cid";
import { MapOf, parseUintKey, SetOf, uintKey } from "../../runtime/collections";
import { ObjectStore } from "../../runtime/object-store";
import { Link } from "../../types/codec";

@final
export class DealOps {
  constructor(
    readonly store: ObjectStore,
    readonly map: MapOf<Link>,
  ) {}

  static load(store: ObjectStore, root: Cid): DealOps {
    return new DealOps(store, MapOf.load<Link>(store, root));
  }

  static empty(store: ObjectStore): DealOps {
    return new DealOps(store, MapOf.empty<Link>(store));
  }

  /** The deals of an epoch (their set's root is loaded), or null. */
  get(epoch: i64): SetOf | null {
    const link = this.map.get(uintKey(<u64>epoch));
    return link === null ? null : SetOf.load(this.store, link.value);
  }

  put(epoch: i64, ids: Array<u64>): void {
    const known = this.get(epoch);
    const set = known === null ? SetOf.empty(this.store) : known;
    for (let i = 0; i < ids.length; i++) set.put(uintKey(ids[i]));
    this.map.put(uintKey(<u64>epoch), Link.of(set.root()));
  }

  /** Forgets an epoch, if it is there. */
  removeAll(epoch: i64): void {
    this.map.delete(uintKey(<u64>epoch));
  }

  root(): Cid {
    return this.map.root();
  }
}

/** Deal id of a key in a set. */
export function dealIdOf(key: StaticArray<u8>): u64 {
  return parseUintKey(key);
}
