/**
 * The parts of a hash that are dot products with constants of full size (entry matrix, partial rounds, last column), as
 * `hash.ts` has them, in SIMD (`dot-lanes.gen.ts`), for widths above 3. Only for modules that are compiled with SIMD.
 *
 * A set's constants are spread when it is first used, in the order of `constants.ts`: entry matrix, impulse, recurrence, exit
 * matrix, last column. The sum of products is divided by 2^260 in place of 2^261, so constants are halved.
 */
import { FR_ONE, FR_SIZE, frAdd, frCanonical, frCopy, frDouble, frInverse, frMul, frSqr } from "../field/fr.gen";
import { entryOffset, exitOffset, fullOffset, impulseOffset, lastOffset, recurrenceOffset } from "./constants";
import { dotLanes, dotLanesBoth, SPREAD_SIZE, toWords, WORDS_SIZE } from "./dot-lanes.gen";

/** Bytes of zeros before the first spread constant. */
const ZEROS: usize = 16;
const SPREAD_4: usize = memory.data(ASC_FEATURE_SIMD ? 16 + 76 * 96 : 16, 16);
const SPREAD_8: usize = memory.data(ASC_FEATURE_SIMD ? 16 + 244 * 96 : 16, 16);
const SPREAD_11: usize = memory.data(ASC_FEATURE_SIMD ? 16 + 433 * 96 : 16, 16);
/** One byte for each width: 1 once its constants are spread. */
const READY: usize = memory.data(16, 8);

/** The lanes of the state. */
const WORDS: usize = memory.data(480, 8);
/** s[0], x[0], s[1], x[1], … of the partial rounds. */
const HISTORY: usize = memory.data(4640, 8);
const S: usize = memory.data(40, 8);
const X: usize = memory.data(40, 8);
const POWER: usize = memory.data(40, 8);

/** Address of the spread constants for a width of 5, 9 or 12, made now if they are not there yet. */
export function spreadSet(set: usize, t: i32, partial: i32): usize {
  const spread = ZEROS + (t == 5 ? SPREAD_4 : t == 9 ? SPREAD_8 : SPREAD_11);
  if (load<u8>(READY + <usize>t) == 0) {
    const half = memory.data(40, 8);
    frDouble(half, FR_ONE);
    frInverse(half, half);
    let to = spread;
    for (let from = set + entryOffset(t, partial); from < set + fullOffset(t, partial); from += FR_SIZE, to += SPREAD_SIZE) {
      spreadConstant(to, from, half);
    }
    const last = set + lastOffset(t, partial);
    for (let from = last; from < last + <usize>t * FR_SIZE; from += FR_SIZE, to += SPREAD_SIZE) {
      spreadConstant(to, from, half);
    }
    store<u8>(READY + <usize>t, 1);
  }
  return spread;
}

/** Limbs k and k - 1 in word k, 13 bits with a sign, of the constant times `half`; the words behind are left as they are. */
export function spreadConstant(to: usize, constant: usize, half: usize): void {
  const element = memory.data(40, 8);
  frMul(element, constant, half);
  frCanonical(element, element);
  toWords(element, element);
  let before = 0;
  for (let k = 0; k < 20; k++) {
    let limb = <i32>load<u16>(element + (<usize>k << 1)) + (before >> 16);
    // What is carried stands above the limb's 16 bits.
    const up = limb > 0x1000 ? 1 : 0;
    limb -= up << 13;
    store<u32>(to + (<usize>k << 2), (limb & 0xffff) | (before << 16));
    before = (limb & 0xffff) | (up << 16);
  }
  store<u32>(to, before << 16, 80);
}

/** How far from the first the spread constant lies that stands at `offset` of the set. */
// @ts-ignore: decorator
@inline
function spreadOffset(offset: usize, t: i32, partial: i32): usize {
  return ((offset - entryOffset(t, partial)) / FR_SIZE) * SPREAD_SIZE;
}

/** The lanes of the state as words. */
function stateToWords(state: usize, t: i32): void {
  for (let i: usize = 0; i < <usize>t; i++) toWords(WORDS + i * WORDS_SIZE, state + i * FR_SIZE);
}

/** state = state · entry matrix. */
export function enterLanes(state: usize, spread: usize, t: i32): void {
  stateToWords(state, t);
  for (let end = state + <usize>t * FR_SIZE; state < end; state += FR_SIZE, spread += <usize>t * SPREAD_SIZE) {
    dotLanes(state, WORDS, WORDS_SIZE, spread, t);
  }
}

/** Lane 1 after the last round, which is written at `out`. */
export function lastLane(out: usize, state: usize, spread: usize, t: i32, partial: i32): void {
  stateToWords(state, t);
  dotLanes(out, WORDS, WORDS_SIZE, spread + spreadOffset(fullOffset(t, partial), t, partial), t);
}

/** The partial rounds, from (s, d_0 …) in the state to (s, u); letters as in `constants.ts`. */
export function runPartialLanes(state: usize, spread: usize, constants: usize, t: i32, partial: i32): void {
  const n = t - 1;
  const window = <usize>(2 * n) * WORDS_SIZE;
  const impulse = spread + spreadOffset(impulseOffset(t, partial), t, partial);
  const recurrence = spread + spreadOffset(recurrenceOffset(t, partial), t, partial);
  let s = HISTORY;
  frCopy(S, state);
  toWords(s, S);
  for (let r = 0; r < partial; r++, s += 2 * WORDS_SIZE, constants += FR_SIZE) {
    const x = s + WORDS_SIZE;
    const next = x + WORDS_SIZE;
    frSqr(POWER, S);
    frSqr(POWER, POWER);
    frMul(X, S, POWER);
    frAdd(X, X, constants);
    toWords(x, X);
    if (r < n) {
      dotLanes(S, HISTORY + WORDS_SIZE, 2 * WORDS_SIZE, impulse + <usize>(n - r) * SPREAD_SIZE, r + 1);
      frAdd(S, S, state + <usize>(r + 1) * FR_SIZE);
      toWords(next, S);
    } else {
      dotLanesBoth(S, next, x - window, WORDS_SIZE, recurrence, 2 * n + 1);
    }
  }
  frCopy(state, S);
  let exit = spread + spreadOffset(exitOffset(t, partial), t, partial);
  for (let i = 1; i < t; i++, exit += <usize>(2 * n) * SPREAD_SIZE) {
    dotLanes(state + <usize>i * FR_SIZE, s + WORDS_SIZE - window, WORDS_SIZE, exit, 2 * n);
  }
}
