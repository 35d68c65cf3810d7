/**
 * Sums over a window of a parameter file: points as the file holds them, scalars as a witness has them.
 *
 * Most values of a SHA-256 circuit's witness are bits. Zeros are passed over, their points not even decoded; the points of
 * ones are added pairwise. Of a circuit of Poseidon's hashes hardly any are, but many are equal: a winning PoSt opens 66 paths
 * of one tree, whose upper nodes are hashed in each. Points of equal scalars are added pairwise too, and Pippenger's method
 * (`crypto/curve/msm.ts`) takes each scalar that is left once. Points are uncompressed, 96 bytes in G1, 192 in
 * G2, as `.params` files have them; here only their form is checked (coordinates below p, no flags, so not neutral): what is read from
 * such a file was compared with its digest, and a proof is verified before it is handed out.
 */
import { sumBuckets } from "../../crypto/curve/batch-affine";
import { isPrimeField, OverFp, OverFp2, sizeOf } from "../../crypto/curve/coordinate";
import {
  g1FromUncompressed, g1ToUncompressed, g2FromUncompressed, g2ToUncompressed, POINT_NEUTRAL, POINT_OK,
} from "../../crypto/curve/encoding";
import { groupedMsm, groupedMsmScratch } from "../../crypto/curve/msm";
import { pointAddAffine, pointToAffine, pointZero } from "../../crypto/curve/point";
import { laneSumScratch, laneSumWindow } from "./lane-sums";
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

/** Scalars of `count` that are neither 0 nor 1. */
function othersOf(scalars: usize, count: i32): i32 {
  let others = 0;
  for (let i: usize = 0; i < <usize>count; i++) if (!isSmall(scalars + 32 * i)) others++;
  return others;
}

/** Scalars of `count` that are 1. */
function onesOf(scalars: usize, count: i32): i32 {
  let ones = 0;
  for (let i: usize = 0; i < <usize>count; i++) if (isSmall(scalars + 32 * i) && load<u8>(scalars + 32 * i) != 0) ones++;
  return ones;
}

/** Bytes of scratch for these scalars; those that are neither 0 nor 1 take most of it. */
function scratchOf<F>(scalars: usize, count: i32): usize {
  const others = othersOf(scalars, count);
  if (ASC_FEATURE_SIMD) {
    if (isPrimeField<F>()) return laneSumScratch(onesOf(scalars, count), others);
  }
  return <usize>count * 2 * sizeOf<F>() + <usize>others * 32 + groupedMsmScratch<F>(others) + 64;
}

/**
 * Writes the sum of scalars[i] points[i], i < count, uncompressed at `out`. scalars: 32 bytes, little-endian, below the group's order.
 * Returns -1, or the number of the first point that cannot be read. scratch: as `scratchOf` says of these scalars, 8-aligned.
 */
function sumWindow<F>(out: usize, points: usize, scalars: usize, count: i32, scratch: usize): i32 {
  if (ASC_FEATURE_SIMD) {
    if (isPrimeField<F>()) {
      const bad = laneSumWindow(SUM, points, scalars, count, onesOf(scalars, count), othersOf(scalars, count), scratch);
      if (bad < 0) encode<F>(out, SUM);
      return bad;
    }
  }
  const size: usize = 2 * sizeOf<F>();
  // Points of ones from the front, others from the back, with their scalars.
  const first = <usize>(count - othersOf(scalars, count));
  let ones: usize = 0, last: usize = <usize>count;
  const kept = scratch + <usize>count * size;
  const rest = (kept + (<usize>count - first) * 32 + 7) & ~7;
  for (let i: usize = 0; i < <usize>count; i++) {
    const scalar = scalars + 32 * i;
    let to = ones;
    if (isSmall(scalar)) {
      if (load<u8>(scalar) == 0) continue;
      ones++;
    } else {
      to = --last;
      memory.copy(kept + 32 * (to - first), scalar, 32);
    }
    if (!decode<F>(scratch + to * size, points + i * encodedSize<F>())) return <i32>i;
  }
  groupedMsm<F>(SUM, scratch + first * size, kept, count - <i32>first, rest);
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

/** Bytes of scratch that a sum with these scalars takes. */
export function g1SumScratch(scalars: usize, count: i32): usize {
  return scratchOf<OverFp>(scalars, count);
}

export function g2SumScratch(scalars: usize, count: i32): usize {
  return scratchOf<OverFp2>(scalars, count);
}

export function g1SumPoints(out: usize, points: usize, count: i32): i32 {
  return sumPoints<OverFp>(out, points, count);
}

export function g2SumPoints(out: usize, points: usize, count: i32): i32 {
  return sumPoints<OverFp2>(out, points, count);
}
