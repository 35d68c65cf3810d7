/**
 * `field-test.wasm`: the fields of BLS12-381 by themselves, compiled without SIMD, for differential tests; `curve-test.wasm` has the
 * same functions with SIMD. Operands lie in blocks from `kernelMemory`.
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
