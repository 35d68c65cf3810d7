/**
 * Alpha-beta filters, which smooth the network's power and reward.
 *
 * A filter keeps a position p and a velocity v (change per epoch), both Q.128. An observation x after dt epochs gives
 *     residual = x - (p + v dt)
 *     p' = p + v dt + alpha residual
 *     v' = v + beta residual / dt
 * Pledge formulas need the sum, over some epochs, of the ratio of two extrapolated filters (reward over power); it has
 * a closed form by integration.
 * Source: specs-actors util/smoothing, the same in both generations.
 */
import { Big } from "../../base/big";
import { FilterEstimate } from "../shared.gen";
import { ln, mulQ128, PRECISION } from "./fixed-point";

/** 9.25e-4, Q.128. */
export const ALPHA: Big = Big.parse("314760000000000000000000000000000000");
/** 2.84e-7, Q.128. */
export const BETA: Big = Big.parse("96640100000000000000000000000000");
/** 2^-50, Q.128: below it the squared velocity of a denominator counts as zero. */
const EPSILON: Big = Big.parse("302231454903657293676544");

/** A filter from whole numbers. */
export function newEstimate(position: Big, velocity: Big): FilterEstimate {
  const filter = new FilterEstimate();
  filter.positionEstimate = position.lsh(PRECISION);
  filter.velocityEstimate = velocity.lsh(PRECISION);
  return filter;
}

/** The position, floored to a whole number. */
export function estimate(filter: FilterEstimate): Big {
  return filter.positionEstimate.rsh(PRECISION);
}

/** The filter after `observation` (a whole number), `delta` epochs later. `delta` must not be 0 (callers trap). */
export function nextEstimate(filter: FilterEstimate, observation: Big, delta: i64): FilterEstimate {
  const dt = Big.fromI64(delta).lsh(PRECISION);
  const expected = filter.positionEstimate.add(mulQ128(dt, filter.velocityEstimate));
  const residual = observation.lsh(PRECISION).sub(expected);
  const next = new FilterEstimate();
  next.positionEstimate = expected.add(mulQ128(ALPHA, residual));
  next.velocityEstimate = filter.velocityEstimate.add(BETA.mul(residual).div(dt));
  return next;
}

/** True if `denominator` moves, so that the sum of ratios takes the logarithmic form. */
function moves(denominator: FilterEstimate): bool {
  return mulQ128(denominator.velocityEstimate, denominator.velocityEstimate).gt(EPSILON);
}

/** False if `cumulativeRatio` would divide by zero with this denominator (callers trap). */
export function ratioIsDefined(denominator: FilterEstimate): bool {
  return moves(denominator) || !denominator.positionEstimate.isZero;
}

/**
 * Sum of numerator / denominator, both extrapolated, over `delta` epochs from `start` epochs ahead; Q.128.
 * With p1, v1 over p2, v2 and x(t) = p2 + v2 t:
 *     (v2 p1 L + v1 (v2 delta - p2 L)) / v2^2,  L = ln x(start + delta) - ln x(start)
 * and, if the denominator hardly moves, (p1 + v1 (start + delta / 2)) delta / p2.
 */
export function cumulativeRatio(delta: i64, start: i64, numerator: FilterEstimate, denominator: FilterEstimate): Big {
  const dt = Big.fromI64(delta).lsh(PRECISION);
  const t0 = Big.fromI64(start).lsh(PRECISION);
  const p1 = numerator.positionEstimate;
  const v1 = numerator.velocityEstimate;
  const p2 = denominator.positionEstimate;
  const v2 = denominator.velocityEstimate;
  if (!moves(denominator)) {
    const middle = p1.add(mulQ128(v1, t0.add(dt.rsh(1))));
    return middle.mul(dt).div(p2);
  }
  const from = p2.add(mulQ128(t0, v2));
  const to = from.add(mulQ128(dt, v2));
  const logFrom = ln(from);
  const logTo = ln(to);
  // Q.384 shifted back to Q.256, twice; the order of the roundings counts.
  const first = v2.mul(p1.mul(logTo.sub(logFrom))).rsh(PRECISION);
  const second = v1.mul(p2.mul(logFrom.sub(logTo)).add(v2.mul(dt))).rsh(PRECISION);
  return first.add(second).div(mulQ128(v2, v2));
}
