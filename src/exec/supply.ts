/**
 * The circulating supply that actors of the FVM see, from a state that is open in its machine. attoFIL.
 * The native machine computes it in its core (`assembly/vm/circulating-supply.ts`).
 * Source: lotus chain/stmgr/supply.go at b835fab702eb: from network version 23 on what markets lock counts as circulating.
 */
import * as dagCbor from "@ipld/dag-cbor";
import type { Fvm } from "../core/fvm.ts";
import type { GenesisSupply, MachineContext } from "../core/vm.ts";
import type { Address } from "../types/address.ts";
import { bytesToBig } from "../types/amount.ts";
import { BURNT_FUNDS, MARKET, POWER, RESERVE, REWARD } from "../types/singletons.ts";

/** Places of totals in the states of reward, power and market, the same from actors v8 to v18. */
const REWARD_TOTAL = 8;
const POWER_TOTAL_PLEDGE = 4;
const MARKET_LOCKED = [8, 9, 10] as const;
const MARKET_CIRCULATES_FROM = 23;

/**
 * The supply at a place. Vesting as on the main network is not built for these versions: it throws `RangeError` for a supply that
 * has any.
 */
export function supplyIn(
  fvm: Pick<Fvm, "actor" | "block">,
  supply: GenesisSupply,
  { networkVersion }: Pick<MachineContext, "networkVersion">,
): bigint {
  if (supply.lateVestings.length > 0 || supply.accounts.length > 0)
    throw new RangeError("the circulating supply of a network with vesting funds is not known from version 16 on");
  const balance = (address: Address): bigint => fvm.actor(address)?.balance ?? 0n;
  const amounts = (address: Address, places: readonly number[]): bigint => {
    const actor = fvm.actor(address);
    if (actor === null) return 0n;
    const state = dagCbor.decode<unknown[]>(fvm.block(actor.head));
    return places.reduce((sum, at) => sum + amountOf(state[at]), 0n);
  };
  const mined = amounts(REWARD, [REWARD_TOTAL]);
  const disbursed = supply.initialReserve - balance(RESERVE);
  const pledged = amounts(POWER, [POWER_TOTAL_PLEDGE]);
  const inMarket = networkVersion < MARKET_CIRCULATES_FROM ? amounts(MARKET, MARKET_LOCKED) : 0n;
  const sum = mined + disbursed - balance(BURNT_FUNDS) - pledged - inMarket;
  return sum < 0n ? 0n : sum;
}

/** States of actors for tests may be empty lists. */
function amountOf(value: unknown): bigint {
  return value instanceof Uint8Array && value.length > 0 ? bytesToBig(value) : 0n;
}
