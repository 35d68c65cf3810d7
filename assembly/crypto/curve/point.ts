/**
 * Points of y^2 = x^3 + b in homogeneous coordinates: (X : Y : Z) is (X/Z, Y/Z); Z = 0 is the neutral point (0 : 1 : 0).
 *
 * The formulas are complete: the same steps hold for every pair of points, doublings and the neutral point included
 * (Renes, Costello and Batina, "Complete addition formulas for prime order elliptic curves", 2015, algorithms 7 to 9;
 * both groups' curves have no point of order two). So nothing here branches on a coordinate, and sums of secrets take
 * the same time as any other. `F` tells the field: see `coordinate.ts`.
 *
 * Layout: X, Y, Z one after the other. An affine point is x, y; the neutral point has no affine form.
 */
import {
  add, addLoose, copy, double, equal, inverse, inverseFermat, isZero, mul, mulTripleB, neg, octuple, one, select, sizeOf, sqr, sub,
  subTwo, triple,
} from "./coordinate";

/** Bytes of a homogeneous point. */
// @ts-ignore: decorator
@inline
export function pointSize<F>(): usize {
  return 3 * sizeOf<F>();
}

/** Bytes of an affine point. */
// @ts-ignore: decorator
@inline
export function affineSize<F>(): usize {
  return 2 * sizeOf<F>();
}

const T0: usize = memory.data(112, 8);
const T1: usize = memory.data(112, 8);
const T2: usize = memory.data(112, 8);
const T3: usize = memory.data(112, 8);
const T4: usize = memory.data(112, 8);
const T5: usize = memory.data(112, 8);
const U0: usize = memory.data(112, 8);
const U1: usize = memory.data(112, 8);
/** Sixteen multiples for windows of four bits. */
const TABLE: usize = memory.data(16 * 336, 8);
const CHOSEN: usize = memory.data(336, 8);

/** r = the neutral point. */
export function pointZero<F>(r: usize): void {
  const n = sizeOf<F>();
  memory.fill(r, 0, 3 * n);
  copy<F>(r + n, one<F>());
}

export function pointIsZero<F>(a: usize): bool {
  return isZero<F>(a + 2 * sizeOf<F>());
}

// @ts-ignore: decorator
@inline
export function pointCopy<F>(r: usize, a: usize): void {
  memory.copy(r, a, 3 * sizeOf<F>());
}

/** r = the affine point a. */
export function pointFromAffine<F>(r: usize, a: usize): void {
  const n = sizeOf<F>();
  memory.copy(r, a, 2 * n);
  copy<F>(r + 2 * n, one<F>());
}

/** r = -a. r may be a. */
export function pointNeg<F>(r: usize, a: usize): void {
  const n = sizeOf<F>();
  if (r != a) pointCopy<F>(r, a);
  neg<F>(r + n, a + n);
}

/** The tail shared by both additions: T0 = x1 x2, T1 = y1 y2, T2 = z1 z2, T3, T4, T5 = the mixed xy, yz, xz. */
// @ts-ignore: decorator
@inline
function finishAdd<F>(r: usize): void {
  const n = sizeOf<F>();
  triple<F>(T0, T0);
  mulTripleB<F>(T2, T2);
  mulTripleB<F>(T5, T5);
  add<F>(U0, T1, T2);
  sub<F>(T1, T1, T2);
  // X = T3 T1 - T4 T5, Y = T5 T0 + T1 U0, Z = T0 T3 + U0 T4
  mul<F>(T2, T4, T5);
  mul<F>(U1, T3, T1);
  sub<F>(r, U1, T2);
  mul<F>(T5, T5, T0);
  mul<F>(T1, T1, U0);
  add<F>(r + n, T5, T1);
  mul<F>(T0, T0, T3);
  mul<F>(U0, U0, T4);
  add<F>(r + 2 * n, T0, U0);
}

/** r = a + b, any points. r may be a or b. */
export function pointAdd<F>(r: usize, a: usize, b: usize): void {
  const n = sizeOf<F>();
  const ax = a, ay = a + n, az = a + 2 * n, bx = b, by = b + n, bz = b + 2 * n;
  mul<F>(T0, ax, bx);
  mul<F>(T1, ay, by);
  mul<F>(T2, az, bz);
  addLoose<F>(U0, ax, ay);
  addLoose<F>(U1, bx, by);
  mul<F>(T3, U0, U1);
  subTwo<F>(T3, T3, T0, T1);
  addLoose<F>(U0, ay, az);
  addLoose<F>(U1, by, bz);
  mul<F>(T4, U0, U1);
  subTwo<F>(T4, T4, T1, T2);
  addLoose<F>(U0, ax, az);
  addLoose<F>(U1, bx, bz);
  mul<F>(T5, U0, U1);
  subTwo<F>(T5, T5, T0, T2);
  finishAdd<F>(r);
}

/** r = a + b for an affine b. r may be a. */
export function pointAddAffine<F>(r: usize, a: usize, b: usize): void {
  const n = sizeOf<F>();
  const ax = a, ay = a + n, az = a + 2 * n, bx = b, by = b + n;
  mul<F>(T0, ax, bx);
  mul<F>(T1, ay, by);
  copy<F>(T2, az);
  addLoose<F>(U0, ax, ay);
  addLoose<F>(U1, bx, by);
  mul<F>(T3, U0, U1);
  subTwo<F>(T3, T3, T0, T1);
  mul<F>(T4, by, az);
  add<F>(T4, T4, ay);
  mul<F>(T5, bx, az);
  add<F>(T5, T5, ax);
  finishAdd<F>(r);
}

/** r = 2a. r may be a. */
export function pointDouble<F>(r: usize, a: usize): void {
  const n = sizeOf<F>();
  const ax = a, ay = a + n, az = a + 2 * n;
  sqr<F>(T0, ay);
  mul<F>(T1, ay, az);
  sqr<F>(T2, az);
  mulTripleB<F>(T2, T2);
  mul<F>(T3, ax, ay);
  octuple<F>(U0, T0);
  add<F>(U1, T0, T2);
  mul<F>(r + 2 * n, T1, U0);
  mul<F>(T4, T2, U0);
  triple<F>(T2, T2);
  sub<F>(T0, T0, T2);
  mul<F>(T5, T0, U1);
  add<F>(r + n, T4, T5);
  mul<F>(T3, T0, T3);
  double<F>(r, T3);
}

/** Whether a and b are the same point. */
export function pointEqual<F>(a: usize, b: usize): bool {
  const n = sizeOf<F>();
  const zero = pointIsZero<F>(a);
  if (zero || pointIsZero<F>(b)) return zero && pointIsZero<F>(b);
  mul<F>(T0, a, b + 2 * n);
  mul<F>(T1, b, a + 2 * n);
  if (!equal<F>(T0, T1)) return false;
  mul<F>(T0, a + n, b + 2 * n);
  mul<F>(T1, b + n, a + 2 * n);
  return equal<F>(T0, T1);
}

/** r = a in affine form; false, r all zero, for the neutral point. Time depends on a. */
export function pointToAffine<F>(r: usize, a: usize): bool {
  const n = sizeOf<F>();
  if (pointIsZero<F>(a)) {
    memory.fill(r, 0, 2 * n);
    return false;
  }
  inverse<F>(T0, a + 2 * n);
  mul<F>(T1, a + n, T0);
  mul<F>(r, a, T0);
  copy<F>(r + n, T1);
  return true;
}

/** pointToAffine with the same steps for every point but the neutral one: for results of secret computations. */
export function pointToAffineSecret<F>(r: usize, a: usize): void {
  const n = sizeOf<F>();
  inverseFermat<F>(T0, a + 2 * n);
  mul<F>(T1, a + n, T0);
  mul<F>(r, a, T0);
  copy<F>(r + n, T1);
}

/** r = condition (0 or 1) ? a : r, with the same memory accesses either way. */
export function pointSelect<F>(r: usize, a: usize, condition: u32): void {
  const n = sizeOf<F>();
  select<F>(r, a, condition);
  select<F>(r + n, a + n, condition);
  select<F>(r + 2 * n, a + 2 * n, condition);
}

/** TABLE[i] = i a. */
function fillTable<F>(a: usize): void {
  const size = pointSize<F>();
  pointZero<F>(TABLE);
  pointCopy<F>(TABLE + size, a);
  for (let i: usize = 2; i < 16; i++) pointAdd<F>(TABLE + i * size, TABLE + (i - 1) * size, TABLE + size);
}

/** r = scalar a; scalar: `length` bytes, big-endian, public: time and memory accesses depend on it. r may be a. */
export function pointMul<F>(r: usize, a: usize, scalar: usize, length: i32): void {
  const size = pointSize<F>();
  fillTable<F>(a);
  pointZero<F>(r);
  let started = false;
  for (let i = 0; i < 2 * length; i++) {
    const byte = <u32>load<u8>(scalar + (<usize>i >> 1));
    const digit = (i & 1) == 0 ? byte >> 4 : byte & 15;
    if (started) for (let j = 0; j < 4; j++) pointDouble<F>(r, r);
    if (digit == 0) continue;
    pointAdd<F>(r, r, TABLE + <usize>digit * size);
    started = true;
  }
}

/** pointMul for a secret scalar: every window adds, and the summand is picked by reading the whole table. */
export function pointMulSecret<F>(r: usize, a: usize, scalar: usize, length: i32): void {
  const size = pointSize<F>();
  fillTable<F>(a);
  pointZero<F>(r);
  for (let i = 0; i < 2 * length; i++) {
    const byte = <u32>load<u8>(scalar + (<usize>i >> 1));
    const digit = (i & 1) == 0 ? byte >> 4 : byte & 15;
    for (let j = 0; j < 4; j++) pointDouble<F>(r, r);
    pointZero<F>(CHOSEN);
    for (let j: u32 = 1; j < 16; j++) {
      // 1 if j equals the digit, without a comparison that could become a branch.
      pointSelect<F>(CHOSEN, TABLE + <usize>j * size, ((j ^ digit) - 1) >> 31);
    }
    pointAdd<F>(r, r, CHOSEN);
  }
  memory.fill(TABLE, 0, 16 * 336);
  memory.fill(CHOSEN, 0, 336);
}

/** r = |X| a for the curve's parameter X = -0xd201000000010000, as 63 doublings and 5 additions. r must not be a. */
export function pointMulParameter<F>(r: usize, a: usize): void {
  pointCopy<F>(r, a);
  for (let i = 62; i >= 0; i--) {
    pointDouble<F>(r, r);
    if (((<u64>0xd201000000010000 >> i) & 1) != 0) pointAdd<F>(r, r, a);
  }
}

/**
 * Affine forms of `count` points with one inversion (Montgomery's trick). Neutral points become all zero.
 * scratch: count coordinates. r must not overlap a.
 */
export function pointsToAffine<F>(r: usize, a: usize, count: i32, scratch: usize): void {
  const n = sizeOf<F>();
  copy<F>(T2, one<F>());
  for (let i: usize = 0; i < <usize>count; i++) {
    copy<F>(scratch + i * n, T2);
    const z = a + i * 3 * n + 2 * n;
    if (!isZero<F>(z)) mul<F>(T2, T2, z);
  }
  inverse<F>(T2, T2);
  for (let i = <usize>count; i > 0; i--) {
    const from = a + (i - 1) * 3 * n, to = r + (i - 1) * 2 * n;
    if (isZero<F>(from + 2 * n)) {
      memory.fill(to, 0, 2 * n);
      continue;
    }
    mul<F>(T3, T2, scratch + (i - 1) * n);
    mul<F>(T2, T2, from + 2 * n);
    mul<F>(to, from, T3);
    mul<F>(to + n, from + n, T3);
  }
}
