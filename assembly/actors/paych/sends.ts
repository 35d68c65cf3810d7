/** What a payment channel sends to others. */
import { Big } from "../../base/big";
import { Bytes, EMPTY } from "../../base/bytes";
import { METHOD_SEND, requireSuccess } from "../../runtime/builtin";
import { Runtime } from "../../runtime/runtime";
import { Address } from "../../types/address";
import { ModVerifyParams, PaymentVerifyParams } from "./codec.gen";

/** The call that a voucher demands; v0 wraps the payer's data together with the payee's proof, v2 passes it on bare. */
export function verifyPayment(rt: Runtime, extra: ModVerifyParams, proof: Bytes): void {
  let params = extra.data;
  if (rt.version.paychWrapsProof) {
    const wrapped = new PaymentVerifyParams();
    wrapped.extra = extra.data;
    wrapped.proof = proof;
    params = rt.encode(wrapped);
  }
  requireSuccess(rt, rt.send(extra.actor, extra.method, params, Big.ZERO), "spend voucher verification failed");
}

export function payOut(rt: Runtime, to: Address, amount: Big): void {
  requireSuccess(rt, rt.send(to, METHOD_SEND, EMPTY, amount), "failed to send funds to the payee");
}
