/**
 * Sums over a window of a parameter file: points as the file holds them, scalars as a witness has them.
 *
 * Most values of a hash circuit's witness are bits. Zeros are passed over, their points not even decoded; the points of
 * ones are added pairwise; Pippenger's method (`crypto/curve/msm.ts`) takes the rest. Points are uncompressed, 96 bytes in G1, 192 in
 * G2, as `.params` files have them; here only their form is checked (coordinates below p, no flags, so not neutral): what is read from
 * such a file was compared with its digest, and a proof is verified before it is handed out.
 */
import { sumBuckets } from "../../crypto/curve/batch-affine";
import { isPrimeField, OverFp, OverFp2, sizeOf } from "../../crypto/curve/coordinate";
import {
  g1FromUncompressed, g1ToUncompressed, g2FromUncompressed, g2ToUncompressed, POINT_NEUTRAL, POINT_OK,
} from "../../crypto/curve/encoding";
import { msm, msmScratch } from "../../crypto/curve/msm";
import { pointAddAffine, pointToAffine, pointZero } from "../../crypto/curve/point";
import { fpFromBytesBE } from "../../crypto/field/fp.gen";
import { fp2FromBytes } from "../../crypto/field/fp2";

const SUM: usize = memory.data(336, 8);
const POINT: usize = memory.data(224, 8);
const RUN: usize = memory.data(8, 8);

/** Bytes of an encoded point. */
// @ts-ignore: decorator
@inline
function encodedSize<F>(): usize {
  return isPrimeField<F>() ? 96 : 192;
}

/** r = the affine point at `bytes`; false unless both coordinates are below p, which flags and the neutral point are not. */
function decode<F>(r: usize, bytes: usize): bool {
  if (isPrimeField<F>()) return fpFromBytesBE(r, bytes) && fpFromBytesBE(r + 56, bytes + 48);
  return fp2FromBytes(r, bytes) && fp2FromBytes(r + 112, bytes + 96);
}

/** Writes a homogeneous point uncompressed. */
function encode<F>(bytes: usize, point: usize): void {
  const neutral = !pointToAffine<F>(POINT, point);
  if (isPrimeField<F>()) g1ToUncompressed(bytes, POINT, neutral);
  else g2ToUncompressed(bytes, POINT, neutral);
}

// @ts-ignore: decorator
@inline
function isSmall(scalar: usize): bool {
  return (load<u64>(scalar, 8) | load<u64>(scalar, 16) | load<u64>(scalar, 24)) == 0 && load<u64>(scalar) <= 1;
}

function scratchOf<F>(count: i32): usize {
  return <usize>count * (2 * sizeOf<F>() + 32) + msmScratch<F>(count) + 64;
}

/**
 * Writes the sum of scalars[i] points[i], i < count, uncompressed at `out`. scalars: 32 bytes, little-endian, below the group's order.
 * Returns -1, or the number of the first point that cannot be read. scratch: as `scratchOf` says, 8-aligned.
 */
function sumWindow<F>(out: usize, points: usize, scalars: usize, count: i32, scratch: usize): i32 {
  const size: usize = 2 * sizeOf<F>();
  const rest = scratch + <usize>count * (size + 32);
  // Points of ones from the front, others from the back, with their scalars.
  let ones: usize = 0, others: usize = <usize>count;
  const kept = scratch + <usize>count * size;
  for (let i: usize = 0; i < <usize>count; i++) {
    const scalar = scalars + 32 * i;
    let to = ones;
    if (isSmall(scalar)) {
      if (load<u8>(scalar) == 0) continue;
      ones++;
    } else {
      to = --others;
      memory.copy(kept + 32 * to, scalar, 32);
    }
    if (!decode<F>(scratch + to * size, points + i * encodedSize<F>())) return <i32>i;
  }
  msm<F>(SUM, scratch + others * size, kept + 32 * others, count - <i32>others, rest);
  if (ones > 0) {
    store<u32>(RUN, 0);
    store<u32>(RUN, <u32>ones, 4);
    sumBuckets<F>(scratch, RUN, RUN + 4, 1);
    addAffine<F>(scratch);
  }
  encode<F>(out, SUM);
  return -1;
}

/** SUM += the affine point a, which may be neutral (zeros). */
function addAffine<F>(a: usize): void {
  const y = a + sizeOf<F>();
  for (let i: usize = 0; i < sizeOf<F>(); i += 8) {
    if (load<u64>(y + i) == 0) continue;
    pointAddAffine<F>(SUM, SUM, a);
    return;
  }
}

/** Writes the sum of `count` points, uncompressed, neutral ones among them, at `out`; -1, or the number of a bad point. */
function sumPoints<F>(out: usize, points: usize, count: i32): i32 {
  pointZero<F>(SUM);
  for (let i = 0; i < count; i++) {
    const at = points + <usize>i * encodedSize<F>();
    const code = isPrimeField<F>() ? g1FromUncompressed(POINT, at) : g2FromUncompressed(POINT, at);
    if (code == POINT_NEUTRAL) continue;
    if (code != POINT_OK) return i;
    pointAddAffine<F>(SUM, SUM, POINT);
  }
  encode<F>(out, SUM);
  return -1;
}

export function g1SumWindow(out: usize, points: usize, scalars: usize, count: i32, scratch: usize): i32 {
  return sumWindow<OverFp>(out, points, scalars, count, scratch);
}

export function g2SumWindow(out: usize, points: usize, scalars: usize, count: i32, scratch: usize): i32 {
  return sumWindow<OverFp2>(out, points, scalars, count, scratch);
}

export function g1SumScratch(count: i32): usize {
  return scratchOf<OverFp>(count);
}

export function g2SumScratch(count: i32): usize {
  return scratchOf<OverFp2>(count);
}

export function g1SumPoints(out: usize, points: usize, count: i32): i32 {
  return sumPoints<OverFp>(out, points, count);
}

export function g2SumPoints(out: usize, points: usize, count: i32): i32 {
  return sumPoints<OverFp2>(out, points, count);
}
