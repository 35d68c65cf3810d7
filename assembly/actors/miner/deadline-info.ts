/**
 * When a deadline opens, closes and is challenged.
 *
 *   period start          open = start + index x 60      close = open + 60
 *       |--- window 0 ---|--- window 1 ---| ... |--- window 47 ---|
 *   challenge = open - 20, faults are declared before open - 70
 *
 * Source: go-state-types dline; specs-actors builtin/miner/deadlines.go.
 */
import {
  CHALLENGE_LOOKBACK,
  CHALLENGE_WINDOW,
  FAULT_DECLARATION_CUTOFF,
  PERIOD_DEADLINES,
  PROVING_PERIOD,
} from "./policy";
import { QuantSpec } from "./quantize";

@final
export class DeadlineInfo {
  /** First epoch at which a proof is accepted. */
  readonly open: i64;
  /** First epoch at which no proof is accepted any more. */
  readonly close: i64;
  readonly challenge: i64;
  /** First epoch at which faults and recoveries may not be declared any more. */
  readonly faultCutoff: i64;

  constructor(
    readonly periodStart: i64,
    readonly index: u64,
    readonly epoch: i64,
  ) {
    if (index < PERIOD_DEADLINES) {
      this.open = periodStart + <i64>index * CHALLENGE_WINDOW;
      this.close = this.open + CHALLENGE_WINDOW;
      this.challenge = this.open - CHALLENGE_LOOKBACK;
      this.faultCutoff = this.open - FAULT_DECLARATION_CUTOFF;
    } else {
      // A deadline without duration, right behind the last real one.
      this.open = periodStart + PROVING_PERIOD;
      this.close = this.open;
      this.challenge = this.open;
      this.faultCutoff = 0;
    }
  }

  get periodStarted(): bool {
    return this.epoch >= this.periodStart;
  }

  get isOpen(): bool {
    return this.epoch >= this.open && this.epoch < this.close;
  }

  get hasElapsed(): bool {
    return this.epoch >= this.close;
  }

  /** Last epoch at which a proof is accepted. */
  get last(): i64 {
    return this.close - 1;
  }

  get faultCutoffPassed(): bool {
    return this.epoch >= this.faultCutoff;
  }

  /** The next instance of this deadline that has not yet closed. */
  nextNotElapsed(): DeadlineInfo {
    if (!this.hasElapsed) return this;
    const periods = (this.epoch - this.close) / PROVING_PERIOD + 1;
    return new DeadlineInfo(this.periodStart + periods * PROVING_PERIOD, this.index, this.epoch);
  }
}

/** The grid of expirations of a deadline: its last epoch in every proving period. */
export function quantOf(info: DeadlineInfo): QuantSpec {
  return new QuantSpec(PROVING_PERIOD, info.last);
}

/** The grid of a deadline of a proving period, from its index. */
export function quantForDeadline(periodStart: i64, index: u64): QuantSpec {
  return quantOf(new DeadlineInfo(periodStart, index, 0));
}

/** True if sectors may now be added to a deadline: it opens more than a window from now. */
export function isDeadlineMutable(periodStart: i64, index: u64, epoch: i64): bool {
  return epoch < new DeadlineInfo(periodStart, index, epoch).nextNotElapsed().open - CHALLENGE_WINDOW;
}
