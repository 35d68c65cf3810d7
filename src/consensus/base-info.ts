/**
 * What a miner must know to try for a block on top of a tipset.
 * Source: lotus chain/stmgr/actors.go (MinerGetBaseInfo).
 */
import type { EpochTimes } from "../beacon/drand.ts";
import { type BeaconSchedule, beaconAt } from "../beacon/networks.ts";
import { roundsDue } from "../beacon/rules.ts";
import type { BeaconSource } from "../beacon/source.ts";
import { latestBeaconEntry } from "../chain/randomness.ts";
import type { StateManager } from "../stmgr/state-manager.ts";
import type { Address } from "../types/address.ts";
import type { BeaconEntry, Tipset } from "../types/block-header.ts";
import { winningPostRandomness } from "./draws.ts";
import { minerStanding, powerTable, whyNotEligible } from "./power.ts";
import { type ChallengedSector, challengedSectors, type PickSector } from "./winning-post.ts";

export type MiningBase = {
  /** Quality-adjusted bytes in the lookback state. */
  readonly minerPower: bigint;
  readonly networkPower: bigint;
  /** Sectors that a winning PoSt must be about. */
  readonly sectors: readonly ChallengedSector[];
  /** Randomness of that PoSt. */
  readonly postRandomness: Uint8Array;
  /** Key address. */
  readonly worker: Address;
  readonly sectorSize: bigint;
  readonly previousEntry: BeaconEntry;
  /** Entries that the block must carry. */
  readonly entries: readonly BeaconEntry[];
  /** Why the miner may not win; null if it may. */
  readonly notEligible: string | null;
};

export type MiningBaseOptions = {
  readonly states: StateManager;
  readonly beacons: BeaconSchedule;
  readonly times: EpochTimes;
  readonly source: BeaconSource;
  readonly pickSector: PickSector;
};

/** Entries that a block of `epoch` on top of `base` must carry, fetched from the beacon. */
export async function entriesFor(
  { states, beacons, times, source }: MiningBaseOptions,
  base: Tipset,
  epoch: number,
  signal: AbortSignal,
): Promise<{ readonly previous: BeaconEntry; readonly entries: readonly BeaconEntry[] }> {
  const previous = await latestBeaconEntry(states.chain, base);
  const networkVersion = states.networkVersionAt(epoch);
  const context = { schedule: beacons, times, networkVersion, epoch, parentEpoch: base.height, previous };
  const info = beaconAt(beacons, epoch);
  const entries = await Promise.all(roundsDue(context).map((round) => source.entry(info, round, signal)));
  return { previous, entries };
}

/** Null where the miner has nothing to prove or did not exist at the lookback. */
export async function miningBase(
  options: MiningBaseOptions,
  base: Tipset,
  epoch: number,
  miner: Address,
  drawn: { readonly previous: BeaconEntry; readonly entries: readonly BeaconEntry[] },
): Promise<MiningBase | null> {
  const { states, pickSector } = options;
  const { blocks } = states.chain;
  const found = await states.lookback(base, epoch);
  const state = await states.stateAt(found.stateRoot);
  const standing = await minerStanding(blocks, state, miner);
  if (standing === null) return null;
  const beacon = drawn.entries[drawn.entries.length - 1] ?? drawn.previous;
  const postRandomness = winningPostRandomness({ beacon, epoch, miner });
  const version = states.networkVersionAt(base.height);
  const sectors = await challengedSectors(blocks, state, miner, postRandomness, version, pickSector);
  if (sectors.length === 0) return null;
  const table = await powerTable(blocks, state);
  const claim = await table.claim(miner);
  return {
    minerPower: claim?.qualityAdjusted ?? 0n,
    networkPower: table.total,
    sectors,
    postRandomness,
    worker: standing.worker,
    sectorSize: standing.sectorSize,
    previousEntry: drawn.previous,
    entries: drawn.entries,
    notEligible: await whyNotEligible(states, found.tipset, base, miner),
  };
}
