/**
 * What hashes eight side by side (`narrow-lanes.ts`, `node-lanes.ts`) have in common: S-boxes, elements in from bytes and out to bytes, and
 * constants in their forms. Elements are those of `fr-lanes.gen.ts`. Only for modules that are compiled with SIMD.
 */
import { FR_ONE, FR_SIZE, frCanonical, frCopy, frDouble, frMul } from "../field/fr.gen";
import { FR_LANES_SIZE, FR_LIMBS_SIZE, frLanesMulAdd, frLanesScale, frLanesSqr } from "../field/fr-lanes.gen";
import { SPREAD_SIZE, toWords, WORDS_SIZE } from "./dot-lanes.gen";
import { spreadConstant } from "./lanes";

/** Hashes side by side, in two groups. */
export const HASHES: usize = 8;
/** Bytes of a group of an element. */
const GROUP: usize = 160;
const POWER: usize = memory.data(ASC_FEATURE_SIMD ? 320 : 16, 16);

/** lane = lane^5 + a constant in limbs. */
export function raise(lane: usize, limbs: usize): void {
  frLanesSqr(POWER, lane);
  frLanesSqr(POWER, POWER);
  frLanesMulAdd(lane, lane, POWER, limbs);
}

/** The same on lanes one after the other, up to `end`, with constants that follow each other; returns the address after the constants. */
export function raiseAll(lane: usize, end: usize, limbs: usize): usize {
  for (; lane < end; lane += FR_LANES_SIZE, limbs += FR_LIMBS_SIZE) raise(lane, limbs);
  return limbs;
}

/** r = lane^5 · a spread factor + a constant in limbs. r may be the lane. */
export function raiseScaled(r: usize, lane: usize, factor: usize, limbs: usize): void {
  frLanesSqr(POWER, lane);
  frLanesSqr(POWER, POWER);
  frLanesScale(r, lane, factor);
  frLanesMulAdd(r, r, POWER, limbs);
}

/** Where the words of one hash are in an element. */
// @ts-ignore: decorator
@inline
export function laneOf(element: usize, lane: usize): usize {
  return element + (lane >> 2) * GROUP + ((lane & 3) << 2);
}

/** Writes a constant in words to all lanes. */
export function copyWords(element: usize, words: usize): void {
  for (let i: usize = 0; i < GROUP; i += 16) {
    const word = v128.load32_splat(words + (i >> 2));
    v128.store(element + i, word);
    v128.store(element + GROUP + i, word);
  }
}

/** Adds a constant in words limb by limb. */
export function addWords(lane: usize, words: usize): void {
  for (const end = words + WORDS_SIZE; words < end; words += 4, lane += 16) {
    const word = v128.load32_splat(words);
    v128.store(lane, i16x8.add(v128.load(lane), word));
    v128.store(lane + GROUP, i16x8.add(v128.load(lane + GROUP), word));
  }
}

const P0: u64 = 0xffffffff00000001;
const P1: u64 = 0x53bda402fffe5bfe;
const P2: u64 = 0x3339d80809a1d805;
const P3: u64 = 0x73eda753299d7d48;

// @ts-ignore: decorator
@inline
function reachesModulus(a0: u64, a1: u64, a2: u64, a3: u64): bool {
  if (a3 != P3) return a3 > P3;
  if (a2 != P2) return a2 > P2;
  if (a1 != P1) return a1 > P1;
  return a0 >= P0;
}

/** The lower half of 26 bits and the upper one, in 16 bits each. */
// @ts-ignore: decorator
@inline
function pair(bits: u64): u32 {
  return <u32>((bits & 0x1fff) | ((bits << 3) & 0x1fff0000));
}

/** Writes the words of 32 bytes below p to one lane. */
export function takeElement(lane: usize, bytes: usize): bool {
  const a0 = load<u64>(bytes);
  const a1 = load<u64>(bytes, 8);
  const a2 = load<u64>(bytes, 16);
  const a3 = load<u64>(bytes, 24);
  if (reachesModulus(a0, a1, a2, a3)) return false;
  store<u32>(lane, pair(a0));
  store<u32>(lane, pair(a0 >>> 26), 16);
  store<u32>(lane, pair((a0 >>> 52) | (a1 << 12)), 32);
  store<u32>(lane, pair(a1 >>> 14), 48);
  store<u32>(lane, pair((a1 >>> 40) | (a2 << 24)), 64);
  store<u32>(lane, pair(a2 >>> 2), 80);
  store<u32>(lane, pair(a2 >>> 28), 96);
  store<u32>(lane, pair((a2 >>> 54) | (a3 << 10)), 112);
  store<u32>(lane, pair(a3 >>> 16), 128);
  store<u32>(lane, pair(a3 >>> 42), 144);
  return true;
}

// @ts-ignore: decorator
@inline
function joined(lane: usize, index: usize): u64 {
  const word: u64 = load<u32>(lane + 16 * index);
  return (word & 0x1fff) | ((word >>> 3) & 0x3ffe000);
}

/** Writes one lane, which is below 2p, as 32 bytes below p. */
export function giveElement(bytes: usize, lane: usize): void {
  const w2 = joined(lane, 2);
  const w4 = joined(lane, 4);
  const w7 = joined(lane, 7);
  let a0 = joined(lane, 0) | (joined(lane, 1) << 26) | (w2 << 52);
  let a1 = (w2 >>> 12) | (joined(lane, 3) << 14) | (w4 << 40);
  let a2 = (w4 >>> 24) | (joined(lane, 5) << 2) | (joined(lane, 6) << 28) | (w7 << 54);
  let a3 = (w7 >>> 10) | (joined(lane, 8) << 16) | (joined(lane, 9) << 42);
  if (reachesModulus(a0, a1, a2, a3)) {
    const b0: u64 = a0 < P0 ? 1 : 0;
    a0 -= P0;
    const d1 = a1 - P1;
    const b1: u64 = (a1 < P1 ? 1 : 0) + (d1 < b0 ? 1 : 0);
    a1 = d1 - b0;
    const d2 = a2 - P2;
    const b2: u64 = (a2 < P2 ? 1 : 0) + (d2 < b1 ? 1 : 0);
    a2 = d2 - b1;
    a3 -= P3 + b2;
  }
  store<u64>(bytes, a0);
  store<u64>(bytes, a1, 8);
  store<u64>(bytes, a2, 16);
  store<u64>(bytes, a3, 24);
}

// ---- constants ---------------------------------------------------------------------------------------------------

/** r = 2^exponent */
export function powerOfTwo(r: usize, exponent: i32): void {
  frCopy(r, FR_ONE);
  for (; exponent > 0; exponent--) frDouble(r, r);
}

/** The constant times `factor`, over 2^261, in words. */
export function fillWords(to: usize, constant: usize, factor: usize): void {
  const element = memory.data(40, 8);
  frMul(element, constant, factor);
  frCanonical(element, element);
  toWords(to, element);
}

/** The same as limbs, each in a word of its own. */
export function fillLimbs(to: usize, constant: usize, factor: usize): void {
  const words = memory.data(40, 8);
  fillWords(words, constant, factor);
  for (let i: usize = 0; i < FR_LIMBS_SIZE; i += 4) store<u32>(to + i, <u32>load<u16>(words + (i >> 1)));
}

/** Spreads `count` constants. */
export function fillSpread(to: usize, from: usize, factor: usize, count: i32): void {
  for (; count > 0; count--, to += SPREAD_SIZE, from += FR_SIZE) spreadConstant(to, from, factor);
}
