/**
 * The circulating supply and its parts, read from a state. What actors see is computed in the core, by the same rules
 * (`assembly/vm/circulating-supply.ts`); a test compares the two. Amounts in attoFIL.
 * Source: lotus chain/stmgr/supply.go at b835fab702eb; from network version 23 on what markets lock counts as circulating.
 */
import type { GenesisSupply, Vesting } from "../core/vm.ts";
import type { StateView } from "../state/state-view.ts";
import { loadNode } from "../storage/amt.ts";
import type { BlockSource } from "../storage/contract.ts";
import { Address } from "../types/address.ts";
import { bytesToBig } from "../types/amount.ts";
import { BURNT_FUNDS, MARKET, POWER, RESERVE, REWARD } from "../types/singletons.ts";

export type SupplyParts = {
  readonly vested: bigint;
  readonly mined: bigint;
  readonly burnt: bigint;
  readonly locked: bigint;
  readonly reserveDisbursed: bigint;
  /** The sum, not below 0. */
  readonly circulating: bigint;
};

// Positions in the state tuples, as in the core.
const REWARD_TOTAL = 8;
const POWER_TOTAL_PLEDGE = 4;
const MARKET_LOCKED = [8, 9, 10] as const;
const MARKET_CIRCULATES_FROM = 23;

/** The parts at an epoch in a state. A supply that is a fixed amount has no parts: all of it counts as vested. */
export async function supplyParts(
  supply: bigint | GenesisSupply,
  { epoch, networkVersion }: { readonly epoch: number; readonly networkVersion: number },
  view: StateView,
  blocks: BlockSource,
): Promise<SupplyParts> {
  if (typeof supply === "bigint")
    return { vested: supply, mined: 0n, burnt: 0n, locked: 0n, reserveDisbursed: 0n, circulating: supply };
  const balance = async (address: Address): Promise<bigint> => (await view.requireActor(address)).balance;
  const amounts = async (address: Address, positions: readonly number[]): Promise<bigint> => {
    const state = (await loadNode(blocks, (await view.requireActor(address)).head)) as unknown[];
    return positions.reduce((sum, at) => sum + bytesToBig(state[at] as Uint8Array), 0n);
  };
  let vested = 0n;
  for (const one of epoch <= supply.ignitionEpoch ? supply.earlyVestings : supply.lateVestings)
    vested += unlocked(one, epoch);
  for (const { id, balance: first } of supply.accounts) {
    const spent = first - (await balance(Address.id(id)));
    if (spent > 0n) vested += spent;
  }
  const early = epoch <= supply.secondActorsEpoch;
  if (early) vested += supply.genesisPledge + supply.genesisMarketFunds;
  const mined = await amounts(REWARD, [REWARD_TOTAL]);
  const burnt = await balance(BURNT_FUNDS);
  const inMarket = networkVersion < MARKET_CIRCULATES_FROM ? await amounts(MARKET, MARKET_LOCKED) : 0n;
  const locked = inMarket + (await amounts(POWER, [POWER_TOTAL_PLEDGE]));
  const reserveDisbursed = early ? 0n : supply.initialReserve - (await balance(RESERVE));
  const sum = vested + mined + reserveDisbursed - burnt - locked;
  return { vested, mined, burnt, locked, reserveDisbursed, circulating: sum < 0n ? 0n : sum };
}

/** What of an amount is unlocked: linear by whole units an epoch, the division rounding first. */
function unlocked({ amount, duration, start }: Vesting, epoch: number): bigint {
  const passed = epoch - start;
  if (passed >= duration) return amount;
  if (passed < 0) return 0n;
  return amount - (amount / BigInt(duration)) * BigInt(duration - passed);
}
