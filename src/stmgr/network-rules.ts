/** The rules of a network at an epoch, as execution takes them: versions, circulating supply, upgrades of the state. */
import type { GenesisSupply } from "../core/vm.ts";
import type { ExecutionRules, StateUpgrade } from "../exec/types.ts";
import { upgradeTo } from "../exec/upgrades.ts";
import { type NetworkParams, networkVersionAt } from "../params/networks.ts";
import { MAINNET_SUPPLY } from "../params/supply.ts";
import { findVersion } from "../schema/versions/rows.ts";
import { describeCode, StateView } from "../state/state-view.ts";
import { loadNode } from "../storage/amt.ts";
import type { BlockSource } from "../storage/contract.ts";
import { bytesToBig } from "../types/amount.ts";
import type { CID } from "../types/cid.ts";
import { BURNT_FUNDS, MARKET, POWER } from "../types/singletons.ts";

/** Rules of the main network, with what its genesis state fixes. */
export async function mainnetRules(
  network: NetworkParams,
  blocks: BlockSource,
  genesisState: CID,
): Promise<ExecutionRules> {
  return {
    networkVersionAt: (epoch) => networkVersionAt(network, epoch),
    circulatingSupply: await mainnetSupply(blocks, genesisState),
    upgrades: [{ epoch: MAINNET_SUPPLY.secondActorsEpoch, name: "actors-v2" }],
  };
}

async function mainnetSupply(blocks: BlockSource, genesisState: CID): Promise<GenesisSupply> {
  const view = await StateView.open(blocks, genesisState);
  const accounts: { id: bigint; balance: bigint }[] = [];
  for await (const [address, entry] of view.entries())
    if (describeCode(entry.code)?.actor.name === "account" && !address.equals(BURNT_FUNDS))
      accounts.push({ id: address.actorId ?? 0n, balance: entry.balance });
  const market = (await loadNode(blocks, (await view.requireActor(MARKET)).head)) as unknown[];
  const power = (await loadNode(blocks, (await view.requireActor(POWER)).head)) as unknown[];
  const amount = (value: unknown): bigint => bytesToBig(value as Uint8Array);
  // The last three fields of the market's state are its locked totals; the fifth of power's is the pledge.
  return {
    ...MAINNET_SUPPLY,
    genesisMarketFunds: market.slice(-3).reduce<bigint>((sum, value) => sum + amount(value), 0n),
    genesisPledge: amount(power[4]),
    accounts,
  };
}

/**
 * Rules of a local network whose actors are those of the second generation from genesis on. Its accounts are paid from
 * the reserve, so what they were given counts as disbursed. `initialReserve`: attoFIL in the reserve before that.
 */
export function localRules(network: NetworkParams, initialReserve: bigint): ExecutionRules {
  return {
    networkVersionAt: (epoch) => networkVersionAt(network, epoch),
    upgrades: localUpgrades(network),
    circulatingSupply: {
      earlyVestings: [],
      lateVestings: [],
      ignitionEpoch: -1,
      secondActorsEpoch: -1,
      genesisPledge: 0n,
      genesisMarketFunds: 0n,
      initialReserve,
      accounts: [],
    },
  };
}

/** Changes of the state on the way of a local network: where the actors change, after the last epoch before. */
function localUpgrades({ upgrades }: NetworkParams): readonly StateUpgrade[] {
  const actorsAt = (version: number): number => findVersion(version)?.actors ?? 0;
  return upgrades.slice(1).flatMap(({ epoch, networkVersion }, i) => {
    const before = actorsAt(upgrades[i]?.networkVersion ?? 0);
    const after = actorsAt(networkVersion);
    return after === before ? [] : [{ epoch: epoch - 1, name: upgradeTo(after) }];
  });
}
