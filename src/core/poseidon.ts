/**
 * Poseidon over BLS12-381's scalar field with Filecoin's parameters, for 2, 4, 8 or 11 elements.
 * Elements are 32 bytes, little-endian, below the modulus.
 */
import { describeValue, FilError } from "../base/errors.ts";
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

/** Number of elements in a list. Throws `BAD_ARITY` for what is no list, or one with holes. */
export function countOf(elements: readonly Uint8Array[]): number {
  if (Array.isArray(elements) && elements.length <= 64 && !elements.includes(undefined as never))
    return elements.length;
  throw new PoseidonError({ code: "BAD_ARITY", arity: Number.NaN }, "a list of elements is expected");
}

/** Throws `BAD_ELEMENT` unless these are 32 bytes. */
export function checkElement(element: Uint8Array, place: number): void {
  if (element instanceof Uint8Array && element.length === 32) return;
  throw new PoseidonError(
    { code: "BAD_ELEMENT" },
    `element ${place} has ${describeValue(element?.length)} bytes, expected 32`,
  );
}

/** Throws `BAD_ELEMENT` unless this is a number of so many bits. */
export function checkTag(tag: bigint, bits: bigint): void {
  if (typeof tag === "bigint" && tag >= 0n && tag < 1n << bits) return;
  throw new PoseidonError({ code: "BAD_ELEMENT" }, `a domain tag is below 2^${bits}`);
}

/** Domain tag of Merkle-tree nodes. Throws `BAD_ARITY`. */
export function merkleTag(arity: number): bigint {
  if (!Number.isInteger(arity) || arity < 0 || arity > 64)
    throw new PoseidonError({ code: "BAD_ARITY", arity: Number.NaN }, "a number of elements is expected");
  return (1n << BigInt(arity)) - 1n;
}

/** Hash of 2, 4, 8 or 11 elements; `tag` separates uses, by default that of tree nodes. Throws `BAD_ARITY`, `BAD_ELEMENT`. */
export function poseidon(
  proofs: Proofs,
  elements: readonly Uint8Array[],
  tag: bigint = merkleTag(countOf(elements)),
): Uint8Array {
  const arity = countOf(elements);
  if (!ARITIES.includes(arity))
    throw new PoseidonError({ code: "BAD_ARITY", arity }, `no Poseidon for ${arity} elements`);
  checkTag(tag, 64n);
  return proofs.with(32 * 11, (at) => {
    elements.forEach((element, i) => {
      checkElement(element, i);
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
