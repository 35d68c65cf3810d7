/**
 * SHA-256 of Merkle nodes with SIMD: four nodes in the 32-bit lanes of a vector, up to four such strands in turn.
 *
 *     input    node 0: w0 w1 … w15 | node 1: w0 … | node 2: … | node 3: …        (big-endian words, 256 bytes)
 *     vectors  W[i] = ( node0.wi, node1.wi, node2.wi, node3.wi )                 (4 × 4 transposes and byte swaps)
 *
 * Why strands: a round hangs on the one before by a chain of some seven instructions, and has 35 of them, 56 with the
 * message schedule. Where a vector instruction takes two cycles (Zen 5) or four can start in one, the chain is what
 * takes the time. So each strand does one round and the next strand follows; the processor works on several at once.
 * Sixteen vector registers do not hold two states: the state is in memory, and a round reads and writes it there.
 * docs/performance.md has what was measured.
 *
 * Round i makes a(i) and e(i); b, c, d are a of the three rounds before, f, g, h likewise e. Nothing is moved: a strand
 * is two arrays in which a round appends, and `p` = strand + 16·i makes every access a constant offset.
 *
 *     at p    0   16  32  48  64     64 + 16·k          1088       1104 16  32  48  64                2192 … 2320
 *             d   c   b   a   W(i)   W(i + k)           b^c        h    g   f   e   | new e           chaining value
 *                             ↳ new a                              ↳ a^b
 *
 * A new a takes the place of the word just used. a ^ b is the next round's b ^ c, as maj(a, b, c) =
 * b ^ ((a ^ b) & (b ^ c)); it takes the place of h, which nobody needs again, and is at p + 1088 one round later.
 */
import { sha256Start, SHA256_ROUND_CONSTANTS } from "./sha256-kernel.gen";

/** Strands that can run in turn; each is four nodes. */
export const MOST_STRANDS: usize = 4;

const WORDS: usize = 64;
const PAIR: usize = 1088;
const E: usize = 1104;
const CHAIN: usize = 2192;
const STRAND_BYTES: usize = 2320;

/** From the state before the first round to that after the last. */
const ROUNDS: usize = 64 * 16;

/** Round constants, each four times: 64 vectors. */
const ROUND_TABLE: usize = memory.data(ASC_FEATURE_SIMD ? 1024 : 16, 16);
/** Round constants plus the schedule of the padding block, each four times: 64 vectors. */
const PADDING_TABLE: usize = memory.data(ASC_FEATURE_SIMD ? 1024 : 16, 16);
/** The initial state as it lies in a strand, d c b a h g f e, each word four times: 8 vectors. */
const INITIAL: usize = memory.data(ASC_FEATURE_SIMD ? 128 : 16, 16);
const STRANDS: usize = memory.data(ASC_FEATURE_SIMD ? 9280 : 16, 16);

if (ASC_FEATURE_SIMD) fillTables();

function fillTables(): void {
  // The block after a 64-byte message: a bit 1, zeros, the length of 512 bits.
  const words = memory.data(256, 16);
  memory.fill(words, 0, 64);
  store<u32>(words, 0x80000000);
  store<u32>(words, 512, 60);
  for (let i: usize = 16; i < 64; i++) {
    const at = words + (i << 2);
    const near = load<u32>(at - 8);
    const far = load<u32>(at - 60);
    const s1 = rotr<u32>(near, 17) ^ rotr<u32>(near, 19) ^ (near >>> 10);
    const s0 = rotr<u32>(far, 7) ^ rotr<u32>(far, 18) ^ (far >>> 3);
    store<u32>(at, load<u32>(at - 64) + load<u32>(at - 28) + s0 + s1);
  }
  for (let i: usize = 0; i < 64; i++) {
    const constant = unchecked(SHA256_ROUND_CONSTANTS[<i32>i]);
    v128.store(ROUND_TABLE + (i << 4), i32x4.splat(constant));
    v128.store(PADDING_TABLE + (i << 4), i32x4.splat(constant + load<u32>(words + (i << 2))));
  }
  sha256Start(words);
  for (let i: usize = 0; i < 8; i++) v128.store(INITIAL + (i << 4), v128.load_splat<u32>(words + ((i ^ 3) << 2)));
}

/**
 * Hashes `strands` × 4 nodes, 1 to `MOST_STRANDS`, from 256 bytes a strand at `input` to 128 each at `out`. All input is
 * read before anything is written.
 */
export function hashStrands(input: usize, out: usize, strands: usize): void {
  const end = STRANDS + strands * STRAND_BYTES;
  for (let s = STRANDS; s < end; s += STRAND_BYTES, input += 256) begin(s, input);
  let i: usize = 0;
  for (; i < 48 * 16; i += 16) {
    const constant = v128.load(ROUND_TABLE + i);
    for (let p = STRANDS + i; p < end + i; p += STRAND_BYTES) {
      const word = v128.load(p, WORDS);
      v128.store(p, nextWord(p, word), WORDS + 256);
      round(p, i32x4.add(word, constant));
    }
  }
  for (; i < ROUNDS; i += 16) {
    const constant = v128.load(ROUND_TABLE + i);
    for (let p = STRANDS + i; p < end + i; p += STRAND_BYTES) round(p, i32x4.add(v128.load(p, WORDS), constant));
  }
  for (let s = STRANDS; s < end; s += STRAND_BYTES) chain(s);
  for (i = 0; i < ROUNDS; i += 16) {
    const word = v128.load(PADDING_TABLE + i);
    for (let p = STRANDS + i; p < end + i; p += STRAND_BYTES) round(p, word);
  }
  for (let s = STRANDS; s < end; s += STRAND_BYTES, out += 128) finish(s, out);
}

/** Bytes of the schedules of four blocks. */
export const SCHEDULES_BYTES: usize = 1024;

/**
 * Writes the schedules of the four blocks at `input`, round constants added, for `sha256Scheduled`: word i of block j at
 * `out` + 16 i + 4 j.
 */
export function scheduleFour(input: usize, out: usize): void {
  const words = STRANDS - WORDS;
  for (let i: usize = 0; i < 64; i += 16) loadWords(input + i, STRANDS + (i << 2));
  for (let i: usize = 0; i < 48 * 16; i += 16) {
    const word = v128.load(words + i, WORDS);
    v128.store(words + i, nextWord(words + i, word), WORDS + 256);
    v128.store(out + i, i32x4.add(word, v128.load(ROUND_TABLE + i)));
  }
  for (let i: usize = 48 * 16; i < ROUNDS; i += 16) {
    v128.store(out + i, i32x4.add(v128.load(words + i, WORDS), v128.load(ROUND_TABLE + i)));
  }
}

/** One round, from the state at `p` to that at `p` + 16; `word` is W(i) + K(i). */
// @ts-ignore: decorator
@inline
function round(p: usize, word: v128): void {
  const e = v128.load(p, E + 48);
  const f = v128.load(p, E + 32);
  const g = v128.load(p, E + 16);
  const choice = v128.xor(g, v128.and(e, v128.xor(f, g)));
  const t = i32x4.add(i32x4.add(v128.load(p, E), word), i32x4.add(choice, sum1(e)));
  v128.store(p, i32x4.add(v128.load(p), t), E + 64);
  const a = v128.load(p, 48);
  const b = v128.load(p, 32);
  const ab = v128.xor(a, b);
  const majority = v128.xor(b, v128.and(ab, v128.load(p, PAIR)));
  v128.store(p, ab, PAIR + 16);
  v128.store(p, i32x4.add(t, i32x4.add(majority, sum0(a))), 64);
}

/** W(i + 16) from `word` = W(i) and those between. */
// @ts-ignore: decorator
@inline
function nextWord(p: usize, word: v128): v128 {
  const near = v128.load(p, WORDS + 224);
  const far = v128.load(p, WORDS + 16);
  const s1 = v128.xor(v128.xor(rotate(near, 17), rotate(near, 19)), i32x4.shr_u(near, 10));
  const s0 = v128.xor(v128.xor(rotate(far, 7), rotate(far, 18)), i32x4.shr_u(far, 3));
  return i32x4.add(i32x4.add(word, s1), i32x4.add(v128.load(p, WORDS + 144), s0));
}

// @ts-ignore: decorator
@inline
function rotate(x: v128, n: i32): v128 {
  return v128.or(i32x4.shr_u(x, n), i32x4.shl(x, 32 - n));
}

// @ts-ignore: decorator
@inline
function sum1(e: v128): v128 {
  return v128.xor(v128.xor(rotate(e, 6), rotate(e, 11)), rotate(e, 25));
}

// @ts-ignore: decorator
@inline
function sum0(a: v128): v128 {
  return v128.xor(v128.xor(rotate(a, 2), rotate(a, 13)), rotate(a, 22));
}

/** Loads the 256 bytes of four nodes and the initial state. */
function begin(s: usize, input: usize): void {
  for (let i: usize = 0; i < 64; i += 16) {
    loadWords(input + i, s + WORDS + (i << 2));
    startHalves(s, i, v128.load(INITIAL + i), v128.load(INITIAL + i, 64));
  }
  startPair(s);
}

/** Between the two blocks: the chaining value becomes the state, and is kept. */
function chain(s: usize): void {
  for (let i: usize = 0; i < 64; i += 16) {
    const a = i32x4.add(v128.load(s + i, ROUNDS), v128.load(INITIAL + i));
    const e = i32x4.add(v128.load(s + i, E + ROUNDS), v128.load(INITIAL + i, 64));
    startHalves(s, i, a, e);
    v128.store(s + i, a, CHAIN);
    v128.store(s + i, e, CHAIN + 64);
  }
  startPair(s);
}

// @ts-ignore: decorator
@inline
function startHalves(s: usize, i: usize, a: v128, e: v128): void {
  v128.store(s + i, a);
  v128.store(s + i, e, E);
}

// @ts-ignore: decorator
@inline
function startPair(s: usize): void {
  v128.store(s, v128.xor(v128.load(s, 32), v128.load(s, 16)), PAIR);
}

/** Writes the four nodes, 32 bytes each, the two top bits of each last byte cleared. */
function finish(s: usize, out: usize): void {
  storeWords(s + ROUNDS, s + CHAIN, out, i32x4.splat(-1));
  storeWords(s + E + ROUNDS, s + CHAIN + 64, out + 16, i32x4(-1, -1, -1, 0x3fffffff));
}

/** Swaps the bytes of each word. A swizzle by a constant is one instruction, a shuffle of bytes some ten in V8. */
// @ts-ignore: decorator
@inline
function swapped(x: v128): v128 {
  return i8x16.swizzle(x, i8x16(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12));
}

/** Transposes words i … i+3 of four nodes at `input` (already offset by 4·i) into four vectors at `words`. */
// @ts-ignore: decorator
@inline
function loadWords(input: usize, words: usize): void {
  const p0 = v128.load(input);
  const p1 = v128.load(input, 64);
  const p2 = v128.load(input, 128);
  const p3 = v128.load(input, 192);
  const q0 = i32x4.shuffle(p0, p1, 0, 4, 1, 5);
  const q1 = i32x4.shuffle(p0, p1, 2, 6, 3, 7);
  const q2 = i32x4.shuffle(p2, p3, 0, 4, 1, 5);
  const q3 = i32x4.shuffle(p2, p3, 2, 6, 3, 7);
  v128.store(words, swapped(i64x2.shuffle(q0, q2, 0, 2)));
  v128.store(words, swapped(i64x2.shuffle(q0, q2, 1, 3)), 16);
  v128.store(words, swapped(i64x2.shuffle(q1, q3, 0, 2)), 32);
  v128.store(words, swapped(i64x2.shuffle(q1, q3, 1, 3)), 48);
}

/**
 * Adds half a state (d c b a, or h g f e) and half a chaining value, and transposes the sums into 16 bytes of each of
 * four nodes, 32 bytes apart; `mask` clears bits.
 */
// @ts-ignore: decorator
@inline
function storeWords(state: usize, chaining: usize, out: usize, mask: v128): void {
  const z0 = i32x4.add(v128.load(state, 48), v128.load(chaining, 48));
  const z1 = i32x4.add(v128.load(state, 32), v128.load(chaining, 32));
  const z2 = i32x4.add(v128.load(state, 16), v128.load(chaining, 16));
  const z3 = i32x4.add(v128.load(state), v128.load(chaining));
  const u0 = i32x4.shuffle(z0, z1, 0, 4, 1, 5);
  const u1 = i32x4.shuffle(z0, z1, 2, 6, 3, 7);
  const u2 = i32x4.shuffle(z2, z3, 0, 4, 1, 5);
  const u3 = i32x4.shuffle(z2, z3, 2, 6, 3, 7);
  v128.store(out, v128.and(swapped(i64x2.shuffle(u0, u2, 0, 2)), mask));
  v128.store(out, v128.and(swapped(i64x2.shuffle(u0, u2, 1, 3)), mask), 32);
  v128.store(out, v128.and(swapped(i64x2.shuffle(u1, u3, 0, 2)), mask), 64);
  v128.store(out, v128.and(swapped(i64x2.shuffle(u1, u3, 1, 3)), mask), 96);
}
