/**
 * Verified registry: the keys of both cap tables become ID addresses. A key that the init actor does not know yet gets an
 * account, as if it had received a transfer.
 */
import { Cid } from "../../ipld/cid";
import { addressKey, MapOf } from "../../runtime/collections";
import { Address, PROTOCOL_BLS, PROTOCOL_SECP256K1 } from "../../types/address";
import { ActorEntry } from "../../types/chain.gen";
import { Amount, I64 } from "../../types/codec";
import { INIT } from "../../types/singletons";
import { builtinCode } from "../../runtime/actor";
import { AccountState } from "../account/codec.gen";
import { InitState } from "../init/codec.gen";
import { VerifregState } from "../verifreg/codec.gen";
import { Sides } from "./stores";

export function upgradeVerifreg(sides: Sides, head: Cid, actors: MapOf<ActorEntry>): Cid {
  const st = sides.before.object<VerifregState>(head);
  st.verifiers = upgradeCaps(sides, st.verifiers, actors);
  st.verifiedClients = upgradeCaps(sides, st.verifiedClients, actors);
  if (!st.rootKey.isId) sides.before.fail("the root key of the verified registry is no ID address");
  return sides.after.putObject(st);
}

function upgradeCaps(sides: Sides, root: Cid, actors: MapOf<ActorEntry>): Cid {
  const entry = actors.get(addressKey(INIT));
  if (entry === null) {
    sides.before.fail("there is no init actor");
    return root;
  }
  const init = sides.after.object<InitState>(entry.head);
  const out = MapOf.empty<Amount>(sides.after);
  const cursor = MapOf.load<Amount>(sides.before, root).cursor();
  while (cursor.next()) {
    const id = idOf(sides, new Address(cursor.key), init, actors);
    out.put(addressKey(id), cursor.value());
  }
  entry.head = sides.after.putObject(init);
  actors.put(addressKey(INIT), entry);
  return out.root();
}

function idOf(sides: Sides, address: Address, init: InitState, actors: MapOf<ActorEntry>): Address {
  if (address.isId) return address;
  const map = MapOf.load<I64>(sides.after, init.addressMap);
  const known = map.get(addressKey(address));
  if (known !== null) return Address.id(<u64>known.value);
  if (address.protocol != PROTOCOL_SECP256K1 && address.protocol != PROTOCOL_BLS) {
    sides.before.fail("a data cap belongs to an unknown address without key");
  }
  const id = init.nextID++;
  map.put(addressKey(address), I64.of(<i64>id));
  init.addressMap = map.root();

  const account = new AccountState();
  account.address = address;
  const actor = new ActorEntry();
  actor.code = builtinCode(2, "account");
  actor.head = sides.after.putObject(account);
  actors.put(addressKey(Address.id(id)), actor);
  return Address.id(id);
}
