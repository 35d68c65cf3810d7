/**
 * `check.wasm`: invariant checks of a whole state. Conventions: `assembly/abi/host.ts`; of the imports only the blocks
 * and `fault` are used. One check per instance: `checkOpen` replaces the one before.
 */
import { MALFORMED, NOT_OPEN } from "../abi/engine";
import { StateCheck } from "../actors/check-state";
import { Bytes, bytesAt, EMPTY, ptrOf, utf8 } from "../base/bytes";
import { CborReader } from "../ipld/cbor-reader";
import { CborWriter } from "../ipld/cbor-writer";
import { findProfile } from "../runtime/profile.gen";
import { lastVersionWith } from "../runtime/versions.gen";
import { StateRoot } from "../types/chain.gen";
import { decode } from "../types/codec";
import { FreeStore } from "../vm/block-store";

let check: StateCheck | null = null;
let result: Bytes = EMPTY;

/** Memory for arguments. The host frees it. */
export function alloc(size: i32): usize {
  return heap.alloc(<usize>size);
}

export function free(at: usize): void {
  heap.free(at);
}

/** Where the bytes of the last answer lie, until the next call. */
export function resultPtr(): usize {
  return ptrOf(result);
}

/** Frees what is no longer used. Only between calls. */
export function collect(): void {
  __collect();
}

/**
 * Begins the check of a state: [state root, epoch of the tipset that it is the result of, profile of the network].
 * Profiles: `runtime/profile.gen.ts`. Returns 0 or `MALFORMED`.
 * The form of the root tells the version of the actors; rules of the last network version of each are taken.
 */
export function checkOpen(at: usize, length: i32): i32 {
  const r = new CborReader(bytesAt(at, length));
  r.tuple(3);
  const root = r.cid();
  const epoch = r.i64();
  const profile = findProfile(r.i64());
  r.finish();
  if (!r.ok || profile === null) return MALFORMED;
  const store = new FreeStore();
  const wrapped = decode<StateRoot>(store.get(root), 2);
  if (wrapped === null) check = new StateCheck(store, root, lastVersionWith(0), profile, epoch);
  else if (wrapped.version == 1) check = new StateCheck(store, wrapped.actors, lastVersionWith(2), profile, epoch);
  else return MALFORMED;
  return 0;
}

/** Looks at the next actor: 1, or 0 if there was none. */
export function checkStep(): i32 {
  const open = check;
  return open === null ? NOT_OPEN : open.step() ? 1 : 0;
}

/** Ends the check. Answers [complaints, actors, total attoFIL, miners without a claim]. */
export function checkFinish(): i32 {
  const open = check;
  if (open === null) return NOT_OPEN;
  open.finish();
  const w = new CborWriter();
  w.array(4);
  const complaints = open.report.complaints;
  w.array(complaints.length);
  for (let i = 0; i < complaints.length; i++) w.text(utf8(complaints[i]));
  w.i64(open.actors);
  w.big(open.total);
  w.i64(open.unclaimed);
  result = w.finish();
  check = null;
  return result.length;
}
