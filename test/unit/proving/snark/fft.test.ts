/** Transforms by passes, in every split, against sums written out over BigInt. */
import { describe, expect, test } from "vitest";
import { loadProofs } from "../../../../src/core/proofs.ts";
import { le, power, R } from "../../../support/scalars.ts";

const module = await loadProofs();
const numberAt = (at: number): bigint =>
  module.instance.read(at, 32).reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
const reversed = (x: number, bits: number): number => {
  let r = 0;
  for (let i = 0; i < bits; i++) r = 2 * r + ((x >> i) & 1);
  return r;
};

/** A whole transform of the vector at `data`, by passes of the stages that `split` names. */
function transform(data: number, split: readonly number[], up: boolean, inverse: boolean): void {
  const k = split.reduce((sum, stages) => sum + stages, 0);
  const passes = split.map((stages, i) => {
    const before = split.slice(0, i).reduce((sum, one) => sum + one, 0);
    return { stages, before, after: k - before - stages };
  });
  for (const { stages, before, after } of up ? passes.reverse() : passes)
    for (let block = 0; block < 2 ** before; block++)
      module.exports.fftPass(
        data + block * 2 ** (stages + after) * 32,
        1,
        0,
        32 * 2 ** after,
        2 ** after,
        stages,
        up ? after : before,
        up ? 0 : reversed(block, before),
        Number(up),
        Number(inverse),
      );
}

const SPLITS = [[1], [2], [5], [2, 3], [3, 2], [1, 2, 3], [2, 1, 1, 2]];

describe.each(SPLITS.map((split) => ({ split, k: split.reduce((sum, one) => sum + one, 0) })))(
  "$split",
  ({ split, k }) => {
    const n = 2 ** k;
    const values = Array.from({ length: n }, (_, i) => (i === 1 ? R - 1n : power(5n, BigInt(i * i + i))));
    const root = power(power(7n, (R - 1n) >> 32n), 1n << BigInt(32 - k));
    const expected = values.map((_, i) => values.reduce((sum, x, j) => (sum + x * power(root, BigInt(i * j))) % R, 0n));

    test("down is the transform in reversed order, and up with the inverse root its inverse", () => {
      module.with(32 * n, (at) => {
        values.forEach((value, i) => {
          module.instance.write(at + 32 * i, le(value));
        });
        expect(module.exports.packElements(at, at, n)).toBe(n);
        transform(at, split, false, false);
        module.exports.unpackElements(at, at, n);
        expect(expected.map((_, i) => numberAt(at + 32 * reversed(i, k)))).toEqual(expected);
        module.exports.packElements(at, at, n);
        transform(at, split, true, true);
        module.exports.unpackElements(at, at, n);
        expect(values.map((_, i) => numberAt(at + 32 * i))).toEqual(values.map((x) => (x * BigInt(n)) % R));
      });
    });
  },
);

describe("windows of a transform of 2^27, the largest of the network's circuits", () => {
  const [k, stages] = [27, 4];
  const extra = k - stages;
  const rows = 2 ** stages;
  const values = Array.from({ length: rows }, (_, i) => power(3n, BigInt(i * i + 5 * i + 1)));
  const root = power(power(7n, (R - 1n) >> 32n), 1n << BigInt(32 - k));
  /** What the sixteen rows become by `work`, as numbers. */
  const worked = (work: (at: number) => void, isPacked = true): bigint[] =>
    module.with(32 * rows, (at) => {
      values.forEach((value, i) => {
        module.instance.write(at + 32 * i, le(value));
      });
      module.exports.packElements(at, at, rows);
      work(at);
      if (isPacked) module.exports.unpackElements(at, at, rows);
      return values.map((_, i) => numberAt(at + 32 * i));
    });
  /** The polynomial of the rows at base^(index). */
  const valueAt = (base: bigint, index: number): bigint =>
    values.reduce((sum, x, j) => (sum + x * power(base, BigInt(index) * BigInt(j))) % R, 0n);

  test.each([0, 1, 5_000_001, 2 ** 23 - 1])("block, or column, %i", (first) => {
    for (const inverse of [false, true]) {
      const w = inverse ? power(root, R - 2n) : root;
      // Output p of a block stands for the frequency whose bits are those of (block, p) reversed.
      const down = worked((at) => module.exports.fftPass(at, 1, 0, 32, 1, stages, extra, first, 0, Number(inverse)));
      expect(down).toEqual(values.map((_, i) => valueAt(w, first + 2 ** extra * reversed(i, stages))));
      const up = worked((at) => module.exports.fftPass(at, 1, 0, 32, 1, stages, extra, first, 1, Number(inverse)));
      const sumAt = (index: number): bigint =>
        values.reduce((sum, x, j) => (sum + x * power(w, BigInt(index) * BigInt(reversed(j, stages)))) % R, 0n);
      expect(up).toEqual(values.map((_, i) => sumAt(first + 2 ** extra * i)));
    }
  });

  test.each([0, 1, 2 ** 22 + 3, 2 ** 23 - 1])("the quotient's last pass, block %i", (block) => {
    const back = power(root, R - 2n);
    const n = 2n ** BigInt(k);
    const scale = power((n * (power(7n, n) - 1n)) % R, R - 2n);
    const coefficients = worked((at) => module.exports.quotientEnd(at, 1, stages, extra, block), false);
    const index = (i: number): number => reversed(block, extra) + 2 ** extra * reversed(i, stages);
    expect(coefficients).toEqual(
      values.map((_, i) => (((valueAt(back, index(i)) * power(power(7n, R - 2n), BigInt(index(i)))) % R) * scale) % R),
    );
  });
});

test("the longest pass keeps its bounds: 11 stages over the largest elements", () => {
  const n = 2048;
  module.with(32 * n, (at) => {
    for (let i = 0; i < n; i++) module.instance.write(at + 32 * i, new Uint8Array(32).fill(0xff));
    // 2^256 - 1 everywhere is no canonical element, but the largest that 32 bytes hold.
    transform(at, [11], false, false);
    module.exports.unpackElements(at, at, n);
    expect(numberAt(at + 32)).toBe(0n);
    const radix = power(2n, 261n);
    const value = (((1n << 256n) - 1n) * power(radix, R - 2n)) % R;
    expect(numberAt(at)).toBe((value * BigInt(n)) % R);
  });
});

test("a number that is no element is refused where it stands", () => {
  module.with(96, (at) => {
    module.instance.write(at, le(R - 1n));
    module.instance.write(at + 32, le(R));
    expect(module.exports.packElements(at, at, 3)).toBe(1);
  });
});
