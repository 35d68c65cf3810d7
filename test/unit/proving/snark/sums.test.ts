/** Sums over windows of a parameter file, with scalars as witnesses have them, beside an independent library. */
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { beforeAll, describe, expect, test } from "vitest";
import { concat, fromHex, toHex } from "../../../../src/base/bytes.ts";
import { loadProofs, type Proofs } from "../../../../src/core/proofs.ts";

const ORDER = bls12_381.fields.Fr.ORDER;
const CANARY = 0xa5;
let modules: Proofs[];
beforeAll(async () => {
  modules = await Promise.all([loadProofs({ simd: true }), loadProofs({ simd: false })]);
});

const le = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));

for (const [group, curve, variant] of [
  ["g1", bls12_381.G1, 0],
  ["g1", bls12_381.G1, 1],
  ["g2", bls12_381.G2, 0],
] as const)
  describe(`${group}, ${["with", "without"][variant]} SIMD`, () => {
    let module: Proofs;
    beforeAll(() => {
      module = modules[variant] as Proofs;
    });
    const encoded = group === "g1" ? 96 : 192;
    // Few points, so that equal and opposite ones meet; a file holds no neutral ones.
    const points = [1n, 2n, 3n, ORDER - 1n, ORDER - 2n, 77n].map((k) => [k, curve.Point.BASE.multiply(k)] as const);
    const encodings = points.map(([, point]) => point.toBytes(false));

    /** The sum that the kernel gives for scalars over the points in turn; it may not write behind its scratch. */
    function sum(
      scalars: readonly bigint[],
      broken?: number,
      filler: Uint8Array = new Uint8Array(48).fill(0xff),
    ): string | number {
      const { exports, instance } = module;
      const bases = concat(...scalars.map((_, i) => encodings[i % points.length] as Uint8Array));
      if (broken !== undefined) bases.set(filler, broken * encoded);
      const numbers = concat(...scalars.map(le));
      const [scratchOf, run] =
        group === "g1" ? [exports.g1SumScratch, exports.g1SumWindow] : [exports.g2SumScratch, exports.g2SumWindow];
      return module.with(bases.length + numbers.length + encoded, (at) => {
        const out = at + bases.length + numbers.length;
        instance.write(at, bases);
        instance.write(at + bases.length, numbers);
        const bytes = scratchOf(at + bases.length, scalars.length) >>> 0;
        return module.with(bytes + 64, (scratch) => {
          instance.write(scratch + bytes, new Uint8Array(64).fill(CANARY));
          const bad = run(out, at, at + bases.length, scalars.length, scratch);
          expect(instance.read(scratch + bytes, 64)).toEqual(new Uint8Array(64).fill(CANARY));
          return bad < 0 ? toHex(instance.read(out, encoded)) : bad;
        });
      });
    }

    function expected(scalars: readonly bigint[]): string {
      const total = scalars.reduce((acc, k, i) => (acc + k * (points[i % points.length]?.[0] ?? 0n)) % ORDER, 0n);
      const point = total === 0n ? curve.Point.ZERO : curve.Point.BASE.multiply(total);
      return toHex(point.toBytes(false));
    }

    const full = (i: number): bigint => (BigInt(i + 1) * 0x123456789abcdef123456789abcdef123456789abcdefn) % ORDER;
    test.each<[string, readonly bigint[]]>([
      ["nothing but zeros", [0n, 0n, 0n]],
      ["nothing but ones", Array.from({ length: 13 }, () => 1n)],
      ["one scalar for all", Array.from({ length: 40 }, () => full(3))],
      ["one scalar for all, and points that cancel", [5n, 0n, 0n, 5n]],
      ["all different", Array.from({ length: 40 }, (_, i) => full(i))],
      ["hundreds of ones, which cancel but for some", Array.from({ length: 303 }, () => 1n)],
      ["hundreds, all different", Array.from({ length: 300 }, (_, i) => full(i))],
      ["ones, zeros, small and full ones, some of them equal", Array.from({ length: 600 }, (_, i) => mixed(i))],
    ])("%s", (_, scalars) => {
      expect(sum(scalars)).toBe(expected(scalars));
    });

    function mixed(i: number): bigint {
      return [0n, 1n, 2n, full(i % 7), ORDER - 1n, full(i), 1n][i % 7] as bigint;
    }

    test("a point that is none is named, unless its scalar is 0", () => {
      const scalars = [1n, 5n, 0n, 5n, 9n];
      for (const broken of [0, 1, 3, 4]) expect(sum(scalars, broken)).toBe(broken);
      expect(sum(scalars, 2)).toBe(expected(scalars));
      // p itself is none; p - 1 is, though no point of the curve has it.
      const modulus = fromHex(bls12_381.fields.Fp.ORDER.toString(16).padStart(96, "0"));
      expect(sum(scalars, 3, modulus)).toBe(3);
      expect(sum([0n, 0n, 0n, 0n, 1n], 3, modulus)).toBe(expected([0n, 0n, 0n, 0n, 1n]));
      modulus[47]!--;
      expect(sum(scalars, 3, modulus)).not.toBe(3);
    });
  });
