/** Exports of the proof targets for Poseidon. */
import { FR_SIZE, frToBytesLE } from "../crypto/field/fr.gen";
import { poseidonSet, setElements } from "../crypto/poseidon/constants";

export { poseidon, poseidonLevel, poseidonPlain, poseidonTagged } from "../crypto/poseidon/hash";

/**
 * Writes the set of `arity` as 32-byte elements at `out`: optimised constants, M and the pre-sparse matrix (both by
 * columns), the sparse matrices, the plain round constants. Returns how many. For checks against published parameters.
 */
export function poseidonParameters(arity: i32, out: usize): i32 {
  const set = poseidonSet(arity);
  const count = setElements(arity);
  for (let i = 0; i < count; i++) frToBytesLE(out + <usize>i * 32, set + <usize>i * FR_SIZE);
  return count;
}
