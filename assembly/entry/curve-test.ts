/**
 * `curve-test.wasm`: the BLS12-381 kernels by themselves, for differential tests and measurements; nothing that an
 * application needs. Operands lie in blocks from `kernelMemory`.
 */
import { fp2Mul, fp2Sqr } from "../crypto/field/fp2.gen";
import { fpMul, fpSqr } from "../crypto/field/fp.gen";
import { frMul, frSqr } from "../crypto/field/fr.gen";

export * from "./field-test";

/** a = a b, `count` times in a chain: for measurements. */
export function frMulChain(a: usize, b: usize, count: i32): void {
  for (let i = 0; i < count; i++) frMul(a, a, b);
}

export function frSqrChain(a: usize, count: i32): void {
  for (let i = 0; i < count; i++) frSqr(a, a);
}

export function fpMulChain(a: usize, b: usize, count: i32): void {
  for (let i = 0; i < count; i++) fpMul(a, a, b);
}

export function fpSqrChain(a: usize, count: i32): void {
  for (let i = 0; i < count; i++) fpSqr(a, a);
}

export function fp2MulChain(a: usize, b: usize, count: i32): void {
  for (let i = 0; i < count; i++) fp2Mul(a, a, b);
}

export {
  blsAggregate, blsAggregateFinal, blsAggregateInit, blsAggregateKeys, blsAggregateUpdate, blsKeyFromSeed, blsPublicKey, blsPublicKeyLong, blsPublicKeyIsValid, blsSign, blsSignShort,
  blsVerify, blsVerifyAggregate, blsVerifyShort,
} from "../crypto/bls";
export { drandVerify, drandVerifyQuicknet } from "../crypto/drand";
export { expandMessage } from "../crypto/curve/hash-to-curve";
export {
  g1Compress, g1Decompress, g1FromUncompressed, g1ToUncompressed, g2Compress, g2Decompress, g2FromUncompressed,
  g2ToUncompressed,
} from "../crypto/curve/encoding";
export { g1IsInGroup, g2IsInGroup } from "../crypto/curve/subgroup";
export { finalExponentiation, millerLoop, pairing } from "../crypto/curve/pairing";
export { fp12Mul, fp12Inverse, fp12Sqr, fp12CyclotomicSqr, fp12Equal } from "../crypto/field/fp12";
export { fp2ToBytes, fp2Sqrt, fp2Inverse } from "../crypto/field/fp2";
import { OverFp, OverFp2 } from "../crypto/curve/coordinate";
import { pointAdd, pointDouble, pointFromAffine, pointMul, pointMulSecret, pointToAffine } from "../crypto/curve/point";
import { hashToG1, hashToG2 } from "../crypto/curve/hash-to-curve";

/** Affine r = hash of the message. */
export function hashG1(r: usize, message: usize, length: usize, tag: usize, tagLength: usize): bool {
  hashToG1(POINT, message, length, tag, tagLength);
  return pointToAffine<OverFp>(r, POINT);
}

export function hashG2(r: usize, message: usize, length: usize, tag: usize, tagLength: usize): bool {
  hashToG2(POINT, message, length, tag, tagLength);
  return pointToAffine<OverFp2>(r, POINT);
}
const POINT: usize = memory.data(336, 8);

export function g1Add(r: usize, a: usize, b: usize): void {
  pointAdd<OverFp>(r, a, b);
}

export function g1Double(r: usize, a: usize): void {
  pointDouble<OverFp>(r, a);
}

export function g1FromAffine(r: usize, a: usize): void {
  pointFromAffine<OverFp>(r, a);
}

export function g1ToAffine(r: usize, a: usize): bool {
  return pointToAffine<OverFp>(r, a);
}

export function g1Mul(r: usize, a: usize, scalar: usize): void {
  pointMul<OverFp>(r, a, scalar, 32);
}

export function g1MulSecret(r: usize, a: usize, scalar: usize): void {
  pointMulSecret<OverFp>(r, a, scalar, 32);
}

export function g2Add(r: usize, a: usize, b: usize): void {
  pointAdd<OverFp2>(r, a, b);
}

export function g2Double(r: usize, a: usize): void {
  pointDouble<OverFp2>(r, a);
}

export function g2FromAffine(r: usize, a: usize): void {
  pointFromAffine<OverFp2>(r, a);
}

export function g2ToAffine(r: usize, a: usize): bool {
  return pointToAffine<OverFp2>(r, a);
}

export function g2Mul(r: usize, a: usize, scalar: usize): void {
  pointMul<OverFp2>(r, a, scalar, 32);
}

export function g2MulSecret(r: usize, a: usize, scalar: usize): void {
  pointMulSecret<OverFp2>(r, a, scalar, 32);
}

export { g2MulSecret as g2MulSplit } from "../crypto/curve/g2-secret";

import { bucketMsm, msmPlain } from "../crypto/curve/msm";
export {
  g1GroupedMsm, g1GroupedMsmScratch, g1Msm, g1MsmScratch, g2GroupedMsm, g2GroupedMsmScratch, g2Msm, g2MsmScratch,
} from "../crypto/curve/msm";

export function g1MsmPlain(r: usize, points: usize, scalars: usize, count: i32): void {
  msmPlain<OverFp>(r, points, scalars, count);
}

export function g2MsmPlain(r: usize, points: usize, scalars: usize, count: i32): void {
  msmPlain<OverFp2>(r, points, scalars, count);
}

/** The form for engines without SIMD. */
export function g1BucketMsm(r: usize, points: usize, scalars: usize, count: i32, scratch: usize): void {
  bucketMsm<OverFp>(r, points, scalars, count, scratch);
}

export { laneMul, laneReduce } from "../crypto/field/fp-lanes.gen";
export { fpFromNarrow, fpToNarrow, laneGather, laneInverse, laneScatter, narrowFromBytes, narrowNegate } from "../crypto/field/fp-lanes";
export { dot } from "../crypto/poseidon/dot";
export { dotLanes, dotLanesBoth, toWords } from "../crypto/poseidon/dot-lanes.gen";
export { spreadConstant } from "../crypto/poseidon/lanes";
export {
  frLanesDivide, frLanesDot, frLanesMulAdd, frLanesReduce, frLanesScale, frLanesSqr,
} from "../crypto/field/fr-lanes.gen";
export { HANKEL_MULTIPLE, multiplyHankel } from "../crypto/poseidon/hankel-lanes.gen";
