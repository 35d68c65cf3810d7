/**
 * The state tree of the FVM: versions 4 and 5, a HAMT of the present form from ID addresses to actors, with a cache and a
 * journal over it.
 *
 * Addresses other than IDs are resolved by the init actor's map; what was found is kept until it is rolled back. Reads are
 * free here: who is charged for them is `access.ts`.
 * Source: ref-fvm fvm/src/state_tree.rs, init_actor.rs.
 */
import { Bytes } from "../base/bytes";
import { CborReader } from "../ipld/cbor-reader";
import { CborWriter } from "../ipld/cbor-writer";
import { Cid } from "../ipld/cid";
import { Hamt } from "../ipld/hamt";
import { Address } from "../types/address";
import { StateRoot } from "../types/chain.gen";
import { INIT_ID } from "../types/singletons";
import { AddressTable } from "../vm/address-table";
import { FreeStore } from "../vm/block-store";
import { Actor } from "./actor";

/** Form of the maps: the present one. */
const FORM: i32 = 3;
const OLDEST_TREE: u64 = 4;
const NEWEST_TREE: u64 = 5;

/** What the cache knows of an id. */
@final
class Cached {
  constructor(
    /** Null: there is none. */
    readonly actor: Actor | null,
    /** Not yet in the HAMT. */
    public changed: bool,
  ) {}
}

/** Where a transaction began. */
@final
export class TreeMark {
  constructor(
    readonly changes: i32,
    readonly addresses: i32,
  ) {}
}

@final
export class StateTree {
  private readonly cache: Map<u64, Cached> = new Map<u64, Cached>();
  private touched: Array<u64> = [];
  private readonly journalIds: Array<u64> = [];
  private readonly journal: Array<Cached | null> = [];
  private readonly addresses: AddressTable = new AddressTable();
  // The init actor's state, as long as its head is this.
  private initHead: Cid | null = null;
  private addressMap: Hamt;
  private nextId: u64 = 0;
  private networkName: Bytes;

  private constructor(
    private readonly store: FreeStore,
    private readonly root: StateRoot,
    private readonly actors: Hamt,
  ) {
    this.addressMap = actors;
    this.networkName = new StaticArray<u8>(0);
  }

  get version(): u64 {
    return this.root.version;
  }

  /** Opens the tree below a root; one that is none, or of another version than `version`, voids the run. */
  static open(store: FreeStore, cid: Cid, version: u64): StateTree {
    const r = new CborReader(store.get(cid));
    const root = new StateRoot();
    root.read(r);
    if (!r.ok || root.version < OLDEST_TREE || root.version > NEWEST_TREE || root.version != version) {
      store.fail("the state tree is not of the network version's kind");
    }
    return new StateTree(store, root, Hamt.load(store, root.actors, FORM));
  }

  get(id: u64): Actor | null {
    if (this.cache.has(id)) return this.cache.get(id).actor;
    const bytes = this.actors.get(Address.id(id).bytes);
    let actor: Actor | null = null;
    if (bytes !== null) {
      actor = Actor.decode(bytes, this.version);
      if (actor === null) this.store.fail("an actor in the state tree does not decode");
    }
    this.cache.set(id, new Cached(actor, false));
    return actor;
  }

  /** Puts an actor, or with null removes it. */
  set(id: u64, actor: Actor | null): void {
    const before: Cached | null = this.cache.has(id) ? this.cache.get(id) : null;
    this.journalIds.push(id);
    this.journal.push(before);
    this.touched.push(id);
    this.cache.set(id, new Cached(actor, true));
  }

  /** The id of an address, or -1. An ID address is its own answer. */
  resolve(address: Address): i64 {
    if (address.isId) return <i64>address.actorId;
    const known = this.addresses.get(address.bytes);
    if (known >= 0) return known;
    this.readInit();
    const found = this.addressMap.get(address.bytes);
    if (found === null) return -1;
    const r = new CborReader(found);
    const id = r.i64();
    if (!r.ok || id < 0) this.store.fail("the address map holds no actor id");
    this.addresses.add(address.bytes, <u64>id);
    return id;
  }

  /** Gives an address the next id. */
  register(address: Address): u64 {
    const init = this.readInit();
    const id = this.nextId++;
    this.addressMap.set(address.bytes, new CborWriter().u64(id).finish());
    const w = new CborWriter();
    w.array(3).cid(this.addressMap.flush()).u64(this.nextId).text(this.networkName);
    const changed = init.copy();
    changed.head = this.store.put(w.finish());
    // Read anew when needed: a map that is changed must not outlive a rollback.
    this.initHead = null;
    this.set(INIT_ID, changed);
    if (this.addresses.get(address.bytes) < 0) this.addresses.add(address.bytes, id);
    return id;
  }

  private readInit(): Actor {
    const there = this.get(INIT_ID);
    if (there === null) this.store.fail("the state has no init actor");
    const init = there!;
    const known = this.initHead;
    if (known !== null && known.eq(init.head)) return init;
    const r = new CborReader(this.store.get(init.head));
    r.tuple(3);
    const map = r.cid();
    this.nextId = r.u64();
    this.networkName = r.text();
    if (!r.ok) this.store.fail("the init actor's state does not decode");
    this.addressMap = Hamt.load(this.store, map, FORM);
    this.initHead = init.head;
    return init;
  }

  mark(): TreeMark {
    return new TreeMark(this.journalIds.length, this.addresses.size);
  }

  /** Undoes everything since the mark. */
  rollBack(mark: TreeMark): void {
    while (this.journalIds.length > mark.changes) {
      const id = this.journalIds.pop();
      const before = this.journal.pop();
      if (before === null) this.cache.delete(id);
      else this.cache.set(id, before);
    }
    this.addresses.rollBack(mark.addresses);
  }

  /** Nothing before now can be undone any more. */
  settle(): void {
    this.journalIds.length = 0;
    this.journal.length = 0;
  }

  /** Writes all changes and returns the root. No transaction may be open. */
  flush(): Cid {
    this.settle();
    for (let i = 0; i < this.touched.length; i++) {
      const id = this.touched[i];
      if (!this.cache.has(id)) continue;
      const cached = this.cache.get(id);
      if (!cached.changed) continue;
      cached.changed = false;
      const key = Address.id(id).bytes;
      const actor = cached.actor;
      if (actor === null) this.actors.delete(key);
      else this.actors.set(key, actor.encode(this.version));
    }
    this.touched = [];
    this.root.actors = this.actors.flush();
    return this.store.put(this.root.encode(0));
  }
}
