/**
 * Signed integers of any size: token amounts, power, Q.128 fixed point.
 *
 * A value is a sign and a magnitude; zero is never negative. Values are immutable. A magnitude below 2^128, which all token
 * amounts are, lies in the object itself as two words, and its sums, products and small quotients make no other object;
 * a larger one is a list of 32-bit limbs, least significant first, without leading zero limbs. What words are not made
 * for (long division, results above 2^128) is computed on limbs, into which words are unfolded on the way.
 *
 * Division comes in three forms because consensus arithmetic uses all of them: `div`/`mod` are Euclidean (remainder
 * never negative), `quo` truncates towards zero, and `rsh` floors.
 * Limit: 2^17 bits. Nothing on chain comes near; a longer product is an engine fault, not an exit code.
 */
import { Bytes, EMPTY } from "./bytes";

type Limbs = StaticArray<u32>;

const MAX_LIMBS: i32 = 4096;
const NO_LIMBS: Limbs = new StaticArray<u32>(0);
/** Limbs of a magnitude that two words hold. */
const WORD_LIMBS: i32 = 4;

/** Digits that are read at a time: a power of ten that 64 bits hold with its next. */
const MAX_SCALE: i64 = 100000000000000000;

function trim(limbs: Limbs, used: i32): Limbs {
  while (used > 0 && unchecked(limbs[used - 1]) == 0) used--;
  if (used == 0) return NO_LIMBS;
  if (used == limbs.length) return limbs;
  const out = new StaticArray<u32>(used);
  memory.copy(changetype<usize>(out), changetype<usize>(limbs), <usize>used << 2);
  return out;
}

function compareLimbs(a: Limbs, b: Limbs): i32 {
  if (a.length != b.length) return a.length < b.length ? -1 : 1;
  for (let i = a.length - 1; i >= 0; i--) {
    const x = unchecked(a[i]);
    const y = unchecked(b[i]);
    if (x != y) return x < y ? -1 : 1;
  }
  return 0;
}

function addLimbs(a: Limbs, b: Limbs): Limbs {
  if (a.length < b.length) {
    const t = a;
    a = b;
    b = t;
  }
  const n = a.length;
  const out = new StaticArray<u32>(n + 1);
  let carry: u64 = 0;
  for (let i = 0; i < n; i++) {
    carry += <u64>unchecked(a[i]) + (i < b.length ? <u64>unchecked(b[i]) : 0);
    unchecked((out[i] = <u32>carry));
    carry >>= 32;
  }
  unchecked((out[n] = <u32>carry));
  return trim(out, n + 1);
}

/** a - b for a >= b. */
function subLimbs(a: Limbs, b: Limbs): Limbs {
  const n = a.length;
  const out = new StaticArray<u32>(n);
  let borrow: i64 = 0;
  for (let i = 0; i < n; i++) {
    const d = <i64>unchecked(a[i]) - (i < b.length ? <i64>unchecked(b[i]) : 0) + borrow;
    unchecked((out[i] = <u32>d));
    borrow = d >> 32;
  }
  return trim(out, n);
}

function mulLimbs(a: Limbs, b: Limbs): Limbs {
  if (a.length == 0 || b.length == 0) return NO_LIMBS;
  const n = a.length + b.length;
  assert(n <= MAX_LIMBS, "integer too large");
  const out = new StaticArray<u32>(n);
  for (let i = 0; i < a.length; i++) {
    const x = <u64>unchecked(a[i]);
    let carry: u64 = 0;
    for (let j = 0; j < b.length; j++) {
      carry += x * <u64>unchecked(b[j]) + <u64>unchecked(out[i + j]);
      unchecked((out[i + j] = <u32>carry));
      carry >>= 32;
    }
    unchecked((out[i + b.length] = <u32>carry));
  }
  return trim(out, n);
}

/** Quotient and remainder of magnitudes. */
@final
class Division {
  constructor(
    readonly quotient: Limbs,
    readonly rest: Limbs,
  ) {}
}

function divSmall(a: Limbs, d: u32): Division {
  const out = new StaticArray<u32>(a.length);
  let rest: u64 = 0;
  for (let i = a.length - 1; i >= 0; i--) {
    const cur = (rest << 32) | <u64>unchecked(a[i]);
    unchecked((out[i] = <u32>(cur / d)));
    rest = cur % d;
  }
  const quotient = trim(out, a.length);
  if (rest == 0) return new Division(quotient, NO_LIMBS);
  const left = new StaticArray<u32>(1);
  unchecked((left[0] = <u32>rest));
  return new Division(quotient, left);
}

/** Division of magnitudes (Knuth, TAOCP 2, 4.3.1, algorithm D). */
function divLimbs(a: Limbs, b: Limbs): Division {
  if (compareLimbs(a, b) < 0) return new Division(NO_LIMBS, a);
  if (b.length == 1) return divSmall(a, unchecked(b[0]));
  const shift = clz<u32>(unchecked(b[b.length - 1]));
  const v = shiftLeft(b, shift, b.length);
  const u = shiftLeft(a, shift, a.length + 1);
  const n = b.length;
  const m = a.length - n;
  const q = new StaticArray<u32>(m + 1);
  const top = <u64>unchecked(v[n - 1]);
  const next = <u64>unchecked(v[n - 2]);
  for (let j = m; j >= 0; j--) {
    const head = (<u64>unchecked(u[j + n]) << 32) | <u64>unchecked(u[j + n - 1]);
    let guess = head / top;
    let rest = head % top;
    while (guess >> 32 != 0 || guess * next > ((rest << 32) | <u64>unchecked(u[j + n - 2]))) {
      guess--;
      rest += top;
      if (rest >> 32 != 0) break;
    }
    let borrow: i64 = 0;
    let carry: u64 = 0;
    for (let i = 0; i < n; i++) {
      carry += guess * <u64>unchecked(v[i]);
      const d = <i64>unchecked(u[i + j]) - <i64>(carry & 0xffffffff) + borrow;
      unchecked((u[i + j] = <u32>d));
      borrow = d >> 32;
      carry >>= 32;
    }
    const last = <i64>unchecked(u[j + n]) - <i64>carry + borrow;
    unchecked((u[j + n] = <u32>last));
    if (last < 0) {
      guess--;
      let back: u64 = 0;
      for (let i = 0; i < n; i++) {
        back += <u64>unchecked(u[i + j]) + <u64>unchecked(v[i]);
        unchecked((u[i + j] = <u32>back));
        back >>= 32;
      }
      unchecked((u[j + n] = <u32>(<u64>unchecked(u[j + n]) + back)));
    }
    unchecked((q[j] = <u32>guess));
  }
  return new Division(trim(q, m + 1), shiftRight(trim(u, n), shift));
}

/** Shifts left by fewer than 32 bits into exactly `size` limbs (not trimmed). */
function shiftLeft(a: Limbs, bits: u32, size: i32): Limbs {
  const out = new StaticArray<u32>(size);
  let carry: u32 = 0;
  for (let i = 0; i < size; i++) {
    const x: u32 = i < a.length ? unchecked(a[i]) : 0;
    unchecked((out[i] = (x << bits) | carry));
    carry = bits == 0 ? 0 : x >> (32 - bits);
  }
  return out;
}

/** Shifts right by fewer than 32 bits. */
function shiftRight(a: Limbs, bits: u32): Limbs {
  const n = a.length;
  const out = new StaticArray<u32>(n);
  for (let i = 0; i < n; i++) {
    const high: u32 = i + 1 < n && bits != 0 ? unchecked(a[i + 1]) << (32 - bits) : 0;
    unchecked((out[i] = (unchecked(a[i]) >> bits) | high));
  }
  return trim(out, n);
}

/** The integer of a magnitude that has no leading zero limbs. */
function make(negative: bool, limbs: Limbs): Big {
  const n = limbs.length;
  if (n > WORD_LIMBS) return new Big(negative, 0, 0, limbs);
  return narrow(negative, wordAt(limbs, 0), wordAt(limbs, 2));
}

/** Limbs `i` and `i + 1` as a word. */
function wordAt(limbs: Limbs, i: i32): u64 {
  const n = limbs.length;
  const low: u64 = i < n ? <u64>unchecked(limbs[i]) : 0;
  return i + 1 < n ? low | (<u64>unchecked(limbs[i + 1]) << 32) : low;
}

function narrow(negative: bool, low: u64, high: u64): Big {
  if ((low | high) == 0) return Big.ZERO;
  return new Big(negative, low, high, null);
}

/** The upper word of a product of two words. */
function mulHigh(a: u64, b: u64): u64 {
  const al = a & 0xffffffff;
  const ah = a >> 32;
  const bl = b & 0xffffffff;
  const bh = b >> 32;
  const mid = ah * bl + ((al * bl) >> 32);
  return ah * bh + (mid >> 32) + ((al * bh + (mid & 0xffffffff)) >> 32);
}

@final
export class Big {
  static readonly ZERO: Big = new Big(false, 0, 0, null);
  static readonly ONE: Big = new Big(false, 1, 0, null);

  /** Use the named makers; the arguments must already be normal: `wide` null and the magnitude in the words, or both words zero. */
  constructor(
    readonly negative: bool,
    private readonly low: u64,
    private readonly high: u64,
    private readonly wide: StaticArray<u32> | null,
  ) {}

  static fromU64(value: u64): Big {
    return narrow(false, value, 0);
  }

  static fromI64(value: i64): Big {
    return value >= 0 ? narrow(false, <u64>value, 0) : narrow(true, <u64>-value, 0);
  }

  /** Decimal text with an optional minus sign; for constants and tests (any other character is a fault). */
  static parse(text: string): Big {
    let value = Big.ZERO;
    let part: i64 = 0;
    let scale: i64 = 1;
    const negative = text.startsWith("-");
    for (let i = negative ? 1 : 0; i < text.length; i++) {
      const digit = text.charCodeAt(i) - 48;
      assert(digit >= 0 && digit <= 9, "not a decimal number");
      part = part * 10 + digit;
      scale *= 10;
      if (scale < MAX_SCALE && i < text.length - 1) continue;
      value = value.times(scale).add(Big.fromI64(part));
      part = 0;
      scale = 1;
    }
    return negative ? value.neg() : value;
  }

  /** Magnitude from `length` big-endian bytes; leading zeros are allowed. */
  static fromBytes(at: usize, length: i32, negative: bool): Big {
    if (length <= 16) {
      let low: u64 = 0;
      let high: u64 = 0;
      for (let i = 0; i < length; i++) {
        high = (high << 8) | (low >> 56);
        low = (low << 8) | <u64>load<u8>(at + i);
      }
      return narrow(negative, low, high);
    }
    const n = (length + 3) >> 2;
    const limbs = new StaticArray<u32>(n);
    for (let i = 0; i < length; i++) {
      const position = length - 1 - i;
      const limb = i >> 2;
      unchecked((limbs[limb] = unchecked(limbs[limb]) | (<u32>load<u8>(at + position) << ((i & 3) << 3))));
    }
    return make(negative, trim(limbs, n));
  }

  /** The magnitude as limbs. */
  private get limbs(): Limbs {
    const wide = this.wide;
    if (wide !== null) return wide;
    const n = (this.bitLength + 31) >> 5;
    if (n == 0) return NO_LIMBS;
    const limbs = new StaticArray<u32>(n);
    for (let i = 0; i < n; i++) unchecked((limbs[i] = <u32>((i < 2 ? this.low : this.high) >> ((i & 1) << 5))));
    return limbs;
  }

  /** Number of bytes of the magnitude without leading zeros. */
  get byteLength(): i32 {
    return (this.bitLength + 7) >> 3;
  }

  get bitLength(): i32 {
    const wide = this.wide;
    if (wide === null) return <i32>(this.high != 0 ? 128 - clz<u64>(this.high) : 64 - clz<u64>(this.low));
    const n = wide.length;
    return (n << 5) - <i32>clz<u32>(unchecked(wide[n - 1]));
  }

  /** Big-endian magnitude without leading zeros. */
  magnitude(): Bytes {
    const size = this.byteLength;
    if (size == 0) return EMPTY;
    const out = new StaticArray<u8>(size);
    this.writeMagnitude(changetype<usize>(out), size);
    return out;
  }

  /** Writes the magnitude, big-endian, to `at`; `size` is its `byteLength`. */
  writeMagnitude(at: usize, size: i32): void {
    const wide = this.wide;
    for (let i = 0; i < size; i++) {
      const byte =
        wide !== null
          ? <u8>(unchecked(wide[i >> 2]) >> ((i & 3) << 3))
          : <u8>((i < 8 ? this.low : this.high) >> ((i & 7) << 3));
      store<u8>(at + <usize>(size - 1 - i), byte);
    }
  }

  get isZero(): bool {
    return this.wide === null && (this.low | this.high) == 0;
  }

  get isPositive(): bool {
    return !this.negative && !this.isZero;
  }

  /** True if the value lies in [0, 2^64). */
  get isU64(): bool {
    return !this.negative && this.high == 0 && this.wide === null;
  }

  /** True if the value lies in [-2^63, 2^63). */
  get isI64(): bool {
    if (this.high != 0 || this.wide !== null) return false;
    return this.negative ? this.low <= 0x8000000000000000 : this.low <= 0x7fffffffffffffff;
  }

  /** The 64 lowest bits of the magnitude. */
  get lowU64(): u64 {
    const wide = this.wide;
    return wide === null ? this.low : wordAt(wide, 0);
  }

  /** The 64 lowest bits in two's complement, as a truncating conversion gives them. */
  get lowI64(): i64 {
    return this.negative ? -(<i64>this.lowU64) : <i64>this.lowU64;
  }

  neg(): Big {
    return this.isZero ? this : new Big(!this.negative, this.low, this.high, this.wide);
  }

  abs(): Big {
    return this.negative ? this.neg() : this;
  }

  add(other: Big): Big {
    return this.plus(other, other.negative);
  }

  sub(other: Big): Big {
    return this.plus(other, !other.negative);
  }

  /** The sum with the magnitude of `other` under a sign. */
  private plus(other: Big, negative: bool): Big {
    if (other.isZero) return this;
    if (this.isZero) return negative == other.negative ? other : other.neg();
    if (this.wide === null && other.wide === null) {
      if (this.negative == negative) {
        const low = this.low + other.low;
        const carry = <u64>(low < this.low);
        const part = this.high + other.high;
        const high = part + carry;
        if (part >= this.high && high >= part) return narrow(negative, low, high);
      } else {
        const order = this.compareMagnitude(other);
        const more = order >= 0 ? this : other;
        const less = order >= 0 ? other : this;
        const low = more.low - less.low;
        return narrow(order >= 0 ? this.negative : negative, low, more.high - less.high - <u64>(more.low < less.low));
      }
    }
    if (this.negative == negative) return make(negative, addLimbs(this.limbs, other.limbs));
    const order = this.compareMagnitude(other);
    if (order == 0) return Big.ZERO;
    if (order > 0) return make(this.negative, subLimbs(this.limbs, other.limbs));
    return make(negative, subLimbs(other.limbs, this.limbs));
  }

  mul(other: Big): Big {
    const negative = this.negative != other.negative;
    // A product has no more bits than both factors together.
    if (this.bitLength + other.bitLength > 128) return make(negative, mulLimbs(this.limbs, other.limbs));
    const high = mulHigh(this.low, other.low) + this.high * other.low + this.low * other.high;
    return narrow(negative, this.low * other.low, high);
  }

  /** The product with a number of 64 bits. */
  times(other: i64): Big {
    const size: u64 = other < 0 ? <u64>-other : <u64>other;
    if (this.bitLength + <i32>(64 - clz<u64>(size)) > 128) return this.mul(Big.fromI64(other));
    return narrow(this.negative != other < 0, this.low * size, mulHigh(this.low, size) + this.high * size);
  }

  /** Quotient truncated towards zero; the divisor must not be zero. */
  quo(other: Big): Big {
    assert(!other.isZero, "division by zero");
    const negative = this.negative != other.negative;
    if (this.inWord && other.inWord) return narrow(negative, this.low / other.low, 0);
    return make(negative, divLimbs(this.limbs, other.limbs).quotient);
  }

  /** Remainder of `quo`: has the sign of the dividend. */
  rem(other: Big): Big {
    assert(!other.isZero, "division by zero");
    if (this.inWord && other.inWord) return narrow(this.negative, this.low % other.low, 0);
    return make(this.negative, divLimbs(this.limbs, other.limbs).rest);
  }

  /** Euclidean quotient: this = other * div + mod with 0 <= mod < |other|. */
  div(other: Big): Big {
    assert(!other.isZero, "division by zero");
    const negative = this.negative != other.negative;
    let quotient: Big;
    let isExact: bool;
    if (this.inWord && other.inWord) {
      quotient = narrow(negative, this.low / other.low, 0);
      isExact = this.low % other.low == 0;
    } else {
      const division = divLimbs(this.limbs, other.limbs);
      quotient = make(negative, division.quotient);
      isExact = division.rest.length == 0;
    }
    if (!this.negative || isExact) return quotient;
    return other.negative ? quotient.add(Big.ONE) : quotient.sub(Big.ONE);
  }

  /** Euclidean remainder. */
  mod(other: Big): Big {
    const rest = this.rem(other);
    return rest.negative ? rest.add(other.abs()) : rest;
  }

  private get inWord(): bool {
    return this.high == 0 && this.wide === null;
  }

  lsh(bits: u32): Big {
    if (this.isZero) return this;
    if (bits < 128 && <u32>this.bitLength + bits <= 128) {
      if (bits == 0) return this;
      if (bits >= 64) return narrow(this.negative, 0, this.low << (bits - 64));
      return narrow(this.negative, this.low << bits, (this.high << bits) | (this.low >> (64 - bits)));
    }
    const limbs = this.limbs;
    const whole = <i32>(bits >> 5);
    const size = limbs.length + whole + 1;
    assert(size <= MAX_LIMBS, "integer too large");
    const moved = shiftLeft(limbs, bits & 31, limbs.length + 1);
    const out = new StaticArray<u32>(size);
    memory.copy(changetype<usize>(out) + (<usize>whole << 2), changetype<usize>(moved), <usize>moved.length << 2);
    return make(this.negative, trim(out, size));
  }

  /** Floor of this / 2^bits. */
  rsh(bits: u32): Big {
    if (!this.negative && this.wide === null) {
      if (bits == 0) return this;
      if (bits >= 128) return Big.ZERO;
      if (bits >= 64) return narrow(false, this.high >> (bits - 64), 0);
      return narrow(false, (this.low >> bits) | (this.high << (64 - bits)), this.high >> bits);
    }
    const limbs = this.limbs;
    const whole = <i32>(bits >> 5);
    let lost = false;
    if (this.negative) {
      for (let i = 0; i < min(whole, limbs.length); i++) lost = lost || unchecked(limbs[i]) != 0;
      if (!lost && whole < limbs.length) lost = (unchecked(limbs[whole]) & ((1 << (bits & 31)) - 1)) != 0;
    }
    let out = Big.ZERO;
    if (whole < limbs.length) {
      const rest = new StaticArray<u32>(limbs.length - whole);
      memory.copy(changetype<usize>(rest), changetype<usize>(limbs) + (<usize>whole << 2), <usize>rest.length << 2);
      out = make(this.negative, shiftRight(rest, bits & 31));
    }
    return lost ? out.sub(Big.ONE) : out;
  }

  private compareMagnitude(other: Big): i32 {
    const wide = this.wide;
    const otherWide = other.wide;
    if (wide !== null || otherWide !== null) {
      if (wide === null) return -1;
      return otherWide === null ? 1 : compareLimbs(wide, otherWide);
    }
    if (this.high != other.high) return this.high < other.high ? -1 : 1;
    return this.low == other.low ? 0 : this.low < other.low ? -1 : 1;
  }

  /** -1, 0 or 1. */
  compare(other: Big): i32 {
    if (this.negative != other.negative) return this.negative ? -1 : 1;
    const order = this.compareMagnitude(other);
    return this.negative ? -order : order;
  }

  eq(other: Big): bool {
    return this.compare(other) == 0;
  }

  lt(other: Big): bool {
    return this.compare(other) < 0;
  }

  le(other: Big): bool {
    return this.compare(other) <= 0;
  }

  gt(other: Big): bool {
    return this.compare(other) > 0;
  }

  ge(other: Big): bool {
    return this.compare(other) >= 0;
  }

  static min(a: Big, b: Big): Big {
    return a.le(b) ? a : b;
  }

  static max(a: Big, b: Big): Big {
    return a.ge(b) ? a : b;
  }

  toString(): string {
    if (this.isZero) return "0";
    let text = "";
    let rest = this.limbs;
    while (rest.length > 0) {
      const division = divSmall(rest, 1000000000);
      rest = division.quotient;
      const digits = (division.rest.length == 0 ? <u32>0 : unchecked(division.rest[0])).toString();
      text = (rest.length > 0 ? digits.padStart(9, "0") : digits) + text;
    }
    return this.negative ? "-" + text : text;
  }
}
