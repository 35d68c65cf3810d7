/** Sums over windows of a parameter file, with scalars as witnesses have them, beside an independent library. */
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { beforeAll, describe, expect, test } from "vitest";
import { concat, toHex } from "../../../../src/base/bytes.ts";
import { loadProofs, type Proofs } from "../../../../src/core/proofs.ts";

const ORDER = bls12_381.fields.Fr.ORDER;
const CANARY = 0xa5;
let module: Proofs;
beforeAll(async () => {
  module = await loadProofs();
});

const le = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));

for (const [group, curve] of [
  ["g1", bls12_381.G1],
  ["g2", bls12_381.G2],
] as const)
  describe(group, () => {
    const encoded = group === "g1" ? 96 : 192;
    // Few points, so that equal and opposite ones meet; a file holds no neutral ones.
    const points = [1n, 2n, 3n, ORDER - 1n, ORDER - 2n, 77n].map((k) => [k, curve.Point.BASE.multiply(k)] as const);
    const encodings = points.map(([, point]) => point.toBytes(false));

    /** The sum that the kernel gives for scalars over the points in turn; it may not write behind its scratch. */
    function sum(scalars: readonly bigint[], broken?: number): string | number {
      const { exports, instance } = module;
      const bases = concat(...scalars.map((_, i) => encodings[i % points.length] as Uint8Array));
      if (broken !== undefined) bases.fill(0xff, broken * encoded, broken * encoded + 48);
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
    });
  });
