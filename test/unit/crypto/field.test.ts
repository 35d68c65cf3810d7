/** The generated prime fields against JavaScript's integers and against the plain reference. */
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { toHex } from "../../../src/base/bytes.ts";
import { Instance } from "../../../src/core/instance.ts";
import { compileModule } from "../../../src/core/load.ts";

type Binary = (r: number, a: number, b: number) => void;
type Unary = (r: number, a: number) => void;
type Kernels = Record<string, (...operands: number[]) => number> & { kernelMemory(bytes: number): number };

const FIELDS = [
  {
    name: "fr",
    bytes: 32,
    stride: 40,
    p: 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n,
    bits: 29,
    limbs: 9,
    loosest: 3,
  },
  {
    name: "fp",
    bytes: 48,
    stride: 56,
    p: 0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaabn,
    bits: 28,
    limbs: 14,
    loosest: 17,
  },
] as const;

/** What may lie behind an element's limbs. */
const PADDING = 0xdeadbeef;
/** The same functions compiled without SIMD and with it. */
const BUILDS = ["field-test.wasm", "curve-test.wasm"] as const;
const cores: Record<string, Instance<Kernels>> = {};
let core: Instance<Kernels>;
beforeAll(async () => {
  for (const name of BUILDS) cores[name] = await Instance.create<Kernels>(await compileModule(name), { name });
});

const toBytes = (value: bigint, bytes: number): Uint8Array =>
  Uint8Array.from({ length: bytes }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
const fromBytes = (bytes: Uint8Array): bigint => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
const mod = (value: bigint, p: bigint): bigint => ((value % p) + p) % p;
function power(base: bigint, exponent: bigint, p: bigint): bigint {
  let result = 1n;
  for (let b = base % p, e = exponent; e > 0n; e >>= 1n, b = (b * b) % p) if (e & 1n) result = (result * b) % p;
  return result;
}

for (const [build, field] of BUILDS.flatMap((name) => FIELDS.map((one) => [name, one] as const))) {
  const { name, bytes, stride, p, bits, limbs } = field;
  /** Values near the ends and near limb and word borders, among random ones. */
  const element = fc.oneof(
    fc.bigInt({ min: 0n, max: p - 1n }),
    fc.bigInt({ min: 0n, max: 3n }),
    fc.bigInt({ min: 1n, max: 3n }).map((k) => p - k),
    fc.integer({ min: 0, max: bits * limbs - 12 }).map((k) => (1n << BigInt(k)) % p),
    fc.integer({ min: 1, max: bits * limbs - 12 }).map((k) => ((1n << BigInt(k)) - 1n) % p),
  );

  describe(`${name} of ${build}`, () => {
    let memory: number;
    beforeAll(() => {
      core = cores[build]!;
      memory = core.exports.kernelMemory(8192);
    });
    const at = (slot: number): number => memory + slot * stride;
    const raw = () => memory + 6000;
    const call = (suffix: string, ...operands: number[]): number => core.exports[name + suffix]!(...operands);
    const put = (slot: number, value: bigint): void => {
      core.write(raw(), toBytes(value, bytes));
      expect(call("FromBytesLE", at(slot), raw())).toBe(1);
    };
    const get = (slot: number): bigint => {
      call("ToBytesLE", raw(), at(slot));
      return fromBytes(core.read(raw(), bytes));
    };

    test("product, sum, difference, square, double and negative agree with plain integers", () => {
      fc.assert(
        fc.property(element, element, (a, b) => {
          put(0, a);
          put(1, b);
          for (const [suffix, expected] of [
            ["Mul", a * b],
            ["Add", a + b],
            ["Sub", a - b],
          ] as const) {
            (core.exports[name + suffix] as Binary)(at(2), at(0), at(1));
            expect(get(2)).toBe(mod(expected, p));
          }
          for (const [suffix, expected] of [
            ["Sqr", a * a],
            ["Double", 2n * a],
            ["Neg", -a],
          ] as const) {
            (core.exports[name + suffix] as Unary)(at(2), at(0));
            expect(get(2)).toBe(mod(expected, p));
          }
        }),
        { numRuns: 400 },
      );
    });

    test("the result may lie on an operand", () => {
      put(0, 5n);
      put(1, p - 7n);
      call("Mul", at(0), at(0), at(1));
      expect(get(0)).toBe(p - 35n);
      call("Sub", at(1), at(0), at(1));
      expect(get(1)).toBe(p - 28n);
      call("Sqr", at(1), at(1));
      expect(get(1)).toBe(784n);
    });

    test("products of the largest values are tight, whatever follows them", () => {
      const largest = name === "fr" ? 8n : 50n;
      const storeValue = (slot: number, value: bigint): void => {
        const words = new Uint32Array(stride / 4);
        const mask = (1n << BigInt(bits)) - 1n;
        for (let i = 0; i < limbs; i++)
          words[i] = Number(i === limbs - 1 ? value >> BigInt(bits * i) : (value >> BigInt(bits * i)) & mask);
        core.write(at(slot), new Uint8Array(words.buffer));
      };
      const plain = (slot: number): bigint => {
        const words = new Uint32Array(core.read(at(slot), stride).buffer);
        for (let i = 0; i < limbs; i++) expect(words[i]).toBeLessThan(2 ** bits);
        return words.reduceRight((sum, word, i) => (i < limbs ? (sum << BigInt(bits)) | BigInt(word) : sum), 0n);
      };
      const unmap = power(1n << BigInt(bits * limbs), p - 2n, p);
      const operand = fc.tuple(fc.integer({ min: 0, max: Number(largest) - 1 }), element);
      fc.assert(
        fc.property(operand, operand, ([k1, a], [k2, b]) => {
          const [x, y] = [BigInt(k1) * p + a, BigInt(k2) * p + b];
          storeValue(0, x);
          storeValue(1, y);
          call("Mul", at(2), at(0), at(1));
          expect(plain(2)).toBeLessThan(4n * p);
          expect(mod(plain(2), p)).toBe(mod(x * y * unmap, p));
          call("Sqr", at(2), at(0));
          expect(plain(2)).toBeLessThan(4n * p);
          expect(mod(plain(2), p)).toBe(mod(x * x * unmap, p));
        }),
        { numRuns: 400 },
      );
    });

    test("loose sums are allowed as operands up to the documented sizes, at the largest limbs", () => {
      // Operands whose limbs are all ones: the worst columns.
      const worst =
        (1n << BigInt(bits * (limbs - 1))) - 1n + ((p >> BigInt(bits * (limbs - 1))) << BigInt(bits * (limbs - 1)));
      const radix = 1n << BigInt(bits * limbs);
      const unmap = power(radix, p - 2n, p);
      const store = (slot: number): void => {
        const words = new Uint32Array(stride / 4);
        for (let i = 0; i < limbs; i++) words[i] = Number((worst >> BigInt(bits * i)) & ((1n << BigInt(bits)) - 1n));
        core.write(at(slot), new Uint8Array(words.buffer));
      };
      const value = (worst * unmap) % p;
      // A limb stays a u32, so no operand is looser than 15.
      for (let k1 = 1; k1 <= Math.min(15, field.loosest); k1++) {
        for (let k2 = 1; k1 * k2 <= field.loosest && k2 <= 15; k2++) {
          for (const [slot, times] of [
            [0, k1],
            [1, k2],
          ] as const) {
            store(slot);
            store(3);
            for (let i = 1; i < times; i++) call("AddLoose", at(slot), at(slot), at(3));
          }
          call("Mul", at(2), at(0), at(1));
          expect(get(2)).toBe(mod(value * value * BigInt(k1 * k2), p));
        }
      }
    });

    test("the largest quotients of a reduction do not overflow a column", () => {
      const width = BigInt(bits);
      const radix = 1n << (width * BigInt(limbs));
      const inverse = (value: bigint, size: bigint): bigint => {
        let found = 1n;
        for (let i = 0; i < 10; i++) found = mod(found * (2n - value * found), size);
        return found;
      };
      const ones = (1n << width) - 1n;
      // All steps but the last add a multiple of p that is -1 modulo a limb, the last one of p; where p is 1 modulo a limb, p is
      // subtracted. Here each quotient is all ones.
      const friendly = p * mod(-inverse(p, ones + 1n), ones + 1n);
      const under = (1n << (width * BigInt(limbs - 1))) - 1n;
      const added = mod(p, ones + 1n) === 1n ? -(radix - 1n) * p : under * friendly + ones * (under + 1n) * p;
      const store = (slot: number, value: bigint): void => {
        const words = new Uint32Array(stride / 4);
        for (let i = 0; i < limbs; i++) words[i] = Number((value >> (width * BigInt(i))) & ones);
        core.write(at(slot), new Uint8Array(words.buffer));
      };
      const largest = under + ((p >> (width * BigInt(limbs - 1))) << (width * BigInt(limbs - 1)));
      const unmap = power(radix, p - 2n, p);
      for (const b of [1n, 3n, largest]) {
        const a = mod(-added * inverse(b, radix), radix);
        expect(mod(a * b + added, radix)).toBe(0n);
        store(0, a);
        store(1, b);
        call("Mul", at(2), at(0), at(1));
        expect(get(2)).toBe(mod(a * b * unmap * unmap, p));
      }
    });

    test("long chains without ever making a value canonical stay correct", () => {
      fc.assert(
        fc.property(element, element, fc.array(fc.nat(5), { minLength: 20, maxLength: 60 }), (a, b, steps) => {
          put(0, a);
          put(1, b);
          let x = a;
          for (const step of steps) {
            const [suffix, next] = (
              [
                ["Mul", x * b],
                ["Add", x + b],
                ["Sub", x - b],
                ["Sqr", x * x],
                ["Neg", -x],
                ["Double", 2n * x],
              ] as const
            )[step]!;
            call(suffix, at(0), at(0), at(1));
            x = mod(next, p);
          }
          expect(get(0)).toBe(x);
        }),
        { numRuns: 100 },
      );
    });

    test("a dot product of up to 16 terms has the sum of the products", () => {
      fc.assert(
        fc.property(fc.array(fc.tuple(element, element), { minLength: 1, maxLength: 16 }), (pairs) => {
          let sum = 0n;
          pairs.forEach(([a, b], i) => {
            put(i, a);
            put(20 + i, b);
            sum += a * b;
          });
          call("Dot", at(50), at(0), at(20), pairs.length);
          expect(get(50)).toBe(sum % p);
        }),
        { numRuns: 200 },
      );
    });

    test("both inverses agree with Fermat's theorem, and zero stays zero", () => {
      fc.assert(
        fc.property(element, (a) => {
          put(0, a);
          call("Inverse", at(1), at(0));
          call("InverseFermat", at(2), at(0));
          const expected = power(a, p - 2n, p);
          expect(get(1)).toBe(expected);
          expect(get(2)).toBe(expected);
        }),
        { numRuns: 150 },
      );
    });

    test("bytes pass both orders, and numbers from p on are refused", () => {
      fc.assert(
        fc.property(element, (a) => {
          core.write(raw(), toBytes(a, bytes).reverse());
          expect(call("FromBytesBE", at(0), raw())).toBe(1);
          expect(get(0)).toBe(a);
          call("ToBytesBE", raw(), at(0));
          expect(fromBytes(core.read(raw(), bytes).reverse())).toBe(a);
        }),
      );
      for (const bad of [p, p + 1n, 2n * p, (1n << BigInt(8 * bytes)) - 1n]) {
        core.write(raw(), toBytes(bad, bytes));
        expect(call("FromBytesLE", at(0), raw())).toBe(0);
        core.write(raw(), toBytes(bad, bytes).reverse());
        expect(call("FromBytesBE", at(0), raw())).toBe(0);
      }
    });

    test("equality and zero look at the value, not at the representative", () => {
      put(0, 1n);
      put(1, p - 1n);
      call("Add", at(2), at(0), at(1));
      expect(call("IsZero", at(2))).toBe(1);
      expect(call("IsZero", at(0))).toBe(0);
      call("Neg", at(3), at(1));
      expect(call("Equal", at(3), at(0))).toBe(1);
      expect(call("Equal", at(3), at(1))).toBe(0);
    });

    test("select takes the operand exactly when the condition is 1", () => {
      put(0, 11n);
      put(1, 22n);
      call("Select", at(0), at(1), 0);
      expect(get(0)).toBe(11n);
      call("Select", at(0), at(1), 1);
      expect(get(0)).toBe(22n);
    });

    test("the plain reference computes the same products, sums and differences", () => {
      const words = bytes / 4;
      const radix = 1n << BigInt(32 * words);
      fc.assert(
        fc.property(element, element, (a, b) => {
          const [x, y, m, r] = [raw(), raw() + 64, raw() + 128, raw() + 192];
          core.write(x, toBytes((a * radix) % p, bytes));
          core.write(y, toBytes((b * radix) % p, bytes));
          core.write(m, toBytes(p, bytes));
          put(0, a);
          put(1, b);
          for (const suffix of ["Mul", "Add", "Sub"]) {
            core.write(x, toBytes((a * radix) % p, bytes));
            core.exports[`ref${suffix}`]!(r, x, y, m, words);
            const reference = (fromBytes(core.read(r, bytes)) * power(radix, p - 2n, p)) % p;
            call(suffix, at(2), at(0), at(1));
            expect(get(2)).toBe(reference);
          }
        }),
        { numRuns: 100 },
      );
    });
  });
}

describe("fp2", () => {
  const { p, bytes, stride } = FIELDS[1];
  const element = fc.oneof(fc.bigInt({ min: 0n, max: p - 1n }), fc.constantFrom(0n, 1n, p - 1n, p - 2n));

  test("products and squares agree with plain integers, also for loose operands", () => {
    const memory = core.exports.kernelMemory(4096);
    const raw = memory + 2048;
    const put = (slot: number, value: bigint): void => {
      core.write(raw, toBytes(value, bytes));
      core.exports["fpFromBytesLE"]!(memory + slot * stride, raw);
    };
    const get = (slot: number): bigint => {
      core.exports["fpToBytesLE"]!(raw, memory + slot * stride);
      return fromBytes(core.read(raw, bytes));
    };
    fc.assert(
      fc.property(element, element, element, element, (a, b, c, d) => {
        [a, b, c, d].forEach((value, slot) => {
          put(slot, value);
        });
        core.exports["fp2Mul"]!(memory + 4 * stride, memory, memory + 2 * stride);
        expect([get(4), get(5)]).toEqual([mod(a * c - b * d, p), mod(a * d + b * c, p)]);
        core.exports["fp2Sqr"]!(memory + 4 * stride, memory);
        expect([get(4), get(5)]).toEqual([mod(a * a - b * b, p), mod(2n * a * b, p)]);
        for (const slot of [0, 1, 2, 3])
          core.exports["fpAddLoose"]!(memory + slot * stride, memory + slot * stride, memory + slot * stride);
        core.exports["fp2Mul"]!(memory + 4 * stride, memory, memory + 2 * stride);
        expect([get(4), get(5)]).toEqual([mod(4n * (a * c - b * d), p), mod(4n * (a * d + b * c), p)]);
        core.exports["fp2Sqr"]!(memory, memory);
        expect([get(0), get(1)]).toEqual([mod(4n * (a * a - b * b), p), mod(8n * a * b, p)]);
      }),
      { numRuns: 300 },
    );
  });
});

test("products with and without SIMD are the same limb by limb, of loose operands too, wherever the result lies", () => {
  const places = BUILDS.map((name) => ({ core: cores[name]!, at: cores[name]!.exports.kernelMemory(1024) }));
  for (const { name, stride, bits, limbs, p } of FIELDS) {
    const top = Number(p >> BigInt(bits * (limbs - 1)));
    // Twice a tight limb is what both fields take of one factor; Fp2 takes it of both.
    const operand = (twice: boolean): fc.Arbitrary<Uint8Array> =>
      fc
        .array(fc.oneof(fc.nat(2 ** bits - 1), fc.constantFrom(0, 2 ** bits - 1)), {
          minLength: limbs,
          maxLength: limbs,
        })
        .map((words) => {
          const factor = twice ? 2 : 1;
          const list = words.map((word, i) => factor * (i === limbs - 1 ? word % (top + 1) : word));
          return new Uint8Array(Uint32Array.from({ length: stride / 4 }, (_, i) => list[i] ?? PADDING).buffer);
        });
    const kernels: readonly (readonly [string, number, boolean, boolean])[] =
      name === "fr"
        ? [["frMul", 1, true, false] as const, ["frSqr", 1, false, false] as const]
        : [
            ["fpMul", 1, true, true] as const,
            ["fpSqr", 1, true, true] as const,
            ["fp2Mul", 2, true, true] as const,
            ["fp2Sqr", 2, false, false] as const,
          ];
    for (const [kernel, size, looseA, looseB] of kernels)
      for (const target of [128, 256, 512])
        fc.assert(
          fc.property(
            fc.tuple(operand(looseA), operand(looseA)),
            fc.tuple(operand(looseB), operand(looseB)),
            (a, b) => {
              const [plain, vectors] = places.map(({ core: build, at }) => {
                for (let i = 0; i < size; i++) {
                  build.write(at + 128 + i * stride, a[i]!);
                  build.write(at + 256 + i * stride, b[i]!);
                }
                build.exports[kernel]!(at + target, at + 128, at + 256);
                return toHex(build.read(at + target, (size - 1) * stride + 4 * limbs));
              });
              expect(vectors).toBe(plain);
            },
          ),
          { numRuns: 100 },
        );
  }
});
