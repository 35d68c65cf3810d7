/**
 * Poseidon beyond the four sets of Filecoin's trees: other numbers of elements, the strengthened variant, other uses.
 * Nothing on the chain needs them; they are what Filecoin's published parameters define besides.
 * Elements are 32 bytes, little-endian, below the modulus.
 */
import { checkNames } from "../base/options.ts";
import { checkElement, checkTag, countOf, elementOf, merkleTag, PoseidonError } from "./poseidon.ts";
import type { Proofs } from "./proofs.ts";

/** Strengthened: a quarter more partial rounds, rounded up. */
export type PoseidonStrength = "standard" | "strengthened";

export type PoseidonOptions = {
  readonly strength?: PoseidonStrength;
  /** Elements that the hash is made for; fewer are followed by zeros. Default: as many as are given. */
  readonly arity?: number;
  /** Domain tag, below 2^128. Default: that of tree nodes. */
  readonly tag?: bigint;
};

/** Domain tag of messages of a known number of elements. */
export function constantLengthTag(length: number): bigint {
  return BigInt(length) << 64n;
}

/**
 * Hash of up to 2, 4, 8, 11, 16, 24 or 36 elements in the textbook form. Parameters are computed at every call, which
 * takes milliseconds: trees use `poseidon`. Throws `BAD_ARITY`, `BAD_ELEMENT`.
 */
export function poseidonAny(
  proofs: Proofs,
  elements: readonly Uint8Array[],
  options: PoseidonOptions = {},
): Uint8Array {
  checkNames<PoseidonOptions>("poseidonAny", options ?? {}, { strength: true, arity: true, tag: true });
  const count = countOf(elements);
  const { strength = "standard", arity = count, tag = merkleTag(arity) } = options ?? {};
  if (strength !== "standard" && strength !== "strengthened")
    throw new PoseidonError({ code: "BAD_ARITY", arity: Number.NaN }, 'strength: "standard" or "strengthened"');
  if (!Number.isInteger(arity)) throw new PoseidonError({ code: "BAD_ARITY", arity: Number.NaN }, "arity: a count");
  const { exports, instance } = proofs;
  const strengthened = strength === "strengthened" ? 1 : 0;
  const workBytes = exports.poseidonAnyBytes(arity, strengthened);
  if (workBytes === 0 || count > arity)
    throw new PoseidonError({ code: "BAD_ARITY", arity }, `no Poseidon of ${elements.length} in ${arity} elements`);
  checkTag(tag, 128n);
  const input = new Uint8Array(32 * (arity + 1));
  input.set(elementOf(tag));
  elements.forEach((element, i) => {
    checkElement(element, i);
    input.set(element, 32 * (i + 1));
  });
  return proofs.with(input.length, (at) =>
    proofs.with(workBytes, (work) => {
      instance.write(at, input);
      if (exports.poseidonAny(work, arity, strengthened, at, at + 32, at) === 0)
        throw new PoseidonError({ code: "BAD_ELEMENT" }, "an element is not below the modulus");
      return instance.read(at, 32);
    }),
  );
}
