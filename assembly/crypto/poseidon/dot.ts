/**
 * Dot products over Fr for Poseidon, and with small integers.
 *
 * `dot` is like `frDot`, but of up to 24 terms, and with any distance between the elements of
 * one operand.
 *
 * Row i multiplies limb i of every b by all limbs of its a, then takes the lowest limb out (Montgomery). A row adds at
 * most 24 · 2^58 to an accumulator and the reduction 2^58; carrying every second row keeps them below 2 · 25 · 2^58 plus
 * carries < 2^64. The product with the modulus's second limb, 2^29 - 8, is two shifts: multiplications are what bounds
 * this code (81 for each term, 63 for the reduction). Accumulators take turns in two loops, five and four, as nine of them do not
 * fit a processor's registers beside what a loop needs.
 */
const MASK: u64 = 0x1fffffff;

/**
 * r = sum of a[i] · b[i] for i < count. Elements of `a` lie `stride` bytes apart, those of `b` 40.
 * All tight, their products' sum below 200 p², count at most 24; the result is tight. r may be an operand.
 */
export function dot(r: usize, a: usize, stride: usize, b: usize, count: i32): void {
  let t0: u64 = 0;
  let t1: u64 = 0;
  let t2: u64 = 0;
  let t3: u64 = 0;
  let t4: u64 = 0;
  let t5: u64 = 0;
  let t6: u64 = 0;
  let t7: u64 = 0;
  let t8: u64 = 0;
  const last = b + 36;
  for (let column = b; column < last; column += 4) {
    let x = a;
    let y = column;
    const end = column + <usize>count * 40;
    for (; y < end; y += 40, x += stride) {
      const limb: u64 = load<u32>(y);
      t0 += limb * <u64>load<u32>(x);
      t1 += limb * <u64>load<u32>(x, 4);
      t2 += limb * <u64>load<u32>(x, 8);
      t3 += limb * <u64>load<u32>(x, 12);
      t4 += limb * <u64>load<u32>(x, 16);
    }
    x = a;
    for (y = column; y < end; y += 40, x += stride) {
      const limb: u64 = load<u32>(y);
      t5 += limb * <u64>load<u32>(x, 20);
      t6 += limb * <u64>load<u32>(x, 24);
      t7 += limb * <u64>load<u32>(x, 28);
      t8 += limb * <u64>load<u32>(x, 32);
    }
    const m = -t0 & MASK;
    t0 = ((t0 + m) >> 29) + t1 + (m << 29) - (m << 3);
    t1 = t2 + m * 0x1f96ffbf;
    t2 = t3 + m * 0x1b4805ff;
    t3 = t4 + m * 0x1d80553b;
    t4 = t5 + m * 0xc0404d0;
    t5 = t6 + m * 0x1520cce7;
    t6 = t7 + m * 0xa6533af;
    t7 = t8 + m * 0x73eda7;
    t8 = 0;
    if (((column - b) & 4) == 0) continue;
    t1 += t0 >> 29;
    t0 &= MASK;
    t2 += t1 >> 29;
    t1 &= MASK;
    t3 += t2 >> 29;
    t2 &= MASK;
    t4 += t3 >> 29;
    t3 &= MASK;
    t5 += t4 >> 29;
    t4 &= MASK;
    t6 += t5 >> 29;
    t5 &= MASK;
    t7 += t6 >> 29;
    t6 &= MASK;
    t8 = t7 >> 29;
    t7 &= MASK;
  }
  storeLimbs(r, t0, t1, t2, t3, t4, t5, t6, t7, t8);
}

/**
 * r = sum of a[i] · k[i] · 2^(-29 limbs) for i < count, k[i] integers of one or two limbs (29 bits, in 8 bytes each).
 * Elements of `a` are tight, count at most 12, the sum of the integers below 2^(29 limbs - 1); the result is tight.
 * r must not be an operand.
 */
export function dotSmall(r: usize, a: usize, k: usize, count: i32, limbs: i32): void {
  let t0: u64 = 0;
  let t1: u64 = 0;
  let t2: u64 = 0;
  let t3: u64 = 0;
  let t4: u64 = 0;
  let t5: u64 = 0;
  let t6: u64 = 0;
  let t7: u64 = 0;
  let t8: u64 = 0;
  for (let row = 0; row < limbs; row++, k += 4) {
    const end = k + (<usize>count << 3);
    let x = a;
    let y = k;
    for (; y < end; y += 8, x += 40) {
      const limb: u64 = load<u32>(y);
      t0 += limb * <u64>load<u32>(x);
      t1 += limb * <u64>load<u32>(x, 4);
      t2 += limb * <u64>load<u32>(x, 8);
      t3 += limb * <u64>load<u32>(x, 12);
      t4 += limb * <u64>load<u32>(x, 16);
    }
    x = a;
    for (y = k; y < end; y += 8, x += 40) {
      const limb: u64 = load<u32>(y);
      t5 += limb * <u64>load<u32>(x, 20);
      t6 += limb * <u64>load<u32>(x, 24);
      t7 += limb * <u64>load<u32>(x, 28);
      t8 += limb * <u64>load<u32>(x, 32);
    }
    const m = -t0 & MASK;
    t0 = ((t0 + m) >> 29) + t1 + (m << 29) - (m << 3);
    t1 = t2 + m * 0x1f96ffbf;
    t2 = t3 + m * 0x1b4805ff;
    t3 = t4 + m * 0x1d80553b;
    t4 = t5 + m * 0xc0404d0;
    t5 = t6 + m * 0x1520cce7;
    t6 = t7 + m * 0xa6533af;
    t7 = t8 + m * 0x73eda7;
    t8 = 0;
  }
  storeLimbs(r, t0, t1, t2, t3, t4, t5, t6, t7, t8);
}

/** Carries the accumulators and stores them. */
// @ts-ignore: decorator
@inline
function storeLimbs(
  r: usize,
  t0: u64,
  t1: u64,
  t2: u64,
  t3: u64,
  t4: u64,
  t5: u64,
  t6: u64,
  t7: u64,
  t8: u64,
): void {
  store<u32>(r, <u32>(t0 & MASK));
  t1 += t0 >> 29;
  store<u32>(r, <u32>(t1 & MASK), 4);
  t2 += t1 >> 29;
  store<u32>(r, <u32>(t2 & MASK), 8);
  t3 += t2 >> 29;
  store<u32>(r, <u32>(t3 & MASK), 12);
  t4 += t3 >> 29;
  store<u32>(r, <u32>(t4 & MASK), 16);
  t5 += t4 >> 29;
  store<u32>(r, <u32>(t5 & MASK), 20);
  t6 += t5 >> 29;
  store<u32>(r, <u32>(t6 & MASK), 24);
  t7 += t6 >> 29;
  store<u32>(r, <u32>(t7 & MASK), 28);
  t8 += t7 >> 29;
  store<u32>(r, <u32>t8, 32);
}
