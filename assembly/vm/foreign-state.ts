/**
 * The few fields of actors' states that the machine itself must know: key addresses, block keys.
 *
 * The machine shares no code with the actors; positions are those of the state tuples.
 * Sources: specs-actors v0.9.12 and v2.1.0, builtin/{account,miner}.
 */
import { CborReader } from "../ipld/cbor-reader";
import { Cid } from "../ipld/cid";
import { BlockStore } from "../ipld/store";
import { Address, PROTOCOL_BLS, PROTOCOL_SECP256K1, readAddress } from "../types/address";
import { ActorEntry } from "../types/chain.gen";
import { Registry } from "./registry";
import { StateTree } from "./state-tree";

/**
 * The key address of an account, which `address` may be already; null if there is none. Reads the account's state
 * through `store`, which may charge.
 */
export function keyAddressOf(address: Address, tree: StateTree, registry: Registry, store: BlockStore): Address | null {
  if (isKey(address)) return address;
  const actor = actorOf("account", address, tree, registry);
  if (actor === null) return null;
  const r = new CborReader(store.get(actor.head));
  r.tuple(1);
  const key = readAddress(r);
  return r.ok ? key : null;
}

/** The worker's address of a miner, as its info has it; null if there is no such miner. */
export function workerOf(miner: Address, tree: StateTree, registry: Registry, store: BlockStore): Address | null {
  const actor = actorOf("storageminer", miner, tree, registry);
  if (actor === null) return null;
  const state = new CborReader(store.get(actor.head));
  state.array();
  const info = state.cid();
  if (!state.ok) return null;
  const r = new CborReader(store.get(info));
  r.array();
  readAddress(r);
  const worker = readAddress(r);
  return r.ok ? worker : null;
}

/** Field `position` of a state tuple, as a reader standing on it. */
export function fieldOf(head: Cid, position: i32, store: BlockStore): CborReader {
  const r = new CborReader(store.get(head));
  r.array();
  for (let i = 0; i < position; i++) r.raw();
  return r;
}

function isKey(address: Address): bool {
  return address.protocol == PROTOCOL_BLS || address.protocol == PROTOCOL_SECP256K1;
}

function actorOf(name: string, address: Address, tree: StateTree, registry: Registry): ActorEntry | null {
  if (address.isUndef) return null;
  const actor = tree.at(address);
  if (actor === null) return null;
  const kind = registry.find(actor.code);
  return kind !== null && kind.def.name == name ? actor : null;
}
