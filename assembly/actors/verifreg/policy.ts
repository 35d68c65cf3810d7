/** Constants of the verified registry. Source: specs-actors builtin/verifreg. */
import { Big } from "../../base/big";

/** Bytes of the smallest verified deal, 1 MiB; no smaller data cap is granted or kept. */
export const MIN_VERIFIED_DEAL_SIZE: Big = Big.fromU64(1 << 20);
