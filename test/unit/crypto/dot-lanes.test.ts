/** Poseidon's dot products in SIMD: against plain numbers and against the form without SIMD, at the limits that the generator's head names. */
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { beforeAll, expect, test } from "vitest";
import { Instance } from "../../../src/core/instance.ts";
import { compileModule } from "../../../src/core/load.ts";

type Kernels = Record<string, (...operands: number[]) => number>;

let core: Instance<Kernels>;
let at: number;
beforeAll(async () => {
  core = await Instance.create<Kernels>(await compileModule("curve-test.wasm"), { name: "curve-test.wasm" });
  at = (core.exports["kernelMemory"]!(16_384) + 15) & ~15;
});

const P = bls12_381.fields.Fr.ORDER;
const BITS = 29n;
const SIZE = 40;
const SPREAD = 96;
const MOST = 24;

function put(to: number, value: bigint): void {
  const bytes = new DataView(new ArrayBuffer(SIZE));
  for (let i = 0; i < 9; i++) bytes.setUint32(4 * i, Number(BigInt.asUintN(29, value >> (BITS * BigInt(i)))), true);
  core.write(to, new Uint8Array(bytes.buffer));
}

/** Reads an element, and that it is tight. */
function get(from: number): bigint {
  const bytes = new DataView(core.read(from, SIZE).slice().buffer);
  const limbs = Array.from({ length: 9 }, (_, i) => bytes.getUint32(4 * i, true));
  expect(limbs.filter((limb) => limb >= 2 ** 29)).toEqual([]);
  const value = limbs.reduceRight((sum, limb) => (sum << BITS) + BigInt(limb), 0n);
  expect(value < 4n * P).toBe(true);
  return value;
}

/** Limbs of 13 bits, two in a word, as one number. */
function getWords(from: number): bigint {
  const bytes = new DataView(core.read(from, SIZE).slice().buffer);
  const limbs = Array.from({ length: 20 }, (_, i) => bytes.getUint16(2 * i, true));
  expect(limbs.filter((limb) => limb >= 2 ** 13)).toEqual([]);
  return limbs.reduceRight((sum, limb) => (sum << 13n) + BigInt(limb), 0n);
}

const inverse = (exponent: bigint): bigint => bls12_381.fields.Fr.inv((1n << exponent) % P);
const every13 = (limb: bigint): bigint => Array.from({ length: 19 }).reduce<bigint>((sum) => (sum << 13n) + limb, 0n);

function random(limit: bigint, seed: bigint): bigint {
  let x = 0x9e3779b97f4a7c15n + seed;
  for (let i = 0; i < 4; i++) x = (x * x + 0x2545f4914f6cdd1dn) % (1n << 521n);
  return x % limit;
}

/** Sums in both forms, where the second takes twice the constants, and once more in words. */
function sums(elements: readonly bigint[], constants: readonly bigint[]) {
  const [words, spread, plain, doubled] = [at, at + 2048, at + 8192, at + 12_288];
  const [one, scratch, result] = [at + 1024, at + 1088, at + 1152];
  put(one, (1n << 261n) % P);
  core.write(spread, new Uint8Array(16 + SPREAD * MOST));
  elements.forEach((value, i) => {
    put(plain + SIZE * i, value);
    core.exports["toWords"]!(words + SIZE * i, plain + SIZE * i);
    expect(getWords(words + SIZE * i)).toBe(value);
  });
  constants.forEach((value, i) => {
    put(doubled + SIZE * i, (2n * value) % P);
    put(scratch, value);
    core.exports["spreadConstant"]!(spread + 16 + SPREAD * i, scratch, one);
  });
  const count = elements.length;
  core.exports["dotLanesBoth"]!(result, result + 64, words, SIZE, spread + 16, count);
  const both = get(result);
  expect(getWords(result + 64)).toBe(both);
  core.exports["dotLanes"]!(result, words, SIZE, spread + 16, count);
  expect(get(result)).toBe(both);
  core.exports["dot"]!(result, plain, SIZE, doubled, count);
  expect((get(result) - both) % P).toBe(0n);
  return both;
}

test("sums of one to 24 products, at the limits of limbs and values too", () => {
  const elements = [4n * P - 1n, every13(8191n), (3n << 255n) + every13(8191n), 0n, 1n, P, (1n << 26n) - 1n];
  // All limbs 2^12, or one less, or as negative as they get.
  const constants = [every13(4096n), every13(4097n), P - 1n, (70n << 247n) + every13(4096n), 0n, 1n, 1n << 254n];
  for (let count = 1; count <= MOST; count++) {
    for (let turn = 0; turn < 8; turn++) {
      const of = (list: readonly bigint[], limit: bigint, i: number): bigint =>
        turn < 4
          ? list[(turn === 0 ? 1 : i + turn * count) % list.length]!
          : random(limit, BigInt(97 * count + 31 * turn + i));
      const a = Array.from({ length: count }, (_, i) => of(elements, 4n * P, i));
      const c = Array.from({ length: count }, (_, i) => (turn === 1 ? constants[0]! : of(constants, P, 3 * i)));
      const sum = a.reduce((total, value, i) => total + value * c[i]!, 0n);
      expect(sums(a, c) % P).toBe((sum * inverse(260n)) % P);
    }
  }
});

test("the greatest sum stays tight", () => {
  const a = Array.from({ length: MOST }, () => 4n * P - 1n);
  const c = Array.from({ length: MOST }, () => P - 1n);
  expect(sums(a, c) % P).toBe((BigInt(MOST) * inverse(260n)) % P);
});
