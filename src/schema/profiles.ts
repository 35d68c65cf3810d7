/**
 * Parameters that differ between networks running the same actors: a profile, which a machine is opened with. The core's
 * half is generated (`assembly/runtime/profile.gen.ts`).
 *
 * The minimum power of the actors themselves (1 TiB in v0, a table by proof type in v2) holds on no network: Lotus sets one
 * figure for all versions and proof types.
 * Sources: lotus v1.0.0 build/params_mainnet.go (since v0.5.0), params_2k.go; lotus v1.10.0 build/params_2k.go (devnet's
 * delay), of which the profile of larger sectors differs in their proof alone; lotus at b835fab702eb build/buildconstants/params_calibnet.go; specs-actors v2.1.0 builtin/miner, verifreg.
 */
import { checkChoice } from "../base/options.ts";

export type Profile = {
  /** Registered seal proofs that miners may use. */
  readonly sealProofs: readonly number[];
  /** Epochs from a pre-commitment to its challenge. */
  readonly preCommitChallengeDelay: number;
  /** Bytes of power that a miner needs to count for consensus. */
  readonly consensusMinerMinPower: bigint;
  /** Bytes of the smallest verified deal. */
  readonly minVerifiedDealSize: bigint;
};

/** By name, in the order of the core's numbers. */
export const PROFILES = {
  mainnet: {
    sealProofs: [3, 4],
    preCommitChallengeDelay: 150,
    consensusMinerMinPower: 10n << 40n,
    minVerifiedDealSize: 1n << 20n,
  },
  devnet: {
    sealProofs: [0],
    preCommitChallengeDelay: 10,
    consensusMinerMinPower: 2048n,
    minVerifiedDealSize: 256n,
  },
  calibrationnet: {
    sealProofs: [3, 4],
    preCommitChallengeDelay: 150,
    consensusMinerMinPower: 32n << 30n,
    minVerifiedDealSize: 1n << 20n,
  },
  "devnet-8MiB": {
    sealProofs: [1],
    preCommitChallengeDelay: 10,
    consensusMinerMinPower: 2048n,
    minVerifiedDealSize: 256n,
  },
} as const satisfies Readonly<Record<string, Profile>>;

export type ProfileName = keyof typeof PROFILES;

const PROFILE_NAMES = Object.keys(PROFILES) as ProfileName[];

/** The number by which the core knows a profile; that of the main network without. Throws `OptionError` for a name that is none. */
export function profileNumber(name: ProfileName = "mainnet"): number {
  return PROFILE_NAMES.indexOf(checkChoice("profile", name, PROFILE_NAMES));
}
