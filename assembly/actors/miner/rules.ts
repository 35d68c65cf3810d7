/**
 * What changed between the generations and network versions, one predicate per rule. The figures that changed are in
 * `policy.ts`.
 */
import { Runtime } from "../../runtime/runtime";

/** From v2 fees that a miner cannot pay are kept as debt; before, they were forgiven. */
export function keepsFeeDebt(rt: Runtime): bool {
  return rt.actorsVersion >= 2;
}

/** From v2 initial pledge is locked; before, rewards and penalties could draw on it. */
export function locksInitialPledge(rt: Runtime): bool {
  return rt.actorsVersion >= 2;
}

/** From v2 new sectors have no power until the first window PoSt. */
export function powerAwaitsProof(rt: Runtime): bool {
  return rt.actorsVersion >= 2;
}

/** From v2 partitions, expiration sets and deadlines are validated after changes. */
export function validatesState(rt: Runtime): bool {
  return rt.actorsVersion >= 2;
}

/** From v2 a broken money invariant is an exit code; before, it broke the actor. */
export function reportsBrokenMoney(rt: Runtime): bool {
  return rt.actorsVersion >= 2;
}

/** From v2 the vesting table is not loaded when there is nothing in it to find. */
export function skipsEmptyVesting(rt: Runtime): bool {
  return rt.actorsVersion >= 2;
}

/** From v2 sectors are looked for in the expiration queue where they really are, not only where they say. */
export function searchesExpirations(rt: Runtime): bool {
  return rt.actorsVersion >= 2;
}

/** From v2 the number of declarations in a message is limited before they are looked at. */
export function limitsDeclarations(rt: Runtime): bool {
  return rt.actorsVersion >= 2;
}

/** From network version 3 skipped, missed and recovered sectors pay nothing beyond the fee for ongoing faults. */
export function forgivesNewFaults(rt: Runtime): bool {
  return rt.networkVersion >= 3;
}

/** From network version 1 only half of a sector's age counts in the termination fee (v0). */
export function halvesTerminationAge(rt: Runtime): bool {
  return rt.networkVersion >= 1;
}
