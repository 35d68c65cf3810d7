/**
 * Signed integers of any size: token amounts, power, Q.128 fixed point.
 *
 * A value is a sign and a magnitude of 32-bit limbs, least significant first, without leading zero limbs; zero is the
 * empty magnitude and never negative. Values are immutable.
 *
 * Division comes in three forms because consensus arithmetic uses all of them: `div`/`mod` are Euclidean (remainder
 * never negative), `quo` truncates towards zero, and `rsh` floors.
 * Limit: 2^17 bits. Nothing on chain comes near; a longer product is an engine fault, not an exit code.
 */
import { Bytes, EMPTY } from "./bytes";

type Limbs = StaticArray<u32>;

const MAX_LIMBS: i32 = 4096;
const NO_LIMBS: Limbs = new StaticArray<u32>(0);

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

function make(negative: bool, limbs: Limbs): Big {
  if (limbs.length == 0) return Big.ZERO;
  return new Big(negative, limbs);
}

@final
export class Big {
  static readonly ZERO: Big = new Big(false, NO_LIMBS);
  static readonly ONE: Big = Big.fromU64(1);

  /** Use the named makers; the arguments must already be normal. */
  constructor(
    readonly negative: bool,
    readonly limbs: StaticArray<u32>,
  ) {}

  static fromU64(value: u64): Big {
    if (value == 0) return Big.ZERO;
    const high = <u32>(value >> 32);
    const limbs = new StaticArray<u32>(high != 0 ? 2 : 1);
    unchecked((limbs[0] = <u32>value));
    if (high != 0) unchecked((limbs[1] = high));
    return new Big(false, limbs);
  }

  static fromI64(value: i64): Big {
    if (value >= 0) return Big.fromU64(<u64>value);
    return new Big(true, Big.fromU64(<u64>-value).limbs);
  }

  /** Decimal text with an optional minus sign; for constants and tests (any other character is a fault). */
  static parse(text: string): Big {
    let value = Big.ZERO;
    const ten = Big.fromU64(10);
    const negative = text.startsWith("-");
    for (let i = negative ? 1 : 0; i < text.length; i++) {
      const digit = text.charCodeAt(i) - 48;
      assert(digit >= 0 && digit <= 9, "not a decimal number");
      value = value.mul(ten).add(Big.fromU64(<u64>digit));
    }
    return negative ? value.neg() : value;
  }

  /** Magnitude from `length` big-endian bytes; leading zeros are allowed. */
  static fromBytes(at: usize, length: i32, negative: bool): Big {
    const n = (length + 3) >> 2;
    const limbs = new StaticArray<u32>(n);
    for (let i = 0; i < length; i++) {
      const position = length - 1 - i;
      const limb = i >> 2;
      unchecked((limbs[limb] = unchecked(limbs[limb]) | (<u32>load<u8>(at + position) << ((i & 3) << 3))));
    }
    return make(negative, trim(limbs, n));
  }

  /** Number of bytes of the magnitude without leading zeros. */
  get byteLength(): i32 {
    return (this.bitLength + 7) >> 3;
  }

  get bitLength(): i32 {
    const n = this.limbs.length;
    if (n == 0) return 0;
    return (n << 5) - <i32>clz<u32>(unchecked(this.limbs[n - 1]));
  }

  /** Big-endian magnitude without leading zeros. */
  magnitude(): Bytes {
    const size = this.byteLength;
    if (size == 0) return EMPTY;
    const out = new StaticArray<u8>(size);
    for (let i = 0; i < size; i++) {
      unchecked((out[size - 1 - i] = <u8>(unchecked(this.limbs[i >> 2]) >> ((i & 3) << 3))));
    }
    return out;
  }

  get isZero(): bool {
    return this.limbs.length == 0;
  }

  get isPositive(): bool {
    return this.limbs.length != 0 && !this.negative;
  }

  /** True if the value lies in [0, 2^64). */
  get isU64(): bool {
    return !this.negative && this.limbs.length <= 2;
  }

  /** True if the value lies in [-2^63, 2^63). */
  get isI64(): bool {
    if (this.limbs.length > 2) return false;
    const low = this.lowU64;
    return this.negative ? low <= 0x8000000000000000 : low <= 0x7fffffffffffffff;
  }

  /** The 64 lowest bits of the magnitude. */
  get lowU64(): u64 {
    const n = this.limbs.length;
    if (n == 0) return 0;
    const low = <u64>unchecked(this.limbs[0]);
    return n == 1 ? low : low | (<u64>unchecked(this.limbs[1]) << 32);
  }

  /** The 64 lowest bits in two's complement, as a truncating conversion gives them. */
  get lowI64(): i64 {
    return this.negative ? -(<i64>this.lowU64) : <i64>this.lowU64;
  }

  neg(): Big {
    return make(!this.negative, this.limbs);
  }

  abs(): Big {
    return this.negative ? this.neg() : this;
  }

  add(other: Big): Big {
    if (other.limbs.length == 0) return this;
    if (this.limbs.length == 0) return other;
    if (this.negative == other.negative) return make(this.negative, addLimbs(this.limbs, other.limbs));
    const order = compareLimbs(this.limbs, other.limbs);
    if (order == 0) return Big.ZERO;
    if (order > 0) return make(this.negative, subLimbs(this.limbs, other.limbs));
    return make(other.negative, subLimbs(other.limbs, this.limbs));
  }

  sub(other: Big): Big {
    return this.add(other.neg());
  }

  mul(other: Big): Big {
    return make(this.negative != other.negative, mulLimbs(this.limbs, other.limbs));
  }

  /** Quotient truncated towards zero; the divisor must not be zero. */
  quo(other: Big): Big {
    assert(!other.isZero, "division by zero");
    return make(this.negative != other.negative, divLimbs(this.limbs, other.limbs).quotient);
  }

  /** Remainder of `quo`: has the sign of the dividend. */
  rem(other: Big): Big {
    assert(!other.isZero, "division by zero");
    return make(this.negative, divLimbs(this.limbs, other.limbs).rest);
  }

  /** Euclidean quotient: this = other * div + mod with 0 <= mod < |other|. */
  div(other: Big): Big {
    assert(!other.isZero, "division by zero");
    const division = divLimbs(this.limbs, other.limbs);
    const quotient = make(this.negative != other.negative, division.quotient);
    if (!this.negative || division.rest.length == 0) return quotient;
    return other.negative ? quotient.add(Big.ONE) : quotient.sub(Big.ONE);
  }

  /** Euclidean remainder. */
  mod(other: Big): Big {
    const rest = this.rem(other);
    return rest.negative ? rest.add(other.abs()) : rest;
  }

  lsh(bits: u32): Big {
    if (this.limbs.length == 0) return this;
    const whole = <i32>(bits >> 5);
    const size = this.limbs.length + whole + 1;
    assert(size <= MAX_LIMBS, "integer too large");
    const moved = shiftLeft(this.limbs, bits & 31, this.limbs.length + 1);
    const out = new StaticArray<u32>(size);
    memory.copy(changetype<usize>(out) + (<usize>whole << 2), changetype<usize>(moved), <usize>moved.length << 2);
    return make(this.negative, trim(out, size));
  }

  /** Floor of this / 2^bits. */
  rsh(bits: u32): Big {
    const whole = <i32>(bits >> 5);
    let lost = false;
    if (this.negative) {
      for (let i = 0; i < min(whole, this.limbs.length); i++) lost = lost || unchecked(this.limbs[i]) != 0;
      if (!lost && whole < this.limbs.length) lost = (unchecked(this.limbs[whole]) & ((1 << (bits & 31)) - 1)) != 0;
    }
    let out = Big.ZERO;
    if (whole < this.limbs.length) {
      const rest = new StaticArray<u32>(this.limbs.length - whole);
      memory.copy(
        changetype<usize>(rest),
        changetype<usize>(this.limbs) + (<usize>whole << 2),
        <usize>rest.length << 2,
      );
      out = make(this.negative, shiftRight(rest, bits & 31));
    }
    return lost ? out.sub(Big.ONE) : out;
  }

  /** -1, 0 or 1. */
  compare(other: Big): i32 {
    if (this.negative != other.negative) return this.negative ? -1 : 1;
    const order = compareLimbs(this.limbs, other.limbs);
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
    if (this.limbs.length == 0) return "0";
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
