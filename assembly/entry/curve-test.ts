/**
 * `curve-test.wasm`: the BLS12-381 kernels by themselves, for differential tests and measurements; nothing that an
 * application needs. Operands lie in blocks from `kernelMemory`.
 */
import {
  frAdd, frAddLoose, frCanonical, frDot, frEqual, frFromBytesBE, frFromBytesLE, frInverse, frInverseFermat, frIsZero,
  frMul, frNeg, frSelect, frSqr, frSub, frToBytesBE, frToBytesLE, frDouble,
} from "../crypto/field/fr.gen";
import {
  fpAdd, fpAddLoose, fpCanonical, fpDot, fpEqual, fpFromBytesBE, fpFromBytesLE, fpInverse, fpInverseFermat, fpIsZero,
  fpMul, fpNeg, fpSelect, fpSqr, fpSub, fpToBytesBE, fpToBytesLE, fpDouble,
} from "../crypto/field/fp.gen";
import { fp2Mul, fp2Sqr } from "../crypto/field/fp2.gen";
import { refAdd, refMul, refSub } from "../crypto/field/reference";

export {
  frAdd, frAddLoose, frCanonical, frDot, frEqual, frFromBytesBE, frFromBytesLE, frInverse, frInverseFermat, frIsZero,
  frMul, frNeg, frSelect, frSqr, frSub, frToBytesBE, frToBytesLE, frDouble,
  fpAdd, fpAddLoose, fpCanonical, fpDot, fpEqual, fpFromBytesBE, fpFromBytesLE, fpInverse, fpInverseFermat, fpIsZero,
  fpMul, fpNeg, fpSelect, fpSqr, fpSub, fpToBytesBE, fpToBytesLE, fpDouble,
  fp2Mul, fp2Sqr, refAdd, refMul, refSub,
};

/** A block of `bytes` bytes that is never given back, eight-byte aligned. */
export function kernelMemory(bytes: usize): usize {
  return (heap.alloc(bytes + 8) + 7) & ~7;
}

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
