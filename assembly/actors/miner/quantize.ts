/**
 * Epochs rounded up to a grid, so that queues have few keys. A grid is a unit and an offset; the offset counts modulo
 * the unit. Divisions truncate towards zero, also below it. Source: specs-actors builtin/miner/quantize.go.
 */
@final
export class QuantSpec {
  constructor(
    readonly unit: i64,
    readonly offset: i64,
  ) {}

  /** The first point of the grid at or after `epoch`. */
  up(epoch: i64): i64 {
    return quantizeUp(epoch, this.unit, this.offset);
  }
}

export const NO_QUANTIZATION: QuantSpec = new QuantSpec(1, 0);

export function quantizeUp(epoch: i64, unit: i64, offsetSeed: i64): i64 {
  const offset = offsetSeed % unit;
  const quotient = (epoch - offset) / unit;
  const remainder = (epoch - offset) % unit;
  // A negative quotient is rounded up already.
  if (remainder == 0 || epoch - offset < 0) return unit * quotient + offset;
  return unit * (quotient + 1) + offset;
}
