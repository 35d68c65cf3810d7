/**
 * Data cap: bytes of verified data that a client may still store. Until actors v8 the verified registry keeps it; from v9 on it is a
 * token of an actor of its own, 10^18 a byte. Source: builtin-actors v9.0.3 and v18.0.0 actors/datacap/src/lib.rs, fil_actors_runtime
 * (TOKEN_PRECISION), frc46_token state.
 */
import type { BlockSource } from "../storage/contract.ts";
import { type HamtWidth, hamtGet } from "../storage/hamt.ts";
import type { Address, NetworkPrefix } from "../types/address.ts";
import { bytesToBig } from "../types/amount.ts";
import { parseCid } from "../types/cid.ts";
import { DATACAP, VERIFIED_REGISTRY } from "../types/singletons.ts";
import { type JsonObject, ObjectReader } from "./actor-reader.ts";
import { uvarint } from "./miner-reader.ts";
import { StateError, type StateView } from "./state-view.ts";

const A_BYTE = 10n ** 18n;

/** Bytes that the client with an ID address has left; null for nobody. */
export async function dataCapOf(
  blocks: BlockSource,
  view: StateView,
  prefix: NetworkPrefix,
  id: Address,
): Promise<bigint | null> {
  const registry = await ObjectReader.open(blocks, await view.requireActor(VERIFIED_REGISTRY), prefix);
  if (registry.has("VerifiedClients")) {
    const cap = await registry.element("VerifiedClients", id.bytes);
    return cap === null ? null : BigInt(cap as string);
  }
  const actor = await ObjectReader.open(blocks, await view.requireActor(DATACAP), prefix);
  const { Balances: balances, HamtBitWidth: bits } = actor.field("Token") as JsonObject;
  const root = parseCid((balances as { readonly "/": string })["/"]);
  const found = await hamtGet(blocks, root, uvarint(id.actorId as bigint), undefined, Number(bits) as HamtWidth);
  if (found === undefined) return null;
  if (!(found instanceof Uint8Array))
    throw new StateError({ code: "BAD_STATE", reason: "data cap" }, `the balance of ${id} is no amount`);
  return bytesToBig(found) / A_BYTE;
}
