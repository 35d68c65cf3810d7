/**
 * What is owed when. Payment falls due at the ends of intervals, each longer than the one before by the increase; the price of
 * unsealing first; at the end for every byte that was sent. Pure reckoning; both sides do it.
 * Source: go-fil-markets v1.28.3, retrievalmarket/types.go (IntervalLowerBound, OutstandingBalance, NextInterval).
 */
import type { Terms } from "./messages.ts";

/** Intervals that are stepped through: beyond, the last one counts as endless. */
const MAX_STEPS = 1 << 20;

/** End of the interval in which a byte lies: the first that is above `bytes`. */
export function nextPayPoint(terms: Terms, bytes: number): number {
  return intervalAround(terms, bytes)[1];
}

/** Begin and end of the interval that holds a number of bytes. */
function intervalAround({ paymentInterval, paymentIntervalIncrease }: Terms, bytes: number): [number, number] {
  if (paymentIntervalIncrease === 0) {
    const whole = Math.floor(bytes / paymentInterval) * paymentInterval;
    return [whole, whole + paymentInterval];
  }
  let from = 0;
  let to = 0;
  let length = paymentInterval;
  for (let step = 0; to <= bytes; step++) {
    if (step >= MAX_STEPS) return [to, Number.MAX_SAFE_INTEGER];
    from = to;
    to += length;
    length += paymentIntervalIncrease;
  }
  return [from, to];
}

/** attoFIL owed after so many bytes were sent and so much was paid. `atEnd`: every byte counts, not the whole intervals alone. */
export function owed(terms: Terms, sent: number, paid: bigint, atEnd: boolean): bigint {
  const { unsealPrice, pricePerByte } = terms;
  if (paid < unsealPrice) return unsealPrice - paid;
  if (pricePerByte === 0n) return 0n;
  const due = atEnd ? sent : intervalAround(terms, sent)[0];
  const left = BigInt(due) * pricePerByte - (paid - unsealPrice);
  return left > 0n ? left : 0n;
}

/** Bytes that may be sent before more is paid; null: any number. */
export function sendLimit(terms: Terms, paid: bigint): number | null {
  const { unsealPrice, pricePerByte } = terms;
  if (pricePerByte === 0n) return null;
  const bytes = paid > unsealPrice ? (paid - unsealPrice) / pricePerByte : 0n;
  const most = BigInt(Number.MAX_SAFE_INTEGER) / 2n;
  return nextPayPoint(terms, Number(bytes < most ? bytes : most));
}

/** Why terms make no deal, or null. */
export function badTerms({ pricePerByte, paymentInterval }: Terms): string | null {
  return pricePerByte > 0n && paymentInterval === 0 ? "a price per byte needs a payment interval above 0" : null;
}
