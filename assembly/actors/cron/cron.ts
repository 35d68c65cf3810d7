/**
 * Cron: calls a fixed list of methods at the end of every epoch.
 *
 * The system calls it after all messages of an epoch, also of a null round. Whether a call succeeds does not matter.
 * Source: specs-actors builtin/cron, the same in both generations.
 */
import { Big } from "../../base/big";
import { Bytes, EMPTY } from "../../base/bytes";
import { ActorDef, NOTHING } from "../../runtime/actor";
import { Runtime } from "../../runtime/runtime";
import { SYSTEM } from "../../types/singletons";
import { ConstructorParams, CronState } from "./codec.gen";

export function cronActor(): ActorDef {
  return new ActorDef("cron").asSingleton().method(1, "Constructor", construct).method(2, "EpochTick", epochTick);
}

/** Allowed: the system. */
function construct(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<ConstructorParams>(params);
  rt.allowOnly([SYSTEM]);
  const st = new CronState();
  st.entries = p.entries;
  rt.create(st);
  return NOTHING;
}

/** Allowed: the system. */
function epochTick(rt: Runtime, _params: Bytes): Bytes {
  rt.allowOnly([SYSTEM]);
  const st = rt.state<CronState>();
  for (let i = 0; i < st.entries.length; i++) {
    const entry = st.entries[i];
    rt.send(entry.receiver, entry.methodNum, EMPTY, Big.ZERO);
  }
  return NOTHING;
}
