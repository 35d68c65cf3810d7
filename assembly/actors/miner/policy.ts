/**
 * Constants of the miner actor. Figures that changed with a network version: `src/schema/versions/figures.ts`.
 * Source: specs-actors builtin/miner/policy.go and monies.go; v0 means v0.9.12, v2 means v2.1.0.
 */
import { Big } from "../../base/big";
import { EPOCHS_IN_DAY, EPOCHS_IN_HOUR } from "../../runtime/builtin";
import { Runtime } from "../../runtime/runtime";

// ---- proving periods

/** Epochs: 24 hours, in which every sector is proven once. */
export const PROVING_PERIOD: i64 = EPOCHS_IN_DAY;
/** Windows (deadlines) of a proving period. */
export const PERIOD_DEADLINES: u64 = 48;
/** Epochs: half an hour, in which the proofs of a deadline are accepted. */
export const CHALLENGE_WINDOW: i64 = 60;
/** Epochs before a window opens at which its challenge is drawn. */
export const CHALLENGE_LOOKBACK: i64 = 20;
/** Epochs before a window opens from which faults may no longer be declared for it. */
export const FAULT_DECLARATION_CUTOFF: i64 = CHALLENGE_LOOKBACK + 50;
/** Epochs; oldest chain commitment of a window PoSt (v0). */
export const MAX_CHAIN_COMMIT_AGE: i64 = CHALLENGE_WINDOW;
/** Epochs: 14 days, after which a faulty sector is terminated. */
export const FAULT_MAX_AGE: i64 = PROVING_PERIOD * 14;

assert(<i64>PERIOD_DEADLINES * CHALLENGE_WINDOW == PROVING_PERIOD, "windows must fill the proving period");

// ---- limits of messages and state

/** Greatest sector number (the AMT's greatest index). */
export const MAX_SECTOR_NUMBER: u64 = 0x7fffffffffffffff;
/** Sectors of a miner (v0). */
export const SECTORS_MAX: u64 = 32 << 20;
/** Sectors whose information one message may load. */
export const ADDRESSED_SECTORS_MAX: u64 = 10000;
/** Members of a bitfield in the expiration queue that may be listed (v2; v0 has SECTORS_MAX). */
export const ENTRY_SECTORS_MAX: u64 = 10000;
/** Partitions of a deadline to which sectors are assigned (v2). */
export const MAX_PARTITIONS_PER_DEADLINE: u64 = 3000;
/** Bytes (v2). */
export const MAX_PEER_ID_BYTES: i32 = 128;
/** Bytes of all multiaddresses together (v2). */
export const MAX_MULTIADDR_BYTES: i32 = 1024;
/** Control addresses (v2). */
export const MAX_CONTROL_ADDRESSES: i32 = 10;
/** Bytes of chain randomness in a window PoSt (v2). */
export const MAX_COMMIT_RANDOMNESS_BYTES: i32 = 32;

/** Partitions that one message may name when all their sectors will be loaded. */
export function loadPartitionsSectorsMax(rt: Runtime, partitionSectors: u64): u64 {
  rt.invariant(partitionSectors != 0, "partition size is zero");
  return min(ADDRESSED_SECTORS_MAX / partitionSectors, <u64>rt.version.addressedPartitionsMax);
}

/** Deals of a sector: one for each 128 MiB, at least 256. */
export function sectorDealsMax(sectorSize: u64): u64 {
  return max<u64>(256, sectorSize / (128 << 20));
}

// ---- sealing

/** Epochs after which the chain does not change any more. */
export const CHAIN_FINALITY: i64 = 900;
/** Epochs before a new worker key is in force. */
export const WORKER_KEY_CHANGE_DELAY: i64 = CHAIN_FINALITY;
/** Epochs of exclusion after a consensus fault (v2). */
export const CONSENSUS_FAULT_INELIGIBILITY: i64 = CHAIN_FINALITY;
/** Epochs that a sector lives at least. */
export const MIN_SECTOR_EXPIRATION: i64 = 180 * EPOCHS_IN_DAY;
/** Epochs from now that an expiration may lie ahead. */
export const MAX_SECTOR_EXPIRATION_EXTENSION: i64 = 540 * EPOCHS_IN_DAY;

/** True for seal proofs that new miners and sectors may use on this network. */
export function isSupportedSealProof(rt: Runtime, proof: i64): bool {
  return proof >= 0 && proof < 32 && ((rt.profile.sealProofs >> <u32>proof) & 1) == 1;
}

/** Epochs from a pre-commitment to its challenge. */
export function preCommitChallengeDelay(rt: Runtime): i64 {
  return rt.profile.preCommitChallengeDelay;
}

/** Epochs from a pre-commitment to its proof, for every known proof type; 0 for others. */
export function maxProveCommitDuration(rt: Runtime, proof: i64): i64 {
  return proof < 0 || proof > 4 ? 0 : rt.version.proveCommitEpochs;
}

/** The oldest epoch whose ticket a pre-commitment may be sealed with. */
export function sealChallengeEarliest(rt: Runtime, proof: i64): i64 {
  if (rt.version.minerSealAgeIsFixed) return rt.epoch - (EPOCHS_IN_DAY + CHAIN_FINALITY);
  return rt.epoch - CHAIN_FINALITY - maxProveCommitDuration(rt, proof);
}

// ---- money

/** Epochs of expected reward in the deposit of a pre-commitment: 20 days. */
export const PRE_COMMIT_DEPOSIT_PERIOD: i64 = 20 * EPOCHS_IN_DAY;
/** Epochs of expected reward in the initial pledge: 20 days. */
export const INITIAL_PLEDGE_PERIOD: i64 = 20 * EPOCHS_IN_DAY;
/** Share of the circulating supply that pledges aim to lock: 3/10. */
export const LOCK_TARGET_NUM: Big = Big.fromU64(3);
export const LOCK_TARGET_DENOM: Big = Big.fromU64(10);
/** attoFIL: one FIL per 32 GiB, rounded down. */
export const INITIAL_PLEDGE_MAX_PER_BYTE: Big = Big.fromU64(1000000000000000000 / (32 << 30));
/** Lifetime days that a termination costs at most (v0). */
export const TERMINATION_LIFETIME_CAP_V0: i64 = 70;
/** Lifetime days of which a termination costs half (v2). */
export const TERMINATION_LIFETIME_CAP_V2: i64 = 140;
/** Block rewards that a consensus fault costs (v2). */
export const CONSENSUS_FAULT_FACTOR: i64 = 5;

/** Epochs of expected reward that an ongoing fault costs. */
export function faultPenaltyPeriod(rt: Runtime): i64 {
  return (EPOCHS_IN_DAY * rt.version.faultFeeDays) / 100;
}

/** Epochs of expected reward that an undeclared fault or a termination costs at least. */
export function undeclaredPenaltyPeriod(rt: Runtime): i64 {
  return (EPOCHS_IN_DAY * rt.version.undeclaredFeeDays) / 10;
}

/** A linear vesting schedule; all in epochs. */
@final
export class VestingSpec {
  constructor(
    /** Before anything vests. */
    readonly initialDelay: i64,
    /** From then until all has vested. */
    readonly period: i64,
    /** Between two steps. */
    readonly step: i64,
    /** Grid of the table's entries. */
    readonly quantization: i64,
  ) {}
}

const REWARD_VESTING_NV0: VestingSpec = new VestingSpec(
  20 * EPOCHS_IN_DAY,
  180 * EPOCHS_IN_DAY,
  EPOCHS_IN_DAY,
  12 * EPOCHS_IN_HOUR,
);
const REWARD_VESTING: VestingSpec = new VestingSpec(0, 180 * EPOCHS_IN_DAY, EPOCHS_IN_DAY, 12 * EPOCHS_IN_HOUR);

/** How block rewards vest. */
export function rewardVesting(rt: Runtime): VestingSpec {
  return rt.version.minerVestsAtOnce ? REWARD_VESTING : REWARD_VESTING_NV0;
}

// ---- exits of this actor

/** The balance does not cover what is locked (v2). */
export const ERR_BALANCE_INVARIANTS_BROKEN: i32 = 1000;
