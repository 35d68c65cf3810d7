/** Constants of the payment channel actor. Source: specs-actors builtin/paych. */
import { EPOCHS_IN_HOUR } from "../../runtime/builtin";

/** Highest lane id (2^63 - 1, the reach of an array's index). */
export const MAX_LANE: u64 = 0x7fffffffffffffff;

/** Epochs between Settle and Collect: 12 hours. */
export const SETTLE_DELAY: i64 = EPOCHS_IN_HOUR * 12;

/** Longest secret in bytes, from actors v2 on. */
export const MAX_SECRET_BYTES: i32 = 256;

/** Exit code (actors v2): the channel has settled, vouchers come too late. */
export const ERR_CHANNEL_STATE_UPDATE_AFTER_SETTLED: i32 = 32;
