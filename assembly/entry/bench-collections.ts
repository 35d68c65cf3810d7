/** For the bench only: maps and arrays filled and read inside the core, over blocks kept in the core's memory. */
import { be64, Bytes } from "../base/bytes";
import { Amt } from "../ipld/amt";
import { CborWriter } from "../ipld/cbor-writer";
import { Cid, cidOf } from "../ipld/cid";
import { Hamt } from "../ipld/hamt";
import { BlockStore } from "../ipld/store";

class MapStore extends BlockStore {
  private readonly blocks: Map<string, Bytes> = new Map<string, Bytes>();

  get(cid: Cid): Bytes {
    return this.blocks.get(keyOf(cid));
  }

  put(block: Bytes): Cid {
    const cid = cidOf(block);
    this.blocks.set(keyOf(cid), block);
    return cid;
  }

  fail(_why: string): void {
    unreachable();
  }
}

function keyOf(cid: Cid): string {
  let key = "";
  for (let i = 6; i < 22; i++) key += String.fromCharCode(cid.bytes[i]);
  return key;
}

function valueOf(i: i32): Bytes {
  return new CborWriter().u64(<u64>i).finish();
}

let store: MapStore = new MapStore();
let root: Cid = new Cid(new StaticArray<u8>(0));

/** Sets keys 0 to n-1 (eight bytes, big-endian) and writes the map. */
export function hamtFill(n: i32): void {
  store = new MapStore();
  const map = Hamt.empty(store, 2);
  for (let i = 0; i < n; i++) map.set(be64(<u64>i), valueOf(i));
  root = map.flush();
}

/** Opens the map and reads every key. Returns how many were there. */
export function hamtRead(n: i32): i32 {
  const map = Hamt.load(store, root, 2);
  let found = 0;
  for (let i = 0; i < n; i++) if (map.get(be64(<u64>i)) !== null) found++;
  return found;
}

export function amtFill(n: i32): void {
  store = new MapStore();
  const array = Amt.empty(store);
  for (let i = 0; i < n; i++) array.set(<u64>i, valueOf(i));
  root = array.flush();
}

export function amtRead(n: i32): i32 {
  const array = Amt.load(store, root);
  let found = 0;
  for (let i = 0; i < n; i++) if (array.get(<u64>i) !== null) found++;
  return found;
}

export function collect(): void {
  __collect();
}
