/** Sums of many multiples: the bucket method against one multiple after the other, and against an independent library. */
import { bls12_381 } from "@noble/curves/bls12-381.js";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { toHex } from "../../../src/base/bytes.ts";
import { Instance } from "../../../src/core/instance.ts";
import { compileModule } from "../../../src/core/load.ts";

type Kernels = Record<string, (...operands: number[]) => number>;

let core: Instance<Kernels>;
beforeAll(async () => {
  core = await Instance.create<Kernels>(await compileModule("curve-test.wasm"), { name: "curve-test.wasm" });
});

const ORDER = bls12_381.fields.Fr.ORDER;
const X = 0xd201000000010000n;
const le = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));

for (const [group, curve, size] of [
  ["g1", bls12_381.G1, 112],
  ["g2", bls12_381.G2, 224],
] as const) {
  const encoded = size === 112 ? 96 : 192;
  const fromBytes = group === "g1" ? "g1FromUncompressed" : "g2FromUncompressed";
  const toBytes = group === "g1" ? "g1ToUncompressed" : "g2ToUncompressed";

  const encodings = new Map<bigint, Uint8Array>();
  const encode = (k: bigint): Uint8Array => {
    let bytes = encodings.get(k);
    if (bytes === undefined) {
      bytes = k === 0n ? new Uint8Array(encoded).fill(0x40, 0, 1) : curve.Point.BASE.multiply(k).toBytes(false);
      encodings.set(k, bytes);
    }
    return bytes;
  };

  describe(group, () => {
    /** Sums by name of the kernel; a multiple of 0 stands for the neutral point. */
    function sum(
      kernel: "Msm" | "MsmPlain" | "GroupedMsm" | "BucketMsm",
      multiples: readonly bigint[],
      scalars: readonly bigint[],
    ): string {
      const count = multiples.length;
      const core_ = core.exports;
      const memory = core_["kernelMemory"]!(
        count * (size + 32) + 2000 + core_[`${group}${kernel === "GroupedMsm" ? kernel : "Msm"}Scratch`]!(count),
      );
      const scalarsAt = memory + count * size;
      const outAt = memory + count * (size + 32);
      multiples.forEach((k, i) => {
        core.write(outAt, encode(k));
        core_[fromBytes]!(memory + i * size, outAt);
        core.write(scalarsAt + 32 * i, le(scalars[i]!));
      });
      core_[group + kernel]!(outAt, memory, scalarsAt, count, outAt + 1000);
      const neutral = core_[`${group}ToAffine`]!(outAt + 400, outAt) === 0 ? 1 : 0;
      core_[toBytes]!(outAt + 640, outAt + 400, neutral);
      return toHex(core.read(outAt + 640, encoded));
    }

    const scalar = fc.oneof(
      fc.bigInt({ min: 0n, max: ORDER - 1n }),
      fc.constantFrom(
        0n,
        1n,
        2n,
        ORDER - 1n,
        X,
        X - 1n,
        X + 1n,
        X * X,
        X * X - 1n,
        X ** 3n,
        X ** 3n - 1n,
        (1n << 128n) - 1n,
      ),
    );
    /** Few different points, so that equal and opposite ones meet in a bucket. */
    const point = fc.constantFrom(0n, 1n, 2n, 3n, ORDER - 1n, ORDER - 2n, 12345n);

    test("any points and scalars sum as in the plain form and the independent library", () => {
      fc.assert(
        fc.property(fc.array(fc.tuple(point, scalar), { minLength: 1, maxLength: 40 }), (terms) => {
          const points = terms.map(([p]) => p);
          const scalars = terms.map(([, k]) => k);
          const total = terms.reduce((acc, [p, k]) => (acc + p * k) % ORDER, 0n);
          const expected = toHex((total === 0n ? curve.Point.ZERO : curve.Point.BASE.multiply(total)).toBytes(false));
          expect(sum("MsmPlain", points, scalars)).toBe(expected);
          expect(sum("Msm", points, scalars)).toBe(expected);
          expect(sum("GroupedMsm", points, scalars)).toBe(expected);
        }),
        { numRuns: 25 },
      );
    });

    test("equal scalars are grouped: points of one group may cancel or be neutral", () => {
      const points = [1n, 2n, ORDER - 3n, 5n, 0n, 7n, 7n, 7n, 9n];
      const scalars = [6n, 6n, 6n, 0n, 8n, X, X, X, 0n];
      const total = (21n * X) % ORDER;
      const expected = toHex(curve.Point.BASE.multiply(total).toBytes(false));
      expect(sum("GroupedMsm", points, scalars)).toBe(expected);
      const many = Array.from({ length: 1200 }, (_, i) => BigInt(i % 7) + 1n);
      const few = many.map((_, i) => [ORDER - 2n, 5n, 0n][i % 3]!);
      expect(sum("GroupedMsm", many, few)).toBe(sum("Msm", many, few));
    });

    test("thousands of different scalars, which fill segments of buckets", () => {
      // Both windows of few and of many buckets: 60 to 1500 points; scalars without a pattern, some of them small.
      for (const count of [60, 400, 1500]) {
        const points = Array.from({ length: count }, (_, i) => [1n, 2n, ORDER - 1n, 12345n, 0n][i % 5]!);
        const scalars: bigint[] = [];
        for (let i = 0, k = 3n; i < count; i++) {
          k = (k * k + BigInt(i)) % ORDER;
          scalars.push(i % 11 === 0 ? BigInt(i) : k);
        }
        const total = points.reduce((acc, p, i) => (acc + p * scalars[i]!) % ORDER, 0n);
        const expected = toHex(curve.Point.BASE.multiply(total).toBytes(false));
        expect(sum("Msm", points, scalars)).toBe(expected);
        // The form of engines without SIMD.
        if (group === "g1") expect(sum("BucketMsm", points, scalars)).toBe(expected);
      }
    });

    // As many that the form with four additions side by side takes them; few points and scalars, so that every kind of pair occurs.
    const kinds: Record<string, readonly bigint[]> = {
      "nothing but zeros": [0n],
      "zeros among ones": [0n, 1n, 0n],
      "one scalar, all in one bucket of each window": [0x123456789abcdef0fedcba98n],
      "opposite scalars": [5n, ORDER - 5n],
      "limits of parts, windows and digits": [
        ORDER - 1n,
        X * X - 1n,
        (X * X - 1n) * X * X,
        X * X,
        (1n << 127n) - 1n,
        1n << 127n,
        (X * X - 1n) * (X * X + 1n) - 1n,
        ...Array.from({ length: 16 }, (_, i) => (1n << BigInt(8 * i + 7)) - BigInt(i % 2)),
      ],
    };
    if (group === "g1")
      test.each(Object.entries(kinds))("hundreds of points: %s", (_, cycle) => {
        for (const few of [[1n], [7n, ORDER - 7n], [1n, 0n, 2n, ORDER - 1n, 0n, 0n, 12345n]]) {
          const points = Array.from({ length: 203 }, (_, i) => few[i % few.length]!);
          const scalars = points.map((_, i) => cycle[(i * 5) % cycle.length]!);
          const total = points.reduce((acc, p, i) => (acc + p * scalars[i]!) % ORDER, 0n);
          const expected = toHex((total === 0n ? curve.Point.ZERO : curve.Point.BASE.multiply(total)).toBytes(false));
          for (const kernel of ["Msm", "GroupedMsm"] as const) expect(sum(kernel, points, scalars)).toBe(expected);
        }
      });

    test("many points in one bucket add up, over batch borders", () => {
      const count = 1500;
      const points = Array.from({ length: count }, (_, i) => BigInt((i % 5) + 1));
      const scalars = Array.from({ length: count }, (_, i) => (i % 3 === 0 ? 7n : ORDER - 7n));
      const total = points.reduce((acc, p, i) => (acc + p * scalars[i]!) % ORDER, 0n);
      expect(sum("Msm", points, scalars)).toBe(toHex(curve.Point.BASE.multiply(total).toBytes(false)));
    });
  });
}
