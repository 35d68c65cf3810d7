/**
 * Poseidon of any published number of elements and strength, in the textbook form: every round adds constants, applies
 * S-boxes and multiplies by M. Filecoin's published answers go beyond the four sets that its trees use
 * (`constants.ts`): hashes of 16, 24 and 36 elements, and a strengthened variant with a quarter more partial rounds.
 *
 * Work memory of `poseidonAnyBytes`, in elements of FR_SIZE bytes:
 *   round constants: (8 + R_P)·t  |  M: t·t  |  state: t  |  next state: t
 *
 * Source: neptune src/poseidon.rs, src/round_numbers.rs.
 */
import { FR_SIZE, frAdd, frDot, frFromBytesLE, frMul, frSqr, frToBytesLE } from "../field/fr.gen";
import { fillMatrix, fillRoundConstants, FULL_ROUNDS, partialRounds } from "./constants";

/** Bytes of an element where it crosses the ABI. */
const ELEMENT_BYTES: usize = 32;
/** Terms that one dot product takes. */
const DOT_TERMS: i32 = 16;

const POWER: usize = memory.data(40, 8);
const PART: usize = memory.data(40, 8);

/** Partial rounds; strengthened, a quarter more, rounded up. */
function rounds(arity: i32, strengthened: bool): i32 {
  const partial = partialRounds(arity);
  return strengthened ? (partial * 5 + 3) / 4 : partial;
}

/** Bytes of work memory; 0 for an arity without parameters. */
export function poseidonAnyBytes(arity: i32, strengthened: bool): usize {
  const partial = rounds(arity, strengthened);
  if (partial == 0) return 0;
  const t = arity + 1;
  return <usize>((FULL_ROUNDS + partial) * t + t * t + 2 * t) * FR_SIZE;
}

/**
 * Hash of `arity` elements at `input` (32 bytes each, little-endian) under the domain tag at `tag` (one element), to the
 * 32 bytes at `out`. Returns false, and writes nothing, if an element is not canonical.
 */
export function poseidonAny(
  work: usize, arity: i32, strengthened: bool, tag: usize, input: usize, out: usize,
): bool {
  const partial = rounds(arity, strengthened);
  const t = arity + 1;
  const row = <usize>t * FR_SIZE;
  const matrix = work + <usize>(FULL_ROUNDS + partial) * row;
  const state = matrix + <usize>t * row;
  const next = state + row;
  if (!frFromBytesLE(state, tag)) return false;
  for (let lane = state + FR_SIZE; lane < next; lane += FR_SIZE, input += ELEMENT_BYTES) {
    if (!frFromBytesLE(lane, input)) return false;
  }
  fillRoundConstants(work, t, partial);
  fillMatrix(matrix, t);
  const half = FULL_ROUNDS >> 1;
  let constant = work;
  for (let round = 0; round < FULL_ROUNDS + partial; round++) {
    for (let lane = state; lane < next; lane += FR_SIZE, constant += FR_SIZE) frAdd(lane, lane, constant);
    const full = round < half || round >= half + partial;
    for (let lane = state, end = full ? next : state + FR_SIZE; lane < end; lane += FR_SIZE) {
      frSqr(POWER, lane);
      frSqr(POWER, POWER);
      frMul(lane, lane, POWER);
    }
    // M is symmetric: its rows are its columns.
    for (let j = 0; j < t; j++) longDot(next + <usize>j * FR_SIZE, state, matrix + <usize>j * row, t);
    memory.copy(state, next, row);
  }
  frToBytesLE(out, state + FR_SIZE);
  return true;
}

/** r = sum of a[i] · b[i] for i < count. r must not be an operand. */
function longDot(r: usize, a: usize, b: usize, count: i32): void {
  frDot(r, a, b, min(count, DOT_TERMS));
  for (let done = DOT_TERMS; done < count; done += DOT_TERMS) {
    const offset = <usize>done * FR_SIZE;
    frDot(PART, a + offset, b + offset, min(count - done, DOT_TERMS));
    frAdd(r, r, PART);
  }
}
