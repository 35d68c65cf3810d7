/** The prime fields of BLS12-381 as limbs: how many, how wide, and what follows from that; for the generators of their arithmetic. */

export type FieldSpec = {
  /** Prefix of the functions, such as `fr`. */
  readonly name: string;
  readonly title: string;
  readonly modulus: bigint;
  /** Bits of a limb. */
  readonly bits: number;
  readonly limbs: number;
  /** Steps of Karatsuba's method, without SIMD, in a square, and in a product that is not made by thirds: see docs/performance.md. */
  readonly steps: number;
  /**
   * Whether a product without SIMD is made by thirds, whose columns go through memory (limbs must be a multiple of three), and with SIMD
   * keeps the limbs of one factor in vectors.
   */
  readonly fewLimbs: boolean;
  /** Length of the byte encoding. */
  readonly bytes: number;
};

/** Curve parameters: https://datatracker.ietf.org/doc/draft-irtf-cfrg-pairing-friendly-curves/11/ section 4.2.1. */
export const FR: FieldSpec = {
  name: "fr",
  title: "Fr, the scalar field of BLS12-381",
  modulus: 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n,
  bits: 29,
  limbs: 9,
  steps: 1,
  fewLimbs: true,
  bytes: 32,
};

export const FP: FieldSpec = {
  name: "fp",
  title: "Fp, the base field of BLS12-381",
  modulus: 0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaabn,
  bits: 28,
  limbs: 14,
  steps: 2,
  fewLimbs: false,
  bytes: 48,
};

export const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

export const hex = (value: bigint | number): string => `0x${value.toString(16)}`;

/** Bytes from one element to the next: limbs of four bytes, rounded up to whole 64-bit words. */
export function strideOf(field: FieldSpec): number {
  return Math.ceil(field.limbs / 2) * 8;
}

export function limbsOf(field: FieldSpec, value: bigint): bigint[] {
  const width = BigInt(field.bits);
  return range(field.limbs).map((i) => (value >> (width * BigInt(i))) & ((1n << width) - 1n));
}

export function montgomeryRadix(field: FieldSpec): bigint {
  return 1n << BigInt(field.bits * field.limbs);
}

/** -1/p mod 2^bits, by Newton's iteration. */
export function negativeInverse(field: Pick<FieldSpec, "modulus" | "bits">): bigint {
  const size = 1n << BigInt(field.bits);
  let inverse = 1n;
  for (let i = 0; i < 6; i++) inverse = (inverse * (2n - field.modulus * inverse)) % size;
  return ((-inverse % size) + size) % size;
}
