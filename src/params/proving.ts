/**
 * Sizes of sectors, the clock of window PoSt and who counts for consensus: the same on every network. Epochs, unless
 * said otherwise.
 */
import { chainRule } from "../schema/versions/chain-rules.ts";
import { isFvm } from "../schema/versions/rows.ts";

/**
 * Bytes of the sectors that have registered proofs. Numbers of proofs count through these sizes, in groups: seals by
 * version and feature, PoSt by kind and version. Source: go-state-types abi/sector.go.
 */
export const SECTOR_SIZES: readonly number[] = [2 << 10, 8 << 20, 512 << 20, 32 * 2 ** 30, 64 * 2 ** 30];

/** Bytes of the sectors that a registered proof is about; undefined for what is no such number. */
export function sectorSizeOf(proof: number): number | undefined {
  return proof >= 0 ? SECTOR_SIZES[proof % SECTOR_SIZES.length] : undefined;
}

/** Registered window PoSts of the first version begin here, those of the second there; seals of the version that published actors take. */
const FIRST_WINDOW = 5;
const FIRST_SECOND_WINDOW = 10;
const FIRST_LATER_SEAL = 5;

/** Registered window PoSt, under a network version, of sectors with a registered seal proof. */
export function windowPostType(sealProof: number, networkVersion: number): number {
  const first = chainRule("windowPostSecond", networkVersion) ? FIRST_SECOND_WINDOW : FIRST_WINDOW;
  return first + (sealProof % SECTOR_SIZES.length);
}

/** Registered seal proof that new sectors of a miner have whose state names its window PoSt alone, as from actors v3 on. */
export function sealProofOfWindow(windowPost: number): number {
  return FIRST_LATER_SEAL + (windowPost % SECTOR_SIZES.length);
}

/** Registered seal proof of a sector size in bytes: from actors v8 on of the second version, as they take no other. */
export function sealProofOfSize(sectorBytes: number, networkVersion: number): number {
  return SECTOR_SIZES.indexOf(sectorBytes) + (isFvm(networkVersion) ? FIRST_LATER_SEAL : 0);
}

/** Registered proof of an update of sectors with a registered seal proof: one for each size. */
export function updateProofType(sealProof: number): number {
  return sealProof % SECTOR_SIZES.length;
}

/** Source: specs-actors v2.1.0 actors/builtin/miner/policy.go. */
export const WINDOW_POST = {
  /** a day, in which every sector is proven once */
  provingPeriod: 2880,
  /** one of the period's deadlines */
  challengeWindow: 60,
  /** before a deadline opens: its challenge is drawn */
  challengeLookback: 20,
  /** before a deadline opens: faults may no longer be declared for it */
  faultDeclarationCutoff: 70,
} as const;

/** Miners above the minimum power from which on the minimum is enforced. Source: specs-actors builtin/power v2.1.0. */
const CONSENSUS_MINER_MIN_MINERS = 4n;

/**
 * Whether a miner's power counts for consensus, under actors v2: it reaches the minimum, or it is any power at all and
 * too few miners reach the minimum. Powers in bytes. Source: specs-actors v2.1.0 builtin/power/power_state.go.
 */
export function countsForConsensus(rawPower: bigint, minPower: bigint, minersAboveMinPower: bigint): boolean {
  return rawPower >= minPower || (minersAboveMinPower < CONSENSUS_MINER_MIN_MINERS && rawPower > 0n);
}
