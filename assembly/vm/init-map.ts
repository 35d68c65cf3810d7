/**
 * The init actor's map from addresses to actor ids, as the machine uses it: without charge.
 *
 * The machine shares no code with the actors, so it reads the state of the init actor, the tuple
 * [address map, next id, network name], by itself. The map is kept loaded while the actor's head stays the same.
 * Source: specs-actors builtin/init/init_actor_state.go.
 */
import { Bytes, EMPTY } from "../base/bytes";
import { CborReader } from "../ipld/cbor-reader";
import { CborWriter } from "../ipld/cbor-writer";
import { Cid } from "../ipld/cid";
import { Hamt } from "../ipld/hamt";
import { BlockStore } from "../ipld/store";

@final
export class InitMap {
  private head: Cid = new Cid(EMPTY);
  private map: Hamt | null = null;
  private nextId: u64 = 0;
  private networkName: Bytes = EMPTY;

  constructor(private readonly store: BlockStore) {}

  /** The id of an address, or -1. `head` is the init actor's state, `generation` that of its code. */
  get(head: Cid, generation: i32, address: Bytes): i64 {
    const found = this.at(head, generation).get(address);
    if (found === null) return -1;
    const r = new CborReader(found);
    const id = r.i64();
    if (!r.ok || id < 0) this.store.fail("the address map holds no actor id");
    return id;
  }

  /** Gives `address` the next id; returns the new state of the init actor, and leaves the id in `lastId`. */
  add(head: Cid, generation: i32, address: Bytes): Cid {
    const map = this.at(head, generation);
    this.lastId = this.nextId++;
    map.set(address, new CborWriter().i64(<i64>this.lastId).finish());
    const root = map.flush();
    const w = new CborWriter();
    w.array(3).cid(root).u64(this.nextId).text(this.networkName);
    this.head = this.store.put(w.finish());
    return this.head;
  }

  /** Id given out by the last `add`. */
  lastId: u64 = 0;

  private at(head: Cid, generation: i32): Hamt {
    const known = this.map;
    if (known !== null && this.head.eq(head)) return known;
    const r = new CborReader(this.store.get(head));
    r.tuple(3);
    const root = r.cid();
    this.nextId = r.u64();
    this.networkName = r.text();
    if (!r.ok) this.store.fail("the init actor's state does not decode");
    const map = Hamt.load(this.store, root, generation);
    this.head = head;
    this.map = map;
    return map;
  }
}
