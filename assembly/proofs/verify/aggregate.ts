/**
 * Verification of SnarkPack aggregates: one argument of logarithmic size that n Groth16 proofs under one key are valid.
 *
 * The prover commits to the vectors A, B, C of the proofs under a structured reference string (powers of a and b in G1 and
 * G2), and shows by an inner-product argument, folding the vectors in half log n times, that
 *   Z_AB = prod e(A_i, B_i)^(r^i)  and  Z_C = sum r^i C_i
 * belong to the commitments; polynomial openings show that the folded commitment keys are right. What is left is Groth16's
 * equation for the random combination:  e(alpha, beta)^(sum r^i) e(S, gamma) e(Z_C, delta) = Z_AB.
 *
 * All pairing equations are merged with random weights w into one product of eleven pairings and one product of powers of
 * the target elements:
 *   w0  e(a, b) = Z_AB'                    w1, w2  e(a, v_k) e(w_k, b) = T_k'           w3, w4  e(c, v_k) = U_k'
 *   w5, w6  e(-g, v_k - f_v h) e(g^(a|b) - z g, opening_k) = 1       w7, w8  e(w_k - f_w g, -h) e(opening_k, h^(a|b) - z h) = 1
 * with f_v(X) = prod (1 + x_i^-1 X^(2^i)), f_w(X) = X^n prod (1 + x_i (X/r)^(2^i)) at the random point z.
 *
 * Layout of an aggregate, 2260 + 2976 log2 n bytes: com_ab (2 target elements, 288 bytes each) com_c (2) Z_AB (1)
 * Z_C (G1, 48) n (u32 little-endian); for each folding com_ab left, right (4), again com_c (4), again Z_AB (2), again Z_C (2 G1);
 * a (G1) b (G2) c (G1), v_1 v_2 (G2), w_1 w_2 (G1), openings of v (2 G2) and of w (2 G1).
 * Reference string for verifying, 432 bytes compressed: g, g^a, g^b (G1), h, h^a, h^b (G2).
 *
 * Version 1 leaves the left and right values of the first folding and the folded points out of the transcript; version 2
 * (from network version 16 on) includes them. Source: bellperson groth16/aggregate/{verify,proof,transcript}.rs; FIP-0013.
 */
import { OverFp } from "../../crypto/curve/coordinate";
import {
  g1Decompress, g2Decompress, POINT_NEUTRAL, POINT_OK,
} from "../../crypto/curve/encoding";
import { g1GroupedMsm, g1GroupedMsmScratch } from "../../crypto/curve/msm";
import { finalExponentiation, millerLoop, PAIR_SIZE } from "../../crypto/curve/pairing";
import {
  pointAdd, pointAddAffine, pointEqual, pointFromAffine, pointMul, pointNeg, pointToAffine, pointZero,
} from "../../crypto/curve/point";
import { g1IsInGroup, g2IsInGroup } from "../../crypto/curve/subgroup";
import {
  TARGET_COMPRESSED_BYTES, TARGET_POWER_SCRATCH, targetDecompress, targetPowers,
} from "../../crypto/curve/target";
import { FP12_SIZE, fp12Equal } from "../../crypto/field/fp12";
import {
  FR_ONE, frAdd, frCopy, frFromBytesLE, frInverse, frMul, frNeg, frSqr, frToBytesBE, frToBytesLE,
} from "../../crypto/field/fr.gen";
import {
  BAD_INPUT, BAD_INPUT_COUNT, BAD_PROOF_COUNT, BAD_PROOF_LENGTH, BAD_PROOF_POINT, groth16InputCount, KEY_ALPHA, KEY_BETA,
  KEY_IC, KEY_NEG_DELTA, KEY_NEG_GAMMA, PROOF_INVALID, PROOF_VALID,
} from "./groth16";
import {
  transcriptBegin, transcriptChallenge, transcriptPut, transcriptPutScalar, transcriptPutString, transcriptPutTarget,
} from "./transcript";
import { drawWeight, seedWeights } from "./weights";

/** "hcom" */
const TAG_HCOM: usize = memory.data<u8>([104, 99, 111, 109]);
/** "random-r" */
const TAG_RANDOM_R: usize = memory.data<u8>([114, 97, 110, 100, 111, 109, 45, 114]);
/** "gipa-" */
const TAG_GIPA: usize = memory.data<u8>([103, 105, 112, 97, 45]);
/** "gipa-extra-link" */
const TAG_EXTRA: usize = memory.data<u8>([103, 105, 112, 97, 45, 101, 120, 116, 114, 97, 45, 108, 105, 110, 107]);
/** "random-z" */
const TAG_RANDOM_Z: usize = memory.data<u8>([114, 97, 110, 100, 111, 109, 45, 122]);

/** Most foldings: 65 536 proofs; the network allows 819 sectors of 10 partitions, padded to 8192. */
const MAX_FOLDINGS: i32 = 16;
const FIXED_BYTES: usize = 2260;
const FOLDING_BYTES: usize = 2976;
const GT: usize = TARGET_COMPRESSED_BYTES;
const FR: usize = 40;
/** Bytes of the reference string's verifying part, as given. */
export const AGGREGATE_SRS_BYTES: i32 = 432;

/* Affine points of an aggregate and its reference string, read once. */
const AGG_C: usize = memory.data(112, 8);
const FINAL_A: usize = memory.data(112, 8);
const FINAL_B: usize = memory.data(224, 8);
const FINAL_C: usize = memory.data(112, 8);
const V_KEYS: usize = memory.data(2 * 224, 8);
const W_KEYS: usize = memory.data(2 * 112, 8);
const V_OPENINGS: usize = memory.data(2 * 224, 8);
const W_OPENINGS: usize = memory.data(2 * 112, 8);
/** g, g^a, g^b */
const SRS1: usize = memory.data(3 * 112, 8);
/** h, h^a, h^b */
const SRS2: usize = memory.data(3 * 224, 8);

const CHALLENGES: usize = memory.data(16 * 40, 8);
const INVERSES: usize = memory.data(16 * 40, 8);
const WEIGHTS: usize = memory.data(9 * 40, 8);
const HCOM: usize = memory.data(40, 8);
const R: usize = memory.data(40, 8);
const Z: usize = memory.data(40, 8);
const EXTRA: usize = memory.data(40, 8);
const F0: usize = memory.data(40, 8);
const F1: usize = memory.data(40, 8);
const F2: usize = memory.data(40, 8);
const F3: usize = memory.data(40, 8);
const SUM_R: usize = memory.data(40, 8);
const BYTES: usize = memory.data(32);
const TAG: usize = memory.data(8);
const POINT: usize = memory.data(336, 8);
const SUM: usize = memory.data(336, 8);
const AFFINE: usize = memory.data(112, 8);
const PAIRS: usize = memory.data(11 * 672, 8);
const LEFT: usize = memory.data(672, 8);
const RIGHT: usize = memory.data(672, 8);

/** How many foldings an aggregate of this length has; -1 if there is no such length. */
function foldingsOf(length: usize): i32 {
  if (length < FIXED_BYTES || (length - FIXED_BYTES) % FOLDING_BYTES != 0) return -1;
  const count = <i32>((length - FIXED_BYTES) / FOLDING_BYTES);
  return count >= 1 && count <= MAX_FOLDINGS ? count : -1;
}

/** Bytes of scratch for an aggregate of `length` bytes under a key with `inputs` inputs; 0 for a bad length. */
export function aggregateScratch(length: usize, inputs: i32): usize {
  const foldings = foldingsOf(length);
  if (foldings < 0) return 0;
  const elements = <usize>(5 + 10 * foldings);
  return (
    elements * (FP12_SIZE + FR + 32) +
    max(elements * TARGET_POWER_SCRATCH, <usize>(inputs + 1) * 72 + g1GroupedMsmScratch(inputs + 1)) +
    64
  );
}

/** Affine point of G1; the neutral one (all zero) is allowed. */
function read1(r: usize, bytes: usize): bool {
  const state = g1Decompress(r, bytes);
  return state == POINT_NEUTRAL || (state == POINT_OK && g1IsInGroup(r));
}

function read2(r: usize, bytes: usize): bool {
  const state = g2Decompress(r, bytes);
  return state == POINT_NEUTRAL || (state == POINT_OK && g2IsInGroup(r));
}

/** Whether an affine point is the neutral one: all bytes zero. */
function isNeutral(a: usize, size: usize): bool {
  let or: u64 = 0;
  for (let i: usize = 0; i < size; i += 8) or |= load<u64>(a + i);
  return or == 0;
}

/** SUM += scalar a, for an affine a. */
function accumulate(a: usize, scalar: usize): void {
  if (isNeutral(a, 112)) return;
  frToBytesBE(BYTES, scalar);
  pointFromAffine<OverFp>(POINT, a);
  pointMul<OverFp>(POINT, POINT, BYTES, 32);
  pointAdd<OverFp>(SUM, SUM, POINT);
}

/** PAIRS[held] = (SUM, q), unless one is neutral; SUM is zeroed. Returns the new count. */
function pushPair(held: i32, q: usize): i32 {
  const pair = PAIRS + <usize>held * PAIR_SIZE;
  const given = pointToAffine<OverFp>(pair, SUM);
  pointZero<OverFp>(SUM);
  if (!given || isNeutral(q, 224)) return held;
  memory.copy(pair + 112, q, 224);
  return held + 1;
}

/** r = prod (1 + x[i] (z s)^(2^j)) over the challenges in reverse: the last goes with j = 0. */
function productForm(r: usize, list: usize, count: i32, z: usize, s: usize): void {
  frMul(F2, z, s);
  frCopy(r, FR_ONE);
  for (let i = count - 1; i >= 0; i--) {
    frMul(F3, F2, list + <usize>i * FR);
    frAdd(F3, F3, FR_ONE);
    frMul(r, r, F3);
    frSqr(F2, F2);
  }
}

/** The transcript of folding i: its left and right values, in the order Z_AB, Z_C, com_ab, com_c. */
function putFolding(elements: usize, proof: usize, i: i32, foldings: i32): void {
  const ab = elements + <usize>(5 + 4 * i) * FP12_SIZE;
  const c = elements + <usize>(5 + 4 * foldings + 4 * i) * FP12_SIZE;
  const z = elements + <usize>(5 + 8 * foldings + 2 * i) * FP12_SIZE;
  const zc = proof + zcOffset(foldings) + <usize>i * 96;
  transcriptPutTarget(z);
  transcriptPutTarget(z + FP12_SIZE);
  transcriptPut(zc, 96);
  for (let j: usize = 0; j < 4; j++) transcriptPutTarget(ab + j * FP12_SIZE);
  for (let j: usize = 0; j < 4; j++) transcriptPutTarget(c + j * FP12_SIZE);
}

/** Where the foldings' Z_C begin. */
// @ts-ignore: decorator
@inline
function zcOffset(foldings: i32): usize {
  return 1492 + <usize>foldings * 10 * GT;
}

/** Where a, b, c, the keys and the openings begin. */
// @ts-ignore: decorator
@inline
function finalOffset(foldings: i32): usize {
  return zcOffset(foldings) + <usize>foldings * 96;
}

/** Reads the target elements, decompressed, and the points. */
function readAggregate(elements: usize, proof: usize, foldings: i32): bool {
  for (let i: usize = 0; i < 5; i++) {
    if (!targetDecompress(elements + i * FP12_SIZE, proof + i * GT)) return false;
  }
  for (let i: usize = 0; i < 10 * <usize>foldings; i++) {
    if (!targetDecompress(elements + (5 + i) * FP12_SIZE, proof + 1492 + i * GT)) return false;
  }
  const end = proof + finalOffset(foldings);
  return (
    read1(AGG_C, proof + 1440) &&
    read1(FINAL_A, end) &&
    read2(FINAL_B, end + 48) &&
    read1(FINAL_C, end + 144) &&
    read2(V_KEYS, end + 192) &&
    read2(V_KEYS + 224, end + 288) &&
    read1(W_KEYS, end + 384) &&
    read1(W_KEYS + 112, end + 432) &&
    read2(V_OPENINGS, end + 480) &&
    read2(V_OPENINGS + 224, end + 576) &&
    read1(W_OPENINGS, end + 672) &&
    read1(W_OPENINGS + 112, end + 720)
  );
}

function readSrs(srs: usize): bool {
  for (let i: usize = 0; i < 3; i++) {
    if (!read1(SRS1 + i * 112, srs + i * 48) || !read2(SRS2 + i * 224, srs + 144 + i * 96)) return false;
  }
  return !isNeutral(SRS1, 112) && !isNeutral(SRS2, 224);
}

/** HCOM, R, the foldings' challenges and their inverses, and Z. */
function drawChallenges(
  elements: usize, proof: usize, foldings: i32, include: usize, includeLength: usize, version: i32,
): void {
  transcriptBegin(TAG_HCOM, 4);
  for (let i: usize = 0; i < 4; i++) transcriptPutTarget(elements + i * FP12_SIZE);
  transcriptChallenge(HCOM);
  transcriptBegin(TAG_RANDOM_R, 8);
  transcriptPutScalar(HCOM);
  transcriptPutString(include, includeLength);
  transcriptChallenge(R);
  memory.copy(TAG, TAG_GIPA, 5);
  store<u8>(TAG, 48, 5);
  transcriptBegin(TAG, 6);
  transcriptPutScalar(HCOM);
  transcriptPutTarget(elements + 4 * FP12_SIZE);
  transcriptPut(proof + 1440, 48);
  transcriptPutScalar(R);
  transcriptChallenge(F0);
  for (let i = 0; i < foldings; i++) {
    if (i > 0 || version > 1) {
      const tens = i / 10;
      if (tens > 0) store<u8>(TAG, 48 + tens, 5);
      store<u8>(TAG + (tens > 0 ? 6 : 5), 48 + (i % 10));
      transcriptBegin(TAG, tens > 0 ? 7 : 6);
      transcriptPutScalar(F0);
      putFolding(elements, proof, i, foldings);
      transcriptChallenge(F0);
    }
    frCopy(INVERSES + <usize>i * FR, F0);
    frInverse(CHALLENGES + <usize>i * FR, F0);
  }
  const last = CHALLENGES + <usize>(foldings - 1) * FR;
  const end = proof + finalOffset(foldings);
  if (version > 1) {
    transcriptBegin(TAG_EXTRA, 15);
    transcriptPutScalar(last);
    transcriptPut(end, 192);
    putFolding(elements, proof, foldings - 1, foldings);
    transcriptChallenge(EXTRA);
  }
  transcriptBegin(TAG_RANDOM_Z, 8);
  transcriptPutScalar(version > 1 ? EXTRA : last);
  transcriptPut(end + 192, 288);
  if (version > 1) transcriptPut(end, 192);
  transcriptChallenge(Z);
}

/** Whether Z_C, folded, is the folded c times the folded r. */
function checkC(proof: usize, foldings: i32): i32 {
  pointZero<OverFp>(SUM);
  if (!isNeutral(AGG_C, 112)) pointAddAffine<OverFp>(SUM, SUM, AGG_C);
  for (let i = 0; i < foldings; i++) {
    const at = proof + zcOffset(foldings) + <usize>i * 96;
    if (!read1(AFFINE, at)) return BAD_PROOF_POINT;
    accumulate(AFFINE, CHALLENGES + <usize>i * FR);
    if (!read1(AFFINE, at + 48)) return BAD_PROOF_POINT;
    accumulate(AFFINE, INVERSES + <usize>i * FR);
  }
  productForm(F0, INVERSES, foldings, R, FR_ONE);
  frNeg(F0, F0);
  accumulate(FINAL_C, F0);
  pointZero<OverFp>(POINT);
  return pointEqual<OverFp>(SUM, POINT) ? PROOF_VALID : PROOF_INVALID;
}

/** RIGHT = the product of the target elements, each to the power its equations give it. */
function raiseElements(elements: usize, foldings: i32, exponents: usize, scalars: usize, scratch: usize): void {
  for (let i: usize = 0; i < 4; i++) frCopy(exponents + i * FR, WEIGHTS + (i + 1) * FR);
  frAdd(exponents + 4 * FR, WEIGHTS, FR_ONE);
  for (let i = 0; i < foldings; i++) {
    const c = CHALLENGES + <usize>i * FR, inverse = INVERSES + <usize>i * FR;
    const ab = exponents + <usize>(5 + 4 * i) * FR;
    const cc = exponents + <usize>(5 + 4 * foldings + 4 * i) * FR;
    const z = exponents + <usize>(5 + 8 * foldings + 2 * i) * FR;
    for (let j: usize = 0; j < 2; j++) {
      frMul(ab + j * FR, WEIGHTS + (1 + j) * FR, c);
      frMul(ab + (2 + j) * FR, WEIGHTS + (1 + j) * FR, inverse);
      frMul(cc + j * FR, WEIGHTS + (3 + j) * FR, c);
      frMul(cc + (2 + j) * FR, WEIGHTS + (3 + j) * FR, inverse);
    }
    frMul(z, WEIGHTS, c);
    frMul(z + FR, WEIGHTS, inverse);
  }
  const count = 5 + 10 * foldings;
  for (let i: usize = 0; i < <usize>count; i++) frToBytesLE(scalars + 32 * i, exponents + i * FR);
  targetPowers(RIGHT, elements, scalars, count, scratch);
}

/** Where weight i lies. */
// @ts-ignore: decorator
@inline
function w(i: usize): usize {
  return WEIGHTS + i * FR;
}

/** Puts the eight pairs of the foldings' end and of the openings; returns how many. */
function pushArgument(foldings: i32): i32 {
  let held = 0;
  // e(w0 a + w1 w_1 + w2 w_2, b)
  pointZero<OverFp>(SUM);
  accumulate(FINAL_A, w(0));
  accumulate(W_KEYS, w(1));
  accumulate(W_KEYS + 112, w(2));
  held = pushPair(held, FINAL_B);
  for (let k: usize = 0; k < 2; k++) {
    // e(w1 a + w3 c - w5 g, v_1), and e(w5 (g^a - z g), opening_1); k = 1 for the powers of b
    accumulate(FINAL_A, w(1 + k));
    accumulate(FINAL_C, w(3 + k));
    frNeg(F0, w(5 + k));
    accumulate(SRS1, F0);
    held = pushPair(held, V_KEYS + k * 224);
    accumulate(SRS1 + (1 + k) * 112, w(5 + k));
    frMul(F0, F0, Z);
    accumulate(SRS1, F0);
    held = pushPair(held, V_OPENINGS + k * 224);
    // e(w7 opening_1, h^a)
    accumulate(W_OPENINGS + k * 112, w(7 + k));
    held = pushPair(held, SRS2 + (1 + k) * 224);
  }
  // e(f_v (w5 + w6) g + f_w (w7 + w8) g - w7 w_1 - w8 w_2 - z (w7 opening_1 + w8 opening_2), h)
  productForm(F0, INVERSES, foldings, Z, FR_ONE);
  frAdd(F1, w(5), w(6));
  frMul(F0, F0, F1);
  accumulate(SRS1, F0);
  frInverse(F1, R);
  productForm(F0, CHALLENGES, foldings, Z, F1);
  frCopy(F1, Z);
  for (let i = 0; i < foldings; i++) frSqr(F1, F1);
  frMul(F0, F0, F1);
  frAdd(F1, w(7), w(8));
  frMul(F0, F0, F1);
  accumulate(SRS1, F0);
  for (let k: usize = 0; k < 2; k++) {
    frNeg(F0, w(7 + k));
    accumulate(W_KEYS + k * 112, F0);
    frMul(F0, F0, Z);
    accumulate(W_OPENINGS + k * 112, F0);
  }
  return pushPair(held, SRS2);
}

/**
 * Verifies an aggregate of 2^foldings proofs under a prepared Groth16 key.
 * srs: AGGREGATE_SRS_BYTES. inputs: rows x inputCount x 32 bytes; fewer rows than proofs mean that the last is repeated.
 * include: bytes that the prover bound into the transcript (never empty on the network: seeds and commitments).
 * version: 1 or 2. entropy: 32 random bytes. scratch: aggregateScratch(length, inputCount) bytes, 8-aligned.
 * Codes as in `groth16.ts`; BAD_PROOF_COUNT if the proof's own count contradicts its length, or is not the next power of two
 * of the rows (2 for one row).
 */
export function aggregateVerify(
  key: usize, srs: usize, proof: usize, length: usize, inputs: usize, inputCount: i32, rows: i32, include: usize,
  includeLength: usize, version: i32, entropy: usize, scratch: usize,
): i32 {
  const foldings = foldingsOf(length);
  if (foldings < 0) return BAD_PROOF_LENGTH;
  const count: i32 = 1 << foldings;
  if (load<u32>(proof, 1488) != <u32>count || rows < 1 || rows > count) return BAD_PROOF_COUNT;
  // No more padding than the next power of two needs: the network's verifiers refuse other counts.
  if (count > 2 && 2 * rows <= count) return BAD_PROOF_COUNT;
  if (inputCount != groth16InputCount(key)) return BAD_INPUT_COUNT;
  const elementCount = <usize>(5 + 10 * foldings);
  const elements = scratch;
  const exponents = elements + elementCount * FP12_SIZE;
  const scalars = exponents + elementCount * FR;
  const rest = scalars + elementCount * 32;
  if (!readSrs(srs) || !readAggregate(elements, proof, foldings)) return BAD_PROOF_POINT;
  drawChallenges(elements, proof, foldings, include, includeLength, version);
  seedWeights(entropy, proof, length, inputs, 32 * <usize>rows * <usize>inputCount);
  for (let i = 0; i < 9; i++) drawWeight(WEIGHTS + <usize>i * FR, BYTES, i);
  const state = checkC(proof, foldings);
  if (state != PROOF_VALID) return state;
  raiseElements(elements, foldings, exponents, scalars, rest);
  let held = pushArgument(foldings);
  const bad = sumInputs(key, inputs, inputCount, rows, count, rest);
  if (bad != PROOF_VALID) return bad;
  held = pushNegative(held, key + KEY_NEG_GAMMA);
  accumulate(key + KEY_ALPHA, SUM_R);
  held = pushPair(held, key + KEY_BETA);
  if (!isNeutral(AGG_C, 112)) pointAddAffine<OverFp>(SUM, SUM, AGG_C);
  held = pushNegative(held, key + KEY_NEG_DELTA);
  millerLoop(LEFT, PAIRS, held);
  finalExponentiation(LEFT, LEFT);
  return fp12Equal(LEFT, RIGHT) ? PROOF_VALID : PROOF_INVALID;
}

/** pushPair with -SUM: for the points that the key holds negated. */
function pushNegative(held: i32, q: usize): i32 {
  pointNeg<OverFp>(SUM, SUM);
  return pushPair(held, q);
}

/** SUM = S = (sum r^j) ic[0] + sum over i of (sum over j of r^j x[j][i]) ic[i + 1], and SUM_R = sum r^j. */
function sumInputs(key: usize, inputs: usize, inputCount: i32, rows: i32, count: i32, scratch: usize): i32 {
  const sums = scratch;
  const scalars = sums + FR * <usize>(inputCount + 1);
  memory.fill(sums, 0, FR * <usize>(inputCount + 1));
  frCopy(F0, FR_ONE);
  for (let j = 0; j < rows; j++) {
    // F1 = the weight of row j: r^j, and for the last row the sum of all that remain.
    frCopy(F1, F0);
    for (let k = j + 1; j == rows - 1 && k < count; k++) {
      frMul(F0, F0, R);
      frAdd(F1, F1, F0);
    }
    frMul(F0, F0, R);
    frAdd(sums, sums, F1);
    const row = inputs + 32 * <usize>j * <usize>inputCount;
    for (let i: usize = 0; i < <usize>inputCount; i++) {
      if (!frFromBytesLE(F2, row + 32 * i)) return BAD_INPUT;
      frMul(F2, F2, F1);
      frAdd(sums + FR * (i + 1), sums + FR * (i + 1), F2);
    }
  }
  frCopy(SUM_R, sums);
  for (let i: usize = 0; i <= <usize>inputCount; i++) frToBytesLE(scalars + 32 * i, sums + FR * i);
  g1GroupedMsm(SUM, key + KEY_IC, scalars, inputCount + 1, scalars + 32 * <usize>(inputCount + 1));
  return PROOF_VALID;
}
