/** Messages that the init actor sends. */
import { Bytes } from "../../base/bytes";
import { METHOD_CONSTRUCTOR, requireSuccess } from "../../runtime/builtin";
import { Runtime } from "../../runtime/runtime";
import { Address } from "../../types/address";

/** Runs the constructor of a new actor, with the value that came with the call; ends with its exit code if it fails. */
export function construct(rt: Runtime, actor: Address, params: Bytes): void {
  requireSuccess(rt, rt.send(actor, METHOD_CONSTRUCTOR, params, rt.valueReceived), "constructor failed");
}
