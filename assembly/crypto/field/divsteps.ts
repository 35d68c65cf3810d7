/**
 * Inverse modulo a prime by divisions by two with a delta counter ("safegcd").
 *
 * State f, g (start p, x) and d, e (start 0, 1) with d x = f and e x = g mod p. A step looks only at the lowest bits of
 * f and g, so 30 steps are run on single words and collected in a 2 x 2 matrix (entries below 2^30), which is then
 * applied to the long numbers. When g reaches 0, f is 1 or -1 and d is the inverse up to that sign.
 * Here in the form with variable time: runs of zero bits of g are skipped together.
 * Long numbers are signed, limbs of 30 bits in i32, the top limb carrying the sign; d and e stay in (-2p, p).
 *
 * Source: Bernstein and Yang, "Fast constant-time gcd computation and modular inversion", 2019 (eprint 2019/266).
 */

const MAX_LIMBS: i32 = 13;
const MASK30: i64 = 0x3fffffff;

const P: usize = memory.data(4 * 13);
const F: usize = memory.data(4 * 13);
const G: usize = memory.data(4 * 13);
const D: usize = memory.data(4 * 13);
const E: usize = memory.data(4 * 13);
/** The matrix u v / q r of the last 30 steps. */
const MATRIX: usize = memory.data(4 * 4);

/**
 * r = 1/x mod p, below p; 0 for x = 0. r, x, p: limbs of `bits` (16..30) bits in u32, `limbs` of them, plain numbers,
 * x below p, p odd. count: limbs of 30 bits to work with, at most 13, two bits more than p has. Time depends on x.
 */
export function inverseDivsteps(r: usize, x: usize, p: usize, limbs: i32, bits: i32, count: i32): void {
  repack(P, 30, count, p, bits, limbs);
  repack(F, 30, count, p, bits, limbs);
  repack(G, 30, count, x, bits, limbs);
  memory.fill(D, 0, 4 * MAX_LIMBS);
  memory.fill(E, 0, 4 * MAX_LIMBS);
  store<i32>(E, 1);
  // p^-1 mod 2^30 by Newton's iteration, for making the low limb of d and e divisible.
  const low = load<u32>(P);
  let inverse: u32 = low;
  for (let i = 0; i < 4; i++) inverse *= 2 - low * inverse;
  inverse &= <u32>MASK30;
  let eta: i32 = -1;
  do {
    eta = divide30(eta, load<u32>(F) | (load<u32>(F, 4) << 30), load<u32>(G) | (load<u32>(G, 4) << 30));
    updateDE(count, inverse);
    updateFG(count);
  } while (!isZero(G, count));
  normalise(load<i32>(F + (<usize>(count - 1) << 2)) < 0, count);
  repack(r, bits, limbs, D, 30, count);
}

function isZero(a: usize, count: i32): bool {
  let or: u32 = 0;
  for (let i: usize = 0; i < <usize>count << 2; i += 4) or |= load<u32>(a + i);
  return or == 0;
}

/** The same non-negative number with limbs of another width; `toCount` limbs must hold it. */
function repack(to: usize, toBits: i32, toCount: i32, from: usize, fromBits: i32, fromCount: i32): void {
  let held: u64 = 0;
  let width = 0;
  let next = 0;
  for (let i = 0; i < toCount; i++) {
    while (width < toBits && next < fromCount) {
      held |= <u64>load<u32>(from + (<usize>next << 2)) << width;
      next++;
      width += fromBits;
    }
    store<u32>(to + (<usize>i << 2), <u32>(held & ((1 << <u64>toBits) - 1)));
    held >>= toBits;
    width -= toBits;
  }
}

/** 30 steps on the low 32 bits of f and g; writes the matrix, scaled by 2^30, and returns the new eta = -delta. */
function divide30(eta: i32, f: u32, g: u32): i32 {
  let u: i32 = 1, v: i32 = 0, q: i32 = 0, r: i32 = 1;
  let left: i32 = 30;
  while (true) {
    const zeros = <i32>ctz<u32>(g | (0xffffffff << left));
    g >>= zeros;
    u <<= zeros;
    v <<= zeros;
    eta -= zeros;
    left -= zeros;
    if (left == 0) break;
    if (eta < 0) {
      eta = -eta;
      const f0 = f, u0 = u, v0 = v;
      f = g;
      g = -f0;
      u = q;
      q = -u0;
      v = r;
      r = -v0;
    }
    // Add the multiple of f that clears up to six low bits of g: w = -g/f mod 2^6, for -1/f = f (f f - 2) mod 2^6.
    const limit = min(eta + 1, left);
    const mask = (0xffffffff >> (32 - min(limit, 6))) & 63;
    const w = (f * g * (f * f - 2)) & mask;
    g += f * w;
    q += u * <i32>w;
    r += v * <i32>w;
  }
  store<i32>(MATRIX, u);
  store<i32>(MATRIX, v, 4);
  store<i32>(MATRIX, q, 8);
  store<i32>(MATRIX, r, 12);
  return eta;
}

/** (d, e) = matrix (d, e) / 2^30 mod p: multiples of p make the low 30 bits zero first. */
function updateDE(count: i32, inverse: u32): void {
  const u = <i64>load<i32>(MATRIX), v = <i64>load<i32>(MATRIX, 4);
  const q = <i64>load<i32>(MATRIX, 8), r = <i64>load<i32>(MATRIX, 12);
  const top = <usize>(count - 1) << 2;
  const signD = <i64>(load<i32>(D + top) >> 31), signE = <i64>(load<i32>(E + top) >> 31);
  let md = (u & signD) + (v & signE);
  let me = (q & signD) + (r & signE);
  let d = <i64>load<i32>(D), e = <i64>load<i32>(E);
  let cd = u * d + v * e;
  let ce = q * d + r * e;
  md -= (<i64>inverse * cd + md) & MASK30;
  me -= (<i64>inverse * ce + me) & MASK30;
  let p = <i64>load<i32>(P);
  cd = (cd + p * md) >> 30;
  ce = (ce + p * me) >> 30;
  for (let i: usize = 4; i <= top; i += 4) {
    d = <i64>load<i32>(D + i);
    e = <i64>load<i32>(E + i);
    p = <i64>load<i32>(P + i);
    cd += u * d + v * e + p * md;
    ce += q * d + r * e + p * me;
    store<i32>(D + i - 4, <i32>(cd & MASK30));
    store<i32>(E + i - 4, <i32>(ce & MASK30));
    cd >>= 30;
    ce >>= 30;
  }
  store<i32>(D + top, <i32>cd);
  store<i32>(E + top, <i32>ce);
}

/** (f, g) = matrix (f, g) / 2^30, which is exact. */
function updateFG(count: i32): void {
  const u = <i64>load<i32>(MATRIX), v = <i64>load<i32>(MATRIX, 4);
  const q = <i64>load<i32>(MATRIX, 8), r = <i64>load<i32>(MATRIX, 12);
  const top = <usize>(count - 1) << 2;
  let f = <i64>load<i32>(F), g = <i64>load<i32>(G);
  let cf = (u * f + v * g) >> 30;
  let cg = (q * f + r * g) >> 30;
  for (let i: usize = 4; i <= top; i += 4) {
    f = <i64>load<i32>(F + i);
    g = <i64>load<i32>(G + i);
    cf += u * f + v * g;
    cg += q * f + r * g;
    store<i32>(F + i - 4, <i32>(cf & MASK30));
    store<i32>(G + i - 4, <i32>(cg & MASK30));
    cf >>= 30;
    cg >>= 30;
  }
  store<i32>(F + top, <i32>cf);
  store<i32>(G + top, <i32>cg);
}

/** d from (-2p, p) to [0, p), its sign turned first if `negate`. */
function normalise(negate: bool, count: i32): void {
  addModulus(load<i32>(D + (<usize>(count - 1) << 2)) < 0, negate, count);
  addModulus(load<i32>(D + (<usize>(count - 1) << 2)) < 0, false, count);
}

/** d += p if `add`, then d = -d if `negate`; limbs normal again. */
function addModulus(add: bool, negate: bool, count: i32): void {
  let c: i64 = 0;
  const top = <usize>(count - 1) << 2;
  for (let i: usize = 0; i <= top; i += 4) {
    let limb = <i64>load<i32>(D + i);
    if (add) limb += <i64>load<i32>(P + i);
    c += negate ? -limb : limb;
    if (i == top) store<i32>(D + i, <i32>c);
    else store<i32>(D + i, <i32>(c & MASK30));
    c >>= 30;
  }
}
