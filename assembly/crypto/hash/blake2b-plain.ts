/** BLAKE2b compression as RFC 7693, section 3.2 writes it: the reference of the unrolled kernel, used by tests. */
import { blake2bStart } from "./blake2b-kernel.gen";

/** Ten permutations of the message words; rounds 10 and 11 repeat the first two. Source: RFC 7693, section 2.7. */
const SIGMA: StaticArray<u8> = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
  14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3,
  11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4,
  7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8,
  9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13,
  2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9,
  12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11,
  13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10,
  6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5,
  10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0,
];

function mix(v: usize, a: usize, b: usize, c: usize, d: usize, x: u64, y: u64): void {
  a = v + 8 * a;
  b = v + 8 * b;
  c = v + 8 * c;
  d = v + 8 * d;
  store<u64>(a, load<u64>(a) + load<u64>(b) + x);
  store<u64>(d, rotr<u64>(load<u64>(d) ^ load<u64>(a), 32));
  store<u64>(c, load<u64>(c) + load<u64>(d));
  store<u64>(b, rotr<u64>(load<u64>(b) ^ load<u64>(c), 24));
  store<u64>(a, load<u64>(a) + load<u64>(b) + y);
  store<u64>(d, rotr<u64>(load<u64>(d) ^ load<u64>(a), 16));
  store<u64>(c, load<u64>(c) + load<u64>(d));
  store<u64>(b, rotr<u64>(load<u64>(b) ^ load<u64>(c), 63));
}

function word(block: usize, round: i32, i: i32): u64 {
  return load<u64>(block + 8 * <usize>unchecked(SIGMA[16 * (round % 10) + i]));
}

/** Same contract as `blake2bBlock`. */
export function blake2bBlockPlain(state: usize, block: usize, total: u64, last: u64): void {
  const v = memory.data(16 * 8, 8);
  memory.copy(v, state, 64);
  blake2bStart(v + 64, 0, 0);
  // `blake2bStart` mixes parameters into the first word: take them out again
  store<u64>(v, load<u64>(v, 64) ^ 0x01010000, 64);
  store<u64>(v, load<u64>(v, 96) ^ total, 96);
  store<u64>(v, load<u64>(v, 112) ^ last, 112);
  for (let round = 0; round < 12; round++) {
    for (let i: usize = 0; i < 4; i++)
      mix(v, i, i + 4, i + 8, i + 12, word(block, round, 2 * <i32>i), word(block, round, 2 * <i32>i + 1));
    for (let i: usize = 0; i < 4; i++)
      mix(v, i, 4 + ((i + 1) & 3), 8 + ((i + 2) & 3), 12 + ((i + 3) & 3),
        word(block, round, 8 + 2 * <i32>i), word(block, round, 9 + 2 * <i32>i));
  }
  for (let i: usize = 0; i < 64; i += 8)
    store<u64>(state + i, load<u64>(state + i) ^ load<u64>(v + i) ^ load<u64>(v + i + 64));
}
