/**
 * The circulating supply added up actor by actor: what nobody locks, counts. The estimate that actors see
 * (`circulating-supply.ts`) is another number. Source: lotus chain/stmgr/supply.go (GetCirculatingSupply) at b835fab702eb,
 * for network versions before 23.
 */
import { ObjectReader } from "../state/actor-reader.ts";
import { availableBalance } from "../state/miner-reader.ts";
import { lockedAt } from "../state/multisig-reader.ts";
import { type ActorEntry, describeCode, type StateView } from "../state/state-view.ts";
import type { BlockSource } from "../storage/contract.ts";
import type { Address } from "../types/address.ts";
import { StateManagerError } from "./errors.ts";

/** System, init, reward, cron, power, verified registry, data cap, Ethereum address manager, saft, reserve, burnt. */
const NEVER = new Set([0n, 1n, 2n, 3n, 4n, 6n, 7n, 10n, 122n, 90n, 99n]);
const MARKET = 5n;
const MARKET_LOCKS = ["TotalClientLockedCollateral", "TotalProviderLockedCollateral", "TotalClientStorageFee"] as const;

/** attoFIL. `step` is awaited for every actor: states are large. */
export async function exactSupply(
  view: StateView,
  blocks: BlockSource,
  epoch: number,
  step: () => Promise<void> | undefined,
): Promise<bigint> {
  let sum = 0n;
  for await (const [address, entry] of view.entries()) {
    await step();
    if (entry.balance > 0n) sum += await circulating(address, entry, blocks, epoch);
  }
  return sum;
}

async function circulating(address: Address, entry: ActorEntry, blocks: BlockSource, epoch: number): Promise<bigint> {
  const id = address.actorId ?? -1n;
  if (NEVER.has(id)) return 0n;
  const found = describeCode(entry.code);
  const open = (): Promise<ObjectReader> => ObjectReader.open(blocks, entry, "f");
  if (id === MARKET) {
    const market = await open();
    return MARKET_LOCKS.reduce((rest, name) => rest - BigInt(market.field(name) as string), entry.balance);
  }
  switch (found?.actor.name) {
    case "account":
    case "paymentchannel":
      return entry.balance;
    case "storageminer": {
      const free = availableBalance(await open(), entry.balance);
      return free < 0n ? 0n : free;
    }
    case "multisig": {
      const free = entry.balance - lockedAt(await open(), found.actorsVersion, epoch);
      return free < 0n ? 0n : free;
    }
    default:
      throw new StateManagerError(
        { code: "UNEXPECTED_ACTOR", address: `${address}` },
        `${address} is an actor whose supply is not known`,
      );
  }
}
