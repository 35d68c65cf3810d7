/**
 * Eight hashes of two elements side by side in SIMD: the narrowest Poseidon as `hash.ts` and `narrow.ts` have it, with products in Fr by
 * eights (`fr-lanes.gen.ts`). Columns of two-layer sectors are hashed by it. Only for modules that are compiled with SIMD.
 *
 * Elements are a·2^260 mod p. What the scalar form multiplies with K·2^(-29), this one multiplies with K: the factor that gathers is
 * f/2^(29 e), where e goes 0, 5, 30, 155 over a half's S-boxes (e' = 5 (e + 1), as factors are taken to the fifth power). Sums with
 * small integers are made tight by a quotient, as in `narrow.ts`. The constant behind an S-box is added in its last product.
 */
import { FR_ONE, FR_SIZE, frAdd, frDouble, frFromBytesLE, frFromMontgomery, frInverse, frMul } from "../field/fr.gen";
import {
  FR_COLUMNS_SIZE, FR_LANES_SIZE, FR_LIMBS_SIZE, frLanesDot, frLanesReduce, frLanesScale,
} from "../field/fr-lanes.gen";
import { entryOffset, FULL_ROUNDS, fullOffset, lastOffset, partialRounds, poseidonSet } from "./constants";
import { SPREAD_SIZE, WORDS_SIZE } from "./dot-lanes.gen";
import {
  addWords, copyWords, fillLimbs, fillSpread, fillWords, giveElement, HASHES, laneOf, powerOfTwo, raise, raiseAll, raiseScaled, takeElement,
} from "./eights";
import { spreadConstant } from "./lanes";
import { narrowExit, narrowLast, narrowRounds } from "./narrow";

const WIDTH: i32 = 3;
const ROUNDS: i32 = 55;
/** The tag of Merkle-tree nodes of two elements. */
const TAG: u64 = 3;

// Spread constants: 2^520 | 2^260 | entry matrix | 420^(-4r) | exit matrix | 420^(-55) | last column, for a result without 2^260.
const SPREAD: usize = memory.data(ASC_FEATURE_SIMD ? 78 * 96 : 16, 16);
const INTO: usize = SPREAD;
const UNIT: usize = SPREAD + 96;
const ENTRY: usize = SPREAD + 2 * 96;
const ROUND_FACTORS: usize = SPREAD + 11 * 96;
const EXIT: usize = SPREAD + 66 * 96;
const LAST: usize = SPREAD + 74 * 96;
const LAST_COLUMN: usize = SPREAD + 75 * 96;
/** Constants before the first S-box, as words: lane 0 | lanes 1 and 2, not yet times 2^260. */
const WORDS: usize = memory.data(ASC_FEATURE_SIMD ? 3 * 40 : 16, 16);
// Constants behind S-boxes, as limbs: full rounds | partial rounds | 0, behind the last.
const FULL_LIMBS: usize = memory.data(ASC_FEATURE_SIMD ? 77 * 80 : 16, 16);
const ROUND_LIMBS: usize = FULL_LIMBS + 21 * 80;
const ZERO: usize = FULL_LIMBS + 76 * 80;
let ready: bool = false;

const STATE: usize = memory.data(ASC_FEATURE_SIMD ? 960 : 16, 16);
const STATE_END: usize = STATE + 3 * FR_LANES_SIZE;
const NEXT: usize = memory.data(ASC_FEATURE_SIMD ? 960 : 16, 16);
const COLUMNS: usize = memory.data(ASC_FEATURE_SIMD ? 640 : 16, 16);
/** … s[r-1], x[r-1], s[r], x[r], s[r+1]: the last four go to the front when it is full. */
const HISTORY: usize = memory.data(ASC_FEATURE_SIMD ? 6400 : 16, 16);
const FULL: usize = HISTORY + 16 * FR_LANES_SIZE;

/** Small integers k as pairs (k, 0) and (0, k): K by columns; the recurrence and its first two rounds as in `narrow.ts`. */
const K: usize = memory.data<i32>([
  140, 140 << 16, 105, 105 << 16, 84, 84 << 16,
  105, 105 << 16, 84, 84 << 16, 70, 70 << 16,
  84, 84 << 16, 70, 70 << 16, 60, 60 << 16,
]);
const RECURRENCE: usize = memory.data<u32>([
  196, 196 << 16, 0xff74, 0xff740000, 0xf7e1, 0xf7e10000, 144, 144 << 16, 140, 140 << 16,
]); // 196, -140, -2079, 144, 140
const FIRST: usize = memory.data<u32>([140, 140 << 16, 0, 0, 0, 0]);
const SECOND: usize = memory.data<u32>([18081, 18081 << 16, 0, 0, 140, 140 << 16]);

/**
 * Eight Merkle-tree hashes: of the elements at `first` and `second`, `step` bytes apart from hash to hash, to 256 bytes at `out`. Returns
 * false, and writes nothing, if an element is not canonical.
 */
export function hashEight(first: usize, second: usize, step: usize, out: usize): bool {
  prepare();
  for (let lane: usize = 0; lane < HASHES; lane++) {
    if (!takeElement(laneOf(STATE + FR_LANES_SIZE, lane), first + lane * step)) return false;
    if (!takeElement(laneOf(STATE + 2 * FR_LANES_SIZE, lane), second + lane * step)) return false;
  }
  copyWords(STATE, WORDS);
  for (let i: usize = 1; i < <usize>WIDTH; i++) {
    const lane = STATE + i * FR_LANES_SIZE;
    addWords(lane, WORDS + i * WORDS_SIZE);
    frLanesScale(lane, lane, INTO);
  }
  let limbs = FULL_LIMBS;
  const half = FULL_ROUNDS >> 1;
  for (let r = 1; r < half; r++) {
    limbs = raiseAll(STATE, STATE_END, limbs);
    multiplySmall();
  }
  limbs = raiseAll(STATE, STATE_END, limbs);
  for (let i: usize = 0; i < <usize>WIDTH; i++) {
    frLanesDot(NEXT + i * FR_LANES_SIZE, STATE, ENTRY + i * (3 * SPREAD_SIZE), WIDTH);
  }
  memory.copy(STATE, NEXT, 3 * FR_LANES_SIZE);
  runPartial();
  for (let r = 1; r < half; r++) {
    limbs = raiseAll(STATE, STATE_END, limbs);
    multiplySmall();
  }
  for (let i: usize = 0; i < <usize>WIDTH; i++) raise(STATE + i * FR_LANES_SIZE, ZERO);
  frLanesDot(NEXT, STATE, LAST_COLUMN, WIDTH);
  for (let lane: usize = 0; lane < HASHES; lane++) giveElement(out + (lane << 5), laneOf(NEXT, lane));
  return true;
}

/** The partial rounds, from (s, 420 d_0, 420² d_1) to (s, u); see `narrow.ts`. */
function runPartial(): void {
  memory.copy(HISTORY, STATE, FR_LANES_SIZE);
  let s = HISTORY;
  let factor = ROUND_FACTORS;
  let limbs = ROUND_LIMBS;
  for (let r = 0; r < ROUNDS; r++, s += 2 * FR_LANES_SIZE, factor += SPREAD_SIZE, limbs += FR_LIMBS_SIZE) {
    const x = s + FR_LANES_SIZE;
    const next = x + FR_LANES_SIZE;
    raiseScaled(x, s, factor, limbs);
    if (r >= 2) {
      sumFive(x - 4 * FR_LANES_SIZE);
    } else {
      // x[0] below 1.1p, as it will be multiplied by 18081 and the sum must stay below 2^15 p.
      if (r == 0) {
        frLanesScale(x, x, UNIT);
        sumThree(x, FIRST);
      } else {
        sumThree(x - 2 * FR_LANES_SIZE, SECOND);
      }
      addColumns(STATE + <usize>(r + 1) * FR_LANES_SIZE);
    }
    frLanesReduce(next, COLUMNS);
    if (s < FULL) continue;
    // s[r+1] is the fourth of these, and the next turn begins with it.
    memory.copy(HISTORY, next - 3 * FR_LANES_SIZE, 4 * FR_LANES_SIZE);
    s = HISTORY + FR_LANES_SIZE;
  }
  const window = s - 3 * FR_LANES_SIZE;
  frLanesScale(STATE, s, LAST);
  frLanesDot(STATE + FR_LANES_SIZE, window, EXIT, 4);
  frLanesDot(STATE + 2 * FR_LANES_SIZE, window, EXIT + 4 * SPREAD_SIZE, 4);
}

/** state = K · state. */
function multiplySmall(): void {
  for (let j: usize = 0; j < <usize>WIDTH; j++) {
    sumThree(STATE, K + 24 * j);
    frLanesReduce(NEXT + j * FR_LANES_SIZE, COLUMNS);
  }
  memory.copy(STATE, NEXT, 3 * FR_LANES_SIZE);
}

/** Columns of the sum of three k[i] · a[i]: elements one after the other, limbs below 2^13, integers as pairs. */
function sumThree(a: usize, k: usize): void {
  const e0 = v128.load32_splat(k);
  const o0 = v128.load32_splat(k, 4);
  const e1 = v128.load32_splat(k, 8);
  const o1 = v128.load32_splat(k, 12);
  const e2 = v128.load32_splat(k, 16);
  const o2 = v128.load32_splat(k, 20);
  for (let to = COLUMNS; to < COLUMNS + FR_COLUMNS_SIZE; to += 32, a += 16) {
    const x0 = v128.load(a);
    const x1 = v128.load(a, FR_LANES_SIZE);
    const x2 = v128.load(a, 2 * FR_LANES_SIZE);
    v128.store(to, i32x4.add(i32x4.add(dot(x0, e0), dot(x1, e1)), dot(x2, e2)));
    v128.store(to, i32x4.add(i32x4.add(dot(x0, o0), dot(x1, o1)), dot(x2, o2)), 16);
  }
}

/** The same of five with the integers of the recurrence: even columns, then odd ones, as their words would not all fit the registers. */
function sumFive(a: usize): void {
  for (let odd: usize = 0; odd < 2; odd++) {
    const k = RECURRENCE + (odd << 2);
    const k0 = v128.load32_splat(k);
    const k1 = v128.load32_splat(k, 8);
    const k2 = v128.load32_splat(k, 16);
    const k3 = v128.load32_splat(k, 24);
    const k4 = v128.load32_splat(k, 32);
    let x = a;
    for (let to = COLUMNS + (odd << 4); to < COLUMNS + FR_COLUMNS_SIZE; to += 32, x += 16) {
      const sum = i32x4.add(dot(v128.load(x), k0), dot(v128.load(x, FR_LANES_SIZE), k1));
      const more = i32x4.add(dot(v128.load(x, 2 * FR_LANES_SIZE), k2), dot(v128.load(x, 3 * FR_LANES_SIZE), k3));
      v128.store(to, i32x4.add(i32x4.add(sum, more), dot(v128.load(x, 4 * FR_LANES_SIZE), k4)));
    }
  }
}

// @ts-ignore: decorator
@inline
function dot(limbs: v128, words: v128): v128 {
  return i32x4.dot_i16x8_s(limbs, words);
}

/** Adds an element to the columns. */
function addColumns(a: usize): void {
  for (let to = COLUMNS; to < COLUMNS + FR_COLUMNS_SIZE; to += 32, a += 16) {
    const limbs = v128.load(a);
    v128.store(to, i32x4.add(v128.load(to), v128.and(limbs, i32x4.splat(0xffff))));
    v128.store(to, i32x4.add(v128.load(to, 16), i32x4.shr_u(limbs, 16)), 16);
  }
}

// ---- constants ---------------------------------------------------------------------------------------------------

function prepare(): void {
  if (ready) return;
  const partial = partialRounds(2);
  const set = poseidonSet(2);
  const half = memory.data(40, 8);
  const factor = memory.data(40, 8);
  const element = memory.data(40, 8);
  const plain = memory.data(40, 8);
  const bytes = memory.data(32, 8);
  frDouble(half, FR_ONE);
  frInverse(half, half);
  frFromMontgomery(plain, FR_ONE); // 1, as which the result has no power of two
  powerOfTwo(element, 260);
  spreadConstant(INTO, element, half);
  spreadConstant(UNIT, FR_ONE, half);

  memory.fill(bytes, 0, 32);
  store<u64>(bytes, TAG);
  frFromBytesLE(element, bytes);
  const full = set + fullOffset(WIDTH, partial);
  frAdd(element, element, full);
  fillWords(WORDS, element, half);
  fillWords(WORDS + WORDS_SIZE, full + FR_SIZE, plain);
  fillWords(WORDS + 2 * WORDS_SIZE, full + 2 * FR_SIZE, plain);

  // Rows 1 to 4 are those of the first half, 5 to 7 of the second.
  for (let row = 1, e = 0; row < FULL_ROUNDS; row++, e = row == 5 ? 0 : 5 * (e + 1)) {
    powerOfTwo(factor, 29 * e);
    for (let i = 0; i < WIDTH; i++) {
      const place = row * WIDTH + i;
      frMul(element, full + <usize>place * FR_SIZE, factor);
      fillLimbs(FULL_LIMBS + <usize>(place - WIDTH) * FR_LIMBS_SIZE, element, half);
    }
  }
  powerOfTwo(factor, 29 * 155);
  frInverse(factor, factor);
  for (let i: usize = 0; i < 3; i++) {
    frMul(element, set + lastOffset(WIDTH, partial) + i * FR_SIZE, factor);
    spreadConstant(LAST_COLUMN + i * SPREAD_SIZE, element, plain);
  }
  frMul(factor, factor, half);
  fillSpread(ENTRY, set + entryOffset(WIDTH, partial), factor, WIDTH * WIDTH);

  for (let r: usize = 0; r < <usize>ROUNDS; r++) {
    const from = narrowRounds() + r * (2 * FR_SIZE);
    spreadConstant(ROUND_FACTORS + r * SPREAD_SIZE, from, half);
    fillLimbs(ROUND_LIMBS + r * FR_LIMBS_SIZE, from + FR_SIZE, half);
  }
  fillSpread(EXIT, narrowExit(), half, 8);
  spreadConstant(LAST, narrowLast(), half);
  ready = true;
}
