/**
 * Eight hashes of two elements side by side in SIMD: the narrowest Poseidon as `hash.ts` and `narrow.ts` have it, with products in Fr by
 * eights (`fr-lanes.gen.ts`). Columns of two-layer sectors are hashed by it. Only for modules that are compiled with SIMD.
 *
 * Elements are a·2^260 mod p. What the scalar form multiplies with K·2^(-29), this one multiplies with K: the factor that gathers is
 * f/2^(29 e), where e goes 0, 5, 30, 155 over a half's S-boxes (e' = 5 (e + 1), as factors are taken to the fifth power). Sums with
 * small integers are made tight by a quotient, as in `narrow.ts`. A sum of a product and a constant is left as it is, with limbs below
 * 2^14, where it is next multiplied with constants or small integers; its value is below 2.5p.
 */
import {
  FR_ONE, FR_SIZE, frAdd, frCanonical, frCopy, frDouble, frFromBytesLE, frFromMontgomery, frInverse, frMul,
} from "../field/fr.gen";
import {
  FR_COLUMNS_SIZE, FR_LANES_SIZE, frLanesDot, frLanesMul, frLanesReduce, frLanesScale, frLanesSqr,
} from "../field/fr-lanes.gen";
import { entryOffset, FULL_ROUNDS, fullOffset, lastOffset, partialRounds, poseidonSet } from "./constants";
import { SPREAD_SIZE, toWords, WORDS_SIZE } from "./dot-lanes.gen";
import { spreadConstant } from "./lanes";
import { narrowExit, narrowLast, narrowRounds } from "./narrow";

const WIDTH: i32 = 3;
const ROUNDS: i32 = 55;
/** The tag of Merkle-tree nodes of two elements. */
const TAG: u64 = 3;
/** Hashes side by side, in two groups. */
export const HASHES: usize = 8;
const GROUP: usize = 160;

// Spread constants: 2^520 | 2^260 | entry matrix | 420^(-4r) | exit matrix | 420^(-55) | last column, for a result without 2^260.
const SPREAD: usize = memory.data(ASC_FEATURE_SIMD ? 78 * 96 : 16, 16);
const INTO: usize = SPREAD;
const UNIT: usize = SPREAD + 96;
const ENTRY: usize = SPREAD + 2 * 96;
const ROUND_FACTORS: usize = SPREAD + 11 * 96;
const EXIT: usize = SPREAD + 66 * 96;
const LAST: usize = SPREAD + 74 * 96;
const LAST_COLUMN: usize = SPREAD + 75 * 96;
// Constants as words: lane 0 before the first S-box | lanes 1 and 2, not yet times 2^260 | full rounds | partial rounds.
const WORDS: usize = memory.data(ASC_FEATURE_SIMD ? 79 * 40 : 16, 16);
const FULL_WORDS: usize = WORDS + 3 * 40;
const ROUND_WORDS: usize = WORDS + 24 * 40;
let ready: bool = false;

const STATE: usize = memory.data(ASC_FEATURE_SIMD ? 960 : 16, 16);
const NEXT: usize = memory.data(ASC_FEATURE_SIMD ? 960 : 16, 16);
const POWER: usize = memory.data(ASC_FEATURE_SIMD ? 320 : 16, 16);
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
const FIRST: usize = memory.data<u32>([140, 140 << 16]);
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
  for (let i: usize = 0; i < GROUP; i += 16) {
    const word = v128.load32_splat(WORDS + (i >> 2));
    v128.store(STATE + i, word);
    v128.store(STATE + GROUP + i, word);
  }
  for (let i: usize = 1; i < <usize>WIDTH; i++) {
    const lane = STATE + i * FR_LANES_SIZE;
    addWords(lane, WORDS + i * WORDS_SIZE);
    frLanesScale(lane, lane, INTO);
  }
  let words = FULL_WORDS;
  const half = FULL_ROUNDS >> 1;
  for (let r = 1; r < half; r++) {
    words = raiseAll(words);
    multiplySmall();
  }
  words = raiseAll(words);
  for (let i: usize = 0; i < <usize>WIDTH; i++) {
    // Limbs up to 2^14 do not fit a sum of three products.
    frLanesScale(STATE + i * FR_LANES_SIZE, STATE + i * FR_LANES_SIZE, UNIT);
  }
  for (let i: usize = 0; i < <usize>WIDTH; i++) {
    frLanesDot(NEXT + i * FR_LANES_SIZE, STATE, ENTRY + i * (3 * SPREAD_SIZE), WIDTH);
  }
  memory.copy(STATE, NEXT, 3 * FR_LANES_SIZE);
  runPartial();
  for (let r = 1; r < half; r++) {
    words = raiseAll(words);
    multiplySmall();
  }
  for (let i: usize = 0; i < <usize>WIDTH; i++) raise(STATE + i * FR_LANES_SIZE);
  frLanesDot(NEXT, STATE, LAST_COLUMN, WIDTH);
  for (let lane: usize = 0; lane < HASHES; lane++) giveElement(out + (lane << 5), laneOf(NEXT, lane));
  return true;
}

/** The partial rounds, from (s, 420 d_0, 420² d_1) to (s, u); see `narrow.ts`. */
function runPartial(): void {
  memory.copy(HISTORY, STATE, FR_LANES_SIZE);
  let s = HISTORY;
  let factor = ROUND_FACTORS;
  let words = ROUND_WORDS;
  for (let r = 0; r < ROUNDS; r++, s += 2 * FR_LANES_SIZE, factor += SPREAD_SIZE, words += WORDS_SIZE) {
    const x = s + FR_LANES_SIZE;
    const next = x + FR_LANES_SIZE;
    frLanesSqr(POWER, s);
    frLanesSqr(POWER, POWER);
    frLanesScale(x, s, factor);
    frLanesMul(x, x, POWER);
    addWords(x, words);
    if (r >= 2) {
      sumColumns(x - 4 * FR_LANES_SIZE, RECURRENCE, 5);
    } else {
      // x[0] below 1.1p, as it will be multiplied by 18081 and the sum must stay below 2^15 p.
      if (r == 0) {
        frLanesScale(x, x, UNIT);
        sumColumns(x, FIRST, 1);
      } else {
        sumColumns(x - 2 * FR_LANES_SIZE, SECOND, 3);
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
  frLanesScale(window, window, UNIT);
  frLanesScale(window + 2 * FR_LANES_SIZE, window + 2 * FR_LANES_SIZE, UNIT);
  frLanesScale(STATE, s, LAST);
  frLanesDot(STATE + FR_LANES_SIZE, window, EXIT, 4);
  frLanesDot(STATE + 2 * FR_LANES_SIZE, window, EXIT + 4 * SPREAD_SIZE, 4);
}

function raise(lane: usize): void {
  frLanesSqr(POWER, lane);
  frLanesSqr(POWER, POWER);
  frLanesMul(lane, lane, POWER);
}

/** S-boxes and the constants behind them; returns the address after the constants. */
function raiseAll(words: usize): usize {
  for (let lane = STATE; lane < STATE + 3 * FR_LANES_SIZE; lane += FR_LANES_SIZE, words += WORDS_SIZE) {
    raise(lane);
    addWords(lane, words);
  }
  return words;
}

/** state = K · state. */
function multiplySmall(): void {
  for (let j: usize = 0; j < <usize>WIDTH; j++) {
    sumColumns(STATE, K + 24 * j, WIDTH);
    frLanesReduce(NEXT + j * FR_LANES_SIZE, COLUMNS);
  }
  memory.copy(STATE, NEXT, 3 * FR_LANES_SIZE);
}

/** Adds a constant in words limb by limb. */
function addWords(lane: usize, words: usize): void {
  for (const end = words + WORDS_SIZE; words < end; words += 4, lane += 16) {
    const word = v128.load32_splat(words);
    v128.store(lane, i16x8.add(v128.load(lane), word));
    v128.store(lane + GROUP, i16x8.add(v128.load(lane + GROUP), word));
  }
}

/** Columns of the sum of k[i] · a[i]: elements one after the other, limbs below 2^14, integers as pairs. */
function sumColumns(a: usize, k: usize, count: i32): void {
  const end = k + (<usize>count << 3);
  for (let to = COLUMNS; to < COLUMNS + FR_COLUMNS_SIZE; to += 32, a += 16) {
    let even = i32x4.splat(0);
    let odd = i32x4.splat(0);
    for (let x = a, y = k; y < end; x += FR_LANES_SIZE, y += 8) {
      const limbs = v128.load(x);
      even = i32x4.add(even, i32x4.dot_i16x8_s(limbs, v128.load32_splat(y)));
      odd = i32x4.add(odd, i32x4.dot_i16x8_s(limbs, v128.load32_splat(y, 4)));
    }
    v128.store(to, even);
    v128.store(to, odd, 16);
  }
}

/** Adds an element to the columns. */
function addColumns(a: usize): void {
  for (let to = COLUMNS; to < COLUMNS + FR_COLUMNS_SIZE; to += 32, a += 16) {
    const limbs = v128.load(a);
    v128.store(to, i32x4.add(v128.load(to), v128.and(limbs, i32x4.splat(0xffff))));
    v128.store(to, i32x4.add(v128.load(to, 16), i32x4.shr_u(limbs, 16)), 16);
  }
}

/** Where the words of one hash are in an element. */
// @ts-ignore: decorator
@inline
function laneOf(element: usize, lane: usize): usize {
  return element + (lane >> 2) * GROUP + ((lane & 3) << 2);
}

// ---- in and out --------------------------------------------------------------------------------------------------

const P0: u64 = 0xffffffff00000001;
const P1: u64 = 0x53bda402fffe5bfe;
const P2: u64 = 0x3339d80809a1d805;
const P3: u64 = 0x73eda753299d7d48;

// @ts-ignore: decorator
@inline
function reachesModulus(a0: u64, a1: u64, a2: u64, a3: u64): bool {
  if (a3 != P3) return a3 > P3;
  if (a2 != P2) return a2 > P2;
  if (a1 != P1) return a1 > P1;
  return a0 >= P0;
}

/** The lower half of 26 bits and the upper one, in 16 bits each. */
// @ts-ignore: decorator
@inline
function pair(bits: u64): u32 {
  return <u32>((bits & 0x1fff) | ((bits << 3) & 0x1fff0000));
}

/** Writes the words of 32 bytes below p to one lane. */
function takeElement(lane: usize, bytes: usize): bool {
  const a0 = load<u64>(bytes);
  const a1 = load<u64>(bytes, 8);
  const a2 = load<u64>(bytes, 16);
  const a3 = load<u64>(bytes, 24);
  if (reachesModulus(a0, a1, a2, a3)) return false;
  store<u32>(lane, pair(a0));
  store<u32>(lane, pair(a0 >>> 26), 16);
  store<u32>(lane, pair((a0 >>> 52) | (a1 << 12)), 32);
  store<u32>(lane, pair(a1 >>> 14), 48);
  store<u32>(lane, pair((a1 >>> 40) | (a2 << 24)), 64);
  store<u32>(lane, pair(a2 >>> 2), 80);
  store<u32>(lane, pair(a2 >>> 28), 96);
  store<u32>(lane, pair((a2 >>> 54) | (a3 << 10)), 112);
  store<u32>(lane, pair(a3 >>> 16), 128);
  store<u32>(lane, pair(a3 >>> 42), 144);
  return true;
}

// @ts-ignore: decorator
@inline
function joined(lane: usize, index: usize): u64 {
  const word: u64 = load<u32>(lane + 16 * index);
  return (word & 0x1fff) | ((word >>> 3) & 0x3ffe000);
}

/** Writes one lane, which is below 2p, as 32 bytes below p. */
function giveElement(bytes: usize, lane: usize): void {
  const w2 = joined(lane, 2);
  const w4 = joined(lane, 4);
  const w7 = joined(lane, 7);
  let a0 = joined(lane, 0) | (joined(lane, 1) << 26) | (w2 << 52);
  let a1 = (w2 >>> 12) | (joined(lane, 3) << 14) | (w4 << 40);
  let a2 = (w4 >>> 24) | (joined(lane, 5) << 2) | (joined(lane, 6) << 28) | (w7 << 54);
  let a3 = (w7 >>> 10) | (joined(lane, 8) << 16) | (joined(lane, 9) << 42);
  if (reachesModulus(a0, a1, a2, a3)) {
    const b0: u64 = a0 < P0 ? 1 : 0;
    a0 -= P0;
    const d1 = a1 - P1;
    const b1: u64 = (a1 < P1 ? 1 : 0) + (d1 < b0 ? 1 : 0);
    a1 = d1 - b0;
    const d2 = a2 - P2;
    const b2: u64 = (a2 < P2 ? 1 : 0) + (d2 < b1 ? 1 : 0);
    a2 = d2 - b1;
    a3 -= P3 + b2;
  }
  store<u64>(bytes, a0);
  store<u64>(bytes, a1, 8);
  store<u64>(bytes, a2, 16);
  store<u64>(bytes, a3, 24);
}

// ---- constants ---------------------------------------------------------------------------------------------------

/** r = 2^exponent */
function powerOfTwo(r: usize, exponent: i32): void {
  frCopy(r, FR_ONE);
  for (; exponent > 0; exponent--) frDouble(r, r);
}

/** The constant times `factor`, over 2^261, in words. */
function fillWords(to: usize, constant: usize, factor: usize): void {
  const element = memory.data(40, 8);
  frMul(element, constant, factor);
  frCanonical(element, element);
  toWords(to, element);
}

/** Spreads `count` constants. */
function fillSpread(to: usize, from: usize, factor: usize, count: i32): void {
  for (; count > 0; count--, to += SPREAD_SIZE, from += FR_SIZE) spreadConstant(to, from, factor);
}

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
      fillWords(FULL_WORDS + <usize>(place - WIDTH) * WORDS_SIZE, element, half);
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
    fillWords(ROUND_WORDS + r * WORDS_SIZE, from + FR_SIZE, half);
  }
  fillSpread(EXIT, narrowExit(), half, 8);
  spreadConstant(LAST, narrowLast(), half);
  ready = true;
}
