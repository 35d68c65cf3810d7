/** Invariants of the verified registry. */
import { Cid } from "../../ipld/cid";
import { CheckContext } from "../../runtime/check";
import { MapOf } from "../../runtime/collections";
import { parseAddress } from "../../types/address";
import { Amount } from "../../types/codec";
import { VerifregState } from "./codec.gen";

export function checkVerifreg(st: VerifregState, at: CheckContext): void {
  at.that(st.rootKey.isId, "the root key is not an ID address");
  checkTable(st.verifiers, "verifier", at);
  checkTable(st.verifiedClients, "client", at);
  const clients = MapOf.load<Amount>(at, st.verifiedClients);
  const cursor = MapOf.load<Amount>(at, st.verifiers).cursor();
  while (cursor.next()) at.that(!clients.has(cursor.key), "a verifier is a client too");
}

function checkTable(root: Cid, what: string, at: CheckContext): void {
  const keysAreIds = at.version.verifregKeysAreIds;
  const cursor = MapOf.load<Amount>(at, root).cursor();
  while (cursor.next()) {
    const address = parseAddress(cursor.key);
    if (address === null) at.report.add("a " + what + "'s key is no address");
    else at.that(!keysAreIds || address.isId, "a " + what + " is not known by its ID address");
    at.that(!cursor.value().value.negative, "a " + what + "'s data cap is negative");
  }
}
