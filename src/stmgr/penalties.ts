/**
 * What faults, terminations and consensus faults cost: the actors' formulas once more, for whoever wants to know before or
 * to check after. The core has its own (`assembly/actors/miner/monies.ts`); a test holds both to the same numbers. Amounts
 * in attoFIL, power in bytes, ages in epochs.
 * Source: specs-actors builtin/miner/monies.go, v0.9.12 and v2.1.0.
 */
import { FIGURES, figureAt } from "../schema/versions/figures.ts";
import { holds, RULES } from "../schema/versions/rules.ts";
import { type Estimate, expectedReward } from "./economy.ts";

/** Smoothed reward of an epoch and power of the network, under a network version. */
export type PenaltyInput = {
  readonly networkVersion: number;
  readonly reward: Estimate;
  readonly power: Estimate;
};

/** What a sector's termination depends on. */
export type TerminatedSector = {
  readonly qaPower: bigint;
  /** At the termination. */
  readonly age: bigint;
  readonly expectedDayReward: bigint;
  readonly expectedStoragePledge: bigint;
  /** Of the sector that it replaced; 0 without one. */
  readonly replacedAge: bigint;
  readonly replacedDayReward: bigint;
};

const EPOCHS_IN_DAY = 2880n;
/** Epochs of a sector's life that a termination costs at most: 70 days, from v2 on half of 140. */
const LIFETIME_CAP = { v0: 70n * EPOCHS_IN_DAY, v2: 140n * EPOCHS_IN_DAY } as const;
/** Rewards of a win that a consensus fault costs, and wins of an epoch. */
const CONSENSUS_FAULT_FACTOR = 5n;
const WINS_PER_EPOCH = 5n;
/** Epochs after which the reporter's share has reached its maximum. */
const SHARE_IS_FULL = 1000;

const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** Fee for power that stays faulty through a deadline. */
export function faultFee({ networkVersion, reward, power }: PenaltyInput, qaPower: bigint): bigint {
  const epochs = (EPOCHS_IN_DAY * BigInt(figureAt(FIGURES.faultFeeDays, networkVersion))) / 100n;
  return expectedReward(networkVersion, reward, power, qaPower, epochs);
}

/** Fee for power found faulty without declaration (v0), and the least that a termination costs. */
export function undeclaredFee({ networkVersion, reward, power }: PenaltyInput, qaPower: bigint): bigint {
  const epochs = (EPOCHS_IN_DAY * BigInt(figureAt(FIGURES.undeclaredFeeDays, networkVersion))) / 10n;
  return expectedReward(networkVersion, reward, power, qaPower, epochs);
}

/** Fee for a sector that is terminated before its expiration. */
export function terminationFee(input: PenaltyInput, sector: TerminatedSector): bigint {
  const { networkVersion: version } = input;
  const { age, expectedDayReward: perDay, expectedStoragePledge, replacedAge, replacedDayReward } = sector;
  let earned: bigint;
  if (holds(RULES.minerTerminationByReplaced, version)) {
    const counted = min(age, LIFETIME_CAP.v2);
    const replaced = min(replacedAge, LIFETIME_CAP.v2 - counted);
    earned = (perDay * counted + replacedDayReward * replaced) / (2n * EPOCHS_IN_DAY);
  } else {
    const counted = min(holds(RULES.minerHalvesTerminationAge, version) ? age / 2n : age, LIFETIME_CAP.v0);
    earned = (perDay * counted) / EPOCHS_IN_DAY;
  }
  return max(undeclaredFee(input, sector.qaPower), expectedStoragePledge + earned);
}

/** Fine for a consensus fault, from v2 on; before, the miner loses everything. */
export function consensusFaultFine(reward: Estimate): bigint {
  return ((reward.position >> 128n) * CONSENSUS_FAULT_FACTOR) / WINS_PER_EPOCH;
}

/** What the reporter of a consensus fault gets, `age` epochs after it, of a fine (v0: of the miner's balance). */
export function reporterShare(networkVersion: number, age: number, collateral: bigint): bigint {
  const isLate = holds(RULES.minerSharesPenalty, networkVersion);
  const cap = collateral / (isLate ? 20n : 2n);
  if (age > SHARE_IS_FULL) return cap;
  const [grown, base] = isLate ? [100_785_473_384n, 100_000_000_000n] : [101_251n, 100_000n];
  const epochs = BigInt(age);
  return min((grown ** epochs * collateral) / (base ** epochs * 1000n), cap);
}
