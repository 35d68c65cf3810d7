/**
 * Poseidon in circuits: the older of neptune's two, which the network's keys are made of.
 *
 * The state is the tag, a constant, and the preimage. Every S-box x^5 is three rows, with round keys behind it taken into the
 * third: l2 = x x, l4 = l2 l2, l5 = x l4 + key. In the first round keys stand before it too: (x + k)^5. What goes into the
 * S-boxes of later rounds is a linear combination of earlier variables: it becomes a variable by a row of its own. In
 * partial rounds only lane 0 does; the other lanes' combinations grow by one variable each round.
 *
 *   rows = variables: 3 (t-1) + 28 t + 4 R_P + 1
 *
 * Combinations are kept as a matrix: all lanes are sums over the same variables, so one list of keys and a row of
 * coefficients for each lane. Matrices: `sparse.ts`; constants: `crypto/poseidon/constants.ts`.
 * Source: neptune src/circuit.rs.
 */
import {
  FR_SIZE,
  frAdd,
  frCopy,
  frMul,
  frNeg,
  frSqr,
} from "../../crypto/field/fr.gen";
import { FULL_ROUNDS, matrixOffset, MAX_WIDTH, partialRounds, poseidonSet } from "../../crypto/poseidon/constants";
import { dot } from "../../crypto/poseidon/dot";
import { merkleTag } from "../../crypto/poseidon/hash";
import { AT_POSEIDON, enter, leave } from "./path";
import { alloc, keyOf, numberAt } from "./number";
import { building, countRow, newAux, setNumber, values, valuesEqual, witnessing } from "./run";
import { add, addValue, emit, SIDE_A, SIDE_B, SIDE_C } from "./terms";
import { sparseOffset, sparseSet } from "./sparse";

/** Most variables of a combination: t + R_P at arity 11. */
const MAX_VARIABLES: i32 = 72;
const LANE: usize = 2880; // MAX_VARIABLES elements

/** Values of the lanes. */
const STATE: usize = memory.data(480, 8);
const NEXT: usize = memory.data(480, 8);
/** Keys of the variables that the lanes are sums of, and coefficients, a row for each lane. */
const KEYS: usize = memory.data(288, 8);
const LANES: usize = memory.data(34560, 8);
const SUMS: usize = memory.data(2880, 8);
let variables: i32 = 0;

const X: usize = memory.data(40, 8);
const L2: usize = memory.data(40, 8);
const L4: usize = memory.data(40, 8);
const L5: usize = memory.data(40, 8);
const NEGATIVE: usize = memory.data(40, 8);

// @ts-ignore: decorator
@inline
function at(base: usize, index: i32): usize {
  return base + <usize>index * FR_SIZE;
}

// @ts-ignore: decorator
@inline
function coefficient(lane: i32, variable: i32): usize {
  return LANES + <usize>lane * LANE + <usize>variable * FR_SIZE;
}

/** out = hash of `arity` numbers as a node of a Merkle tree. */
export function hashNodes(out: usize, arity: i32, inputs: usize): void {
  hashTagged(out, arity, merkleTag(arity), inputs);
}

/** out = hash of `arity` (2, 4, 8 or 11) numbers under a tag. */
export function hashTagged(out: usize, arity: i32, tag: u64, inputs: usize): void {
  enter(AT_POSEIDON, arity);
  const t = arity + 1;
  assert(t <= MAX_WIDTH && t + partialRounds(arity) <= MAX_VARIABLES);
  const partial = partialRounds(arity);
  const set = poseidonSet(arity);
  const matrix = set + matrixOffset(t, partial);
  const sparse = sparseSet(arity);
  const half = FULL_ROUNDS >> 1;
  firstRound(set, t, tag, inputs);
  mix(matrix, t);
  let keys = at(set, 2 * t);
  for (let round = 1; round < half; round++, keys = at(keys, t)) {
    fullRound(keys, t);
    mix(round == half - 1 ? sparse : matrix, t);
  }
  for (let round = 0; round < partial; round++, keys += FR_SIZE) {
    const key = sboxOfLane(0, keys);
    mixSparse(sparse + sparseOffset(t, round), t, key);
  }
  for (let round = 1; round < half; round++, keys = at(keys, t)) {
    fullRound(keys, t);
    mix(matrix, t);
  }
  fullRound(0, t);
  mix(matrix, t);
  if (witnessing()) frCopy(out, at(STATE, 1));
  alloc(out);
  combinationRow(1, keyOf(out), out);
  leave();
}

/** S-boxes with keys before them. Lane 0 stays a constant: a coefficient of input 0. */
function firstRound(set: usize, t: i32, tag: u64, inputs: usize): void {
  setNumber(STATE, tag);
  frAdd(STATE, STATE, set);
  frSqr(L2, STATE);
  frSqr(L4, L2);
  frMul(STATE, STATE, L4);
  frAdd(STATE, STATE, at(set, t));
  store<u32>(KEYS, 0);
  for (let lane = 1; lane < t; lane++) {
    const input = numberAt(inputs, lane - 1);
    const key = at(set, lane);
    if (witnessing()) frAdd(X, input, key);
    sbox(lane, keyOf(input), key, at(set, t + lane));
  }
  variables = t;
}

/** S-boxes of all lanes, each made a variable first; keys behind them, none if `keys` is 0. */
function fullRound(keys: usize, t: i32): void {
  for (let lane = 0; lane < t; lane++) {
    const made = sboxOfLane(lane, keys == 0 ? 0 : at(keys, lane));
    store<u32>(SUMS + (<usize>lane << 2), made);
  }
  memory.copy(KEYS, SUMS, <usize>t << 2);
  variables = t;
}

/** Makes a lane's combination a variable and raises it; the key of the result. */
function sboxOfLane(lane: i32, key: usize): u32 {
  const value = at(STATE, lane);
  const made = newAux(value);
  combinationRow(lane, made, value);
  if (witnessing()) frCopy(X, value);
  return raise(lane, made, 0, key);
}

/** The first round's S-box: its result's key is entered in KEYS. */
function sbox(lane: i32, input: u32, before: usize, behind: usize): void {
  store<u32>(KEYS + (<usize>lane << 2), raise(lane, input, before, behind));
}

/** X^5 + behind for X = input + before: three rows; the value goes to the lane. Returns the key of the result. */
function raise(lane: i32, input: u32, before: usize, behind: usize): u32 {
  if (witnessing()) {
    frSqr(L2, X);
    frSqr(L4, L2);
    frMul(L5, L4, X);
  }
  const l2 = newAux(L2);
  if (witnessing()) {
    values(X, X, L2);
  } else if (building()) {
    addShifted(SIDE_A, input, before);
    addShifted(SIDE_B, input, before);
    add(SIDE_C, l2, 1);
    emit();
  }
  countRow();
  const l4 = newAux(L4);
  if (witnessing()) {
    values(L2, L2, L4);
  } else if (building()) {
    add(SIDE_A, l2, 1);
    add(SIDE_B, l2, 1);
    add(SIDE_C, l4, 1);
    emit();
  }
  countRow();
  const result = at(STATE, lane);
  if (witnessing()) {
    if (behind != 0) frAdd(result, L5, behind);
    else frCopy(result, L5);
  }
  const l5 = newAux(result);
  if (witnessing()) {
    values(X, L4, L5);
  } else if (building()) {
    addShifted(SIDE_A, input, before);
    add(SIDE_B, l4, 1);
    add(SIDE_C, l5, 1);
    if (behind != 0) {
      frNeg(NEGATIVE, behind);
      addValue(SIDE_C, 0, NEGATIVE);
    }
    emit();
  }
  countRow();
  return l5;
}

function addShifted(side: usize, key: u32, constant: usize): void {
  add(side, key, 1);
  if (constant != 0) addValue(side, 0, constant);
}

/** combination of the lane × 1 = the variable `key`. */
function combinationRow(lane: i32, key: u32, value: usize): void {
  if (witnessing()) {
    valuesEqual(value);
  } else if (building()) {
    for (let i = 0; i < variables; i++) addValue(SIDE_A, load<u32>(KEYS + (<usize>i << 2)), coefficient(lane, i));
    add(SIDE_B, 0, 1);
    add(SIDE_C, key, 1);
    emit();
  }
  countRow();
}

/** state = state · matrix (by columns), where every lane is one variable, or, lane 0 in the first round, a constant. */
function mix(matrix: usize, t: i32): void {
  if (witnessing()) {
    for (let j = 0; j < t; j++) dot(at(NEXT, j), STATE, FR_SIZE, at(matrix, j * t), t);
    memory.copy(STATE, NEXT, <usize>t * FR_SIZE);
  } else if (building()) {
    for (let j = 0; j < t; j++) {
      for (let i = 0; i < t; i++) frCopy(coefficient(j, i), at(matrix, j * t + i));
      if (load<u32>(KEYS) == 0) frMul(coefficient(j, 0), coefficient(j, 0), STATE);
    }
  }
}

/** state = state · sparse matrix, where lane 0 is the variable `key` and the others are combinations. */
function mixSparse(round: usize, t: i32, key: u32): void {
  const rest = at(round, t);
  if (witnessing()) {
    dot(NEXT, STATE, FR_SIZE, round, t);
    for (let j = 1; j < t; j++) {
      frMul(X, STATE, at(rest, j - 1));
      frAdd(at(STATE, j), at(STATE, j), X);
    }
    frCopy(STATE, NEXT);
  } else if (building()) {
    for (let i = 0; i < variables; i++)
      dot(coefficient(0, i), coefficient(1, i), LANE, at(round, 1), t - 1);
    frCopy(coefficient(0, variables), round);
    for (let j = 1; j < t; j++) frCopy(coefficient(j, variables), at(rest, j - 1));
    store<u32>(KEYS + (<usize>variables << 2), key);
    variables++;
  }
}

