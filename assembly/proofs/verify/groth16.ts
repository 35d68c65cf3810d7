/**
 * Groth16 verification over BLS12-381, for keys and proofs in the byte layouts of Filecoin's parameter files.
 *
 * Proof (192 bytes): A (48, G1) B (96, G2) C (48, G1), compressed. Verifying key, uncompressed:
 *   0 alpha G1 (96)  96 beta G1 (96)  192 beta G2 (192)  384 gamma G2 (192)  576 delta G1 (96)  672 delta G2 (192)
 *   864 number of ic points, u32 big-endian  868 ic points (96 each): one more than the circuit has public inputs
 * Inputs: 32 bytes each, little-endian, below the group's order; the leading constant 1 is not given.
 *
 *   one proof   e(A, B) e(S, -gamma) e(C, -delta) = e(alpha, beta),       S = ic[0] + sum x[i] ic[i + 1]
 *   a batch     the same with random 128-bit weights z[j]: one Miller loop per proof for z[j] A[j] with B[j], one each for
 *               gamma, delta and alpha, one final exponentiation, one sum over ic for all inputs
 * A batch of valid proofs always passes; one with an invalid proof passes with a chance below 2^-120 if the weights are
 * unknown to the prover, so the host passes fresh entropy (see `weights.ts`). Given the entropy the answer is deterministic.
 *
 * Every way to fail has its code; nothing here traps on bad bytes. Points must lie in the groups of prime order and must
 * not be neutral (as bellperson's readers demand). Source: bellperson groth16/{proof,verifying_key,verifier}.rs.
 */
import { OverFp } from "../../crypto/curve/coordinate";
import {
  g1Decompress, g1FromUncompressed, g2Decompress, g2FromUncompressed, POINT_OK,
} from "../../crypto/curve/encoding";
import { g1GroupedMsm, g1GroupedMsmScratch } from "../../crypto/curve/msm";
import {
  finalExponentiation, LINES_SIZE, millerLoop, millerLoopFixed, PAIR_SIZE, prepareLines,
} from "../../crypto/curve/pairing";
import {
  pointAdd, pointFromAffine, pointMul, pointNeg, pointToAffine, pointZero,
} from "../../crypto/curve/point";
import { g1IsInGroup, g2IsInGroup } from "../../crypto/curve/subgroup";
import { frAdd, frFromBytesLE, frMul, frToBytesLE } from "../../crypto/field/fr.gen";
import { fp12Equal, fp12IsOne } from "../../crypto/field/fp12";
import { fp2Neg } from "../../crypto/field/fp2";
import { drawWeight, seedWeights } from "./weights";

export const PROOF_BYTES: i32 = 192;
const KEY_HEAD: usize = 868;
/** Most ic points of a key: window PoSt of 32 GiB has 25 840. */
const MAX_IC: u32 = 1 << 20;
/** Most proofs of a batch. */
const MAX_PROOFS: i32 = 4096;

export const PROOF_VALID: i32 = 0;
/** The equation does not hold. */
export const PROOF_INVALID: i32 = 1;
export const BAD_PROOF_LENGTH: i32 = 2;
/** A point of a proof is malformed, off the curve, outside of the group, or neutral. */
export const BAD_PROOF_POINT: i32 = 3;
/** Not as many inputs as the key's circuit has. */
export const BAD_INPUT_COUNT: i32 = 4;
/** An input that is not below the group's order. */
export const BAD_INPUT: i32 = 5;
export const BAD_KEY_LENGTH: i32 = 6;
export const BAD_KEY_POINT: i32 = 7;
/** No proofs, or too many for one batch. */
export const BAD_PROOF_COUNT: i32 = 8;

/* A prepared key: count of ic points (u32), alpha, beta, -gamma, -delta (affine), e(alpha, beta), the lines through -gamma and
   -delta, the ic points. */
export const KEY_ALPHA: usize = 8;
export const KEY_BETA: usize = 120;
export const KEY_NEG_GAMMA: usize = 344;
export const KEY_NEG_DELTA: usize = 568;
export const KEY_TARGET: usize = 792;
const KEY_GAMMA_LINES: usize = 1464;
const KEY_DELTA_LINES: usize = KEY_GAMMA_LINES + LINES_SIZE;
export const KEY_IC: usize = KEY_DELTA_LINES + LINES_SIZE;

const POINT: usize = memory.data(336, 8);
const VALUE: usize = memory.data(672, 8);
const PAIR: usize = memory.data(672, 8);
/** Points that go with gamma and delta, and the list of them that Miller's loop takes. */
const WITH_GAMMA: usize = memory.data(112, 8);
const WITH_DELTA: usize = memory.data(112, 8);
const FIXED: usize = memory.data(16);
const WEIGHT: usize = memory.data(40, 8);
const F: usize = memory.data(40, 8);
const BYTES: usize = memory.data(32);
const REVERSED: usize = memory.data(32);

/** Bytes of a prepared key, from the length of its file form; 0 if the length cannot be right. */
export function groth16KeySize(length: usize): usize {
  if (length < KEY_HEAD + 96 || (length - KEY_HEAD) % 96 != 0) return 0;
  return KEY_IC + ((length - KEY_HEAD) / 96) * 112;
}

/** Public inputs of a prepared key's circuit. */
export function groth16InputCount(key: usize): i32 {
  return load<i32>(key) - 1;
}

function readG1(r: usize, bytes: usize, checked: bool): bool {
  return g1FromUncompressed(r, bytes) == POINT_OK && (!checked || g1IsInGroup(r));
}

function readG2(r: usize, bytes: usize, checked: bool): bool {
  return g2FromUncompressed(r, bytes) == POINT_OK && (!checked || g2IsInGroup(r));
}

/**
 * Reads a verifying key into `key` (groth16KeySize bytes, 8-aligned). `checked` false leaves out the subgroup checks,
 * for bytes whose digest was already compared with a known one.
 */
export function groth16PrepareKey(key: usize, bytes: usize, length: usize, checked: bool): i32 {
  const size = groth16KeySize(length);
  if (size == 0) return BAD_KEY_LENGTH;
  const count = bswap<u32>(load<u32>(bytes, 864));
  if (count == 0 || count > MAX_IC || <usize>count * 96 != length - KEY_HEAD) return BAD_KEY_LENGTH;
  store<u32>(key, count);
  // beta and delta in G1 serve the prover only, but must be points too.
  if (!readG1(POINT, bytes + 96, checked) || !readG1(POINT, bytes + 576, checked)) return BAD_KEY_POINT;
  if (!readG1(key + KEY_ALPHA, bytes, checked) || !readG2(key + KEY_BETA, bytes + 192, checked)) return BAD_KEY_POINT;
  if (!readG2(key + KEY_NEG_GAMMA, bytes + 384, checked) || !readG2(key + KEY_NEG_DELTA, bytes + 672, checked)) {
    return BAD_KEY_POINT;
  }
  fp2Neg(key + KEY_NEG_GAMMA + 112, key + KEY_NEG_GAMMA + 112);
  fp2Neg(key + KEY_NEG_DELTA + 112, key + KEY_NEG_DELTA + 112);
  for (let i: usize = 0; i < <usize>count; i++) {
    if (!readG1(key + KEY_IC + i * 112, bytes + KEY_HEAD + i * 96, checked)) return BAD_KEY_POINT;
  }
  memory.copy(PAIR, key + KEY_ALPHA, 112);
  memory.copy(PAIR + 112, key + KEY_BETA, 224);
  millerLoop(key + KEY_TARGET, PAIR, 1);
  finalExponentiation(key + KEY_TARGET, key + KEY_TARGET);
  prepareLines(key + KEY_GAMMA_LINES, key + KEY_NEG_GAMMA);
  prepareLines(key + KEY_DELTA_LINES, key + KEY_NEG_DELTA);
  return PROOF_VALID;
}

/** Reads A, B and C (affine); C into `c`. */
function readProof(a: usize, b: usize, c: usize, proof: usize): bool {
  if (g1Decompress(a, proof) != POINT_OK || !g1IsInGroup(a)) return false;
  if (g2Decompress(b, proof + 48) != POINT_OK || !g2IsInGroup(b)) return false;
  return g1Decompress(c, proof + 144) == POINT_OK && g1IsInGroup(c);
}

/** Bytes of scratch for a verification of `proofs` proofs of a circuit with `inputs` inputs. */
export function groth16Scratch(proofs: i32, inputs: i32): usize {
  const pairs = <usize>(proofs + 1) * PAIR_SIZE;
  return pairs + <usize>(inputs + 1) * (32 + 40) + g1GroupedMsmScratch(inputs + 1) + 64;
}

/** FIXED = WITH_GAMMA and WITH_DELTA, each if it is not neutral; returns how many. */
function fixPoints(key: usize, gamma: bool, delta: bool): i32 {
  let count = 0;
  if (gamma) {
    store<u32>(FIXED, <u32>WITH_GAMMA);
    store<u32>(FIXED, <u32>(key + KEY_GAMMA_LINES), 4);
    count = 1;
  }
  if (!delta) return count;
  store<u32>(FIXED + 8 * <usize>count, <u32>WITH_DELTA);
  store<u32>(FIXED + 8 * <usize>count, <u32>(key + KEY_DELTA_LINES), 4);
  return count + 1;
}

/** Verifies one proof. inputs: inputCount x 32 bytes. scratch: groth16Scratch(1, inputCount) bytes, 8-aligned. */
export function groth16Verify(
  key: usize, proof: usize, length: usize, inputs: usize, inputCount: i32, scratch: usize,
): i32 {
  if (length != <usize>PROOF_BYTES) return BAD_PROOF_LENGTH;
  if (inputCount != groth16InputCount(key)) return BAD_INPUT_COUNT;
  if (!readProof(PAIR, PAIR + 112, WITH_DELTA, proof)) return BAD_PROOF_POINT;
  const scalars = scratch;
  memory.fill(scalars, 0, 32);
  store<u8>(scalars, 1);
  for (let i: usize = 0; i < <usize>inputCount; i++) {
    if (!frFromBytesLE(F, inputs + 32 * i)) return BAD_INPUT;
  }
  memory.copy(scalars + 32, inputs, 32 * <usize>inputCount);
  g1GroupedMsm(POINT, key + KEY_IC, scalars, inputCount + 1, scalars + 32 * (<usize>inputCount + 1));
  const fixed = fixPoints(key, pointToAffine<OverFp>(WITH_GAMMA, POINT), true);
  millerLoopFixed(VALUE, PAIR, 1, FIXED, fixed);
  finalExponentiation(VALUE, VALUE);
  return fp12Equal(VALUE, key + KEY_TARGET) ? PROOF_VALID : PROOF_INVALID;
}

/** r (homogeneous) = the affine point a times the weight in BYTES. */
function weigh(r: usize, a: usize): void {
  for (let i: usize = 0; i < 16; i++) store<u8>(REVERSED + i, load<u8>(BYTES + 15 - i));
  pointFromAffine<OverFp>(r, a);
  pointMul<OverFp>(r, r, REVERSED, 16);
}

const SUM_C: usize = memory.data(336, 8);
const AFFINE: usize = memory.data(112, 8);

/**
 * Verifies `count` proofs under one key at once: the partitions of a proof, or independent proofs.
 * proofs: count x 192 bytes. inputs: count x inputCount x 32 bytes. entropy: 32 random bytes the provers cannot know.
 * scratch: groth16Scratch(count, inputCount) bytes, 8-aligned. PROOF_VALID only if all are valid.
 */
export function groth16VerifyBatch(
  key: usize, proofs: usize, length: usize, count: i32, inputs: usize, inputCount: i32, entropy: usize, scratch: usize,
): i32 {
  if (count < 1 || count > MAX_PROOFS) return BAD_PROOF_COUNT;
  if (length != <usize>count * <usize>PROOF_BYTES) return BAD_PROOF_LENGTH;
  if (inputCount != groth16InputCount(key)) return BAD_INPUT_COUNT;
  const pairs = scratch;
  const sums = pairs + <usize>(count + 1) * PAIR_SIZE;
  const scalars = sums + 40 * <usize>(inputCount + 1);
  const rest = scalars + 32 * <usize>(inputCount + 1);
  memory.fill(sums, 0, 40 * <usize>(inputCount + 1));
  pointZero<OverFp>(SUM_C);
  seedWeights(entropy, proofs, length, inputs, 32 * <usize>count * <usize>inputCount);
  for (let j = 0; j < count; j++) {
    const pair = pairs + <usize>j * PAIR_SIZE;
    if (!readProof(AFFINE, pair + 112, pair, proofs + <usize>j * <usize>PROOF_BYTES)) return BAD_PROOF_POINT;
    drawWeight(WEIGHT, BYTES, j);
    // The pair's P first holds C.
    weigh(POINT, pair);
    pointAdd<OverFp>(SUM_C, SUM_C, POINT);
    weigh(POINT, AFFINE);
    if (!pointToAffine<OverFp>(pair, POINT)) return BAD_PROOF_POINT;
    frAdd(sums, sums, WEIGHT);
    const row = inputs + 32 * <usize>j * <usize>inputCount;
    for (let i: usize = 0; i < <usize>inputCount; i++) {
      if (!frFromBytesLE(F, row + 32 * i)) return BAD_INPUT;
      frMul(F, F, WEIGHT);
      frAdd(sums + 40 * (i + 1), sums + 40 * (i + 1), F);
    }
  }
  for (let i: usize = 0; i <= <usize>inputCount; i++) frToBytesLE(scalars + 32 * i, sums + 40 * i);
  g1GroupedMsm(POINT, key + KEY_IC, scalars, inputCount + 1, rest);
  const gamma = pointToAffine<OverFp>(WITH_GAMMA, POINT);
  const fixed = fixPoints(key, gamma, pointToAffine<OverFp>(WITH_DELTA, SUM_C));
  for (let i: usize = 0; i < 32; i++) store<u8>(REVERSED + i, load<u8>(scalars + 31 - i));
  pointFromAffine<OverFp>(POINT, key + KEY_ALPHA);
  pointMul<OverFp>(POINT, POINT, REVERSED, 32);
  pointNeg<OverFp>(POINT, POINT);
  let held = count;
  const last = pairs + <usize>held * PAIR_SIZE;
  if (pointToAffine<OverFp>(last, POINT)) {
    memory.copy(last + 112, key + KEY_BETA, 224);
    held++;
  }
  millerLoopFixed(VALUE, pairs, held, FIXED, fixed);
  finalExponentiation(VALUE, VALUE);
  return fp12IsOne(VALUE) ? PROOF_VALID : PROOF_INVALID;
}
