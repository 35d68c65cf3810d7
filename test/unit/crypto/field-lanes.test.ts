/** Fp with four elements side by side: every kernel against plain numbers, at the limits that its head names. */
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { beforeAll, expect, test } from "vitest";
import { Instance } from "../../../src/core/instance.ts";
import { compileModule } from "../../../src/core/load.ts";

type Kernels = Record<string, (...operands: number[]) => number>;

let core: Instance<Kernels>;
let at: number;
beforeAll(async () => {
  core = await Instance.create<Kernels>(await compileModule("curve-test.wasm"), { name: "curve-test.wasm" });
  at = (core.exports["kernelMemory"]!(4096) + 15) & ~15;
});

const P = bls12_381.fields.Fp.ORDER;
const R = 1n << 390n;
const BITS = 13n;
const mod = (value: bigint): bigint => ((value % P) + P) % P;

/** Writes signed limbs of four elements; the topmost limb takes what is above. */
function put(to: number, values: readonly bigint[]): void {
  const bytes = new DataView(new ArrayBuffer(240));
  values.forEach((value, lane) => {
    for (let i = 0; i < 30; i++) {
      const limb = i < 29 ? BigInt.asUintN(13, value >> (BITS * BigInt(i))) : value >> (BITS * 29n);
      bytes.setInt16(16 * (i >> 1) + 4 * lane + 2 * (i & 1), Number(limb), true);
    }
  });
  core.write(to, new Uint8Array(bytes.buffer));
}

/** Reads four elements, and that their limbs are tight. */
function get(from: number): bigint[] {
  const bytes = new DataView(core.read(from, 240).slice().buffer);
  return [0, 1, 2, 3].map((lane) => {
    const limbs = Array.from({ length: 30 }, (_, i) => bytes.getInt16(16 * (i >> 1) + 4 * lane + 2 * (i & 1), true));
    expect(limbs.filter((limb) => limb < 0 || limb >= 1 << 13)).toEqual([]);
    return limbs.reduceRight((value, limb) => (value << BITS) + BigInt(limb), 0n);
  });
}

/** Numbers below a limit, limits of limbs among them. */
function numbers(count: number, limit: bigint): bigint[] {
  const list = [
    0n,
    1n,
    P - 1n,
    P,
    P + 1n,
    limit - 1n,
    limit - P,
    (1n << 377n) - 1n,
    (1n << 364n) - 1n,
    (1n << 26n) - 1n,
  ];
  let x = 0x9e3779b97f4a7c15n;
  while (list.length < count) {
    x = (x * x + 0x2545f4914f6cdd1dn) % (1n << 521n);
    list.push(x % limit);
  }
  return list;
}

test("products of operands up to 16p, by Montgomery's factor and below 3p", () => {
  const list = numbers(60, 16n * P);
  for (let i = 0; i < list.length; i += 4) {
    const a = list.slice(i, i + 4);
    for (const shift of [0, 1, 7, 33]) {
      const b = a.map((_, lane) => list[(i + lane * 3 + shift) % list.length]!);
      put(at, a);
      put(at + 256, b);
      core.exports["laneMul"]!(at + 512, at, at + 256);
      get(at + 512).forEach((r, lane) => {
        expect(mod(r * R)).toBe(mod(a[lane]! * b[lane]!));
        expect(r < 3n * P).toBe(true);
      });
      core.exports["laneMul"]!(at, at, at);
      get(at).forEach((r, lane) => {
        expect(mod(r * R)).toBe(mod(a[lane]! * a[lane]!));
      });
    }
  }
});

test("the largest limbs do not overflow a column", () => {
  const most = (1n << 389n) - 1n;
  put(at, [most, most, most, most]);
  core.exports["laneMul"]!(at + 512, at, at);
  const bytes = new DataView(core.read(at + 512, 240).slice().buffer);
  let r = 0n;
  for (let i = 29; i >= 0; i--) r = (r << BITS) + BigInt(bytes.getUint16(16 * (i >> 1) + 2 * (i & 1), true));
  expect(mod(r * R)).toBe(mod(most * most));
});

test("signed values from -15p to 15p are reduced to at most 1.01p", () => {
  const list = numbers(60, 15n * P).flatMap((value) => [value, -value, value - 15n * P + 1n, -(value % (2n * P))]);
  for (let i = 0; i < list.length; i += 4) {
    const d = list.slice(i, i + 4);
    put(at, d);
    core.exports["laneReduce"]!(at + 512, at);
    get(at + 512).forEach((r, lane) => {
      expect(mod(r)).toBe(mod(d[lane]!));
      expect(100n * r <= 101n * P).toBe(true);
    });
  }
});

test("limbs that are differences and sums of three may have any sign", () => {
  const list = numbers(60, 4n * P);
  const bytes = new DataView(new ArrayBuffer(240));
  for (let n = 0; n + 3 <= list.length; n++) {
    const [a, b, c] = list.slice(n, n + 3) as [bigint, bigint, bigint];
    for (let i = 0; i < 30; i++) {
      const limb = (value: bigint): number => Number((value >> (BITS * BigInt(i))) & 8191n);
      for (let lane = 0; lane < 4; lane++) {
        const value = [limb(a) - limb(b) - limb(c), 3 * limb(a), -limb(a) - limb(b), limb(c) - limb(a)][lane]!;
        bytes.setInt16(16 * (i >> 1) + 4 * lane + 2 * (i & 1), value, true);
      }
    }
    core.write(at, new Uint8Array(bytes.buffer));
    core.exports["laneReduce"]!(at + 512, at);
    expect(get(at + 512).map(mod)).toEqual([a - b - c, 3n * a, -a - b, c - a].map(mod));
  }
});

test("inverses of four at a time", () => {
  const list = numbers(44, 3n * P).filter((value) => value % P !== 0n);
  for (let i = 0; i + 4 <= list.length; i += 4) {
    const a = list.slice(i, i + 4);
    put(at, a);
    core.exports["laneInverse"]!(at);
    get(at).forEach((r, lane) => {
      expect(mod(r * a[lane]!)).toBe(mod(R * R));
    });
  }
});

test("to narrow elements and back, through lanes, and negated", () => {
  const { fpFromBytesBE, fpToBytesBE, fpToNarrow, fpFromNarrow, narrowNegate, laneGather, laneScatter } = core.exports;
  const encode = (value: bigint): Uint8Array =>
    Uint8Array.from({ length: 48 }, (_, i) => Number((value >> BigInt(8 * (47 - i))) & 255n));
  const [bytes, fp, addresses, narrow, lanes] = [at, at + 64, at + 128, at + 256, at + 1024];
  const list = numbers(40, P).filter((value) => value < P && value > 0n);
  for (let i = 0; i + 4 <= list.length; i += 4) {
    const a = list.slice(i, i + 4);
    a.forEach((value, lane) => {
      core.write(bytes, encode(value));
      fpFromBytesBE!(fp, bytes);
      fpToNarrow!(narrow + 64 * lane, fp);
      core.write(addresses + 4 * lane, new Uint8Array(Uint32Array.of(narrow + 64 * lane).buffer));
    });
    laneGather!(lanes, addresses);
    expect(get(lanes).map(mod)).toEqual(a.map((value) => mod(value * R)));
    core.write(narrow, new Uint8Array(256));
    laneScatter!(addresses, lanes);
    a.forEach((value, lane) => {
      fpFromNarrow!(fp, narrow + 64 * lane);
      fpToBytesBE!(bytes, fp);
      expect(core.read(bytes, 48)).toEqual(encode(value));
      narrowNegate!(narrow + 64 * lane, narrow + 64 * lane);
      fpFromNarrow!(fp, narrow + 64 * lane);
      fpToBytesBE!(bytes, fp);
      expect(core.read(bytes, 48)).toEqual(encode(mod(-value)));
    });
  }
});
