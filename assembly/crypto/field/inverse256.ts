/**
 * Inverse modulo an odd m < 2^256 by division steps: Bernstein and Yang, "Fast constant-time gcd computation and
 * modular inversion" (2019), with the half-step start of Pieter Wuille's analysis (at most 590 steps for 256 bits).
 *
 * f = m, g = x; a step halves g, after adding f when g is odd, and after exchanging the two (g takes -f) when moreover
 * a counter says that g is the longer. Every step divides by two exactly, and f ends as plus or minus gcd = 1.
 * Steps depend only on the low bits, so 30 are done on machine words and gathered in a matrix, 2^30 [u v; q r], which
 * is then applied to the whole of f, g and, modulo m, to d, e, which keep d x = f and e x = g (mod m).
 *
 * Whole numbers are nine signed limbs of 30 bits (`i32`, the last takes the sign); d and e stay within (-2m, m).
 * Two forms of the 30 steps: one without any branch for secrets, always 600 steps; one that counts zeros and stops
 * early for public values. Zero has the "inverse" zero.
 */

const LIMBS: usize = 9;
const LIMB_BITS: i64 = 30;
const MASK: i64 = 0x3fffffff;
const BYTES: usize = 36;

/** 20 rounds of 30 steps pass the 590 that the constant-time start needs. */
const SECRET_ROUNDS: i32 = 20;
/** 25 rounds pass the 735 that bound the other start; the loop leaves earlier when g is zero. */
const PUBLIC_ROUNDS: i32 = 25;

/** Matrix of the last 30 steps at `matrix`: u, v, q, r as i64. Returns the new counter. */
function secretSteps(zeta: i32, f0: u32, g0: u32, matrix: usize): i32 {
  let u: u32 = 1;
  let v: u32 = 0;
  let q: u32 = 0;
  let r: u32 = 1;
  let f = f0;
  let g = g0;
  for (let i = 0; i < 30; i++) {
    const shorter: u32 = <u32>(zeta >> 31); // all ones when g is the longer
    const odd: u32 = 0 - (g & 1);
    // add f, or -f when the two will change places
    g += ((f ^ shorter) - shorter) & odd;
    q += ((u ^ shorter) - shorter) & odd;
    r += ((v ^ shorter) - shorter) & odd;
    const exchange = shorter & odd;
    zeta = (zeta ^ <i32>exchange) - 1;
    f += g & exchange;
    u += q & exchange;
    v += r & exchange;
    g >>>= 1;
    u <<= 1;
    v <<= 1;
  }
  storeMatrix(matrix, u, v, q, r);
  return zeta;
}

/** Same for public values: whole runs of zeros at once, and up to six low bits of g cleared by one multiple of f. */
function publicSteps(eta: i32, f0: u32, g0: u32, matrix: usize): i32 {
  let u: u32 = 1;
  let v: u32 = 0;
  let q: u32 = 0;
  let r: u32 = 1;
  let f = f0;
  let g = g0;
  for (let left = 30; ; ) {
    const zeros = <i32>ctz<u32>(g | (<u32>0xffffffff << left));
    g >>>= zeros;
    u <<= zeros;
    v <<= zeros;
    eta -= zeros;
    left -= zeros;
    if (left == 0) break;
    if (eta < 0) {
      eta = -eta;
      const oldF = f;
      f = g;
      g = 0 - oldF;
      const oldU = u;
      u = q;
      q = 0 - oldU;
      const oldV = v;
      v = r;
      r = 0 - oldV;
    }
    // -1/f = f (f^2 - 2) modulo 64; no exchange falls into the next eta + 1 steps
    const bits = min(min(eta + 1, left), 6);
    const w = (g * f * (f * f - 2)) & ((1 << bits) - 1);
    g += f * w;
    q += u * w;
    r += v * w;
  }
  storeMatrix(matrix, u, v, q, r);
  return eta;
}

// @ts-ignore: decorator
@inline
function storeMatrix(matrix: usize, u: u32, v: u32, q: u32, r: u32): void {
  store<i64>(matrix, <i64><i32>u);
  store<i64>(matrix, <i64><i32>v, 8);
  store<i64>(matrix, <i64><i32>q, 16);
  store<i64>(matrix, <i64><i32>r, 24);
}

/** f, g = (u f + v g, q f + r g) / 2^30. */
function updateFG(f: usize, g: usize, matrix: usize): void {
  const u = load<i64>(matrix);
  const v = load<i64>(matrix, 8);
  const q = load<i64>(matrix, 16);
  const r = load<i64>(matrix, 24);
  let cf = (u * <i64>load<i32>(f) + v * <i64>load<i32>(g)) >> LIMB_BITS;
  let cg = (q * <i64>load<i32>(f) + r * <i64>load<i32>(g)) >> LIMB_BITS;
  for (let i: usize = 4; i < BYTES; i += 4) {
    const fi = <i64>load<i32>(f + i);
    const gi = <i64>load<i32>(g + i);
    cf += u * fi + v * gi;
    cg += q * fi + r * gi;
    store<i32>(f + i - 4, <i32>(cf & MASK));
    store<i32>(g + i - 4, <i32>(cg & MASK));
    cf >>= LIMB_BITS;
    cg >>= LIMB_BITS;
  }
  store<i32>(f, <i32>cf, 32);
  store<i32>(g, <i32>cg, 32);
}

/** d, e = (u d + v e, q d + r e) / 2^30 mod m, where multiples of m make the division exact. */
function updateDE(d: usize, e: usize, matrix: usize, m: usize, inverse: i64): void {
  const u = load<i64>(matrix);
  const v = load<i64>(matrix, 8);
  const q = load<i64>(matrix, 16);
  const r = load<i64>(matrix, 24);
  // Negative d or e enter as d + m, e + m: all terms then lie within (-m, m).
  const dSign = <i64>(load<i32>(d, 32) >> 31);
  const eSign = <i64>(load<i32>(e, 32) >> 31);
  let md = (u & dSign) + (v & eSign);
  let me = (q & dSign) + (r & eSign);
  let cd = u * <i64>load<i32>(d) + v * <i64>load<i32>(e);
  let ce = q * <i64>load<i32>(d) + r * <i64>load<i32>(e);
  md -= (inverse * (cd & MASK) + md) & MASK;
  me -= (inverse * (ce & MASK) + me) & MASK;
  cd = (cd + <i64>load<i32>(m) * md) >> LIMB_BITS;
  ce = (ce + <i64>load<i32>(m) * me) >> LIMB_BITS;
  for (let i: usize = 4; i < BYTES; i += 4) {
    const di = <i64>load<i32>(d + i);
    const ei = <i64>load<i32>(e + i);
    const mi = <i64>load<i32>(m + i);
    cd += u * di + v * ei + mi * md;
    ce += q * di + r * ei + mi * me;
    store<i32>(d + i - 4, <i32>(cd & MASK));
    store<i32>(e + i - 4, <i32>(ce & MASK));
    cd >>= LIMB_BITS;
    ce >>= LIMB_BITS;
  }
  store<i32>(d, <i32>cd, 32);
  store<i32>(e, <i32>ce, 32);
}

/** Eight words into nine limbs. */
function split(out: usize, words: usize): void {
  let held: u64 = 0;
  let bits: u64 = 0;
  let at = words;
  for (let i: usize = 0; i < LIMBS; i++) {
    if (bits < 30 && at < words + 32) {
      held |= <u64>load<u32>(at) << bits;
      at += 4;
      bits += 32;
    }
    store<i32>(out + 4 * i, <i32>(held & <u64>MASK));
    held >>= 30;
    bits -= 30;
  }
}

/** Nine limbs of a value within [0, 2^256) into eight words. */
function join(words: usize, limbs: usize): void {
  let held: u64 = 0;
  let bits: u64 = 0;
  let at = words;
  for (let i: usize = 0; i < LIMBS; i++) {
    held |= <u64>load<u32>(limbs + 4 * i) << bits;
    bits += 30;
    if (bits >= 32) {
      store<u32>(at, <u32>held);
      at += 4;
      held >>= 32;
      bits -= 32;
    }
  }
}

/** d, within (-2m, m), times the sign of f, into [0, m). */
function normalize(d: usize, f: usize, m: usize): void {
  addIfNegative(d, m);
  const sign = <i64>(load<i32>(f, 32) >> 31);
  let carry: i64 = 0;
  for (let i: usize = 0; i < BYTES; i += 4) {
    carry += (<i64>load<i32>(d + i) ^ sign) - sign;
    store<i32>(d + i, <i32>(i == 32 ? carry : carry & MASK));
    carry >>= LIMB_BITS;
  }
  addIfNegative(d, m);
}

function addIfNegative(d: usize, m: usize): void {
  const mask = <i64>(load<i32>(d, 32) >> 31);
  let carry: i64 = 0;
  for (let i: usize = 0; i < BYTES; i += 4) {
    carry += <i64>load<i32>(d + i) + (<i64>load<i32>(m + i) & mask);
    store<i32>(d + i, <i32>(i == 32 ? carry : carry & MASK));
    carry >>= LIMB_BITS;
  }
}

function isZero(g: usize): bool {
  let any: i32 = 0;
  for (let i: usize = 0; i < BYTES; i += 4) any |= load<i32>(g + i);
  return any == 0;
}

function invert(out: usize, x: usize, m: usize, secret: bool): void {
  const limbs = memory.data(5 * 40, 8);
  const f = limbs;
  const g = limbs + 40;
  const d = limbs + 80;
  const e = limbs + 120;
  const modulus = limbs + 160;
  const matrix = memory.data(32, 8);
  split(modulus, m);
  memory.copy(f, modulus, BYTES);
  split(g, x);
  memory.fill(d, 0, BYTES);
  memory.fill(e, 0, BYTES);
  store<i32>(e, 1);
  // 1/m modulo 2^30: each Newton step doubles the right bits, 3 at first
  const m0 = load<u32>(m);
  let inverse = m0;
  for (let i = 0; i < 4; i++) inverse *= 2 - m0 * inverse;
  let counter = -1;
  const rounds = secret ? SECRET_ROUNDS : PUBLIC_ROUNDS;
  for (let round = 0; round < rounds; round++) {
    const f0 = load<u32>(f);
    const g0 = load<u32>(g);
    counter = secret ? secretSteps(counter, f0, g0, matrix) : publicSteps(counter, f0, g0, matrix);
    updateDE(d, e, matrix, modulus, <i64>(inverse & <u32>MASK));
    updateFG(f, g, matrix);
    if (!secret && isZero(g)) break;
  }
  normalize(d, f, modulus);
  join(out, d);
}

/**
 * out = 1/x mod m, eight 32-bit words each, m odd, gcd(x, m) = 1 or x = 0 (gives 0), x < m. `out` may be `x`.
 * Time depends on x: public values only.
 */
export function inversePublic(out: usize, x: usize, m: usize): void {
  invert(out, x, m, false);
}

/** Same, in time that does not depend on x. */
export function inverseSecret(out: usize, x: usize, m: usize): void {
  invert(out, x, m, true);
}
