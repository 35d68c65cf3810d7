/**
 * The actors of a bundle, as the state names them: the system actor's state leads to the list of [name, code CID]; an actor's
 * type is its place in the list, from 1 on.
 * Source: ref-fvm fvm/src/machine/manifest.rs, system_actor.rs.
 */
import { toText } from "../base/bytes";
import { CborReader } from "../ipld/cbor-reader";
import { Cid } from "../ipld/cid";
import { FreeStore } from "../vm/block-store";

/** Actors of which there is one each; the second generation makes no others of them. */
const SINGLETONS: StaticArray<string> = [
  "system", "init", "reward", "cron", "storagepower", "storagemarket", "verifiedregistry",
];

@final
export class Manifest {
  private readonly names: Array<string> = [];
  private readonly codes: Array<Cid> = [];

  private constructor() {}

  /** Reads the manifest that the system actor's state, at `head`, leads to. */
  static load(store: FreeStore, head: Cid): Manifest {
    const state = new CborReader(store.get(head));
    state.tuple(1);
    const link = state.cid();
    if (!state.ok) store.fail("the system actor's state names no manifest");
    const r = new CborReader(store.get(link));
    const manifest = new Manifest();
    const count = r.array();
    for (let i = 0; i < count && r.ok; i++) {
      r.tuple(2);
      manifest.names.push(toText(r.text()));
      manifest.codes.push(r.cid());
    }
    if (!r.ok) store.fail("the manifest of the actors does not decode");
    return manifest;
  }

  /** Type of a code: its place in the manifest, or 0. */
  typeOf(code: Cid): i32 {
    for (let i = 0; i < this.codes.length; i++) if (this.codes[i].eq(code)) return i + 1;
    return 0;
  }

  codeOf(type: u32): Cid | null {
    return type == 0 || type > <u32>this.codes.length ? null : this.codes[type - 1];
  }

  /** The code of an actor by its name, or null. */
  named(name: string): Cid | null {
    for (let i = 0; i < this.names.length; i++) if (this.names[i] == name) return this.codes[i];
    return null;
  }

  is(code: Cid, name: string): bool {
    const type = this.typeOf(code);
    return type != 0 && this.names[type - 1] == name;
  }

  isSingleton(code: Cid): bool {
    const type = this.typeOf(code);
    return type != 0 && SINGLETONS.includes(this.names[type - 1]);
  }
}
