/** Exports of the proof targets for Poseidon. */
import { FR_SIZE, frToBytesLE } from "../crypto/field/fr.gen";
import { entryOffset, partialRounds, poseidonSet } from "../crypto/poseidon/constants";

export { poseidonAny, poseidonAnyBytes } from "../crypto/poseidon/any";
export { poseidon, poseidonLevel, poseidonPlain, poseidonTagged } from "../crypto/poseidon/hash";

/**
 * Writes the published part of the set for `arity` as 32-byte elements at `out`: compressed constants, M, and the plain
 * round constants. Returns how many. For checks against published parameters.
 */
export function poseidonParameters(arity: i32, out: usize): i32 {
  const set = poseidonSet(arity);
  const count = <i32>(entryOffset(arity + 1, partialRounds(arity)) / FR_SIZE);
  for (let i = 0; i < count; i++) frToBytesLE(out + <usize>i * 32, set + <usize>i * FR_SIZE);
  return count;
}
