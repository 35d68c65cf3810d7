/**
 * Plain modular arithmetic for comparison: numbers of `words` 32-bit words, little-endian, below an odd modulus.
 *
 * Slow, short, and made differently from the generated fields (no limbs of odd widths, no delayed carries, no lazy
 * bounds), so that a fault would have to be made twice. Montgomery with R = 2^(32 words), coarsely integrated operand
 * scanning. Never used outside tests.
 */

const MAX_WORDS: i32 = 12;
const T: usize = memory.data(4 * (12 + 2));
const DIFFERENCE: usize = memory.data(4 * 12);

// @ts-ignore: decorator
@inline
function word(a: usize, i: i32): u64 {
  return <u64>load<u32>(a + (<usize>i << 2));
}

// @ts-ignore: decorator
@inline
function put(a: usize, i: i32, value: u64): void {
  store<u32>(a + (<usize>i << 2), <u32>value);
}

/** r = a mod p for a below 2p with `carry` as its word beyond the top. */
function subtractOnce(r: usize, a: usize, carry: u64, p: usize, words: i32): void {
  let borrow: i64 = 0;
  for (let i = 0; i < words; i++) {
    borrow += <i64>word(a, i) - <i64>word(p, i);
    put(DIFFERENCE, i, <u64>borrow & 0xffffffff);
    borrow >>= 32;
  }
  memory.copy(r, <i64>carry + borrow < 0 ? a : DIFFERENCE, <usize>words << 2);
}

/** r = a b / R mod p. */
export function refMul(r: usize, a: usize, b: usize, p: usize, words: i32): void {
  assert(words <= MAX_WORDS);
  let inverse: u32 = 1;
  for (let i = 0; i < 5; i++) inverse *= 2 - <u32>word(p, 0) * inverse;
  memory.fill(T, 0, 4 * (<usize>words + 2));
  for (let i = 0; i < words; i++) {
    let c: u64 = 0;
    for (let j = 0; j < words; j++) {
      c += word(T, j) + word(a, j) * word(b, i);
      put(T, j, c & 0xffffffff);
      c >>= 32;
    }
    c += word(T, words);
    put(T, words, c & 0xffffffff);
    put(T, words + 1, c >> 32);
    const m = <u64>(<u32>word(T, 0) * (0 - inverse));
    c = (word(T, 0) + m * word(p, 0)) >> 32;
    for (let j = 1; j < words; j++) {
      c += word(T, j) + m * word(p, j);
      put(T, j - 1, c & 0xffffffff);
      c >>= 32;
    }
    c += word(T, words);
    put(T, words - 1, c & 0xffffffff);
    put(T, words, word(T, words + 1) + (c >> 32));
  }
  subtractOnce(r, T, word(T, words), p, words);
}

/** r = a + b mod p. */
export function refAdd(r: usize, a: usize, b: usize, p: usize, words: i32): void {
  let c: u64 = 0;
  for (let i = 0; i < words; i++) {
    c += word(a, i) + word(b, i);
    put(T, i, c & 0xffffffff);
    c >>= 32;
  }
  subtractOnce(r, T, c, p, words);
}

/** r = a - b mod p. */
export function refSub(r: usize, a: usize, b: usize, p: usize, words: i32): void {
  let c: i64 = 0;
  for (let i = 0; i < words; i++) {
    c += <i64>word(p, i) - <i64>word(b, i);
    put(T, i, <u64>c & 0xffffffff);
    c >>= 32;
  }
  refAdd(r, a, T, p, words);
}
