/**
 * Facts that make one network different from another. A network is a value that is passed down, never a global.
 * Sources: lotus v1.0.0 build/params_*.go (limits, fees) and build/params_2k.go (devnet); lotus at b835fab702eb
 * build/buildconstants/params_{mainnet,2k}.go (chain ids).
 */
import type { NetworkLetter } from "../types/address.ts";

export type NetworkParams = {
  readonly name: string;
  readonly letter: NetworkLetter;
  /** EIP-155 chain id. */
  readonly chainId: number;
  /** Seconds between epochs. */
  readonly blockDelaySeconds: number;
  /** Parameters that the actors run under: twins of the core's (`assembly/runtime/profile.ts`); a test compares them. */
  readonly profile: "mainnet" | "devnet";
  /** Registered seal proofs that miners may use. */
  readonly sealProofs: readonly number[];
  /** Epochs from a pre-commitment to its challenge. */
  readonly preCommitChallengeDelay: number;
  /** Bytes of power that a miner needs to count for consensus. */
  readonly consensusMinerMinPower: bigint;
  /** Network versions by the first epoch at which they are in force, ascending. */
  readonly upgrades: readonly { readonly epoch: number; readonly networkVersion: number }[];
};

/** Limits and prices that hold on every network. */
export const CHAIN_LIMITS = {
  /** gas a block may ask for */
  blockGasLimit: 10_000_000_000n,
  /** gas per block at which the base fee stays as it is */
  blockGasTarget: 5_000_000_000n,
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

/** Main network; a version is in force from the epoch after its upgrade height. Source: lotus build/params_mainnet.go. */
export const MAINNET: NetworkParams = {
  name: "mainnet",
  letter: "f",
  chainId: 314,
  blockDelaySeconds: 30,
  profile: "mainnet",
  sealProofs: [3, 4],
  preCommitChallengeDelay: 150,
  consensusMinerMinPower: 10n << 40n,
  upgrades: [
    { epoch: 0, networkVersion: 0 },
    { epoch: 41_281, networkVersion: 1 },
    { epoch: 51_001, networkVersion: 2 },
    { epoch: 94_001, networkVersion: 3 },
    { epoch: 138_721, networkVersion: 4 },
    { epoch: 140_761, networkVersion: 5 },
  ],
};

/** A local network; the actors are those of network version 5 from genesis on. */
export const DEVNET: NetworkParams = {
  name: "localnet",
  letter: "t",
  chainId: 31_415_926,
  blockDelaySeconds: 1,
  profile: "devnet",
  sealProofs: [0],
  preCommitChallengeDelay: 10,
  consensusMinerMinPower: 2048n,
  upgrades: [{ epoch: 0, networkVersion: 5 }],
};

/** Names of upgrades by the network version that they bring. Source: lotus v1.0.0 build/params_mainnet.go. */
const UPGRADE_NAMES: readonly (readonly [networkVersion: number, name: string])[] = [
  [1, "Breeze"],
  [2, "Smoke"],
  [3, "Ignition"],
  [4, "Assembly"],
  [5, "Tape"],
];

/** Last epoch before each upgrade, by name; -1 for one that is in force from genesis on. One not planned is left out. */
export function upgradeHeights(network: NetworkParams): ReadonlyMap<string, number> {
  const heights = new Map<string, number>();
  for (const [version, name] of UPGRADE_NAMES) {
    const upgrade = network.upgrades.find(({ networkVersion }) => networkVersion >= version);
    if (upgrade !== undefined) heights.set(name, upgrade.epoch - 1);
  }
  return heights;
}

/** Network version in force at an epoch. */
export function networkVersionAt(network: NetworkParams, epoch: number): number {
  let version = network.upgrades[0]?.networkVersion ?? 0;
  for (const upgrade of network.upgrades) if (epoch >= upgrade.epoch) version = upgrade.networkVersion;
  return version;
}
