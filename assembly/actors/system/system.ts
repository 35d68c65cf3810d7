/**
 * System actor (f00): the sender of implicit messages. It does nothing by itself.
 * Source: specs-actors v0.9.12 and v2.1.0, builtin/system.
 */
import { Bytes } from "../../base/bytes";
import { ActorDef, NOTHING } from "../../runtime/actor";
import { Runtime } from "../../runtime/runtime";
import { SYSTEM } from "../../types/singletons";

/** State of the system actor: an empty tuple. */
const EMPTY_STATE: Bytes = [0x80];

export function systemActor(): ActorDef {
  return new ActorDef("system").asSingleton().method(1, "Constructor", construct);
}

/** Allowed: the system. */
function construct(rt: Runtime, _params: Bytes): Bytes {
  rt.allowOnly([SYSTEM]);
  rt.createState(EMPTY_STATE);
  return NOTHING;
}
