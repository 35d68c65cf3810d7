/**
 * RIPEMD-160: two lines of five rounds of sixteen steps over blocks of 64 bytes, joined at their end.
 * Source: H. Dobbertin, A. Bosselaers, B. Preneel, RIPEMD-160 (1996).
 */
import { Bytes, ptrOf } from "../../base/bytes";

/** Word that each step takes, and how far it rotates: the left line's, then the right line's. */
const WORDS: StaticArray<u8> = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 7, 4, 13, 1, 10, 6, 15, 3, 12, 0, 9, 5, 2, 14, 11, 8, 3, 10, 14,
  4, 9, 15, 8, 1, 2, 7, 0, 6, 13, 11, 5, 12, 1, 9, 11, 10, 0, 8, 12, 4, 13, 3, 7, 15, 14, 5, 6, 2, 4, 0, 5, 9, 7, 12, 2,
  10, 14, 1, 3, 8, 11, 6, 15, 13, 5, 14, 7, 0, 9, 2, 11, 4, 13, 6, 15, 8, 1, 10, 3, 12, 6, 11, 3, 7, 0, 13, 5, 10, 14, 15,
  8, 12, 4, 9, 1, 2, 15, 5, 1, 3, 7, 14, 6, 9, 11, 8, 12, 2, 10, 0, 4, 13, 8, 6, 4, 1, 3, 11, 15, 0, 5, 12, 2, 13, 9, 7,
  10, 14, 12, 15, 10, 4, 1, 5, 8, 7, 6, 2, 13, 14, 0, 3, 9, 11,
];
const SHIFTS: StaticArray<u8> = [
  11, 14, 15, 12, 5, 8, 7, 9, 11, 13, 14, 15, 6, 7, 9, 8, 7, 6, 8, 13, 11, 9, 7, 15, 7, 12, 15, 9, 11, 7, 13, 12, 11, 13,
  6, 7, 14, 9, 13, 15, 14, 8, 13, 6, 5, 12, 7, 5, 11, 12, 14, 15, 14, 15, 9, 8, 9, 14, 5, 6, 8, 6, 5, 12, 9, 15, 5, 11, 6,
  8, 13, 12, 5, 12, 13, 14, 11, 8, 5, 6, 8, 9, 9, 11, 13, 15, 15, 5, 7, 7, 8, 11, 14, 14, 12, 6, 9, 13, 15, 7, 12, 8, 9,
  11, 7, 7, 12, 7, 6, 15, 13, 11, 9, 7, 15, 11, 8, 6, 6, 14, 12, 13, 5, 14, 13, 13, 7, 5, 15, 5, 8, 11, 14, 14, 6, 14, 6,
  9, 12, 9, 12, 5, 15, 8, 8, 5, 12, 9, 12, 5, 14, 6, 8, 13, 6, 5, 15, 13, 11, 11,
];
const CONSTANTS: StaticArray<u32> = [
  0, 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xa953fd4e, 0x50a28be6, 0x5c4dd124, 0x6d703ef3, 0x7a6d76e9, 0,
];

function mix(kind: i32, x: u32, y: u32, z: u32): u32 {
  if (kind == 0) return x ^ y ^ z;
  if (kind == 1) return (x & y) | (~x & z);
  if (kind == 2) return (x | ~y) ^ z;
  return kind == 3 ? (x & z) | (y & ~z) : x ^ (y | ~z);
}

/** Runs one line over the block at `block` from the state `h` and leaves its five words in `line`. */
function run(h: StaticArray<u32>, block: usize, right: bool, line: StaticArray<u32>): void {
  let a = h[0];
  let b = h[1];
  let c = h[2];
  let d = h[3];
  let e = h[4];
  const from = right ? 80 : 0;
  for (let i = 0; i < 80; i++) {
    const round = i >> 4;
    const word = load<u32>(block + (<usize>unchecked(WORDS[from + i]) << 2));
    const constant = unchecked(CONSTANTS[(right ? 5 : 0) + round]);
    const t = rotl<u32>(a + mix(right ? 4 - round : round, b, c, d) + word + constant, unchecked(SHIFTS[from + i])) + e;
    a = e;
    e = d;
    d = rotl<u32>(c, 10);
    c = b;
    b = t;
  }
  line[0] = a;
  line[1] = b;
  line[2] = c;
  line[3] = d;
  line[4] = e;
}

/** The 20 bytes of the digest. */
export function ripemd160(data: Bytes): Bytes {
  const blocks = (data.length + 9 + 63) >> 6;
  const padded = new StaticArray<u8>(blocks << 6);
  memory.copy(ptrOf(padded), ptrOf(data), <usize>data.length);
  padded[data.length] = 0x80;
  store<u64>(ptrOf(padded) + (<usize>blocks << 6) - 8, <u64>data.length << 3);
  const h: StaticArray<u32> = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
  const l = new StaticArray<u32>(5);
  const r = new StaticArray<u32>(5);
  for (let i = 0; i < blocks; i++) {
    const block = ptrOf(padded) + (<usize>i << 6);
    run(h, block, false, l);
    run(h, block, true, r);
    const t = h[1] + l[2] + r[3];
    h[1] = h[2] + l[3] + r[4];
    h[2] = h[3] + l[4] + r[0];
    h[3] = h[4] + l[0] + r[1];
    h[4] = h[0] + l[1] + r[2];
    h[0] = t;
  }
  const out = new StaticArray<u8>(20);
  for (let i = 0; i < 5; i++) store<u32>(ptrOf(out) + (<usize>i << 2), h[i]);
  return out;
}
