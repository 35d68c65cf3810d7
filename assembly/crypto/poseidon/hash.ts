/**
 * Poseidon hashes of 2, 4, 8 or 11 field elements; the sets and their optimised form are explained in `constants.ts`.
 *
 * The state is (tag, input 0, …): the tag 2^arity - 1 marks a node of a Merkle tree, other tags other uses. The digest is
 * lane 1 after the last round. Elements cross the ABI as 32 little-endian canonical bytes.
 *
 * Products a hash for arity 8: 72 S-boxes of 3 and 57 of 3, 8 matrices of 81, 57 rounds of about 17, and one exit matrix
 * of 128; dot products take one reduction each. With SIMD those with constants of full size are made in lanes (`lanes.ts`).
 */
import { FR_SIZE, frAdd, frCopy, frFromBytesLE, frMul, frSqr, frToBytesLE } from "../field/fr.gen";
import {
  entryOffset,
  exitOffset,
  FULL_ROUNDS,
  fullOffset,
  impulseOffset,
  lastOffset,
  matrixOffset,
  MAX_WIDTH,
  partialRounds,
  plainOffset,
  poseidonSet,
  recurrenceOffset,
  smallLimbs,
  smallOffset,
} from "./constants";
import { dot, dotSmall } from "./dot";
import { HASHES } from "./eights";
import { enterLanes, lastLane, runPartialLanes, spreadSet } from "./lanes";
import { runNarrow } from "./narrow";
import { hashEight } from "./narrow-lanes";
import { hashNodes } from "./node-lanes";

/** Bytes of an element where it crosses the ABI. */
export const ELEMENT_BYTES: usize = 32;

const STATE: usize = memory.data(480, 8);
const NEXT: usize = memory.data(480, 8);
const POWER: usize = memory.data(40, 8);
/** s[0], x[0], s[1], x[1], … of the partial rounds: at most 57 · 2 + 1 elements. */
const HISTORY: usize = memory.data(4640, 8);

/** The tag of Merkle-tree nodes. */
export function merkleTag(arity: i32): u64 {
  return ((<u64>1) << arity) - 1;
}

/**
 * Hash of `arity` elements at `input` (32 bytes each) under the domain tag `tag`, to the 32 bytes at `out`.
 * `arity` is 2, 4, 8 or 11. Returns false, and writes nothing, if an element is not canonical.
 */
export function poseidonTagged(arity: i32, tag: u64, input: usize, out: usize): bool {
  const set = poseidonSet(arity);
  if (!loadState(arity, tag, input)) return false;
  permute(set, arity + 1, partialRounds(arity));
  frToBytesLE(out, STATE + FR_SIZE);
  return true;
}

/** Merkle-tree hash of `arity` elements: `poseidonTagged` under `merkleTag`. */
export function poseidon(arity: i32, input: usize, out: usize): bool {
  return poseidonTagged(arity, merkleTag(arity), input, out);
}

/** `count` Merkle-tree hashes of consecutive inputs to consecutive digests; `out` may equal `input`. False as above. */
export function poseidonLevel(arity: i32, input: usize, out: usize, count: usize): bool {
  const step = <usize>arity * ELEMENT_BYTES;
  if (ASC_FEATURE_SIMD && arity == 2) {
    for (; count >= HASHES; count -= HASHES, input += HASHES * step, out += HASHES * ELEMENT_BYTES) {
      if (!hashEight(input, input + ELEMENT_BYTES, step, out)) return false;
    }
  }
  if (ASC_FEATURE_SIMD && arity == 8) {
    for (; count >= HASHES; count -= HASHES, input += HASHES * step, out += HASHES * ELEMENT_BYTES) {
      if (!hashNodes(input, out)) return false;
    }
  }
  for (; count > 0; count--, input += step, out += ELEMENT_BYTES) {
    if (!poseidon(arity, input, out)) return false;
  }
  return true;
}

/** The textbook form: every round adds constants, applies S-boxes and multiplies by M. Reference of `poseidonTagged`. */
export function poseidonPlain(arity: i32, tag: u64, input: usize, out: usize): bool {
  const t = arity + 1;
  const partial = partialRounds(arity);
  const set = poseidonSet(arity);
  const matrix = set + matrixOffset(t, partial);
  let constants = set + plainOffset(t, partial);
  if (!loadState(arity, tag, input)) return false;
  for (let r = 0; r < FULL_ROUNDS + partial; r++) {
    for (let i = 0; i < t; i++, constants += FR_SIZE) {
      const lane = STATE + <usize>i * FR_SIZE;
      frAdd(lane, lane, constants);
    }
    const full = r < FULL_ROUNDS >> 1 || r >= (FULL_ROUNDS >> 1) + partial;
    const boxes = full ? t : 1;
    for (let i = 0; i < boxes; i++) raise(STATE + <usize>i * FR_SIZE);
    multiply(matrix, t, t);
  }
  frToBytesLE(out, STATE + FR_SIZE);
  return true;
}

/** Fills the state. */
function loadState(arity: i32, tag: u64, input: usize): bool {
  assert(arity < MAX_WIDTH);
  const bytes = memory.data(32, 8);
  memory.fill(bytes, 0, 32);
  store<u64>(bytes, tag);
  frFromBytesLE(STATE, bytes);
  for (let lane = STATE + FR_SIZE, end = lane + <usize>arity * FR_SIZE; lane < end; lane += FR_SIZE) {
    if (!frFromBytesLE(lane, input)) return false;
    input += ELEMENT_BYTES;
  }
  return true;
}

/** lane = lane^5 */
function raise(lane: usize): void {
  frSqr(POWER, lane);
  frSqr(POWER, POWER);
  frMul(lane, lane, POWER);
}

/** state = state · matrix (by columns); only the first `lanes` of the result are computed. */
function multiply(matrix: usize, t: i32, lanes: i32): void {
  const column = <usize>t * FR_SIZE;
  for (let j = 0; j < lanes; j++, matrix += column) dot(NEXT + <usize>j * FR_SIZE, STATE, FR_SIZE, matrix, t);
  memory.copy(STATE, NEXT, <usize>lanes * FR_SIZE);
}

/** The optimised permutation of the state; only lane 1 is right at the end. */
function permute(set: usize, t: i32, partial: i32): void {
  const half = FULL_ROUNDS >> 1;
  let constants = set + fullOffset(t, partial);
  for (let lane = STATE, end = STATE + <usize>t * FR_SIZE; lane < end; lane += FR_SIZE, constants += FR_SIZE) {
    frAdd(lane, lane, constants);
  }
  for (let r = 1; r < half; r++) {
    constants = raiseAll(constants, t);
    multiplySmall(set, t, partial);
  }
  constants = raiseAll(constants, t);
  const single = set + <usize>((half + 1) * t) * FR_SIZE;
  if (ASC_FEATURE_SIMD && t > 3) {
    const spread = spreadSet(set, t, partial);
    enterLanes(STATE, spread, t);
    runPartialLanes(STATE, spread, single, t, partial);
  } else {
    multiply(set + entryOffset(t, partial), t, t);
    if (t == 3) runNarrow(STATE);
    else runPartial(set, single, t, partial);
  }
  for (let r = 1; r < half; r++) {
    constants = raiseAll(constants, t);
    multiplySmall(set, t, partial);
  }
  for (let i = 0; i < t; i++) raise(STATE + <usize>i * FR_SIZE);
  if (ASC_FEATURE_SIMD && t > 3) lastLane(NEXT, STATE, spreadSet(set, t, partial), t, partial);
  else dot(NEXT, STATE, FR_SIZE, set + lastOffset(t, partial), t);
  frCopy(STATE + FR_SIZE, NEXT);
}

/** state = K · state times a power of two: see `constants.ts`. */
function multiplySmall(set: usize, t: i32, partial: i32): void {
  const limbs = smallLimbs(t);
  let column = set + smallOffset(t, partial);
  for (let j = 0; j < t; j++, column += <usize>t << 3) {
    dotSmall(NEXT + <usize>j * FR_SIZE, STATE, column, t, limbs);
  }
  memory.copy(STATE, NEXT, <usize>t * FR_SIZE);
}

/** The partial rounds, from (s, d_0 …) in the state to (s, u); letters as in `constants.ts`. */
function runPartial(set: usize, constants: usize, t: i32, partial: i32): void {
  const n = t - 1;
  const window = <usize>(2 * n) * FR_SIZE;
  const impulse = set + impulseOffset(t, partial);
  const recurrence = set + recurrenceOffset(t, partial);
  let s = HISTORY;
  frCopy(s, STATE);
  for (let r = 0; r < partial; r++, s += 2 * FR_SIZE, constants += FR_SIZE) {
    const x = s + FR_SIZE;
    const next = x + FR_SIZE;
    frSqr(POWER, s);
    frSqr(POWER, POWER);
    frMul(x, s, POWER);
    frAdd(x, x, constants);
    if (r < n) {
      dot(next, HISTORY + FR_SIZE, 2 * FR_SIZE, impulse + <usize>(n - r) * FR_SIZE, r + 1);
      frAdd(next, next, STATE + <usize>(r + 1) * FR_SIZE);
    } else {
      dot(next, x - window, FR_SIZE, recurrence, 2 * n + 1);
    }
  }
  frCopy(STATE, s);
  let exit = set + exitOffset(t, partial);
  for (let i = 1; i < t; i++, exit += window) {
    dot(STATE + <usize>i * FR_SIZE, s + FR_SIZE - window, FR_SIZE, exit, 2 * n);
  }
}

/** S-boxes and the constants behind them on all lanes; returns the address after the constants. */
function raiseAll(constants: usize, t: i32): usize {
  for (let lane = STATE, end = STATE + <usize>t * FR_SIZE; lane < end; lane += FR_SIZE, constants += FR_SIZE) {
    raise(lane);
    frAdd(lane, lane, constants);
  }
  return constants;
}
