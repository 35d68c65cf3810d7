/** Arithmetic of raw and quality-adjusted power. Pairs are never changed in place. */
import { Big } from "../../base/big";
import { PowerPair } from "./codec.gen";

export function powerPair(raw: Big, qa: Big): PowerPair {
  const pair = new PowerPair();
  pair.raw = raw;
  pair.qa = qa;
  return pair;
}

export const NO_POWER: PowerPair = new PowerPair();

export function addPower(a: PowerPair, b: PowerPair): PowerPair {
  return powerPair(a.raw.add(b.raw), a.qa.add(b.qa));
}

export function subPower(a: PowerPair, b: PowerPair): PowerPair {
  return powerPair(a.raw.sub(b.raw), a.qa.sub(b.qa));
}

export function negPower(a: PowerPair): PowerPair {
  return powerPair(a.raw.neg(), a.qa.neg());
}

export function isNoPower(a: PowerPair): bool {
  return a.raw.isZero && a.qa.isZero;
}

export function samePower(a: PowerPair, b: PowerPair): bool {
  return a.raw.eq(b.raw) && a.qa.eq(b.qa);
}

/** True if either part is below zero. */
export function isNegativePower(a: PowerPair): bool {
  return a.raw.negative || a.qa.negative;
}
