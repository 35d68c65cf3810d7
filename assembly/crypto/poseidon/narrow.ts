/**
 * The 55 partial rounds of the narrowest Poseidon (t = 3) in small integers. It hashes the columns of two-layer sectors,
 * one hash for each node, and so a third of the time of sealing one; `constants.ts` explains the recurrence and K.
 *
 * For t = 3, M = K / 420 with
 *
 *        | 140 105 84 |
 *   K =  | 105  84 70 |      N = the lower right 2 × 2: trace 144, determinant 140; v·w = 18081; v N w = 2584260
 *        |  84  70 60 |
 *
 * Take s̃[r] = 420^r s[r] and ỹ[r] = 420^r x[r]. Then the recurrence has integer coefficients
 *
 *   s̃[r+1] = 144 s̃[r] - 140 s̃[r-1] + 140 ỹ[r] - 2079 ỹ[r-1] + 196 ỹ[r-2]
 *   s̃[1] = 140 ỹ[0] + 420 d_0          s̃[2] = 140 ỹ[1] + 18081 ỹ[0] + 420² d_1
 *
 * (-2079 = 18081 - 144·140; 196 = 2584260 - 144·18081 + 140·140), at one limb-wide product and one cheap reduction, and
 * x = s^5 + c becomes ỹ = s̃^5 · 420^(-4r) + 420^r c: one multiplication more. Powers of 420 before and behind are put
 * into the entry and exit matrices.
 */
import { FR_ONE, FR_SIZE, frAdd, frCopy, frFromBytesBE, frInverse, frMul, frSqr } from "../field/fr.gen";
import { dot } from "./dot";

const ROUNDS: i32 = 55;
const L: u64 = 420;

/** 420^(-4r) and 420^r c of round r, side by side. */
const ROUND_TABLE: usize = memory.data(4400, 8);
/** Exit matrix: two columns of four. */
const EXIT: usize = memory.data(320, 8);
/** 420^(-55). */
const LAST: usize = memory.data(40, 8);
const HISTORY: usize = memory.data(4480, 8);
const POWER: usize = memory.data(40, 8);

/** 420^(-4r) and 420^r c of round r, side by side. Filled by `fillNarrow`, as the following two. */
export function narrowRounds(): usize {
  return ROUND_TABLE;
}

/** The exit matrix, two columns of four. */
export function narrowExit(): usize {
  return EXIT;
}

/** 420^(-55). */
export function narrowLast(): usize {
  return LAST;
}

/** Coefficients over x[r-2], s[r-1], x[r-1], s[r], x[r]; and of the first two rounds, over x[0] and x[0], s[1], x[1]. */
const RECURRENCE: usize = memory.data<u32>([196, 0xffffff74, 0xfffff7e1, 144, 140]); // 196, -140, -2079, 144, 140
const FIRST: usize = memory.data<i32>([140]);
const SECOND: usize = memory.data<i32>([18081, 0, 140]);

/**
 * Fills the tables, from the 55 constants at `constants` and the exit matrix (2 columns of 4) at `exit`, and multiplies
 * columns 1 and 2 of the entry matrix (3 × 3 by columns at `entry`) by 420 and 420².
 */
export function fillNarrow(constants: usize, entry: usize, exit: usize): void {
  const base = memory.data(40, 8);
  const inverse = memory.data(40, 8);
  const step = memory.data(40, 8);
  const bytes = memory.data(32, 8);
  memory.fill(bytes, 0, 32);
  store<u64>(bytes, bswap<u64>(L), 24);
  frFromBytesBE(base, bytes);
  frInverse(inverse, base);
  frSqr(step, inverse);
  frSqr(step, step);
  for (let i: usize = 0; i < 3; i++) {
    const one = entry + (3 + i) * FR_SIZE;
    const two = entry + (6 + i) * FR_SIZE;
    frMul(one, one, base);
    frMul(two, two, base);
    frMul(two, two, base);
  }
  const rise = memory.data(40, 8);
  const fall = memory.data(40, 8);
  frCopy(rise, FR_ONE);
  frCopy(fall, FR_ONE);
  frCopy(LAST, FR_ONE);
  for (let r = 0; r < ROUNDS; r++) {
    const row = ROUND_TABLE + <usize>r * (2 * FR_SIZE);
    frCopy(row, fall);
    frMul(row + FR_SIZE, constants + <usize>r * FR_SIZE, rise);
    frMul(fall, fall, step);
    frMul(rise, rise, base);
    // The window at the end is x[53], s[54], x[54], s[55]; LAST is 420^(-r - 1) now.
    frMul(LAST, LAST, inverse);
    for (let column: usize = 0; column < 8; column += 4) {
      const first = exit + column * FR_SIZE;
      const to = EXIT + column * FR_SIZE;
      if (r == ROUNDS - 3) frMul(to, first, LAST);
      if (r == ROUNDS - 2) {
        frMul(to + FR_SIZE, first + FR_SIZE, LAST);
        frMul(to + 2 * FR_SIZE, first + 2 * FR_SIZE, LAST);
      }
      if (r == ROUNDS - 1) frMul(to + 3 * FR_SIZE, first + 3 * FR_SIZE, LAST);
    }
  }
}

/** The partial rounds on the three lanes at `state`: from (s, 420 d_0, 420² d_1) to (s, u). */
export function runNarrow(state: usize): void {
  let s = HISTORY;
  let row = ROUND_TABLE;
  frCopy(s, state);
  for (let r = 0; r < ROUNDS; r++, s += 2 * FR_SIZE, row += 2 * FR_SIZE) {
    const x = s + FR_SIZE;
    const next = x + FR_SIZE;
    frSqr(POWER, s);
    frSqr(POWER, POWER);
    frMul(x, s, row);
    frMul(x, x, POWER);
    frAdd(x, x, row + FR_SIZE);
    if (r >= 2) {
      combine(next, x - 4 * FR_SIZE, RECURRENCE, 5);
    } else {
      if (r == 0) combine(next, x, FIRST, 1);
      else combine(next, x - 2 * FR_SIZE, SECOND, 3);
      frAdd(next, next, state + <usize>(r + 1) * FR_SIZE);
    }
  }
  frMul(state, s, LAST);
  const window = s - 3 * FR_SIZE;
  dot(state + FR_SIZE, window, FR_SIZE, EXIT, 4);
  dot(state + 2 * FR_SIZE, window, FR_SIZE, EXIT + 4 * FR_SIZE, 4);
}

/**
 * r = sum of k[i] · a[i] for i < count: a tight elements, k integers whose absolute values sum to less than 2^13.
 * The result is below 3 p, so tight. The quotient by p is taken from the upper limbs without their 8 lowest bits (the
 * product must fit 63 bits): 0x8d54253 / 2^50 is 2^232 / p from below by less than 2^-15 of it, so for sums up to
 * 2^15 p the quotient is less than 1 too small, and the 1 taken off keeps what is left above zero for negative sums.
 */
function combine(r: usize, a: usize, k: usize, count: i32): void {
  let t0: i64 = 0;
  let t1: i64 = 0;
  let t2: i64 = 0;
  let t3: i64 = 0;
  let t4: i64 = 0;
  let t5: i64 = 0;
  let t6: i64 = 0;
  let t7: i64 = 0;
  let t8: i64 = 0;
  for (let end = k + (<usize>count << 2); k < end; k += 4, a += FR_SIZE) {
    const factor: i64 = load<i32>(k);
    t0 += factor * <i64>load<u32>(a);
    t1 += factor * <i64>load<u32>(a, 4);
    t2 += factor * <i64>load<u32>(a, 8);
    t3 += factor * <i64>load<u32>(a, 12);
    t4 += factor * <i64>load<u32>(a, 16);
    t5 += factor * <i64>load<u32>(a, 20);
    t6 += factor * <i64>load<u32>(a, 24);
    t7 += factor * <i64>load<u32>(a, 28);
    t8 += factor * <i64>load<u32>(a, 32);
  }
  const q = ((((t8 + (t7 >> 29)) >> 8) * 0x8d54253) >> 42) - 1;
  let c = t0 - q;
  store<u32>(r, <u32>(c & 0x1fffffff));
  c = (c >> 29) + t1 - (q << 29) + (q << 3);
  store<u32>(r, <u32>(c & 0x1fffffff), 4);
  c = (c >> 29) + t2 - q * 0x1f96ffbf;
  store<u32>(r, <u32>(c & 0x1fffffff), 8);
  c = (c >> 29) + t3 - q * 0x1b4805ff;
  store<u32>(r, <u32>(c & 0x1fffffff), 12);
  c = (c >> 29) + t4 - q * 0x1d80553b;
  store<u32>(r, <u32>(c & 0x1fffffff), 16);
  c = (c >> 29) + t5 - q * 0xc0404d0;
  store<u32>(r, <u32>(c & 0x1fffffff), 20);
  c = (c >> 29) + t6 - q * 0x1520cce7;
  store<u32>(r, <u32>(c & 0x1fffffff), 24);
  c = (c >> 29) + t7 - q * 0xa6533af;
  store<u32>(r, <u32>(c & 0x1fffffff), 28);
  store<u32>(r, <u32>((c >> 29) + t8 - q * 0x73eda7), 32);
}
