/** The init actor's address map. Source: specs-actors builtin/init/init_actor_state.go. */
import { MapOf, addressKey } from "../../runtime/collections";
import { Runtime } from "../../runtime/runtime";
import { Address } from "../../types/address";
import { I64 } from "../../types/codec";
import { InitState } from "./codec.gen";

/** Gives `address` the next actor id and returns the ID address. */
export function mapAddress(rt: Runtime, st: InitState, address: Address): Address {
  const id = st.nextID;
  st.nextID++;
  const map = MapOf.load<I64>(rt, st.addressMap);
  map.put(addressKey(address), I64.of(<i64>id));
  st.addressMap = map.root();
  return Address.id(id);
}
