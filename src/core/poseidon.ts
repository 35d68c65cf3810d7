/**
 * Poseidon over BLS12-381's scalar field with Filecoin's parameters, for 2, 4, 8 or 11 elements.
 * Elements are 32 bytes, little-endian, below the modulus.
 */
import { FilError } from "../base/errors.ts";
import type { Proofs } from "./proofs.ts";

export type PoseidonErrorData =
  /** A number of elements for which Filecoin has no parameters. */
  | { readonly code: "BAD_ARITY"; readonly arity: number }
  /** An element that is not 32 bytes below the modulus. */
  | { readonly code: "BAD_ELEMENT" };

export class PoseidonError extends FilError<PoseidonErrorData> {}

const ARITIES: readonly number[] = [2, 4, 8, 11];

/** Domain tag of the randomness of sector updates: "custom type 1" of the parameter set for two elements. */
export const UPDATE_TAG = 1n << 40n;

/** Domain tag of Merkle-tree nodes. */
export function merkleTag(arity: number): bigint {
  return (1n << BigInt(arity)) - 1n;
}

/** Hash of 2, 4, 8 or 11 elements; `tag` separates uses, by default that of tree nodes. Throws `BAD_ARITY`, `BAD_ELEMENT`. */
export function poseidon(
  proofs: Proofs,
  elements: readonly Uint8Array[],
  tag: bigint = merkleTag(elements.length),
): Uint8Array {
  const arity = elements.length;
  if (!ARITIES.includes(arity))
    throw new PoseidonError({ code: "BAD_ARITY", arity }, `no Poseidon for ${arity} elements`);
  return proofs.with(32 * 11, (at) => {
    elements.forEach((element, i) => {
      if (element.length !== 32)
        throw new PoseidonError({ code: "BAD_ELEMENT" }, `element ${i} has ${element.length} bytes, expected 32`);
      proofs.instance.write(at + 32 * i, element);
    });
    if (proofs.exports.poseidonTagged(arity, tag, at, at) === 0)
      throw new PoseidonError({ code: "BAD_ELEMENT" }, "an element is not below the modulus");
    return proofs.instance.read(at, 32);
  });
}

/** The 32 little-endian bytes of a number below 2^256. */
export function elementOf(value: bigint): Uint8Array {
  const out = new Uint8Array(32);
  for (let i = 0; i < 32; i++) out[i] = Number((value >> BigInt(8 * i)) & 0xffn);
  return out;
}
