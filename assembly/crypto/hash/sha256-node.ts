/**
 * SHA-256 of Merkle nodes: 64 bytes (two children) to 32, with the two top bits of the last byte cleared.
 *
 * That truncation ("sha2-256-trunc254") makes every digest, read as a little-endian number, smaller than 2^254 and thus
 * an element of the BLS12-381 scalar field. Pieces, data commitments and the tree over a sector's data use this node.
 *
 * A 64-byte message takes two compressions, and the second block is the padding alone: the same for every node. Its
 * message schedule is constant, so the second compression reads its 64 words from a table.
 *
 * With SIMD four nodes run in the four 32-bit lanes of a vector:
 *
 *     input   node 0: w0 w1 … w15 | node 1: w0 … | node 2: … | node 3: …        (big-endian words, 256 bytes)
 *     vectors W[i] = ( node0.wi, node1.wi, node2.wi, node3.wi )                 (4 × 4 transposes and byte swaps)
 *
 * The schedule is computed into memory first and the rounds read it back: eight working variables and the temporaries
 * then fit the sixteen vector registers of x86-64. Tried and slower there: the whole node unrolled with the schedule in
 * locals (about 0.6 of this speed: some 2000 spills), and eight nodes in flight (0.4).
 */
import { sha256Blocks, sha256Start, SHA256_ROUND_CONSTANTS } from "./sha256-kernel.gen";

/** Bytes of a node. */
export const NODE_BYTES: usize = 32;

/** The message block that closes a 64-byte message: a bit 1, zeros, 512 as a big-endian 64-bit number. */
const PADDING: usize = memory.data<u8>([
  0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0,
]);

/** Hashes the 64 bytes at `input` into the node at `out`, which may overlap the input. Reference of the other forms. */
export function hashNode(input: usize, out: usize): void {
  const state = memory.data(32, 8);
  sha256Start(state);
  sha256Blocks(state, input, 1);
  sha256Blocks(state, PADDING, 1);
  for (let i: usize = 0; i < 32; i += 4) store<u32>(out + i, bswap<u32>(load<u32>(state + i)));
  store<u8>(out, load<u8>(out, 31) & 0x3f, 31);
}

/** Hashes the two nodes at `left` and `right` into `out`, which may be either of them. */
export function hashPair(left: usize, right: usize, out: usize): void {
  const both = memory.data(64, 8);
  memory.copy(both, left, 32);
  memory.copy(both + 32, right, 32);
  hashNode(both, out);
}

/**
 * Hashes `count` nodes from `2·count` children at `input` to `out`; one level of a tree.
 * `out` may equal `input` (a level is then replaced by the one above it) or lie outside of it.
 */
export function hashLevel(input: usize, out: usize, count: usize): void {
  if (ASC_FEATURE_SIMD) {
    for (; count >= 4; count -= 4, input += 256, out += 128) hashFourNodes(input, out);
  }
  for (; count > 0; count--, input += 64, out += 32) hashNode(input, out);
}

// ---- four lanes --------------------------------------------------------------------------------------------------

/** Round constants, each four times: 64 vectors. */
const ROUND_TABLE: usize = memory.data(ASC_FEATURE_SIMD ? 1024 : 16, 16);
/** Round constants plus the schedule of the padding block, each four times: 64 vectors. */
const PADDING_TABLE: usize = memory.data(ASC_FEATURE_SIMD ? 1024 : 16, 16);
/** The initial state, each word four times: 8 vectors. */
const INITIAL: usize = memory.data(ASC_FEATURE_SIMD ? 128 : 16, 16);

if (ASC_FEATURE_SIMD) fillTables();

function fillTables(): void {
  const words = memory.data(256, 16);
  for (let i: usize = 0; i < 16; i++) store<u32>(words + (i << 2), bswap<u32>(load<u32>(PADDING + (i << 2))));
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
  for (let i: usize = 0; i < 8; i++) v128.store(INITIAL + (i << 4), v128.load_splat<u32>(words + (i << 2)));
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

// @ts-ignore: decorator
@inline
function choose(e: v128, f: v128, g: v128): v128 {
  return v128.xor(g, v128.and(e, v128.xor(f, g)));
}

/** W[i] of four nodes for the next word, from the 16 vectors before `at`. */
// @ts-ignore: decorator
@inline
function nextWord(at: usize): v128 {
  const near = v128.load(at - 32);
  const far = v128.load(at - 240);
  const s1 = v128.xor(v128.xor(rotate(near, 17), rotate(near, 19)), i32x4.shr_u(near, 10));
  const s0 = v128.xor(v128.xor(rotate(far, 7), rotate(far, 18)), i32x4.shr_u(far, 3));
  return i32x4.add(i32x4.add(v128.load(at - 256), s1), i32x4.add(v128.load(at - 112), s0));
}

/** Low and high pairs of two half-transposed vectors, with the bytes of each word swapped. */
// @ts-ignore: decorator
@inline
function lowSwapped(x: v128, y: v128): v128 {
  return i8x16.shuffle(x, y, 3, 2, 1, 0, 7, 6, 5, 4, 19, 18, 17, 16, 23, 22, 21, 20);
}

// @ts-ignore: decorator
@inline
function highSwapped(x: v128, y: v128): v128 {
  return i8x16.shuffle(x, y, 11, 10, 9, 8, 15, 14, 13, 12, 27, 26, 25, 24, 31, 30, 29, 28);
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
  v128.store(words, lowSwapped(q0, q2));
  v128.store(words, highSwapped(q0, q2), 16);
  v128.store(words, lowSwapped(q1, q3), 32);
  v128.store(words, highSwapped(q1, q3), 48);
}

/** Transposes four state vectors back into 16 bytes of each of four nodes, 32 bytes apart; `mask` clears bits. */
// @ts-ignore: decorator
@inline
function storeWords(state: usize, out: usize, mask: v128): void {
  const z0 = v128.load(state);
  const z1 = v128.load(state, 16);
  const z2 = v128.load(state, 32);
  const z3 = v128.load(state, 48);
  const u0 = i32x4.shuffle(z0, z1, 0, 4, 1, 5);
  const u1 = i32x4.shuffle(z0, z1, 2, 6, 3, 7);
  const u2 = i32x4.shuffle(z2, z3, 0, 4, 1, 5);
  const u3 = i32x4.shuffle(z2, z3, 2, 6, 3, 7);
  v128.store(out, v128.and(lowSwapped(u0, u2), mask));
  v128.store(out, v128.and(highSwapped(u0, u2), mask), 32);
  v128.store(out, v128.and(lowSwapped(u1, u3), mask), 64);
  v128.store(out, v128.and(highSwapped(u1, u3), mask), 96);
}

/** Four nodes from the 256 bytes at `input` to the 128 at `out`; all input is read before anything is written. */
function hashFourNodes(input: usize, out: usize): void {
  const words = memory.data(1024, 16);
  const middle = memory.data(128, 16);
  loadWords(input, words);
  loadWords(input + 16, words + 64);
  loadWords(input + 32, words + 128);
  loadWords(input + 48, words + 192);
  for (let at = words + 256, end = words + 1024; at < end; at += 64) {
    v128.store(at, nextWord(at));
    v128.store(at, nextWord(at + 16), 16);
    v128.store(at, nextWord(at + 32), 32);
    v128.store(at, nextWord(at + 48), 48);
  }
  compressMessage(words, middle);
  compressPadding(middle);
  const all = i32x4.splat(-1);
  storeWords(middle, out, all);
  storeWords(middle + 64, out + 16, i32x4(-1, -1, -1, 0x3fffffff));
}

/**
 * The 64 rounds over a computed schedule, from the initial state; leaves the chaining value at `state`.
 * `ab` and `bc` carry a ^ b from round to round: maj(a, b, c) = b ^ ((a ^ b) & (b ^ c)).
 */
function compressMessage(words: usize, state: usize): void {
  let a = v128.load(INITIAL);
  let b = v128.load(INITIAL, 16);
  let c = v128.load(INITIAL, 32);
  let d = v128.load(INITIAL, 48);
  let e = v128.load(INITIAL, 64);
  let f = v128.load(INITIAL, 80);
  let g = v128.load(INITIAL, 96);
  let h = v128.load(INITIAL, 112);
  let bc = v128.xor(b, c);
  for (let i: usize = 0; i < 1024; i += 128) {
    const w = words + i;
    const k = ROUND_TABLE + i;
    let t = i32x4.add(i32x4.add(i32x4.add(h, i32x4.add(v128.load(w), v128.load(k))), choose(e, f, g)), sum1(e));
    let ab = v128.xor(a, b);
    d = i32x4.add(d, t);
    h = i32x4.add(i32x4.add(t, v128.xor(b, v128.and(ab, bc))), sum0(a));
    t = i32x4.add(i32x4.add(i32x4.add(g, i32x4.add(v128.load(w, 16), v128.load(k, 16))), choose(d, e, f)), sum1(d));
    bc = v128.xor(h, a);
    c = i32x4.add(c, t);
    g = i32x4.add(i32x4.add(t, v128.xor(a, v128.and(bc, ab))), sum0(h));
    t = i32x4.add(i32x4.add(i32x4.add(f, i32x4.add(v128.load(w, 32), v128.load(k, 32))), choose(c, d, e)), sum1(c));
    ab = v128.xor(g, h);
    b = i32x4.add(b, t);
    f = i32x4.add(i32x4.add(t, v128.xor(h, v128.and(ab, bc))), sum0(g));
    t = i32x4.add(i32x4.add(i32x4.add(e, i32x4.add(v128.load(w, 48), v128.load(k, 48))), choose(b, c, d)), sum1(b));
    bc = v128.xor(f, g);
    a = i32x4.add(a, t);
    e = i32x4.add(i32x4.add(t, v128.xor(g, v128.and(bc, ab))), sum0(f));
    t = i32x4.add(i32x4.add(i32x4.add(d, i32x4.add(v128.load(w, 64), v128.load(k, 64))), choose(a, b, c)), sum1(a));
    ab = v128.xor(e, f);
    h = i32x4.add(h, t);
    d = i32x4.add(i32x4.add(t, v128.xor(f, v128.and(ab, bc))), sum0(e));
    t = i32x4.add(i32x4.add(i32x4.add(c, i32x4.add(v128.load(w, 80), v128.load(k, 80))), choose(h, a, b)), sum1(h));
    bc = v128.xor(d, e);
    g = i32x4.add(g, t);
    c = i32x4.add(i32x4.add(t, v128.xor(e, v128.and(bc, ab))), sum0(d));
    t = i32x4.add(i32x4.add(i32x4.add(b, i32x4.add(v128.load(w, 96), v128.load(k, 96))), choose(g, h, a)), sum1(g));
    ab = v128.xor(c, d);
    f = i32x4.add(f, t);
    b = i32x4.add(i32x4.add(t, v128.xor(d, v128.and(ab, bc))), sum0(c));
    t = i32x4.add(i32x4.add(i32x4.add(a, i32x4.add(v128.load(w, 112), v128.load(k, 112))), choose(f, g, h)), sum1(f));
    bc = v128.xor(b, c);
    e = i32x4.add(e, t);
    a = i32x4.add(i32x4.add(t, v128.xor(c, v128.and(bc, ab))), sum0(b));
  }
  v128.store(state, i32x4.add(a, v128.load(INITIAL)));
  v128.store(state, i32x4.add(b, v128.load(INITIAL, 16)), 16);
  v128.store(state, i32x4.add(c, v128.load(INITIAL, 32)), 32);
  v128.store(state, i32x4.add(d, v128.load(INITIAL, 48)), 48);
  v128.store(state, i32x4.add(e, v128.load(INITIAL, 64)), 64);
  v128.store(state, i32x4.add(f, v128.load(INITIAL, 80)), 80);
  v128.store(state, i32x4.add(g, v128.load(INITIAL, 96)), 96);
  v128.store(state, i32x4.add(h, v128.load(INITIAL, 112)), 112);
}

/** The same rounds over the constant schedule of the padding block, from and to `state`. */
function compressPadding(state: usize): void {
  let a = v128.load(state);
  let b = v128.load(state, 16);
  let c = v128.load(state, 32);
  let d = v128.load(state, 48);
  let e = v128.load(state, 64);
  let f = v128.load(state, 80);
  let g = v128.load(state, 96);
  let h = v128.load(state, 112);
  let bc = v128.xor(b, c);
  for (let i: usize = 0; i < 1024; i += 128) {
    const w = PADDING_TABLE + i;
    let t = i32x4.add(i32x4.add(i32x4.add(h, v128.load(w)), choose(e, f, g)), sum1(e));
    let ab = v128.xor(a, b);
    d = i32x4.add(d, t);
    h = i32x4.add(i32x4.add(t, v128.xor(b, v128.and(ab, bc))), sum0(a));
    t = i32x4.add(i32x4.add(i32x4.add(g, v128.load(w, 16)), choose(d, e, f)), sum1(d));
    bc = v128.xor(h, a);
    c = i32x4.add(c, t);
    g = i32x4.add(i32x4.add(t, v128.xor(a, v128.and(bc, ab))), sum0(h));
    t = i32x4.add(i32x4.add(i32x4.add(f, v128.load(w, 32)), choose(c, d, e)), sum1(c));
    ab = v128.xor(g, h);
    b = i32x4.add(b, t);
    f = i32x4.add(i32x4.add(t, v128.xor(h, v128.and(ab, bc))), sum0(g));
    t = i32x4.add(i32x4.add(i32x4.add(e, v128.load(w, 48)), choose(b, c, d)), sum1(b));
    bc = v128.xor(f, g);
    a = i32x4.add(a, t);
    e = i32x4.add(i32x4.add(t, v128.xor(g, v128.and(bc, ab))), sum0(f));
    t = i32x4.add(i32x4.add(i32x4.add(d, v128.load(w, 64)), choose(a, b, c)), sum1(a));
    ab = v128.xor(e, f);
    h = i32x4.add(h, t);
    d = i32x4.add(i32x4.add(t, v128.xor(f, v128.and(ab, bc))), sum0(e));
    t = i32x4.add(i32x4.add(i32x4.add(c, v128.load(w, 80)), choose(h, a, b)), sum1(h));
    bc = v128.xor(d, e);
    g = i32x4.add(g, t);
    c = i32x4.add(i32x4.add(t, v128.xor(e, v128.and(bc, ab))), sum0(d));
    t = i32x4.add(i32x4.add(i32x4.add(b, v128.load(w, 96)), choose(g, h, a)), sum1(g));
    ab = v128.xor(c, d);
    f = i32x4.add(f, t);
    b = i32x4.add(i32x4.add(t, v128.xor(d, v128.and(ab, bc))), sum0(c));
    t = i32x4.add(i32x4.add(i32x4.add(a, v128.load(w, 112)), choose(f, g, h)), sum1(f));
    bc = v128.xor(b, c);
    e = i32x4.add(e, t);
    a = i32x4.add(i32x4.add(t, v128.xor(c, v128.and(bc, ab))), sum0(b));
  }
  v128.store(state, i32x4.add(a, v128.load(state)));
  v128.store(state, i32x4.add(b, v128.load(state, 16)), 16);
  v128.store(state, i32x4.add(c, v128.load(state, 32)), 32);
  v128.store(state, i32x4.add(d, v128.load(state, 48)), 48);
  v128.store(state, i32x4.add(e, v128.load(state, 64)), 64);
  v128.store(state, i32x4.add(f, v128.load(state, 80)), 80);
  v128.store(state, i32x4.add(g, v128.load(state, 96)), 96);
  v128.store(state, i32x4.add(h, v128.load(state, 112)), 112);
}
