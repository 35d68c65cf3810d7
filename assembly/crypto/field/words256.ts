/**
 * Arithmetic modulo m = 2^256 - c, c < 2^130, on eight 32-bit words, least significant first: the plain form.
 *
 * secp256k1's order n has such a c of 129 bits, its field's p one of 33, so the same code serves scalars and, as the
 * reference of the fast kernels, field elements. Products are schoolbook; the upper half is folded by 2^256 = c (mod m)
 * three times, after which less than m is left over. Values handed in and out are below m. No branch or address depends
 * on a value, so secrets may pass through; the word count of c does not depend on one.
 */

/** Bytes of a value. */
export const WORDS_BYTES: usize = 32;
/** Words of c: 2^256 - m for every modulus used here. */
const FOLD_WORDS: usize = 5;

/** out = a + b; returns the carry. `out` may be `a` or `b`. */
export function wordsAdd(out: usize, a: usize, b: usize): u32 {
  let carry: u64 = 0;
  for (let i: usize = 0; i < 32; i += 4) {
    carry += <u64>load<u32>(a + i) + <u64>load<u32>(b + i);
    store<u32>(out + i, <u32>carry);
    carry >>= 32;
  }
  return <u32>carry;
}

/** out = a - b; returns the borrow, 0 or 1. `out` may be `a` or `b`. */
export function wordsSub(out: usize, a: usize, b: usize): u32 {
  let borrow: i64 = 0;
  for (let i: usize = 0; i < 32; i += 4) {
    borrow += <i64>load<u32>(a + i) - <i64>load<u32>(b + i);
    store<u32>(out + i, <u32>borrow);
    borrow >>= 32;
  }
  return <u32>(borrow & 1);
}

/** out = choose ? a : b, without a branch; `choose` is 0 or 1. */
export function wordsSelect(out: usize, choose: u32, a: usize, b: usize): void {
  const mask: u32 = 0 - choose;
  for (let i: usize = 0; i < 32; i += 4)
    store<u32>(out + i, (load<u32>(a + i) & mask) | (load<u32>(b + i) & ~mask));
}

export function wordsIsZero(a: usize): bool {
  let any: u64 = 0;
  for (let i: usize = 0; i < 32; i += 8) any |= load<u64>(a + i);
  return any == 0;
}

export function wordsEqual(a: usize, b: usize): bool {
  let any: u64 = 0;
  for (let i: usize = 0; i < 32; i += 8) any |= load<u64>(a + i) ^ load<u64>(b + i);
  return any == 0;
}

/** Whether a < b. */
export function wordsBelow(a: usize, b: usize): bool {
  return wordsSub(memory.data(32, 8), a, b) != 0;
}

/** Reads 32 big-endian bytes. */
export function wordsFromBytes(out: usize, bytes: usize): void {
  const w0 = bswap<u64>(load<u64>(bytes, 24));
  const w1 = bswap<u64>(load<u64>(bytes, 16));
  const w2 = bswap<u64>(load<u64>(bytes, 8));
  const w3 = bswap<u64>(load<u64>(bytes));
  store<u64>(out, w0);
  store<u64>(out, w1, 8);
  store<u64>(out, w2, 16);
  store<u64>(out, w3, 24);
}

/** Writes 32 big-endian bytes; `bytes` may be `a`. */
export function wordsToBytes(bytes: usize, a: usize): void {
  wordsFromBytes(bytes, a);
}

/** out = a if a < m, else a - m: reduces any 256-bit value, since m > 2^255. `out` may be `a`. */
export function modReduce(out: usize, a: usize, m: usize): void {
  const less = memory.data(32, 8);
  const borrow = wordsSub(less, a, m);
  wordsSelect(out, borrow, a, less);
}

/** out = a + b mod m. `out` may be `a` or `b`. */
export function modAdd(out: usize, a: usize, b: usize, m: usize): void {
  const sum = memory.data(32, 8);
  const less = memory.data(32, 8);
  const carry = wordsAdd(sum, a, b);
  const borrow = wordsSub(less, sum, m);
  wordsSelect(out, carry | (borrow ^ 1), less, sum);
}

/** out = a - b mod m. `out` may be `a` or `b`. */
export function modSub(out: usize, a: usize, b: usize, m: usize): void {
  const difference = memory.data(32, 8);
  const more = memory.data(32, 8);
  const borrow = wordsSub(difference, a, b);
  wordsAdd(more, difference, m);
  wordsSelect(out, borrow, more, difference);
}

/** out = -a mod m. `out` may be `a`. */
export function modNegate(out: usize, a: usize, m: usize): void {
  modSub(out, memory.data(32, 8), a, m);
}

/** wide (16 words) = a b. */
export function wordsMul(wide: usize, a: usize, b: usize): void {
  memory.fill(wide, 0, 64);
  for (let i: usize = 0; i < 32; i += 4) {
    const x = <u64>load<u32>(a + i);
    let carry: u64 = 0;
    for (let j: usize = 0; j < 32; j += 4) {
      const at = wide + i + j;
      carry += x * <u64>load<u32>(b + j) + <u64>load<u32>(at);
      store<u32>(at, <u32>carry);
      carry >>= 32;
    }
    store<u32>(wide + i + 32, <u32>carry);
  }
}

/** out = a b mod m. `out` may be `a` or `b`. */
export function modMul(out: usize, a: usize, b: usize, m: usize): void {
  const wide = memory.data(64, 8);
  const c = memory.data(32, 8);
  const high = memory.data(32, 8);
  wordsMul(wide, a, b);
  wordsSub(c, memory.data(32, 8), m); // 2^256 - m, by wrapping around
  // Upper half: 256 bits, then at most 131, then at most 6; the last fold leaves one carry at most.
  for (let words: usize = 8; words >= 1; words = words == 8 ? 5 : words == 5 ? 1 : 0) {
    memory.copy(high, wide + 32, 32);
    memory.fill(wide + 32, 0, 32);
    for (let i: usize = 0; i < 4 * words; i += 4) {
      const x = <u64>load<u32>(high + i);
      let carry: u64 = 0;
      for (let j: usize = 0; j < 4 * FOLD_WORDS; j += 4) {
        const at = wide + i + j;
        carry += x * <u64>load<u32>(c + j) + <u64>load<u32>(at);
        store<u32>(at, <u32>carry);
        carry >>= 32;
      }
      for (let j: usize = 4 * FOLD_WORDS; i + j < 64; j += 4) {
        const at = wide + i + j;
        carry += <u64>load<u32>(at);
        store<u32>(at, <u32>carry);
        carry >>= 32;
      }
    }
  }
  const less = memory.data(32, 8);
  const borrow = wordsSub(less, wide, m);
  wordsSelect(out, load<u32>(wide, 32) | (borrow ^ 1), less, wide);
}

/** out = a^exponent mod m; the exponent is public. `out` may be `a`. */
export function modPower(out: usize, a: usize, exponent: usize, m: usize): void {
  const base = memory.data(32, 8);
  const result = memory.data(32, 8);
  memory.copy(base, a, 32);
  memory.fill(result, 0, 32);
  store<u32>(result, 1);
  for (let bit: i32 = 255; bit >= 0; bit--) {
    modMul(result, result, result, m);
    if ((load<u32>(exponent + <usize>((bit >> 5) << 2)) >>> (bit & 31)) & 1) modMul(result, result, base, m);
  }
  memory.copy(out, result, 32);
}
