/**
 * Who gets what of the gas money.
 *
 *   paid fee        p = min(base fee, fee cap)
 *   base fee burn   p * used                                    burnt
 *   tip             min(premium, fee cap - p) * limit           to the block's producer
 *   gas burned      (limit - used) * over / used                over = min(limit - 11/10 used, used), not below 0;
 *                   the whole limit if nothing was used
 *   overestimation  p * gas burned                              burnt
 *   penalty         (base fee - p) * (used + gas burned)        charged to the producer
 *   refund          limit * fee cap - all of the above but the penalty
 *
 * Source: lotus v1.0.0 chain/vm/burn.go.
 */
import { Big } from "../../base/big";

@final
export class GasOutputs {
  baseFeeBurn: Big = Big.ZERO;
  overestimationBurn: Big = Big.ZERO;
  minerPenalty: Big = Big.ZERO;
  minerTip: Big = Big.ZERO;
  refund: Big = Big.ZERO;
  /** gas */
  gasRefund: i64 = 0;
  /** gas */
  gasBurned: i64 = 0;

  /** Outputs of a message that was not executed: only its producer pays. */
  static penalty(amount: Big): GasOutputs {
    const out = new GasOutputs();
    out.minerPenalty = amount;
    return out;
  }
}

/** Gas that is burned because the limit was set far above the use. */
export function overestimation(used: i64, limit: i64): i64 {
  if (used == 0) return limit;
  // Wraps as the reference's 64-bit product does; a block's gas limit keeps `used` far below.
  let over = limit - (11 * used) / 10;
  if (over < 0) return 0;
  if (over > used) over = used;
  const unused = limit - used;
  // As far as the product has 62 bits; gas of whole blocks has 34 each.
  if (<u64>unused >> 31 == 0 && over >> 31 == 0) return (unused * over) / used;
  return Big.fromI64(unused)
    .mul(Big.fromI64(over))
    .div(Big.fromI64(used)).lowI64;
}

export function gasOutputs(used: i64, limit: i64, baseFee: Big, feeCap: Big, premium: Big): GasOutputs {
  const out = new GasOutputs();
  const fee = Big.min(baseFee, feeCap);
  const short = baseFee.sub(fee);
  out.baseFeeBurn = fee.times(used);
  out.minerTip = Big.min(premium, feeCap.sub(fee)).times(limit);
  out.gasBurned = overestimation(used, limit);
  out.gasRefund = used == 0 ? 0 : limit - used - out.gasBurned;
  if (!short.isZero) out.minerPenalty = short.times(used);
  if (out.gasBurned != 0) {
    out.overestimationBurn = fee.times(out.gasBurned);
    if (!short.isZero) out.minerPenalty = out.minerPenalty.add(short.times(out.gasBurned));
  }
  out.refund = feeCap.times(limit).sub(out.baseFeeBurn).sub(out.minerTip).sub(out.overestimationBurn);
  return out;
}
