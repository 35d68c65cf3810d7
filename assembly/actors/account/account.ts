/**
 * Account actor: the owner of a key. It is made by the machine when value or a call first reaches a key address.
 * Source: specs-actors v0.9.12 and v2.1.0, builtin/account.
 */
import { Bytes } from "../../base/bytes";
import { ActorDef, NOTHING } from "../../runtime/actor";
import { Runtime } from "../../runtime/runtime";
import { PROTOCOL_BLS, PROTOCOL_SECP256K1 } from "../../types/address";
import { AddressItem } from "../../types/codec";
import { ERR_ILLEGAL_ARGUMENT } from "../../types/exit-code";
import { SYSTEM } from "../../types/singletons";
import { AccountState } from "./codec.gen";

export function accountActor(): ActorDef {
  return new ActorDef("account").method(1, "Constructor", construct).method(2, "PubkeyAddress", pubkeyAddress);
}

/** Stores the key address. Allowed: the system. Exits: 16 for an address that is no key. */
function construct(rt: Runtime, params: Bytes): Bytes {
  const address = rt.params<AddressItem>(params).value;
  rt.allowOnly([SYSTEM]);
  const isKey = address.protocol == PROTOCOL_SECP256K1 || address.protocol == PROTOCOL_BLS;
  rt.require(isKey, ERR_ILLEGAL_ARGUMENT, "an account's address must be a key");
  const st = new AccountState();
  st.address = address;
  rt.create(st);
  return NOTHING;
}

/** The key address. Allowed: anybody. */
function pubkeyAddress(rt: Runtime, _params: Bytes): Bytes {
  rt.allowAny();
  return rt.encode(AddressItem.of(rt.state<AccountState>().address));
}
