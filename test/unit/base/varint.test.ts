/** Varints and CBOR heads: what the readers of addresses, CAR files, bitfields and blocks are built on. */
import * as dagCbor from "@ipld/dag-cbor";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CborHeads } from "../../../src/base/cbor-head.ts";
import { decodeVarint, encodeVarint } from "../../../src/base/varint.ts";

test("what was encoded is read again, wherever it stands", () => {
  fc.assert(
    fc.property(fc.bigInt(0n, (1n << 63n) - 1n), fc.nat(5), (value, at) => {
      const bytes = encodeVarint(value);
      const there = new Uint8Array(at + bytes.length + 3).fill(0xff);
      there.set(bytes, at);
      expect(decodeVarint(there, at)).toEqual({ value, size: bytes.length });
    }),
  );
});

test("each violation has its name", () => {
  expect(decodeVarint(Uint8Array.of(), 0)).toBe("cut short");
  expect(decodeVarint(Uint8Array.of(0x80), 0)).toBe("cut short");
  expect(decodeVarint(Uint8Array.of(0x80, 0), 0)).toBe("not minimal");
  expect(decodeVarint(new Uint8Array(12).fill(0x80), 0)).toBe("too long");
  expect(decodeVarint(encodeVarint(1n << 49n), 0, 7)).toBe("too long");
  expect(decodeVarint(encodeVarint((1n << 64n) - 1n), 0, 10, 64)).toEqual({ value: (1n << 64n) - 1n, size: 10 });
  expect(decodeVarint(Uint8Array.of(...new Uint8Array(9).fill(0xff), 2), 0, 10, 64)).toBe("too long");
});

test("heads give major type and argument of every item, small and large", () => {
  const block = dagCbor.encode([1, -25, 300n, 70_000, 2n ** 40n, 2n ** 63n, new Uint8Array(300), "text", { a: null }]);
  const heads = new CborHeads(block);
  const seen: [number, number][] = [];
  while (!heads.done) {
    heads.read();
    seen.push([heads.major, heads.argument]);
    if (heads.major === 2 || heads.major === 3) heads.at += heads.argument;
  }
  const items = [
    [0, 1],
    [1, 24],
    [0, 300],
    [0, 70_000],
    [0, 2 ** 40],
    [0, 2 ** 63],
    [2, 300],
    [3, 4],
    [5, 1],
    [3, 1],
  ];
  expect(seen).toEqual([[4, 9], ...items, [7, 22]]);
  const large = new CborHeads(dagCbor.encode(2n ** 63n + 1n));
  large.read();
  expect(large.exact(0)).toBe(2n ** 63n + 1n);
});

test.each([[[]], [[0x18]], [[0x19, 1]], [[0x1c]], [[0x5f]]])("a head that is none is refused: %j", (bytes) => {
  expect(() => new CborHeads(Uint8Array.from(bytes)).read()).toThrow(RangeError);
});
