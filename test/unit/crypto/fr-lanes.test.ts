/** Fr with eight elements side by side: every kernel against plain numbers, at the limits that its generator's head names. */
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
const OVER_R = bls12_381.fields.Fr.inv((1n << 260n) % P);
const SIZE = 320;
const LANES = [0, 1, 2, 3, 4, 5, 6, 7];
/** Where limb i of a lane stands. */
const placeOf = (lane: number, i: number): number => 160 * (lane >> 2) + 16 * (i >> 1) + 4 * (lane & 3) + 2 * (i & 1);
const SPREAD = 96;
const mod = (value: bigint): bigint => ((value % P) + P) % P;
const limb = (value: bigint, i: number): bigint => (value >> BigInt(13 * i)) & (i < 19 ? 0x1fffn : 0xffffn);

/** Writes eight elements; the topmost limb takes what is above. */
function put(to: number, values: readonly bigint[]): void {
  const bytes = new DataView(new ArrayBuffer(SIZE));
  values.forEach((value, lane) => {
    for (let i = 0; i < 20; i++) bytes.setUint16(placeOf(lane, i), Number(limb(value, i)), true);
  });
  core.write(to, new Uint8Array(bytes.buffer));
}

/** Writes an element as `frMul` has it. */
function putPlain(to: number, value: bigint): void {
  const limbs = Array.from({ length: 10 }, (_, i) => Number(BigInt.asUintN(29, value >> BigInt(29 * i))));
  core.write(to, new Uint8Array(Uint32Array.from(limbs).buffer));
}

/** Reads eight elements, and that they are tight. */
function get(from: number, limit = 4n * P): bigint[] {
  const bytes = new DataView(core.read(from, SIZE).slice().buffer);
  return LANES.map((lane) => {
    const limbs = Array.from({ length: 20 }, (_, i) => bytes.getUint16(placeOf(lane, i), true));
    expect(limbs.filter((each) => each >= 1 << 13)).toEqual([]);
    const value = limbs.reduceRight((sum, each) => (sum << 13n) + BigInt(each), 0n);
    expect(value < limit).toBe(true);
    return value;
  });
}

const every = (each: bigint): bigint => Array.from({ length: 19 }).reduce<bigint>((sum) => (sum << 13n) + each, 0n);

/** Numbers below a limit, limits of limbs among them. */
function numbers(count: number, limit: bigint): bigint[] {
  const list = [0n, 1n, P - 1n, P, P + 1n, limit - 1n, every(8191n), ((limit >> 247n) << 247n) - 1n, every(4096n)];
  list.push(every(4097n), (1n << 26n) - 1n, (1n << 64n) - 1n, limit - P);
  let x = 0x9e3779b97f4a7c15n;
  while (list.length < count) {
    x = (x * x + 0x2545f4914f6cdd1dn) % (1n << 521n);
    list.push(x % limit);
  }
  return list.map((value) => value % limit);
}

/** Writes a constant as limbs in words of their own. */
function putLimbs(to: number, value: bigint): void {
  core.write(to, new Uint8Array(Uint32Array.from({ length: 20 }, (_, i) => Number(limb(value, i))).buffer));
}

test("products, with a constant beside them, and squares of tight elements, by Montgomery's factor and below 1.5p", () => {
  const constants = [0n, 1n, P - 1n, every(8191n) % (1n << 247n), (P >> 247n) << 247n, P - (P % (1n << 130n))];
  const list = numbers(64, 4n * P);
  const least = (3n * P) / 2n;
  for (let i = 0; i < list.length; i += 8) {
    const a = list.slice(i, i + 8);
    put(at, a);
    core.exports["frLanesSqr"]!(at + 1024, at);
    expect(get(at + 1024, least).map(mod)).toEqual(a.map((value) => mod(value * value * OVER_R)));
    for (const shift of [0, 1, 7, 33]) {
      const b = a.map((_, lane) => list[(i + lane * 3 + shift) % list.length]!);
      put(at, a);
      put(at + 512, b);
      const constant = constants[(i / 8 + shift) % constants.length]!;
      putLimbs(at + 2048, constant);
      core.exports["frLanesMulAdd"]!(at, at, at + 512, at + 2048);
      expect(get(at, least + constant).map(mod)).toEqual(
        a.map((value, lane) => mod(value * b[lane]! * OVER_R + constant)),
      );
    }
  }
});

test("sums of products with constants", () => {
  const elements = numbers(40, 4n * P);
  const constants = numbers(23, P);
  const [spread, one, scratch] = [at + 8192, at + 10_240, at + 10_368];
  putPlain(one, (1n << 261n) % P);
  for (let turn = 0; turn < 40; turn++) {
    const count = 1 + (turn % 5);
    const c = Array.from({ length: count }, (_, i) => constants[(turn + 3 * i) % constants.length]!);
    c.forEach((value, i) => {
      putPlain(scratch, value);
      core.exports["spreadConstant"]!(spread + SPREAD * i, scratch, one);
    });
    const a = c.map((_, i) => LANES.map((lane) => elements[(turn * 5 + i * 7 + lane) % elements.length]!));
    a.forEach((values, i) => {
      put(at + SIZE * i, values);
    });
    core.exports["frLanesDot"]!(at + 4096, at, spread, count);
    const scaled = a[0]!.map((value, lane) => value + a.at(-1)![lane]!);
    const sums = LANES.map((lane) => a.reduce((sum, values, i) => sum + values[lane]! * c[i]!, 0n));
    expect(get(at + 4096).map(mod)).toEqual(sums.map((sum) => mod(sum * OVER_R)));
    // One product may take a sum of two elements that nothing was carried in.
    const loose = (from: number): Uint16Array => new Uint16Array(core.read(from, SIZE).slice().buffer);
    const [first, last] = [loose(at), loose(at + SIZE * (count - 1))];
    core.write(at + 2048, new Uint8Array(first.map((each, i) => each + last[i]!).buffer));
    core.exports["frLanesScale"]!(at + 4096, at + 2048, spread);
    expect(get(at + 4096).map(mod)).toEqual(scaled.map((value) => mod(value * c[0]! * OVER_R)));
  }
});

test("columns with signs, from -2^13 p to (2^15 - 1) p, made tight", () => {
  const limits = [-(P << 13n), (P << 15n) - P, -1n, 0n, 1n, -P, P, P - 1n];
  const list = [
    ...limits,
    ...numbers(64, P << 15n)
      .map((value) => value - (P << 13n))
      .filter((value) => value < limits[1]!),
  ];
  // Each column but the last takes almost 2^29 from the next one's share: up and down by turns, or all one way.
  for (const sign of [(j: number) => (j % 2 === 0 ? 1n : -1n), () => 1n, () => -1n]) {
    for (let i = 0; i + 8 <= list.length; i += 8) {
      const values = list.slice(i, i + 8);
      const words = new Int32Array(160);
      values.forEach((value, lane) => {
        let rest = value;
        for (let j = 0; j < 20; j++) {
          const low = j < 19 ? BigInt.asIntN(13, rest) + sign(j) * 65_535n * 8192n : rest;
          words[80 * (lane >> 2) + 4 * j + (lane & 3)] = Number(low);
          rest = (rest - low) >> 13n;
        }
      });
      core.write(at, new Uint8Array(words.buffer));
      core.exports["frLanesReduce"]!(at + 4096, at);
      expect(get(at + 4096).map(mod)).toEqual(values.map(mod));
    }
  }
});

test("columns as large as they get: every limb of elements and constants at its limit", () => {
  const element = (((4n * P) >> 247n) - 1n) * (1n << 247n) + every(8191n);
  const top = ((P >> 247n) - 1n) << 247n;
  // Limbs of 2^12, and of -2^12 + 1.
  for (const constant of [top + every(4096n), top + every(4096n) + 1n]) {
    const [spread, one, scratch] = [at + 8192, at + 10_240, at + 10_368];
    putPlain(one, (1n << 261n) % P);
    putPlain(scratch, constant);
    for (let i = 0; i < 6; i++) {
      put(
        at + SIZE * i,
        LANES.map(() => element),
      );
      core.exports["spreadConstant"]!(spread + SPREAD * i, scratch, one);
    }
    for (let count = 1; count <= 6; count++) {
      core.exports["frLanesDot"]!(at + 4096, at, spread, count);
      const sum = mod(BigInt(count) * element * constant * OVER_R);
      expect(get(at + 4096).map(mod)).toEqual(LANES.map(() => sum));
    }
    const loose = new Uint16Array(core.read(at, SIZE).slice().buffer).map((each) => 2 * each);
    core.write(at + 2048, new Uint8Array(loose.buffer));
    core.exports["frLanesScale"]!(at + 4096, at + 2048, spread);
    expect(get(at + 4096).map(mod)).toEqual(LANES.map(() => mod(2n * element * constant * OVER_R)));
  }
  putLimbs(at + 2048, 0n);
  for (const kernel of ["frLanesMulAdd", "frLanesSqr"]) {
    core.exports[kernel]!(at + 4096, at, at, at + 2048);
    expect(get(at + 4096, (3n * P) / 2n).map(mod)).toEqual(LANES.map(() => mod(element * element * OVER_R)));
  }
});

test("columns of sums with small integers, divided by 2^52", () => {
  const overDivisor = bls12_381.fields.Fr.inv((1n << 52n) % P);
  // The greatest value, and columns of 2^31 less what the reduction and carries add, up and down by turns.
  const most = (P << 52n) / 10n;
  const list = [0n, 1n, P, (1n << 52n) - 1n, 1n << 52n, most - 1n, ...numbers(58, most)];
  const share = ((1n << 31n) - (1n << 28n)) >> 13n;
  for (const sign of [(j: number) => (j % 2 === 0 ? 1n : -1n), () => 0n, () => 1n, () => -1n]) {
    for (let i = 0; i + 8 <= list.length; i += 8) {
      const values = list.slice(i, i + 8);
      const words = new Int32Array(176);
      const parts = Array.from({ length: 3 }, () => new Int32Array(176));
      values.forEach((value, lane) => {
        let rest = value;
        for (let j = 0; j < 22; j++) {
          const low = j < 21 ? BigInt.asIntN(13, rest) + sign(j) * share * 8192n : rest;
          words[88 * (lane >> 2) + 4 * j + (lane & 3)] = Number(low);
          rest = (rest - low) >> 13n;
        }
      });
      // Three sums that come to that, two of which are as large as they please.
      words.forEach((word, i) => {
        parts[0]![i] = (i * 0x9e3779b1) | 0;
        parts[1]![i] = (i * 0x85ebca77) | 0;
        parts[2]![i] = word - parts[0]![i]! - parts[1]![i]!;
      });
      parts.forEach((part, i) => {
        core.write(at + 704 * i, new Uint8Array(part.buffer));
      });
      core.exports["frLanesDivide"]!(at + 4096, at, at + 704, at + 1408);
      expect(get(at + 4096, (11n * P) / 10n + 1n).map(mod)).toEqual(values.map((value) => mod(value * overDivisor)));
    }
  }
});

test("Poseidon's matrix of width 9 in small integers", () => {
  const overDivisor = bls12_381.fields.Fr.inv((1n << 52n) % P);
  const multiple = core.exports["HANKEL_MULTIPLE"] as unknown as WebAssembly.Global;
  const top = ((4n * P) >> 247n) - 1n;
  // Every limb at its most, and each lane alone.
  const full = top * (1n << 247n) + every(8191n);
  const list = [full, ...numbers(63, 4n * P)];
  const state = (turn: number): bigint[][] =>
    Array.from({ length: 9 }, (_, i) =>
      LANES.map((lane) =>
        turn === 0
          ? full
          : turn < 10
            ? i === turn - 1
              ? full - BigInt(lane)
              : 0n
            : list[(turn * 7 + i * 5 + lane) % 64]!,
      ),
    );
  for (let turn = 0; turn < 40; turn++) {
    const lanes = state(turn);
    lanes.forEach((values, i) => {
      put(at + SIZE * i, values);
    });
    core.exports["multiplyHankel"]!(at);
    for (let j = 0; j < 9; j++) {
      const sums = LANES.map((lane) =>
        lanes.reduce((sum, values, i) => sum + values[lane]! * (BigInt(multiple.value) / BigInt(i + j + 9)), 0n),
      );
      expect(get(at + SIZE * j, (11n * P) / 10n).map(mod)).toEqual(sums.map((sum) => mod(sum * overDivisor)));
    }
  }
});
