/**
 * Chaos actor (f098): breaks the machine's rules on request. Test builds only; the conformance corpus calls it.
 *
 * Its code keeps the name of the first generation for every network version, and any network version may call it.
 * Source: lotus v1.0.0 conformance/chaos/actor.go.
 */
import { Bytes, concat, EMPTY, equal, toText, utf8 } from "../../base/bytes";
import { Cid } from "../../ipld/cid";
import { ActorDef, NOTHING } from "../../runtime/actor";
import { Runtime } from "../../runtime/runtime";
import { Address } from "../../types/address";
import { AddressItem } from "../../types/codec";
import { SYS_FORBIDDEN } from "../../types/exit-code";
import {
  AbortWithArgs,
  CallerValidationArgs,
  ChaosState,
  CreateActorArgs,
  InspectRuntimeReturn,
  MutateStateArgs,
  ResolveAddressResponse,
  SendArgs,
  SendReturn,
} from "./codec.gen";

export function chaosActor(): ActorDef {
  return new ActorDef("chaos")
    .asSingleton()
    .method(1, "Constructor", construct)
    .method(2, "CallerValidation", validateCaller)
    .method(3, "CreateActor", createActor)
    .method(4, "ResolveAddress", resolveAddress)
    .method(5, "DeleteActor", deleteActor)
    .method(6, "Send", send)
    .method(7, "MutateState", mutateState)
    .method(8, "AbortWith", abortWith)
    .method(9, "InspectRuntime", inspectRuntime);
}

function construct(rt: Runtime, _params: Bytes): Bytes {
  rt.trap("the chaos actor is a singleton");
  return NOTHING;
}

/** Checks the caller not at all (0), twice (1), by address (2) or by code (3). */
function validateCaller(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<CallerValidationArgs>(params);
  if (p.branch == 1) {
    rt.allowAny();
    rt.allowAny();
  } else if (p.branch == 2) rt.allowOnly(p.addrs);
  else if (p.branch == 3) allowCodes(rt, p.types);
  else if (p.branch != 0) rt.trap("unknown branch");
  return NOTHING;
}

function allowCodes(rt: Runtime, codes: Array<Cid>): void {
  rt.allowAny();
  const code = rt.codeOf(rt.caller);
  for (let i = 0; i < codes.length; i++) if (code !== null && equal(code.bytes, codes[i].bytes)) return;
  rt.abort(SYS_FORBIDDEN, "caller's code is not allowed");
}

function createActor(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<CreateActorArgs>(params);
  rt.allowAny();
  const code = p.undefActorCID ? new Cid(EMPTY) : p.actorCID;
  rt.createActor(code, p.undefAddress ? Address.UNDEF : p.address);
  return NOTHING;
}

function resolveAddress(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<AddressItem>(params);
  rt.allowAny();
  const found = rt.resolveAddress(p.value);
  const out = new ResolveAddressResponse();
  out.address = found === null ? Address.id(0) : found;
  out.success = found !== null;
  return rt.encode(out);
}

function deleteActor(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<AddressItem>(params);
  rt.allowAny();
  rt.deleteActor(p.value);
  return NOTHING;
}

function send(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<SendArgs>(params);
  rt.allowAny();
  const sent = rt.send(p.to, p.method, p.params, p.value);
  const out = new SendReturn();
  out.return = sent.value;
  out.code = sent.code;
  return rt.encode(out);
}

/** Changes the state in a transaction (0), on a copy for reading (1), or also after the transaction (2). */
function mutateState(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<MutateStateArgs>(params);
  rt.allowAny();
  if (p.branch == 0 || p.branch == 2) {
    const st = rt.begin<ChaosState>();
    st.value = p.branch == 0 ? p.value : concat(p.value, utf8("-in"));
    rt.commit(st);
    // What is done to the copy from here on is not saved.
    st.value = p.value;
  } else if (p.branch == 1) {
    const st = rt.state<ChaosState>();
    st.value = p.value;
  } else rt.trap("unknown branch");
  return NOTHING;
}

/** Fails with any code, or as a broken actor. */
function abortWith(rt: Runtime, params: Bytes): Bytes {
  const p = rt.params<AbortWithArgs>(params);
  if (p.uncontrolled) rt.trap(toText(p.message));
  rt.abort(<i32>p.code, toText(p.message));
  return NOTHING;
}

function inspectRuntime(rt: Runtime, _params: Bytes): Bytes {
  rt.allowAny();
  const out = new InspectRuntimeReturn();
  out.state = rt.state<ChaosState>();
  out.caller = rt.caller;
  out.receiver = rt.receiver;
  out.valueReceived = rt.valueReceived;
  out.currEpoch = rt.epoch;
  out.currentBalance = rt.currentBalance();
  return rt.encode(out);
}
