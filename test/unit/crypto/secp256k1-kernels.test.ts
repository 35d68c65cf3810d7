/** The fast field and group code of secp256k1 against big integers and against the plain code in the same module. */
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { Instance } from "../../../src/core/instance.ts";
import { compileModule } from "../../../src/core/load.ts";

const P = 2n ** 256n - 2n ** 32n - 977n;
const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const G = [
  0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
  0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n,
] as const;
const LAMBDA = 0x5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72n;

type Kernels = {
  scratchPtr(): number;
  fieldMul(out: number, a: number, b: number): void;
  fieldSquare(out: number, a: number): void;
  fieldScale(out: number, a: number, small: bigint): void;
  fieldSqrt(out: number, a: number): number;
  fieldFromWords(out: number, words: number): void;
  fieldToWords(words: number, a: number): void;
  inversePublic(out: number, x: number, m: number): void;
  inverseSecret(out: number, x: number, m: number): void;
  modAdd(out: number, a: number, b: number, m: number): void;
  modSub(out: number, a: number, b: number, m: number): void;
  modMul(out: number, a: number, b: number, m: number): void;
  splitScalar(k1: number, k2: number, k: number): number;
  multiplyBaseSecret(out: number, k: number): void;
  doubleMultiply(out: number, u1: number, u2: number, q: number): number;
  plainDoubleMultiply(out: number, u1: number, u2: number, q: number): void;
  plainToAffine(out: number, p: number): number;
};

let core: Instance<Kernels>;
let base: number;
beforeAll(async () => {
  core = await Instance.create<Kernels>(await compileModule("crypto-test.wasm"), { name: "crypto-test.wasm" });
  base = core.exports.scratchPtr();
});

const mod = (a: bigint, m: bigint): bigint => ((a % m) + m) % m;
/** Slot i: 512 bytes of scratch. */
const at = (i: number): number => base + 512 * i;
const writeWords = (to: number, value: bigint): void =>
  core.write(to, fromHex(value.toString(16).padStart(64, "0")).reverse());
const readWords = (from: number): bigint => BigInt(`0x${toHex(core.read(from, 32).reverse())}`);

const below = (m: bigint): fc.Arbitrary<bigint> =>
  fc.oneof(
    fc.bigInt({ min: 0n, max: m - 1n }),
    fc.constantFrom(0n, 1n, 2n, m - 1n, m - 2n, m / 2n, 2n ** 255n, 2n ** 128n, 2n ** 128n - 1n, 2n ** 256n - m),
  );
/** Ten signed limbs of magnitude up to `m`. */
const limbs = (m: bigint): fc.Arbitrary<bigint[]> => {
  const most = (m * 17n * 2n ** 26n) / 16n;
  const limb = fc.oneof(fc.bigInt({ min: -most, max: most }), fc.constantFrom(most, -most, 0n));
  return fc.array(limb, { minLength: 10, maxLength: 10 });
};
const writeLimbs = (to: number, values: readonly bigint[]): void =>
  core.write(to, new Uint8Array(BigInt64Array.from(values).buffer));
const readLimbs = (from: number): bigint[] => [...new BigInt64Array(core.read(from, 80).buffer)];
const numberIn = (values: readonly bigint[]): bigint =>
  mod(
    values.reduce((sum, limb, i) => sum + (limb << BigInt(26 * i)), 0n),
    P,
  );
/** A product's limbs: magnitude 1 and next to non-negative. */
const isMagnitudeOne = (values: readonly bigint[]): boolean =>
  values.every((limb) => limb <= (17n * 2n ** 26n) / 16n && limb >= -(2n ** 22n));

describe("field of ten signed limbs", () => {
  test.each([
    [1n, 1n],
    [128n, 1n],
    [1n, 128n],
    [11n, 11n],
  ])("products of magnitudes %s and %s are right and have magnitude 1", (ma, mb) => {
    fc.assert(
      fc.property(limbs(ma), limbs(mb), (a, b) => {
        writeLimbs(at(0), a);
        writeLimbs(at(1), b);
        core.exports.fieldMul(at(2), at(0), at(1));
        expect(numberIn(readLimbs(at(2)))).toBe(mod(numberIn(a) * numberIn(b), P));
        expect(isMagnitudeOne(readLimbs(at(2)))).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  test("squares of magnitude 11 are right, in place too", () => {
    fc.assert(
      fc.property(limbs(11n), (a) => {
        writeLimbs(at(0), a);
        core.exports.fieldSquare(at(0), at(0));
        expect(numberIn(readLimbs(at(0)))).toBe(mod(numberIn(a) * numberIn(a), P));
        expect(isMagnitudeOne(readLimbs(at(0)))).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  test("small multiples are carried to magnitude 1", () => {
    fc.assert(
      fc.property(limbs(1024n), fc.bigInt({ min: -1000n, max: 1000n }), (a, small) => {
        writeLimbs(at(0), a);
        core.exports.fieldScale(at(1), at(0), small);
        expect(numberIn(readLimbs(at(1)))).toBe(mod(numberIn(a) * small, P));
        expect(isMagnitudeOne(readLimbs(at(1)))).toBe(true);
      }),
    );
  });

  test("any representation has one form as words", () => {
    fc.assert(
      fc.property(limbs(100_000n), (a) => {
        writeLimbs(at(0), a);
        core.exports.fieldToWords(at(1), at(0));
        expect(readWords(at(1))).toBe(numberIn(a));
      }),
    );
    for (const value of [0n, 1n, P - 1n, P, P + 1n, 2n ** 256n - 1n]) {
      writeWords(at(0), value);
      core.exports.fieldFromWords(at(1), at(0));
      core.exports.fieldToWords(at(2), at(1));
      expect(readWords(at(2))).toBe(mod(value, P));
    }
  });

  test("square roots exist exactly for squares", () => {
    fc.assert(
      fc.property(below(P), (a) => {
        writeWords(at(0), mod(a * a, P));
        core.exports.fieldFromWords(at(1), at(0));
        expect(core.exports.fieldSqrt(at(2), at(1))).toBe(1);
        core.exports.fieldToWords(at(0), at(2));
        expect([a, mod(-a, P)]).toContain(readWords(at(0)));
        // -1 is no square, as p = 3 (mod 4)
        writeWords(at(0), mod(-a * a, P));
        core.exports.fieldFromWords(at(1), at(0));
        expect(core.exports.fieldSqrt(at(2), at(1))).toBe(a === 0n ? 1 : 0);
      }),
    );
  });
});

describe.each([
  ["p", P],
  ["n", N],
])("plain words modulo %s", (_, m) => {
  test("sums, differences and products equal big integers", () => {
    fc.assert(
      fc.property(below(m), below(m), (a, b) => {
        writeWords(at(0), a);
        writeWords(at(1), b);
        writeWords(at(2), m);
        core.exports.modAdd(at(3), at(0), at(1), at(2));
        expect(readWords(at(3))).toBe(mod(a + b, m));
        core.exports.modSub(at(3), at(0), at(1), at(2));
        expect(readWords(at(3))).toBe(mod(a - b, m));
        core.exports.modMul(at(3), at(0), at(1), at(2));
        expect(readWords(at(3))).toBe(mod(a * b, m));
      }),
      { numRuns: 500 },
    );
  });

  test("both inverses are inverses, and zero gives zero", () => {
    fc.assert(
      fc.property(below(m), (a) => {
        writeWords(at(0), a);
        writeWords(at(2), m);
        core.exports.inversePublic(at(1), at(0), at(2));
        expect(mod(readWords(at(1)) * a, m)).toBe(a === 0n ? 0n : 1n);
        expect(readWords(at(1)) < m).toBe(true);
        core.exports.inverseSecret(at(3), at(0), at(2));
        expect(readWords(at(3))).toBe(readWords(at(1)));
      }),
      { numRuns: 300 },
    );
  });
});

describe("group", () => {
  test("the endomorphism splits a scalar into two of 128 bits", () => {
    fc.assert(
      fc.property(below(N), (k) => {
        writeWords(at(2), k);
        const signs = core.exports.splitScalar(at(0), at(1), at(2));
        const [k1, k2] = [readWords(at(0)), readWords(at(1))];
        expect(k1 < 2n ** 128n && k2 < 2n ** 128n).toBe(true);
        expect(mod((signs & 1 ? -k1 : k1) + (signs & 2 ? -k2 : k2) * LAMBDA, N)).toBe(k);
      }),
      { numRuns: 1000 },
    );
  });

  /** u1 G + u2 q by one of the two paths, as text; null for infinity. */
  const sum = (plain: boolean, u1: bigint, u2: bigint, q: readonly [bigint, bigint]): string | null => {
    writeWords(at(0), u1);
    writeWords(at(1), u2);
    writeWords(at(2), q[0]);
    writeWords(at(2) + 32, q[1]);
    let finite: number;
    if (plain) {
      core.exports.plainDoubleMultiply(at(3), at(0), at(1), at(2));
      finite = core.exports.plainToAffine(at(3), at(3));
    } else finite = core.exports.doubleMultiply(at(3), at(0), at(1), at(2));
    return finite === 0 ? null : `${readWords(at(3)).toString(16)},${readWords(at(3) + 32).toString(16)}`;
  };
  const pointOf = (k: bigint): [bigint, bigint] => {
    writeWords(at(4), k);
    core.exports.multiplyBaseSecret(at(5), at(4));
    return [readWords(at(5)), readWords(at(5) + 32)];
  };

  test("the fast and the plain sum of two multiples agree", () => {
    fc.assert(
      fc.property(below(N), below(N), fc.bigInt({ min: 1n, max: N - 1n }), (u1, u2, k) => {
        const q = pointOf(k);
        expect(sum(false, u1, u2, q)).toBe(sum(true, u1, u2, q));
      }),
      { numRuns: 30 },
    );
  });

  test("they agree where the incomplete formulas fail: equal, opposite and infinite sums", () => {
    const small = [0n, 1n, 2n, 3n, N - 1n, N - 2n, LAMBDA, N - LAMBDA];
    for (const k of [1n, 2n, N - 1n, LAMBDA, N - LAMBDA]) {
      const q = pointOf(k);
      for (const u1 of small) for (const u2 of small) expect(sum(false, u1, u2, q)).toBe(sum(true, u1, u2, q));
    }
  });

  test("the secret multiple of the base point equals the plain one", () => {
    fc.assert(
      fc.property(fc.oneof(below(N), fc.bigInt({ min: 1n, max: 40n })), (k) => {
        fc.pre(k !== 0n);
        const [x, y] = pointOf(k);
        expect(`${x.toString(16)},${y.toString(16)}`).toBe(sum(true, 0n, k, G));
      }),
      { numRuns: 40 },
    );
  });
});
