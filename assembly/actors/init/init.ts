/**
 * Init actor (f01): makes actors and gives out actor ids; its state maps robust addresses to ids.
 * Source: specs-actors v0.9.12 and v2.1.0, builtin/init.
 */
import { Bytes } from "../../base/bytes";
import { Cid } from "../../ipld/cid";
import { ActorDef, builtinCode, NOTHING } from "../../runtime/actor";
import { MapOf } from "../../runtime/collections";
import { Runtime } from "../../runtime/runtime";
import { I64 } from "../../types/codec";
import { ERR_FORBIDDEN } from "../../types/exit-code";
import { FIRST_NON_SINGLETON_ID, SYSTEM } from "../../types/singletons";
import { ConstructorParams, ExecParams, ExecReturn, InitState } from "./codec.gen";
import * as sends from "./sends";
import { mapAddress } from "./state";

export function initActor(): ActorDef {
  return new ActorDef("init").asSingleton().method(1, "Constructor", construct).method(2, "Exec", exec);
}

/** Starts with an empty map. Allowed: the system. */
function construct(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<ConstructorParams>(params);
  rt.allowOnly([SYSTEM]);
  const st = new InitState();
  st.addressMap = MapOf.empty<I64>(rt).root();
  st.nextID = FIRST_NON_SINGLETON_ID;
  st.networkName = p.networkName;
  rt.create(st);
  return NOTHING;
}

/** Makes an actor and runs its constructor. Allowed: anybody. Exits: 18 for a type that the caller may not make. */
function exec(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<ExecParams>(params);
  rt.allowAny();
  const callerCode = rt.codeOf(rt.caller);
  rt.invariant(callerCode !== null, "the caller has no code");
  rt.require(canExec(rt, callerCode!, p.codeCID), ERR_FORBIDDEN, "caller's type may not make this actor");

  // An address that stays the same if a reorganisation gives the actor another id.
  const robust = rt.newActorAddress();
  const st = rt.begin<InitState>();
  const id = mapAddress(rt, st, robust);
  rt.commit(st);

  rt.createActor(p.codeCID, id);
  sends.construct(rt, id, p.constructorParams);

  const made = new ExecReturn();
  made.idAddress = id;
  made.robustAddress = robust;
  return rt.encode(made);
}

/** Miners are made by the power actor only; payment channels and multisigs by anybody; nothing else. */
function canExec(rt: Runtime, caller: Cid, code: Cid): bool {
  const actors = rt.actorsVersion;
  if (code.eq(builtinCode(actors, "storageminer"))) return caller.eq(builtinCode(actors, "storagepower"));
  return code.eq(builtinCode(actors, "paymentchannel")) || code.eq(builtinCode(actors, "multisig"));
}
