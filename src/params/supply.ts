/**
 * What the circulating supply of the main network rests on. Amounts unlock linearly from a start over a duration.
 *
 * Until the ignition upgrade the reference counted the vesting amounts in attoFIL where FIL was meant, from epoch 0;
 * those numbers are consensus. Source: lotus chain/stmgr/stmgr.go at v1.0.0 (setupPreIgnitionGenesisActorsTestnet,
 * setupPostIgnitionGenesisActors), build/params_shared_vals.go.
 */
import { FIL } from "../types/amount.ts";

const EPOCHS_IN_DAY = 2880;
const YEAR = 365 * EPOCHS_IN_DAY;
/** Epoch from which vesting counts after ignition: the liftoff upgrade. */
const LIFTOFF = 148_888;

/** Whole FIL by the epochs over which it unlocks. */
const VESTING_FIL: readonly (readonly [duration: number, fil: bigint])[] = [
  [183 * EPOCHS_IN_DAY, 49_929_341n + 32_787_700n],
  [YEAR, 22_421_712n],
  [2 * YEAR, 7_223_364n],
  [3 * YEAR, 87_637_883n],
  [6 * YEAR, 100_000_000n + 300_000_000n],
];

export const MAINNET_SUPPLY = {
  earlyVestings: VESTING_FIL.map(([duration, fil]) => ({ amount: fil, duration, start: 0 })),
  lateVestings: VESTING_FIL.map(([duration, fil]) => ({ amount: fil * FIL, duration, start: LIFTOFF })),
  ignitionEpoch: 94_000,
  secondActorsEpoch: 138_720,
  initialReserve: 300_000_000n * FIL,
} as const;
