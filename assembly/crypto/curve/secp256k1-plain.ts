/**
 * The group of secp256k1 in its plainest form: the reference of the fast code, and its refuge.
 *
 * Points are homogeneous (X : Y : Z), x = X/Z, y = Y/Z, infinity (0 : 1 : 0), three coordinates of eight 32-bit words
 * (96 bytes). One addition formula serves every pair of points, equal, opposite or infinite: Renes, Costello, Batina,
 * "Complete addition formulas for prime order elliptic curves" (2016), algorithm 7, with 3 b = 21.
 */
import { GX_WORDS, GY_WORDS, P_WORDS } from "../field/secp256k1-constants.gen";
import { modAdd, modMul, modSub, wordsFromBytes, wordsIsZero } from "../field/words256";
import { inversePublic } from "../field/inverse256";

export const PLAIN_POINT_BYTES: usize = 96;

function mul(out: usize, a: usize, b: usize): void {
  modMul(out, a, b, changetype<usize>(P_WORDS));
}

function add(out: usize, a: usize, b: usize): void {
  modAdd(out, a, b, changetype<usize>(P_WORDS));
}

function sub(out: usize, a: usize, b: usize): void {
  modSub(out, a, b, changetype<usize>(P_WORDS));
}

/** out = 21 a. */
function times21(out: usize, a: usize): void {
  const t = memory.data(32, 8);
  add(t, a, a); // 2
  add(t, t, t); // 4
  add(t, t, a); // 5
  add(t, t, t); // 10
  add(t, t, t); // 20
  add(out, t, a);
}

/** out = (a1 + b1) (a2 + b2) - p - q. */
function cross(out: usize, a1: usize, b1: usize, a2: usize, b2: usize, p: usize, q: usize): void {
  const left = memory.data(32, 8);
  const right = memory.data(32, 8);
  add(left, a1, b1);
  add(right, a2, b2);
  mul(out, left, right);
  sub(out, out, p);
  sub(out, out, q);
}

/** out = p + q, whatever they are. `out` may be `p` or `q`. */
export function plainAdd(out: usize, p: usize, q: usize): void {
  const xx = memory.data(32, 8);
  const yy = memory.data(32, 8);
  const zz = memory.data(32, 8);
  const xy = memory.data(32, 8);
  const yz = memory.data(32, 8);
  const xz = memory.data(32, 8);
  const minus = memory.data(32, 8);
  const plus = memory.data(32, 8);
  mul(xx, p, q);
  mul(yy, p + 32, q + 32);
  mul(zz, p + 64, q + 64);
  cross(xy, p, p + 32, q, q + 32, xx, yy);
  cross(yz, p + 32, p + 64, q + 32, q + 64, yy, zz);
  cross(xz, p, p + 64, q, q + 64, xx, zz);
  times21(zz, zz);
  times21(xz, xz);
  add(plus, yy, zz);
  sub(minus, yy, zz);
  add(yy, xx, xx);
  add(xx, yy, xx); // 3 X1 X2
  // X = xy minus - 21 yz xz;  Y = minus plus + 63 xx xz;  Z = plus yz + 3 xx xy
  mul(yy, xy, minus);
  mul(zz, yz, xz);
  sub(out, yy, zz);
  mul(yy, minus, plus);
  mul(zz, xx, xz);
  add(out + 32, yy, zz);
  mul(yy, plus, yz);
  mul(zz, xx, xy);
  add(out + 64, yy, zz);
}

/** out = k p by doubling and adding from the top bit; k: eight words, public. `out` may be `p`. */
export function plainMultiply(out: usize, k: usize, p: usize): void {
  const base = memory.data(96, 8);
  const sum = memory.data(96, 8);
  memory.copy(base, p, PLAIN_POINT_BYTES);
  memory.fill(sum, 0, PLAIN_POINT_BYTES);
  store<u32>(sum, 1, 32);
  for (let bit: i32 = 255; bit >= 0; bit--) {
    plainAdd(sum, sum, sum);
    if ((load<u32>(k + <usize>((bit >> 5) << 2)) >>> (bit & 31)) & 1) plainAdd(sum, sum, base);
  }
  memory.copy(out, sum, PLAIN_POINT_BYTES);
}

/** out = u1 G + u2 q, q affine: words of x, then of y. */
export function plainDoubleMultiply(out: usize, u1: usize, u2: usize, q: usize): void {
  const point = memory.data(96, 8);
  plainFromAffine(point, q);
  plainMultiply(out, u2, point);
  memory.copy(point, changetype<usize>(GX_WORDS), 32);
  memory.copy(point + 32, changetype<usize>(GY_WORDS), 32);
  plainMultiply(point, u1, point);
  plainAdd(out, out, point);
}

function plainFromAffine(out: usize, q: usize): void {
  memory.copy(out, q, 64);
  memory.fill(out + 64, 0, 32);
  store<u32>(out, 1, 64);
}

/** Words of x and y at `out` (64 bytes); false for infinity. `out` may be `p`. */
export function plainToAffine(out: usize, p: usize): bool {
  const inverse = memory.data(32, 8);
  if (wordsIsZero(p + 64)) return false;
  inversePublic(inverse, p + 64, changetype<usize>(P_WORDS));
  mul(out, p, inverse);
  mul(out + 32, p + 32, inverse);
  return true;
}

/** k q by the plain path: `k` 32 big-endian bytes, `q` and `out` 64 bytes, big-endian x and y; false for infinity. */
export function plainMultiplyBytes(out: usize, k: usize, q: usize): bool {
  const scalar = memory.data(32, 8);
  const point = memory.data(96, 8);
  wordsFromBytes(scalar, k);
  wordsFromBytes(point, q);
  wordsFromBytes(point + 32, q + 32);
  plainFromAffine(point, point);
  plainMultiply(point, scalar, point);
  if (!plainToAffine(point, point)) return false;
  wordsFromBytes(out, point);
  wordsFromBytes(out + 32, point + 32);
  return true;
}
