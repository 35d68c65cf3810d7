/**
 * The tree from which a new network starts: singleton actors without history. Their constructors are called afterwards,
 * as implicit messages, so nothing here knows the state of any actor.
 */
import { Bytes } from "../base/bytes";
import { CborReader } from "../ipld/cbor-reader";
import { CborWriter } from "../ipld/cbor-writer";
import { Cid } from "../ipld/cid";
import { Hamt } from "../ipld/hamt";
import { BlockStore } from "../ipld/store";
import { stateTreeHamt, versionAt } from "../runtime/versions.gen";
import { readAddress } from "../types/address";
import { ActorEntry, StateRoot } from "../types/chain.gen";

/**
 * Builds the tree of [network version, [[ID address, code, balance, state or null]…]] and returns its root, or null if
 * the description is malformed. Without a state an actor's head is the empty list, as for any new actor.
 */
export function buildGenesisTree(store: BlockStore, description: Bytes): Cid | null {
  const r = new CborReader(description, 2);
  r.tuple(2);
  const version = versionAt(r.i64());
  const count = r.array();
  if (version === null) return null;
  const empty = store.put(new CborWriter().array(0).finish());
  const actors = Hamt.empty(store, stateTreeHamt(version.stateTree));
  for (let i = 0; i < count && r.ok; i++) {
    r.tuple(4);
    const id = readAddress(r);
    const actor = new ActorEntry();
    actor.code = r.cid();
    actor.balance = r.big();
    actor.head = empty;
    if (r.isNull()) r.skipNull();
    else actor.head = store.put(r.bytes());
    if (r.ok && id.isId) actors.set(id.bytes, actor.encode(2));
  }
  r.finish();
  if (!r.ok) return null;
  const map = actors.flush();
  if (version.stateTree == 0) return map;
  const root = new StateRoot();
  root.version = version.stateTree;
  root.actors = map;
  root.info = empty;
  return store.put(root.encode(2));
}
