/**
 * The three points of a Groth16 proof from the sums over a key's queries:
 *   A = alpha + Sa + r delta,   B = beta + Sb + s delta,   C = s A + r B1 - r s delta + Sh + Sl
 * where B1 = beta + Sb + s delta in G1. Source: bellperson groth16/prover/native.rs (there C is written out in its terms).
 */
import { OverFp, OverFp2 } from "../../crypto/curve/coordinate";
import {
  g1Compress, g1FromUncompressed, g2Compress, g2FromUncompressed, POINT_NEUTRAL, POINT_OK,
} from "../../crypto/curve/encoding";
import { pointAdd, pointFromAffine, pointMulSecret, pointNeg, pointToAffine, pointZero } from "../../crypto/curve/point";
import { frFromBytesLE, frMul, frToBytesBE } from "../../crypto/field/fr.gen";

const A: usize = memory.data(168, 8);
const B1: usize = memory.data(168, 8);
const C: usize = memory.data(168, 8);
const DELTA: usize = memory.data(168, 8);
const B2: usize = memory.data(336, 8);
const T: usize = memory.data(336, 8);
const U: usize = memory.data(336, 8);
const AFFINE: usize = memory.data(224, 8);
const R: usize = memory.data(40, 8);
const S: usize = memory.data(40, 8);
const RS: usize = memory.data(40, 8);
const R_BYTES: usize = memory.data(32);
const S_BYTES: usize = memory.data(32);
const RS_BYTES: usize = memory.data(32);

export const ASSEMBLED: i32 = 0;
/** A point of the key or a sum that cannot be read. */
export const ASSEMBLE_BAD_POINT: i32 = 1;
/** r or s is not below the group's order. */
export const ASSEMBLE_BAD_SCALAR: i32 = 2;
/** A or B is neutral, which no reader takes: draw r and s anew. */
export const ASSEMBLE_NEUTRAL: i32 = 3;

/** r = the homogeneous point whose uncompressed form is at `bytes`. */
function read<F>(r: usize, bytes: usize): bool {
  const code = sizeof<F>() == 4 ? g1FromUncompressed(AFFINE, bytes) : g2FromUncompressed(AFFINE, bytes);
  if (code == POINT_NEUTRAL) pointZero<F>(r);
  else if (code == POINT_OK) pointFromAffine<F>(r, AFFINE);
  else return false;
  return true;
}

/** r += scalar a; scalar: 32 bytes, big-endian. */
function addMultiple<F>(r: usize, a: usize, scalar: usize): void {
  pointMulSecret<F>(U, a, scalar, 32);
  pointAdd<F>(r, r, U);
}

/** r += the encoded point at `bytes`. */
function addEncoded<F>(r: usize, bytes: usize): bool {
  if (!read<F>(T, bytes)) return false;
  pointAdd<F>(r, r, T);
  return true;
}

/**
 * Writes the 192 bytes of a proof at `out`. key: the first 864 bytes of a verifying key. sums: Sa, Sb in G1, Sh, Sl (96 bytes
 * each), then Sb in G2 (192), all uncompressed. scalars: r, s, 32 bytes each, little-endian.
 */
export function assembleProof(out: usize, key: usize, sums: usize, scalars: usize): i32 {
  if (!frFromBytesLE(R, scalars) || !frFromBytesLE(S, scalars + 32)) return ASSEMBLE_BAD_SCALAR;
  frMul(RS, R, S);
  frToBytesBE(R_BYTES, R);
  frToBytesBE(S_BYTES, S);
  frToBytesBE(RS_BYTES, RS);
  if (!read<OverFp>(A, key) || !addEncoded<OverFp>(A, sums)) return ASSEMBLE_BAD_POINT;
  if (!read<OverFp>(B1, key + 96) || !addEncoded<OverFp>(B1, sums + 96)) return ASSEMBLE_BAD_POINT;
  if (!read<OverFp2>(B2, key + 192) || !addEncoded<OverFp2>(B2, sums + 384)) return ASSEMBLE_BAD_POINT;
  if (!read<OverFp2>(T, key + 672)) return ASSEMBLE_BAD_POINT;
  addMultiple<OverFp2>(B2, T, S_BYTES);
  if (!read<OverFp>(DELTA, key + 576)) return ASSEMBLE_BAD_POINT;
  addMultiple<OverFp>(A, DELTA, R_BYTES);
  addMultiple<OverFp>(B1, DELTA, S_BYTES);
  pointNeg<OverFp>(C, DELTA);
  pointMulSecret<OverFp>(T, C, RS_BYTES, 32);
  memory.copy(C, T, 168);
  addMultiple<OverFp>(C, A, S_BYTES);
  addMultiple<OverFp>(C, B1, R_BYTES);
  if (!addEncoded<OverFp>(C, sums + 192) || !addEncoded<OverFp>(C, sums + 288)) return ASSEMBLE_BAD_POINT;
  if (!pointToAffine<OverFp>(AFFINE, A)) return ASSEMBLE_NEUTRAL;
  g1Compress(out, AFFINE, false);
  if (!pointToAffine<OverFp2>(AFFINE, B2)) return ASSEMBLE_NEUTRAL;
  g2Compress(out + 48, AFFINE, false);
  if (!pointToAffine<OverFp>(AFFINE, C)) return ASSEMBLE_NEUTRAL;
  g1Compress(out + 144, AFFINE, false);
  memory.fill(R, 0, 40);
  memory.fill(S, 0, 40);
  memory.fill(RS, 0, 40);
  memory.fill(R_BYTES, 0, 32);
  memory.fill(S_BYTES, 0, 32);
  memory.fill(RS_BYTES, 0, 32);
  return ASSEMBLED;
}
