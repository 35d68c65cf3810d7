/**
 * Facts that make one network different from another. A network is a value that is passed down, never a global.
 * Sources: lotus v1.0.0 build/params_*.go (limits, fees) and build/params_2k.go (devnet); lotus at b835fab702eb
 * build/buildconstants/params_{mainnet,calibnet,2k}.go (chain ids).
 */
import { PROFILES, type Profile, type ProfileName } from "../schema/profiles.ts";
import { isFvm } from "../schema/versions/rows.ts";
import type { NetworkPrefix } from "../types/address.ts";
import type { BundleName } from "./actor-codes.ts";
import { sealProofOfSize } from "./proving.ts";
import { heightsOf, type ScheduledVersion, scheduleOf, versionUpgrades } from "./upgrades.ts";

export type NetworkParams = Profile & {
  readonly name: string;
  readonly prefix: NetworkPrefix;
  /** EIP-155 chain id. */
  readonly chainId: number;
  /** Seconds between epochs. */
  readonly blockDelaySeconds: number;
  /** Parameters that the actors run under, by name: those of `Profile`. */
  readonly profile: ProfileName;
  /** Name under which its actors are published. */
  readonly bundles: BundleName;
  /** Network versions by the first epoch at which they are in force, ascending. */
  readonly upgrades: readonly ScheduledVersion[];
  /** Last epoch before each upgrade, by its name; negative for one that the genesis includes or that never was. */
  readonly upgradeHeights: ReadonlyMap<string, number>;
};

/** Limits and prices that hold on every network. */
export const CHAIN_LIMITS = {
  /** gas a block may ask for */
  blockGasLimit: 10_000_000_000n,
  /** gas per block at which the base fee stays as it is */
  blockGasTarget: 5_000_000_000n,
  /** gas of the dearest messages, a block's four fifths less one, behind which the premium rules the base fee (FIP-0115) */
  baseFeeGasIndex: 7_999_999_999n,
  /** the base fee moves by at most 1/8 an epoch */
  baseFeeMaxChangeDenominator: 8n,
  /** attoFIL per gas */
  minimumBaseFee: 100n,
  /** attoFIL per gas, at genesis */
  initialBaseFee: 100_000_000n,
  /** expected share of a tipset's blocks that carry distinct messages, up to network version 1 */
  packingEfficiency: { numerator: 4n, denominator: 5n },
  /** messages in a block */
  blockMessageLimit: 10_000,
  /** attoFIL: no message moves more than was ever to exist */
  totalFilecoin: 2_000_000_000n * 10n ** 18n,
  /** epochs after which a tipset cannot be replaced */
  finality: 900,
  /** bytes of a signed message */
  maxMessageBytes: 64 << 10,
} as const;

export const MAINNET: NetworkParams = {
  name: "mainnet",
  prefix: "f",
  chainId: 314,
  blockDelaySeconds: 30,
  profile: "mainnet",
  bundles: "mainnet",
  ...PROFILES.mainnet,
  upgrades: scheduleOf("mainnet"),
  upgradeHeights: heightsOf("mainnet"),
};

/** The public test network. */
export const CALIBRATIONNET: NetworkParams = {
  name: "calibrationnet",
  prefix: "t",
  chainId: 314_159,
  blockDelaySeconds: 30,
  profile: "calibrationnet",
  bundles: "calibrationnet",
  ...PROFILES.calibrationnet,
  upgrades: scheduleOf("calibrationnet"),
  upgradeHeights: heightsOf("calibrationnet"),
};

export const DEVNET_VERSION = 5;

/** As the init actor's state has it. Source: lotus at b835fab702eb node/modules/chain.go (NetworkName). */
const MAINNET_STATE_NAME = "testnetnet";

/** A local network; the actors are those of network version 5 from genesis on. */
export const DEVNET: NetworkParams = {
  name: "localnet",
  prefix: "t",
  chainId: 31_415_926,
  blockDelaySeconds: 1,
  profile: "devnet",
  bundles: "devnet",
  ...PROFILES.devnet,
  upgrades: [{ epoch: 0, networkVersion: DEVNET_VERSION }],
  // All that led to the version lie before the genesis.
  upgradeHeights: new Map(
    versionUpgrades()
      .filter(({ networkVersion }) => networkVersion <= DEVNET_VERSION)
      .map(({ name }) => [name, -1]),
  ),
};

/**
 * A local network whose actors are those of another network version from genesis on: published ones from version 16 on. `later`: versions
 * that follow, ascending.
 */
export function devnetAt(networkVersion: number, later: readonly ScheduledVersion[] = []): NetworkParams {
  const upgrades = [{ epoch: 0, networkVersion }, ...later];
  // What leads to the first version lies before the genesis.
  const firstAt = (version: number): number | undefined =>
    upgrades.find((upgrade) => upgrade.networkVersion >= version)?.epoch;
  return {
    ...DEVNET,
    upgrades,
    upgradeHeights: new Map(
      versionUpgrades().flatMap((upgrade) => {
        const first = firstAt(upgrade.networkVersion);
        return first === undefined ? [] : [[upgrade.name, first - 1] as const];
      }),
    ),
  };
}

/**
 * Parameters of the network that a state's init actor names; null for a network that is not known. Local ones of any sector size have the
 * same minimum of power.
 */
export function profileOfStateName(name: string): ProfileName | null {
  if (name === MAINNET_STATE_NAME) return MAINNET.profile;
  return [CALIBRATIONNET, DEVNET].find((network) => network.name === name)?.profile ?? null;
}

/** Names of the sector sizes that local networks have, as they are given on the command line. */
export const LOCAL_SECTOR_SIZES = { "2KiB": 2048, "8MiB": 8 << 20 } as const;
export type LocalSectorSize = keyof typeof LOCAL_SECTOR_SIZES;

/** The name of a size; null for one that local networks have not. */
export function localSectorSize(sectorBytes: number): LocalSectorSize | null {
  const names = Object.keys(LOCAL_SECTOR_SIZES) as LocalSectorSize[];
  return names.find((name) => LOCAL_SECTOR_SIZES[name] === sectorBytes) ?? null;
}

/** Registered seal proof of a size, of the version that local networks have. */
export function localSealProof(size: LocalSectorSize, networkVersion: number): number {
  return sealProofOfSize(LOCAL_SECTOR_SIZES[size], networkVersion);
}

/** A local network whose actors take sectors of a size. */
export function withSectorSize(network: NetworkParams, size: LocalSectorSize): NetworkParams {
  return size === "2KiB" ? network : { ...network, profile: "devnet-8MiB", ...PROFILES["devnet-8MiB"] };
}

/** Network version in force at an epoch. */
export function networkVersionAt(network: Pick<NetworkParams, "upgrades">, epoch: number): number {
  let version = network.upgrades[0]?.networkVersion ?? 0;
  for (const upgrade of network.upgrades) if (epoch >= upgrade.epoch) version = upgrade.networkVersion;
  return version;
}

/** Epochs more than what is looked back to whose states are kept: collections are not made at every epoch. */
const SPARE_EPOCHS = 100;

/**
 * Fewest epochs whose states a node must keep to execute whatever a block may carry: elections look back a finality; from version 16 on
 * a block that is reported for a fault may be as old, and its worker is that of a finality before it.
 */
export function leastRetention({ upgrades }: Pick<NetworkParams, "upgrades">): number {
  const isLate = upgrades.some(({ networkVersion }) => isFvm(networkVersion));
  return (isLate ? 2 : 1) * CHAIN_LIMITS.finality + SPARE_EPOCHS;
}
