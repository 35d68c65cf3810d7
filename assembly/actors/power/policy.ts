/** Constants of the storage power actor. Source: specs-actors builtin/power (v0.9.12, v2.1.0). */
import { Big } from "../../base/big";

/** Seal proofs that one miner may have verified in one epoch. */
export const MAX_MINER_PROVE_COMMITS_PER_EPOCH: u64 = 200;

/** Gas charged in advance for the verification of a seal at the end of the epoch; measured. */
export const GAS_ON_SUBMIT_VERIFY_SEAL: i64 = 34721049;

/** Where the filter of the network's power starts: 750,000 GiB, growing by 3,840 GiB an epoch. */
export const INITIAL_QA_POWER_POSITION: Big = Big.fromU64(750000 << 30);
export const INITIAL_QA_POWER_VELOCITY: Big = Big.fromU64(3840 << 30);

/** Exit code: the miner has reached the limit of proofs for this epoch. */
export const ERR_TOO_MANY_PROVE_COMMITS: i32 = 32;
