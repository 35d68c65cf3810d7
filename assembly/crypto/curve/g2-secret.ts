/**
 * Secret multiples of points of G2: s P = d0 P + d1 |X| P + d2 |X|^2 P + d3 |X|^3 P with digits of 64 bits, where the multiples
 * by |X| are a few field products each, as |X| P = -psi(P) in the group of prime order. The four digits are run through
 * together: 64 doublings instead of 256 (Galbraith, Lin and Scott, eprint 2008/194). The plain way is `pointMulSecret`.
 *
 * Steps and memory accesses are the same for every scalar: the digits come by a division bit by bit with masks, every bit
 * adds, and the summand is picked by reading the whole table.
 */
import { OverFp2 } from "./coordinate";
import { pointAdd, pointCopy, pointDouble, pointNeg, pointSelect, pointZero } from "./point";
import { g2Psi } from "./subgroup";

const PARAMETER: u64 = 0xd201000000010000;
const SIZE: usize = 336;
/** Sums of the four multiples: entry b has those whose bits are set in b. */
const TABLE: usize = memory.data(16 * 336, 8);
const CHOSEN: usize = memory.data(336, 8);
const WORDS: usize = memory.data(32, 8);
const DIGITS: usize = memory.data(32, 8);

/** WORDS (256 bits, little-endian words of 64) /= |X|; returns the remainder. The same steps for every value. */
function divideSecret(): u64 {
  let rest: u64 = 0;
  for (let i = 3; i >= 0; i--) {
    const at = WORDS + (<usize>i << 3);
    const word = load<u64>(at);
    let quotient: u64 = 0;
    for (let bit = 63; bit >= 0; bit--) {
      // (carry, rest) = 2 rest + bit, below 2 |X|.
      const carry = rest >> 63;
      rest = (rest << 1) | ((word >> bit) & 1);
      const less = rest - PARAMETER;
      const borrow = ((~rest & PARAMETER) | ((~rest | PARAMETER) & less)) >> 63;
      const takes = carry | (borrow ^ 1);
      rest -= PARAMETER & (0 - takes);
      quotient = (quotient << 1) | takes;
    }
    store<u64>(at, quotient);
  }
  return rest;
}

/** TABLE[b] for all b below 16, of a point of G2. */
function fillTable(a: usize): void {
  pointZero<OverFp2>(TABLE);
  pointCopy<OverFp2>(TABLE + SIZE, a);
  for (let j: usize = 1; j < 4; j++) {
    const to = TABLE + (<usize>1 << j) * SIZE;
    g2Psi(to, TABLE + (<usize>1 << (j - 1)) * SIZE);
    pointNeg<OverFp2>(to, to);
  }
  for (let b: usize = 3; b < 16; b++) {
    const low = b & (b - 1);
    if (low != 0) pointAdd<OverFp2>(TABLE + b * SIZE, TABLE + low * SIZE, TABLE + (b ^ low) * SIZE);
  }
}

/** r = scalar a; a: homogeneous, in G2; scalar: 32 bytes, big-endian, below the group's order, secret. r may be a. */
export function g2MulSecret(r: usize, a: usize, scalar: usize): void {
  for (let i: usize = 0; i < 4; i++) store<u64>(WORDS + (i << 3), bswap<u64>(load<u64>(scalar + 24 - (i << 3))));
  for (let j: usize = 0; j < 4; j++) store<u64>(DIGITS + (j << 3), divideSecret());
  fillTable(a);
  pointZero<OverFp2>(r);
  for (let bit = 63; bit >= 0; bit--) {
    pointDouble<OverFp2>(r, r);
    let chosen: u32 = 0;
    for (let j: usize = 0; j < 4; j++) chosen |= <u32>((load<u64>(DIGITS + (j << 3)) >> bit) & 1) << <u32>j;
    pointZero<OverFp2>(CHOSEN);
    for (let b: u32 = 1; b < 16; b++) {
      // 1 if b is the one, without a comparison that could become a branch.
      pointSelect<OverFp2>(CHOSEN, TABLE + <usize>b * SIZE, ((b ^ chosen) - 1) >> 31);
    }
    pointAdd<OverFp2>(r, r, CHOSEN);
  }
  memory.fill(TABLE, 0, 16 * 336);
  memory.fill(CHOSEN, 0, 336);
  memory.fill(WORDS, 0, 32);
  memory.fill(DIGITS, 0, 32);
}
