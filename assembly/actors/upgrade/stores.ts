/**
 * The two sides of the upgrade from actors v0 to v2: one store of blocks, read with the layouts of v0 and written with
 * those of v2. Reading and writing are free; whatever is malformed ends the run.
 * Source: specs-actors v2.1.0 actors/migration.
 */
import { Bytes } from "../../base/bytes";
import { Cid } from "../../ipld/cid";
import { Hamt } from "../../ipld/hamt";
import { BlockStore } from "../../ipld/store";
import { ObjectStore } from "../../runtime/object-store";
import { Codec } from "../../types/codec";

@final
export class GenerationStore extends ObjectStore {
  constructor(
    private readonly blocks: BlockStore,
    private readonly generation: i32,
  ) {
    super();
  }

  get actorsVersion(): i32 {
    return this.generation;
  }

  get(cid: Cid): Bytes {
    return this.blocks.get(cid);
  }

  put(block: Bytes): Cid {
    return this.blocks.put(block);
  }

  fail(why: string): void {
    this.blocks.fail(why);
  }

  /** Loads an object in this generation's layout. */
  object<T extends Codec>(cid: Cid): T {
    const r = this.reader(this.get(cid));
    const value = instantiate<T>();
    value.read(r);
    if (!r.ok) this.fail("an object of the state does not decode");
    return value;
  }
}

/** Both sides. */
@final
export class Sides {
  readonly before: GenerationStore;
  readonly after: GenerationStore;

  constructor(blocks: BlockStore) {
    this.before = new GenerationStore(blocks, 0);
    this.after = new GenerationStore(blocks, 2);
  }

  /** An object whose fields are the same on both sides, or take their defaults; the new CID. */
  rewrite<T extends Codec>(head: Cid): Cid {
    return this.after.putObject(this.before.object<T>(head));
  }

  /** A map whose nodes are built anew; keys and values stay. */
  rebuildMap(root: Cid): Cid {
    const out = Hamt.empty(this.after, 2);
    const cursor = Hamt.load(this.before, root, 0).cursor();
    while (cursor.next()) out.set(cursor.key, cursor.value);
    return out.flush();
  }

  /** A map whose values are links to maps. */
  rebuildMapOfMaps(root: Cid): Cid {
    const out = Hamt.empty(this.after, 2);
    const cursor = Hamt.load(this.before, root, 0).cursor();
    while (cursor.next()) {
      const inner = this.rebuildMap(this.before.reader(cursor.value).cid());
      out.set(cursor.key, this.after.writer().cid(inner).finish());
    }
    return out.flush();
  }
}
