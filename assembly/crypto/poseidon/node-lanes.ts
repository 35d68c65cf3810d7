/**
 * Eight hashes of eight elements side by side in SIMD: nodes of 8-ary trees, with products in Fr by eights (`fr-lanes.gen.ts`). Only for
 * modules that are compiled with SIMD.
 *
 * Every round is S-boxes, constants and the matrix K of small integers (`hankel-lanes.gen.ts`), partial rounds too: 36 products with three
 * limbs take less than the recurrence's 17 with twenty, and neither entry nor exit matrix is needed. Constants are those of `constants.ts`
 * that stand behind S-boxes, one a partial round. As K / 2^52 stands in place of M, a factor g gathers in all lanes: it is g^5 behind the
 * S-boxes of a full round, in a partial round lane 0 is multiplied by g^(-4) on the way, and the matrix makes it g · L / 2^52. Constants are
 * multiplied by it, the last column divided. Elements are a·2^260 mod p.
 */
import { FR_ONE, FR_SIZE, frAdd, frCopy, frDouble, frFromBytesLE, frFromMontgomery, frInverse, frMul } from "../field/fr.gen";
import { FR_LANES_SIZE, FR_LIMBS_SIZE, frLanesDot, frLanesScale } from "../field/fr-lanes.gen";
import { FULL_ROUNDS, matrixOffset, partialRounds, poseidonSet } from "./constants";
import { SPREAD_SIZE, WORDS_SIZE } from "./dot-lanes.gen";
import {
  addWords, copyWords, fillLimbs, fillWords, giveElement, HASHES, laneOf, powerOfTwo, raise, raiseAll, raiseScaled, takeElement,
} from "./eights";
import { HANKEL_MULTIPLE, multiplyHankel } from "./hankel-lanes.gen";
import { spreadConstant } from "./lanes";

const ARITY: i32 = 8;
const WIDTH: i32 = 9;
const HALF: i32 = FULL_ROUNDS >> 1;
/** The tag of Merkle-tree nodes of eight elements. */
const TAG: u64 = 255;

// Spread constants: 2^520 | g^(-4) of each partial round | last column over g, for a result without 2^260.
const SPREAD: usize = memory.data(ASC_FEATURE_SIMD ? 67 * 96 : 16, 16);
const INTO: usize = SPREAD;
const FACTORS: usize = SPREAD + 96;
const LAST_COLUMN: usize = SPREAD + 58 * 96;
/** As words: lane 0 behind the first S-box, then the constants of the others before it, not yet times 2^260. */
const WORDS: usize = memory.data(ASC_FEATURE_SIMD ? 9 * 40 : 16, 16);
// Constants behind S-boxes, as limbs: of the first round without lane 0, of the further ones in their order | 0, behind the last.
const LIMBS: usize = memory.data(ASC_FEATURE_SIMD ? 120 * 80 : 16, 16);
const ZERO: usize = LIMBS + 119 * 80;
let ready: bool = false;

const STATE: usize = memory.data(ASC_FEATURE_SIMD ? 9 * 320 : 16, 16);
const STATE_END: usize = STATE + 9 * FR_LANES_SIZE;
const DIGEST: usize = memory.data(ASC_FEATURE_SIMD ? 320 : 16, 16);

/**
 * Eight Merkle-tree hashes of eight elements each, one after the other at `input`, to 256 bytes at `out`. Returns false, and writes nothing,
 * if an element is not canonical. `out` may equal `input`.
 */
export function hashNodes(input: usize, out: usize): bool {
  prepare();
  for (let hash: usize = 0; hash < HASHES; hash++) {
    for (let lane = STATE + FR_LANES_SIZE; lane < STATE_END; lane += FR_LANES_SIZE, input += 32) {
      if (!takeElement(laneOf(lane, hash), input)) return false;
    }
  }
  copyWords(STATE, WORDS);
  let words = WORDS + WORDS_SIZE;
  for (let lane = STATE + FR_LANES_SIZE; lane < STATE_END; lane += FR_LANES_SIZE, words += WORDS_SIZE) {
    addWords(lane, words);
    frLanesScale(lane, lane, INTO);
  }
  let limbs = raiseAll(STATE + FR_LANES_SIZE, STATE_END, LIMBS);
  multiplyHankel(STATE);
  limbs = fullRounds(limbs);
  for (let factor = FACTORS; factor < LAST_COLUMN; factor += SPREAD_SIZE, limbs += FR_LIMBS_SIZE) {
    raiseScaled(STATE, STATE, factor, limbs);
    multiplyHankel(STATE);
  }
  fullRounds(limbs);
  for (let lane = STATE; lane < STATE_END; lane += FR_LANES_SIZE) raise(lane, ZERO);
  frLanesDot(DIGEST, STATE, LAST_COLUMN, WIDTH);
  for (let hash: usize = 0; hash < HASHES; hash++) giveElement(out + (hash << 5), laneOf(DIGEST, hash));
  return true;
}

/** Three full rounds: all of a half but one. */
function fullRounds(limbs: usize): usize {
  for (let round = 1; round < HALF; round++) {
    limbs = raiseAll(STATE, STATE_END, limbs);
    multiplyHankel(STATE);
  }
  return limbs;
}

// ---- constants ---------------------------------------------------------------------------------------------------

const HALVED: usize = memory.data(40, 8);
const GATHERED: usize = memory.data(40, 8);
const STEP: usize = memory.data(40, 8);

/** r = a^5 */
function fifth(r: usize, a: usize): void {
  const power = memory.data(40, 8);
  frMul(power, a, a);
  frMul(power, power, power);
  frMul(r, power, a);
}

/** `count` constants times what has gathered; returns the address after them. */
function fillRow(to: usize, constants: usize, count: i32): usize {
  const element = memory.data(40, 8);
  for (; count > 0; count--, constants += FR_SIZE, to += FR_LIMBS_SIZE) {
    frMul(element, constants, GATHERED);
    fillLimbs(to, element, HALVED);
  }
  return to;
}

function prepare(): void {
  if (ready) return;
  const set = poseidonSet(ARITY);
  const row: usize = <usize>WIDTH * FR_SIZE;
  const element = memory.data(40, 8);
  const plain = memory.data(40, 8);
  const bytes = memory.data(32, 8);
  frDouble(HALVED, FR_ONE);
  frInverse(HALVED, HALVED);
  frFromMontgomery(plain, FR_ONE); // 1, as which the result has no power of two
  powerOfTwo(element, 260);
  spreadConstant(INTO, element, HALVED);

  // L / 2^52
  memory.fill(bytes, 0, 32);
  store<u64>(bytes, HANKEL_MULTIPLE);
  frFromBytesLE(STEP, bytes);
  powerOfTwo(element, 52);
  frInverse(element, element);
  frMul(STEP, STEP, element);

  store<u64>(bytes, TAG);
  frFromBytesLE(element, bytes);
  frAdd(element, element, set);
  fifth(element, element);
  frAdd(element, element, set + row);
  fillWords(WORDS, element, HALVED);
  for (let i: usize = 1; i < <usize>WIDTH; i++) fillWords(WORDS + i * WORDS_SIZE, set + i * FR_SIZE, plain);

  frCopy(GATHERED, FR_ONE);
  let constants = set + row + FR_SIZE;
  let to = fillRow(LIMBS, constants, WIDTH - 1);
  constants += row - FR_SIZE;
  frMul(GATHERED, GATHERED, STEP);
  for (let round = 1; round < HALF; round++, constants += row) {
    fifth(GATHERED, GATHERED);
    to = fillRow(to, constants, WIDTH);
    frMul(GATHERED, GATHERED, STEP);
  }
  for (let factor = FACTORS; factor < LAST_COLUMN; factor += SPREAD_SIZE, constants += FR_SIZE) {
    fifth(element, GATHERED);
    frInverse(element, element);
    frMul(element, element, GATHERED);
    spreadConstant(factor, element, HALVED);
    to = fillRow(to, constants, 1);
    frMul(GATHERED, GATHERED, STEP);
  }
  for (let round = 1; round < HALF; round++, constants += row) {
    fifth(GATHERED, GATHERED);
    to = fillRow(to, constants, WIDTH);
    frMul(GATHERED, GATHERED, STEP);
  }
  fifth(GATHERED, GATHERED);
  frInverse(GATHERED, GATHERED);
  const column = set + matrixOffset(WIDTH, partialRounds(ARITY)) + row;
  for (let i: usize = 0; i < <usize>WIDTH; i++) {
    frMul(element, column + i * FR_SIZE, GATHERED);
    spreadConstant(LAST_COLUMN + i * SPREAD_SIZE, element, plain);
  }
  ready = true;
}
