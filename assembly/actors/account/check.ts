/** Invariants of an account: apart from singletons, its address is a key. Source: specs-actors v2.1.0 account/testing.go. */
import { CheckContext } from "../../runtime/check";
import { PROTOCOL_BLS, PROTOCOL_SECP256K1 } from "../../types/address";
import { FIRST_NON_SINGLETON_ID } from "../../types/singletons";
import { AccountState } from "./codec.gen";

export function checkAccount(st: AccountState, at: CheckContext): void {
  if (at.address.isId && at.address.actorId < FIRST_NON_SINGLETON_ID) return;
  const isKey = st.address.protocol == PROTOCOL_SECP256K1 || st.address.protocol == PROTOCOL_BLS;
  at.that(isKey, "the account's address is no key");
}
