/**
 * The init actor's map from addresses to actor ids, as the machine uses it: without charge.
 *
 * The machine shares no code with the actors, so it reads the state of the init actor, the tuple
 * [address map, next id, network name], by itself. The tuple is kept while the actor's head stays the same.
 * Source: specs-actors builtin/init/init_actor_state.go.
 */
import { Bytes, EMPTY, ptrOf } from "../base/bytes";
import { CborReader } from "../ipld/cbor-reader";
import { CborWriter } from "../ipld/cbor-writer";
import { Cid } from "../ipld/cid";
import { Hamt } from "../ipld/hamt";
import { BlockStore } from "../ipld/store";
import { HamtLookup } from "./hamt-lookup";

@final
export class InitMap {
  private head: Cid = Cid.NONE;
  private root: Cid = Cid.NONE;
  private nextId: u64 = 0;
  private networkName: Bytes = EMPTY;
  private readonly lookup: HamtLookup = new HamtLookup();

  constructor(private readonly store: BlockStore) {}

  /** The id of an address, or -1. `head` is the init actor's state. */
  get(head: Cid, address: Bytes): i64 {
    this.read(head);
    const found = this.lookup.find(this.root, ptrOf(address), address.length);
    if (found === null) return -1;
    const r = new CborReader(found);
    const id = r.i64();
    if (!r.ok || id < 0) this.store.fail("the address map holds no actor id");
    return id;
  }

  /**
   * Gives `address` the next id; returns the new state of the init actor, and leaves the id in `lastId`. `generation` is
   * that of the init actor's code.
   */
  add(head: Cid, form: i32, address: Bytes): Cid {
    this.read(head);
    const map = Hamt.load(this.store, this.root, form);
    this.lastId = this.nextId++;
    map.set(address, new CborWriter().i64(<i64>this.lastId).finish());
    this.root = map.flush();
    const w = new CborWriter();
    w.array(3).cid(this.root).u64(this.nextId).text(this.networkName);
    this.head = this.store.put(w.finish());
    return this.head;
  }

  /** Id given out by the last `add`. */
  lastId: u64 = 0;

  private read(head: Cid): void {
    if (this.head.eq(head)) return;
    const r = new CborReader(this.store.get(head));
    r.tuple(3);
    this.root = r.cid();
    this.nextId = r.u64();
    this.networkName = r.text();
    if (!r.ok) this.store.fail("the init actor's state does not decode");
    this.head = head;
  }
}
