/**
 * Poseidon beyond the four sets of Filecoin's trees: other numbers of elements, the strengthened variant, other uses.
 * Nothing on the chain needs them; they are what Filecoin's published parameters define besides.
 * Elements are 32 bytes, little-endian, below the modulus.
 */
import { elementOf, merkleTag, PoseidonError } from "./poseidon.ts";
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
  { strength = "standard", arity = elements.length, tag = merkleTag(arity) }: PoseidonOptions = {},
): Uint8Array {
  const { exports, instance } = proofs;
  const strengthened = strength === "strengthened" ? 1 : 0;
  const workBytes = exports.poseidonAnyBytes(arity, strengthened);
  if (workBytes === 0 || elements.length > arity)
    throw new PoseidonError({ code: "BAD_ARITY", arity }, `no Poseidon of ${elements.length} in ${arity} elements`);
  if (tag < 0n || tag >= 1n << 128n) throw new PoseidonError({ code: "BAD_ELEMENT" }, "a domain tag is below 2^128");
  const input = new Uint8Array(32 * (arity + 1));
  input.set(elementOf(tag));
  elements.forEach((element, i) => {
    if (element.length !== 32)
      throw new PoseidonError({ code: "BAD_ELEMENT" }, `element ${i} has ${element.length} bytes, expected 32`);
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
