/**
 * Storm actor: what the chaos actor cannot do to a machine. Test builds only, not part of any corpus.
 *
 * Many aborts in one message, calls nested as deep as asked, a failed assertion, a stack without end, hoarded memory.
 */
import { Big } from "../../base/big";
import { Bytes, EMPTY } from "../../base/bytes";
import { ActorDef, NOTHING } from "../../runtime/actor";
import { Runtime } from "../../runtime/runtime";
import { U64 } from "../../types/codec";

const ABORT: u64 = 3;
const DIVE: u64 = 4;
/** Exit code of `abort`. */
const STORM: i32 = 33;

export function stormActor(): ActorDef {
  return new ActorDef("storm")
    .method(2, "AbortMany", abortMany)
    .method(3, "Abort", abort)
    .method(4, "Dive", dive)
    .method(5, "Assert", failAssertion)
    .method(6, "Recurse", recurse)
    .method(7, "Hoard", hoard);
}

/** Calls `abort` so many times; returns how often the call failed as it should. */
function abortMany(rt: Runtime, params: Bytes): Bytes {
  const times = rt.params<U64>(params).value;
  rt.allowAny();
  let failed: u64 = 0;
  for (let i: u64 = 0; i < times; i++) {
    if (rt.send(rt.receiver, ABORT, EMPTY, Big.ZERO).code == STORM) failed++;
  }
  return rt.encode(U64.of(failed));
}

function abort(rt: Runtime, _params: Bytes): Bytes {
  rt.allowAny();
  rt.abort(STORM, "storm");
  return NOTHING;
}

/** Calls itself so many times, each call inside of the one before; returns how deep it came. */
function dive(rt: Runtime, params: Bytes): Bytes {
  const depth = rt.params<U64>(params).value;
  rt.allowAny();
  if (depth == 0) return rt.encode(U64.of(0));
  const sent = rt.send(rt.receiver, DIVE, rt.encode(U64.of(depth - 1)), Big.ZERO);
  if (!sent.ok) rt.abort(sent.code, "deeper call failed");
  return rt.encode(U64.of(rt.returned<U64>(sent.value).value + 1));
}

function failAssertion(rt: Runtime, _params: Bytes): Bytes {
  rt.allowAny();
  assert(false, "storm");
  return NOTHING;
}

function recurse(rt: Runtime, _params: Bytes): Bytes {
  rt.allowAny();
  return rt.encode(U64.of(endless(1)));
}

function endless(value: u64): u64 {
  return value == 0 ? 0 : endless(value + 1) + 1;
}

/** Keeps so many MiB. */
function hoard(rt: Runtime, params: Bytes): Bytes {
  const mebibytes = rt.params<U64>(params).value;
  rt.allowAny();
  const kept: Array<Bytes> = [];
  for (let i: u64 = 0; i < mebibytes; i++) kept.push(new StaticArray<u8>(1 << 20));
  return rt.encode(U64.of(kept.length));
}
