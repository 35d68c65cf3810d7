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
import { lastVersionWith, NetworkVersion } from "../../runtime/versions.gen";
import { Codec } from "../../types/codec";

@final
export class VersionStore extends ObjectStore {
  constructor(
    private readonly blocks: BlockStore,
    private readonly version_: NetworkVersion,
  ) {
    super();
  }

  get version(): NetworkVersion {
    return this.version_;
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

  /** Loads an object in this version's layout. */
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
  readonly before: VersionStore;
  readonly after: VersionStore;

  constructor(blocks: BlockStore) {
    this.before = new VersionStore(blocks, lastVersionWith(0));
    this.after = new VersionStore(blocks, lastVersionWith(2));
  }

  /** An object whose fields are the same on both sides, or take their defaults; the new CID. */
  rewrite<T extends Codec>(head: Cid): Cid {
    return this.after.putObject(this.before.object<T>(head));
  }

  /** A map whose nodes are built anew; keys and values stay. */
  rebuildMap(root: Cid): Cid {
    const out = Hamt.empty(this.after, this.after.version.hamt);
    const cursor = Hamt.load(this.before, root, this.before.version.hamt).cursor();
    while (cursor.next()) out.set(cursor.key, cursor.value);
    return out.flush();
  }

  /** A map whose values are links to maps. */
  rebuildMapOfMaps(root: Cid): Cid {
    const out = Hamt.empty(this.after, this.after.version.hamt);
    const cursor = Hamt.load(this.before, root, this.before.version.hamt).cursor();
    while (cursor.next()) {
      const inner = this.rebuildMap(this.before.reader(cursor.value).cid());
      out.set(cursor.key, this.after.writer().cid(inner).finish());
    }
    return out.flush();
  }
}
