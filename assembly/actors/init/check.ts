/**
 * Invariants of the init actor. Source: specs-actors v2.1.0 init/testing.go; that two ids below 100 may stand for robust
 * addresses, lotus chain/gen/genesis/t01_init.go (SetupInitActor).
 */
import { CheckContext } from "../../runtime/check";
import { MapOf } from "../../runtime/collections";
import { parseAddress } from "../../types/address";
import { I64 } from "../../types/codec";
import { FIRST_NON_SINGLETON_ID } from "../../types/singletons";
import { InitState } from "./codec.gen";

/** Accounts that a genesis may give fixed ids: the root verifier, and the holder of what is left. */
const ROOT_VERIFIER_ID: i64 = 80;
const REMAINDER_ID: i64 = 90;

/** Number of addresses in the map. */
export function checkInit(st: InitState, at: CheckContext): i32 {
  at.that(st.networkName.length > 0, "the network has no name");
  at.that(st.nextID >= FIRST_NON_SINGLETON_ID, "the next id is a singleton's");
  const seen = new Set<i64>();
  const cursor = MapOf.load<I64>(at, st.addressMap).cursor();
  while (cursor.next()) {
    const address = parseAddress(cursor.key);
    const id = cursor.value().value;
    at.that(address !== null && !address.isId, "a key of the address map is no robust address");
    const isFixed = id == ROOT_VERIFIER_ID || id == REMAINDER_ID;
    at.that(isFixed || (id >= <i64>FIRST_NON_SINGLETON_ID && id < <i64>st.nextID), "id " + id.toString() + " was not given out");
    at.that(!seen.has(id), "id " + id.toString() + " stands for two addresses");
    seen.add(id);
  }
  return seen.size;
}
