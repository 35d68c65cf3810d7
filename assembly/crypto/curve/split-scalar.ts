/**
 * Scalars of the groups of BLS12-381 in parts for the endomorphisms: digits to the base |X|, the curve's parameter, or X^2.
 * Scalars must be public: time depends on them.
 */
const PARAMETER: u64 = 0xd201000000010000;
const WORDS: usize = memory.data(32, 8);

/** parts (four of 64 bits) = the digits of the scalar (32 bytes, little-endian, below the group's order) to the base |X|. */
export function splitInFour(parts: usize, scalar: usize): void {
  memory.copy(WORDS, scalar, 32);
  for (let at: usize = 0; at < 32; at += 8) store<u64>(parts + at, divideByParameter());
}

/** parts (two of 128 bits, little-endian, below X^2) = the digits to the base X^2. */
export function splitInTwo(parts: usize, scalar: usize): void {
  memory.copy(WORDS, scalar, 32);
  for (let at: usize = 0; at < 32; at += 16) {
    const low = divideByParameter();
    multiplyAdd(parts + at, divideByParameter(), low);
  }
}

/** WORDS[0 .. 32) /= |X|, 64-bit words little-endian by 32-bit halves; returns the remainder. |X| has its top bit set. */
function divideByParameter(): u64 {
  // Knuth's algorithm D for a divisor of two 32-bit words.
  const high: u64 = PARAMETER >> 32, low: u64 = PARAMETER & 0xffffffff;
  let r: u64 = 0;
  for (let i = 7; i >= 0; i--) {
    // Divide (r, word) by |X|: r < |X|.
    const word = <u64>load<u32>(WORDS + (<usize>i << 2));
    let q = r / high;
    let rest = r - q * high;
    while (q > 0xffffffff || q * low > ((rest << 32) | word)) {
      q--;
      rest += high;
      if (rest > 0xffffffff) break;
    }
    r = ((r << 32) | word) - q * PARAMETER;
    store<u32>(WORDS + (<usize>i << 2), <u32>q);
  }
  return r;
}

/** r = a |X| + b, 128 bits. */
function multiplyAdd(r: usize, a: u64, b: u64): void {
  const a0 = a & 0xffffffff, a1 = a >> 32;
  const p0: u64 = PARAMETER & 0xffffffff, p1: u64 = PARAMETER >> 32;
  let mid = a0 * p0;
  let low = mid & 0xffffffff;
  mid = a1 * p0 + (mid >> 32);
  const carry = mid >> 32;
  mid = a0 * p1 + (mid & 0xffffffff);
  low |= mid << 32;
  let high = a1 * p1 + carry + (mid >> 32);
  const sum = low + b;
  if (sum < low) high++;
  store<u64>(r, sum);
  store<u64>(r, high, 8);
}
