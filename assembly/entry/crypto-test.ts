/** `crypto-test.wasm`: the kernels of `crypto.wasm` beside their plain references, for differential tests only. */
export { sha256Blocks, sha256Start } from "../crypto/hash/sha256-kernel.gen";
export { sha256BlocksPlain } from "../crypto/hash/sha256-plain";
export { keccakPermute } from "../crypto/hash/keccak256-kernel.gen";
export { keccakPermutePlain } from "../crypto/hash/keccak256-plain";
export { blake2bBlock, blake2bStart } from "../crypto/hash/blake2b-kernel.gen";
export { blake2bBlockPlain } from "../crypto/hash/blake2b-plain";
export { scratchPtr } from "./crypto";

/** Aborts, so that the host's fault can be looked at. */
export function failingAssertion(): void {
  assert(false, "fails on purpose");
}
export { fieldMul, fieldSquare } from "../crypto/field/secp256k1-kernel.gen";
export { fieldFromWords, fieldInversePublic, fieldInverseSecret, fieldScale, fieldSqrt, fieldToWords } from "../crypto/field/secp256k1";
export { inversePublic, inverseSecret } from "../crypto/field/inverse256";
export { modAdd, modMul, modPower, modSub } from "../crypto/field/words256";
export { doubleMultiply, splitScalar, pointDouble, pointAddAffine } from "../crypto/curve/secp256k1-group";
export { multiplyBaseSecret } from "../crypto/curve/secp256k1-secret";
export { plainDoubleMultiply, plainMultiplyBytes, plainToAffine } from "../crypto/curve/secp256k1-plain";
