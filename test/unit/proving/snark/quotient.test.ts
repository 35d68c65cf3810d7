/** The quotient by windows of any size against the one made in one go, and against its definition. */
import { describe, expect, test } from "vitest";
import { toHex } from "../../../../src/base/bytes.ts";
import { loadProofs } from "../../../../src/core/proofs.ts";
import { inThisThread } from "../../../../src/proving/in-thread.ts";
import { passStages, performQuotient, reverseBits } from "../../../../src/proving/snark/passes.ts";
import { pagedQuotient, quotient } from "../../../../src/proving/snark/quotient.ts";
import { MemorySectorStore } from "../../../../src/sector/store.ts";
import { prng } from "../../../support/prng.ts";
import { power, R } from "../../../support/scalars.ts";

const proofs = await loadProofs();
const scheduler = inThisThread();

const numberAt = (bytes: Uint8Array, i: number): bigint =>
  bytes.subarray(32 * i, 32 * i + 32).reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);

/** Values of `count` rows that hold: c = a b, all packed. */
function rowsOf(count: number): [Uint8Array, Uint8Array, Uint8Array] {
  const bytes = 32 * count;
  return proofs.with(3 * bytes, (at) => {
    for (const i of [0, 1]) {
      const some = prng(i + count, bytes);
      for (let k = 31; k < bytes; k += 32) some[k] = (some[k] as number) & 0x3f;
      proofs.instance.write(at + i * bytes, some);
    }
    proofs.instance.wipe(at + 2 * bytes, bytes);
    // c = a b - 0
    proofs.exports.quotientJoin(at, at + bytes, at + 2 * bytes, at + 2 * bytes, count);
    return [0, 1, 2].map((i) => proofs.instance.read(at + i * bytes, bytes)) as [Uint8Array, Uint8Array, Uint8Array];
  });
}

test("passes are few and even", () => {
  expect(passStages(11)).toEqual([11]);
  expect(passStages(12)).toEqual([6, 6]);
  expect(passStages(22)).toEqual([11, 11]);
  expect(passStages(23)).toEqual([8, 8, 7]);
  expect(passStages(27)).toEqual([9, 9, 9]);
});

describe.each([
  [3, 5],
  [5, 32],
  [8, 200],
])("2^%i, %i rows", (bits, count) => {
  test("h z = a b - c as polynomials, at a point of no meaning", () => {
    const rows = rowsOf(count);
    const n = 2 ** bits;
    const h = performQuotient(proofs, { kind: "quotient", bits, rows });
    const at = 123456789n;
    const value = Array.from({ length: n }, (_, i) => numberAt(h, reverseBits(i, bits)) * power(at, BigInt(i))).reduce(
      (sum, term) => (sum + term) % R,
      0n,
    );
    expect(numberAt(h, reverseBits(n - 1, bits))).toBe(0n);
    // The rows' polynomials by their Lagrange form: sum of v[i] w^i (x^n - 1) / (n (x - w^i)).
    const root = power(power(7n, (R - 1n) >> 32n), 1n << BigInt(32 - bits));
    const z = (power(at, BigInt(n)) + R - 1n) % R;
    const inverse = (x: bigint): bigint => power(x, R - 2n);
    const radix = inverse(power(2n, 261n));
    const [a, b, c] = rows.map((bytes) => {
      let sum = 0n;
      for (let i = 0; i < count; i++) {
        const w = power(root, BigInt(i));
        const v = (numberAt(bytes, i) * radix) % R;
        sum = (sum + ((v * w) % R) * inverse((BigInt(n) * ((at - w + R) % R)) % R)) % R;
      }
      return (sum * z) % R;
    }) as [bigint, bigint, bigint];
    expect((value * z) % R).toBe((((a * b - c) % R) + R) % R);
  });
});

describe.each([12, 13])("2^%i", (bits) => {
  const rows = rowsOf(2 ** bits - 77);
  const whole = performQuotient(proofs, { kind: "quotient", bits, rows });

  test.each([7, 9, 11])("by windows of 2^%i", async (windowBits) => {
    const passes: number[] = [];
    const h = await quotient(scheduler, rows, bits, { windowBits, onWindow: (done) => passes.push(done) });
    expect(passes).toEqual([1, 2, 3, 4]);
    for (let i = 0; i < 2 ** bits; i += 1 + (i % 13))
      expect(numberAt(h, i)).toBe(numberAt(whole, reverseBits(i, bits)));
  });
});

test.each([2, 3, 4])("2^9 by passes of at most %i stages", async (mostStages) => {
  const rows = rowsOf(500);
  const whole = performQuotient(proofs, { kind: "quotient", bits: 9, rows });
  const h = await quotient(scheduler, rows, 9, { windowBits: 4, mostStages });
  expect(Array.from({ length: 512 }, (_, i) => numberAt(h, i))).toEqual(
    Array.from({ length: 512 }, (_, i) => numberAt(whole, reverseBits(i, 9))),
  );
});

describe("vectors in files", () => {
  const bits = 12;
  const rows = rowsOf(2 ** bits - 77);

  test.each([
    ["two passes, least windows", 11, 2 ** 15],
    ["two passes, larger windows", 11, 2 ** 17],
    ["four passes, least windows", 3, 2 ** 12],
    ["four passes, larger windows", 3, 2 ** 16],
  ])("%s", async (_, mostStages, memoryBytes) => {
    const held = await quotient(scheduler, rows, bits, { windowBits: 7 });
    const store = new MemorySectorStore();
    let largest = 0;
    const read = store.read.bind(store);
    store.read = (name, from, length) => {
      largest = Math.max(largest, length);
      return read(name, from, length);
    };
    const h = await pagedQuotient(scheduler, store, rows, bits, { memoryBytes, mostStages });
    // No reading was larger than its share of the limit.
    expect(largest).toBeLessThanOrEqual(memoryBytes / 4);
    expect(toHex(await h.part(0, h.length))).toBe(toHex(held));
    expect(h.length).toBe(32 * 2 ** bits);
    expect([...store.files.keys()]).toEqual(["h"]);
  });

  test("less memory than the smallest windows take is refused", async () => {
    const store = new MemorySectorStore();
    const paged = pagedQuotient(scheduler, store, rows, bits, { memoryBytes: 2 ** 14 });
    await expect(paged).rejects.toMatchObject({ data: { code: "MEMORY_LIMIT", limit: 2 ** 14 } });
    expect(store.files.size).toBe(0);
  });
});

test("rows with room for the domain become its vectors, if they may, whatever lies behind them", async () => {
  const bits = 12;
  const rows = rowsOf(2 ** bits - 77);
  const whole = performQuotient(proofs, { kind: "quotient", bits, rows });
  const withRoom = (): [Uint8Array, Uint8Array, Uint8Array] =>
    rows.map((row) => {
      const all = new Uint8Array(32 * 2 ** bits + 64).fill(7);
      all.set(row, 32);
      return all.subarray(32, 32 + row.length);
    }) as [Uint8Array, Uint8Array, Uint8Array];
  const [kept, taken] = [withRoom(), withRoom()];
  // A vector of h alone, and not three more: what the limit allows where the rows are taken.
  const limits = { windowBits: 9, memoryBytes: 32 * 2 ** bits };
  const [safe, made] = [
    await quotient(scheduler, kept, bits, { windowBits: 9 }),
    await quotient(scheduler, taken, bits, { ...limits, ownsRows: true }),
  ];
  expect(kept.map((row) => toHex(row))).toEqual(rows.map((row) => toHex(row)));
  expect(toHex(taken[0])).not.toBe(toHex(rows[0]));
  expect(toHex(made)).toBe(toHex(safe));
  expect(numberAt(made, 5)).toBe(numberAt(whole, reverseBits(5, bits)));
  // Behind the domain nothing is touched.
  expect(new Uint8Array(taken[0].buffer).at(-1)).toBe(7);
});

test("vectors larger than the limit are refused before they are made", async () => {
  const bits = 23;
  await expect(
    quotient(scheduler, [new Uint8Array(32), new Uint8Array(32), new Uint8Array(32)], bits, { memoryBytes: 2 ** 28 }),
  ).rejects.toMatchObject({ data: { code: "MEMORY_LIMIT", limit: 2 ** 28 } });
});
