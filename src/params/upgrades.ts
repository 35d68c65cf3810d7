/**
 * Upgrades of the public networks: their names, the network version they bring, and the last epoch before each. A version
 * is in force from the epoch after that height. A negative height is an upgrade that the network never had, or had before its
 * genesis.
 *
 * Sources: lotus at b835fab702eb build/buildconstants/params_mainnet.go, params_calibnet.go and
 * chain/consensus/filcns/upgrades.go.
 */
import { NETWORK_VERSIONS } from "../schema/versions/rows.ts";

export type Upgrade = {
  readonly name: string;
  /** Version in force after it; the same as before for an upgrade that only changes the state, or one rule. */
  readonly networkVersion: number;
  readonly mainnet: number;
  readonly calibrationnet: number;
};

/** Name, version, height on the main network, height on the calibration network. */
const TABLE: readonly (readonly [name: string, version: number, mainnet: number, calibrationnet: number])[] = [
  ["Breeze", 1, 41_280, -1],
  ["Smoke", 2, 51_000, -2],
  ["Ignition", 3, 94_000, -3],
  ["Refuel", 3, 130_800, -4],
  ["Assembly", 4, 138_720, 30],
  ["Tape", 5, 140_760, 60],
  ["Liftoff", 5, 148_888, -5],
  ["Kumquat", 6, 170_000, 90],
  ["Calico", 7, 265_200, 120],
  ["Persian", 8, 272_400, 240],
  ["Orange", 9, 336_458, 300],
  ["Claus", 9, 343_200, 270],
  ["Trust", 10, 550_321, 330],
  ["Norwegian", 11, 665_280, 360],
  ["Turbo", 12, 712_320, 390],
  ["Hyperdrive", 13, 892_800, 420],
  ["Chocolate", 14, 1_231_620, 450],
  ["OhSnap", 15, 1_594_680, 480],
  ["Skyr", 16, 1_960_320, 510],
  ["Shark", 17, 2_383_680, 16_800],
  ["Hygge", 18, 2_683_348, 322_354],
  ["Lightning", 19, 2_809_800, 489_094],
  ["Thunder", 20, 2_870_280, 492_214],
  ["Watermelon", 21, 3_469_380, 1_013_134],
  ["WatermelonFix", 21, -1, 1_070_494],
  ["WatermelonFix2", 21, -2, 1_108_174],
  ["Dragon", 22, 3_855_360, 1_427_974],
  ["Phoenix", 22, 3_855_480, 1_428_094],
  ["CalibrationDragonFix", 22, -3, 1_493_854],
  ["Waffle", 23, 4_154_640, 1_779_094],
  ["Tuktuk", 24, 4_461_240, 2_078_794],
  ["Teep", 25, 4_878_840, 2_523_454],
  ["Tock", 26, 5_138_040, 2_543_614],
  ["TockFix", 26, -1, 2_558_014],
  ["GoldenWeek", 27, 5_348_280, 3_007_294],
  ["FireHorse", 28, 6_052_800, 3_694_534],
];

export const UPGRADES: readonly Upgrade[] = TABLE.map(([name, networkVersion, mainnet, calibrationnet]) => ({
  name,
  networkVersion,
  mainnet,
  calibrationnet,
}));

export type PublicNetwork = "mainnet" | "calibrationnet";

/** A version by the first epoch at which it is in force. */
export type ScheduledVersion = { readonly epoch: number; readonly networkVersion: number };

/** Versions of a public network, which begins with version 0. */
export function scheduleOf(network: PublicNetwork): readonly ScheduledVersion[] {
  const out: ScheduledVersion[] = [{ epoch: 0, networkVersion: 0 }];
  for (const { networkVersion, [network]: height } of UPGRADES)
    if (height >= 0 && networkVersion !== out.at(-1)?.networkVersion) out.push({ epoch: height + 1, networkVersion });
  return out;
}

/** Last epoch before each upgrade of a public network, by its name. */
export function heightsOf(network: PublicNetwork): ReadonlyMap<string, number> {
  return new Map(UPGRADES.map(({ name, [network]: height }) => [name, height]));
}

/** Upgrades that bring a version of their own, in order: its name is the version's. */
export function versionUpgrades(): readonly Upgrade[] {
  return UPGRADES.filter(({ name, networkVersion }) => NETWORK_VERSIONS[networkVersion]?.name === name);
}

/**
 * First epoch of a network version, or of a later one that comes without it, by what a node tells of its network's upgrades ("UpgradeXHeight":
 * the last epoch before each); null where none is planned.
 */
export function firstEpochIn(heights: Readonly<Record<string, number>>, networkVersion: number): number | null {
  const later = versionUpgrades().filter((one) => one.networkVersion >= networkVersion);
  const epochs = later.flatMap(({ name }) => heights[`Upgrade${name}Height`] ?? []);
  return epochs.length === 0 ? null : Math.max(0, Math.min(...epochs) + 1);
}
