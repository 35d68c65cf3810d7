/**
 * A payment over time: vouchers of one lane, evenly spaced in amount and time. Each can be redeemed from its epoch on, and is
 * over all that is due by then, so that whoever is paid needs the latest one alone.
 */

import { PaychError } from "./errors.ts";

export type Schedule = {
  /** attoFIL in all: those of the last voucher. */
  readonly amount: bigint;
  readonly count: number;
  /** Epochs: nothing is due at the first, all at the last. */
  readonly start: bigint;
  readonly end: bigint;
  /** Epoch before which the channel does not close once a voucher was redeemed; 0: none. */
  readonly minSettleHeight: bigint;
};

export type SchedulePart = {
  readonly amount: bigint;
  readonly timeLockMin: bigint;
  readonly minSettleHeight: bigint;
};

/** Vouchers of one schedule. */
export const MAX_SCHEDULE = 1000;
/** What a voucher's field holds: an epoch is a 64-bit integer with a sign. */
const MAX_EPOCH = (1n << 63n) - 1n;

/**
 * The parts of a schedule: part i of n is over amount * i / n, from start + (end - start) * i / n on, both rounded down.
 * Throws `PaychError` BAD_ARGUMENT for what cannot be divided so.
 */
export function partsOf(schedule: Schedule): readonly SchedulePart[] {
  const { amount, count, start, end, minSettleHeight } = schedule;
  const bad = (why: string): never => {
    throw new PaychError({ code: "BAD_ARGUMENT" }, why);
  };
  if (!Number.isInteger(count) || count < 1 || count > MAX_SCHEDULE) bad(`1 to ${MAX_SCHEDULE} vouchers expected`);
  if (amount < BigInt(count)) bad(`${amount} attoFIL cannot be divided into ${count} vouchers`);
  if (start < 0n || start >= end || end > MAX_EPOCH)
    bad(`the end, epoch ${end}, must be after the start, epoch ${start}`);
  const parts = BigInt(count);
  if (end - start < parts) bad(`${end - start} epochs cannot be divided among ${count} vouchers`);
  return Array.from({ length: count }, (_, index) => {
    const part = BigInt(index + 1);
    return {
      amount: (amount * part) / parts,
      timeLockMin: start + ((end - start) * part) / parts,
      minSettleHeight,
    };
  });
}
