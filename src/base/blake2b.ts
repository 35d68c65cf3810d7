/**
 * BLAKE2b without a key (RFC 7693) in plain TypeScript: for the digests that are wanted before the core is loaded. One small
 * file, so that a program starts with it at once; 64-bit words are two halves of 32 bits.
 */
const BLOCK = 128;
/** Low and high halves of the initial words. Source: RFC 7693, section 2.6. */
// biome-ignore format: one word a pair
const START = Int32Array.of(
  0xf3bcc908, 0x6a09e667, 0x84caa73b, 0xbb67ae85, 0xfe94f82b, 0x3c6ef372, 0x5f1d36f1, 0xa54ff53a,
  0xade682d1, 0x510e527f, 0x2b3e6c1f, 0x9b05688c, 0xfb41bd6b, 0x1f83d9ab, 0x137e2179, 0x5be0cd19,
);
/** Order of a round's message words, a hexadecimal digit each; rounds 10 and 11 repeat the first two. Source: RFC 7693, section 2.7. */
const ORDERS = [
  ...["0123456789abcdef", "ea489fd61c02b753", "b8c052fdae367194", "7931dcbe265a40f8", "905724afe1bc683d"],
  ...["2c6a0b834d75fe19", "c51fed4a0763928b", "db7ec13950f4862a", "6fe9b308c2d714a5", "a2847615fb9e3cd0"],
].map((order) => Uint8Array.from(order, (digit) => 2 * Number.parseInt(digit, 16)));
const ROUNDS = 12;

/** Working words and message words: nothing waits between the beginning and the end of a digest. */
const v = new Int32Array(32);
const m = new Int32Array(32);

/** Adds a word of two halves to word `a`. */
function add(a: number, low: number, high: number): void {
  const sum = ((v[a] as number) + low) | 0;
  // Less than what was added: it went past 2^32.
  v[a + 1] = (v[a + 1] as number) + high + (sum >>> 0 < low >>> 0 ? 1 : 0);
  v[a] = sum;
}

/** Section 3.1. Word `i` lies at 2 i. */
function mix(a: number, b: number, c: number, d: number, x: number, y: number): void {
  add(a, v[b] as number, v[b + 1] as number);
  add(a, m[x] as number, m[x + 1] as number);
  let low = (v[d] as number) ^ (v[a] as number);
  let high = (v[d + 1] as number) ^ (v[a + 1] as number);
  v[d] = high;
  v[d + 1] = low;
  add(c, high, low);
  low = (v[b] as number) ^ (v[c] as number);
  high = (v[b + 1] as number) ^ (v[c + 1] as number);
  v[b] = (low >>> 24) | (high << 8);
  v[b + 1] = (high >>> 24) | (low << 8);
  add(a, v[b] as number, v[b + 1] as number);
  add(a, m[y] as number, m[y + 1] as number);
  low = (v[d] as number) ^ (v[a] as number);
  high = (v[d + 1] as number) ^ (v[a + 1] as number);
  v[d] = (low >>> 16) | (high << 16);
  v[d + 1] = (high >>> 16) | (low << 16);
  add(c, v[d] as number, v[d + 1] as number);
  low = (v[b] as number) ^ (v[c] as number);
  high = (v[b + 1] as number) ^ (v[c + 1] as number);
  v[b] = (low << 1) | (high >>> 31);
  v[b + 1] = (high << 1) | (low >>> 31);
}

/** Section 3.2, for the block in `m`; `total`: bytes up to its end. */
function compress(state: Int32Array, total: number, last: boolean): void {
  v.set(state);
  v.set(START, 16);
  v[24] = (v[24] as number) ^ total;
  v[25] = (v[25] as number) ^ Math.floor(total / 0x100000000);
  if (last) {
    v[28] = ~(v[28] as number);
    v[29] = ~(v[29] as number);
  }
  for (let round = 0; round < ROUNDS; round++) {
    const s = ORDERS[round % ORDERS.length] as Uint8Array;
    mix(0, 8, 16, 24, s[0] as number, s[1] as number);
    mix(2, 10, 18, 26, s[2] as number, s[3] as number);
    mix(4, 12, 20, 28, s[4] as number, s[5] as number);
    mix(6, 14, 22, 30, s[6] as number, s[7] as number);
    mix(0, 10, 20, 30, s[8] as number, s[9] as number);
    mix(2, 12, 22, 24, s[10] as number, s[11] as number);
    mix(4, 14, 16, 26, s[12] as number, s[13] as number);
    mix(6, 8, 18, 28, s[14] as number, s[15] as number);
  }
  for (let i = 0; i < 16; i++) state[i] = (state[i] as number) ^ (v[i] as number) ^ (v[i + 16] as number);
}

/** Digest of `length` bytes, 1 to 64. Throws `TypeError` for anything but bytes, `RangeError` for another length. */
export function blake2b(bytes: Uint8Array, length: number): Uint8Array {
  if (!(bytes instanceof Uint8Array)) throw new TypeError("BLAKE2b of bytes: a Uint8Array is expected");
  if (!(Number.isInteger(length) && length >= 1 && length <= 64))
    throw new RangeError(`a BLAKE2b digest of ${length} bytes: 1 to 64 are possible`);
  const state = START.slice();
  // Parameters: length, no key, fan-out and depth 1.
  state[0] = (state[0] as number) ^ 0x01010000 ^ length;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  for (; at + BLOCK < bytes.length; at += BLOCK) {
    for (let i = 0; i < 32; i++) m[i] = view.getInt32(at + 4 * i, true);
    compress(state, at + BLOCK, false);
  }
  m.fill(0);
  for (let i = at; i < bytes.length; i++)
    m[(i - at) >> 2] = (m[(i - at) >> 2] as number) | ((bytes[i] as number) << (8 * (i & 3)));
  compress(state, bytes.length, true);
  const out = new Uint8Array(length);
  for (let i = 0; i < length; i++) out[i] = (state[i >> 2] as number) >>> (8 * (i & 3));
  return out;
}
