/**
 * The state tree: a HAMT from ID addresses to actors, with a cache over it.
 *
 * Two forms of root: the bare HAMT root (version 0, network versions 0 to 3), or the tuple [version 1, HAMT root, info]
 * (from network version 4).
 *
 * The HAMT is read on a cache miss and written by `flush` only. Changes go into the cache and into a journal of what was
 * there before, so a nested call is undone by walking the journal back to where it began. Addresses other than IDs are
 * resolved by the init actor's map; what was found is kept until it is rolled back, even if the map changes meanwhile,
 * as the reference keeps it (an address whose actor was deleted goes on meaning that actor).
 * Actors handed out are shared and must not be changed; `set` takes a new one.
 * Source: lotus v1.0.0 chain/state/statetree.go.
 */
import { Bytes } from "../base/bytes";
import { CborReader } from "../ipld/cbor-reader";
import { Cid } from "../ipld/cid";
import { Hamt } from "../ipld/hamt";
import { hamtOfActors, LAST_STATE_TREE, stateTreeHamt } from "../runtime/versions.gen";
import { Address, writeIdAddress } from "../types/address";
import { ActorEntry, StateRoot } from "../types/chain.gen";
import { INIT_ID } from "../types/singletons";
import { AddressTable } from "./address-table";
import { FreeStore } from "./block-store";
import { HamtLookup } from "./hamt-lookup";
import { InitMap } from "./init-map";
import { Registry } from "./registry";

/** An actor in the cache, or the knowledge that there is none. */
@final
class CachedActor extends ActorEntry {
  /** Not yet in the HAMT. */
  changed: bool = false;
  absent: bool = false;
}

/** Where a call began: lengths of the journal and of the table of addresses. */
@final
export class Mark {
  constructor(
    readonly changes: i32,
    readonly addresses: i32,
  ) {}
}

/** Actors kept over a flush; above, the cache starts anew. */
const MAX_CACHED: i32 = 100000;

/** An actor that is new, or a changed one before it is filled in. */
export function makeActor(code: Cid, head: Cid): ActorEntry {
  const actor = new CachedActor();
  actor.code = code;
  actor.head = head;
  return actor;
}

/** A copy of an actor, to be changed. */
export function copyOf(actor: ActorEntry): ActorEntry {
  const copy = makeActor(actor.code, actor.head);
  copy.nonce = actor.nonce;
  copy.balance = actor.balance;
  return copy;
}

@final
export class StateTree {
  private cache: Map<u64, CachedActor> = new Map<u64, CachedActor>();
  /** Ids of changed actors, each perhaps more than once. */
  private touched: Array<u64> = [];
  private readonly journalIds: Array<u64> = [];
  private readonly journalActors: Array<CachedActor | null> = [];
  private readonly addresses: AddressTable = new AddressTable();
  private readonly initMap: InitMap;
  private readonly lookup: HamtLookup = new HamtLookup();
  /** Code of the actor that was read last; most are accounts. */
  private usualCode: Cid | null = null;

  private constructor(
    readonly store: FreeStore,
    private readonly registry: Registry,
    /** Root of the HAMT, as of the last flush. */
    private actors: Cid,
    /** Null for a bare root. */
    private readonly wrapper: StateRoot | null,
  ) {
    this.initMap = new InitMap(store);
  }

  /** Opens the tree below `root`; a root that is none ends the run. */
  static open(store: FreeStore, registry: Registry, root: Cid): StateTree {
    const r = new CborReader(store.get(root));
    const wrapper = new StateRoot();
    wrapper.read(r);
    if (!r.ok) return new StateTree(store, registry, root, null);
    if (wrapper.version > LAST_STATE_TREE) store.fail("state root of an unknown version");
    const bare = wrapper.version == 0;
    return new StateTree(store, registry, wrapper.actors, bare ? null : wrapper);
  }

  /** The actor with an id, or null. */
  get(id: u64): ActorEntry | null {
    if (this.cache.has(id)) {
      const known = this.cache.get(id);
      return known.absent ? null : known;
    }
    const actor = new CachedActor();
    const key = memory.data(16);
    const bytes = this.lookup.find(this.actors, key, writeIdAddress(id, key));
    actor.absent = bytes === null;
    if (bytes !== null) {
      const r = new CborReader(bytes);
      r.usual = this.usualCode;
      actor.read(r);
      if (!r.ok) this.store.fail("an actor in the state tree does not decode");
      // Actors of a kind share one code: there are many of them.
      const kind = this.registry.find(actor.code);
      if (kind !== null) {
        actor.code = kind.code;
        this.usualCode = kind.code;
      }
    }
    this.cache.set(id, actor);
    return actor.absent ? null : actor;
  }

  /** Puts an actor made by `makeActor` or `copyOf`, which must not be changed any more. */
  set(id: u64, actor: ActorEntry): void {
    this.change(id, <CachedActor>actor);
  }

  delete(id: u64): void {
    const gone = new CachedActor();
    gone.absent = true;
    this.change(id, gone);
  }

  /** The actor at any kind of address, or null. */
  at(address: Address): ActorEntry | null {
    const id = this.resolve(address);
    return id < 0 ? null : this.get(<u64>id);
  }

  /** The id of an address, or -1. An ID address is its own answer, whether the actor exists or not. */
  resolve(address: Address): i64 {
    if (address.isId) return <i64>address.actorId;
    const known = this.addresses.get(address.bytes);
    if (known >= 0) return known;
    const init = this.initActor();
    const id = this.initMap.get(init.head, address.bytes);
    if (id >= 0) this.addresses.add(address.bytes, <u64>id);
    return id;
  }

  /** Gives an address the next id of the init actor and returns the id. */
  register(address: Address): u64 {
    const init = copyOf(this.initActor());
    init.head = this.initMap.add(init.head, this.hamtOf(init), address.bytes);
    this.set(INIT_ID, init);
    return this.initMap.lastId;
  }

  /** Remembers where we are. */
  mark(): Mark {
    return new Mark(this.journalIds.length, this.addresses.size);
  }

  /** Undoes everything since the mark. */
  rollBack(mark: Mark): void {
    while (this.journalIds.length > mark.changes) {
      const id = this.journalIds.pop();
      const before = this.journalActors.pop();
      if (before === null) this.cache.delete(id);
      else this.cache.set(id, before);
    }
    this.addresses.rollBack(mark.addresses);
  }

  /** Nothing before now can be undone any more. */
  settle(): void {
    this.journalIds.length = 0;
    this.journalActors.length = 0;
  }

  /** Writes all changes and returns the new root. No call may be under way. */
  flush(): Cid {
    this.settle();
    const wrapper = this.wrapper;
    if (this.touched.length > 0) {
      this.actors = this.writeTo(Hamt.load(this.store, this.actors, stateTreeHamt(wrapper === null ? 0 : wrapper.version)));
      this.touched = [];
    }
    if (this.cache.size > MAX_CACHED) this.cache = new Map<u64, CachedActor>();
    if (wrapper === null) return this.actors;
    wrapper.actors = this.actors;
    return this.store.put(wrapper.encode(2));
  }

  private writeTo(map: Hamt): Cid {
    for (let i = 0; i < this.touched.length; i++) {
      const id = this.touched[i];
      if (!this.cache.has(id)) continue;
      const actor = this.cache.get(id);
      if (!actor.changed) continue;
      const key = this.addressOf(id);
      if (actor.absent) map.delete(key);
      else map.set(key, actor.encode(2));
      actor.changed = false;
    }
    return map.flush();
  }

  private change(id: u64, actor: CachedActor): void {
    const before: CachedActor | null = this.cache.has(id) ? this.cache.get(id) : null;
    this.journalIds.push(id);
    this.journalActors.push(before);
    if (before === null || !before.changed) this.touched.push(id);
    actor.changed = true;
    this.cache.set(id, actor);
  }

  private initActor(): ActorEntry {
    const init = this.get(INIT_ID);
    if (init === null) this.store.fail("the state has no init actor");
    return init!;
  }

  private hamtOf(actor: ActorEntry): i32 {
    const kind = this.registry.find(actor.code);
    if (kind === null) this.store.fail("the init actor has an unknown code");
    return hamtOfActors(kind!.actorsVersion);
  }

  /** The ID address of an actor, which is its key in the tree. */
  addressOf(id: u64): Bytes {
    return Address.id(id).bytes;
  }
}
