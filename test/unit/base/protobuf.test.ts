import { expect, test } from "vitest";
import { concat } from "../../../src/base/bytes.ts";
import { int32Of, ProtobufError, protobufField, readFields } from "../../../src/base/protobuf.ts";

test("fields are read in their order, those of fixed size passed over", () => {
  const bytes = concat(
    protobufField(1, 300),
    Uint8Array.of(0x15, 1, 2, 3, 4),
    protobufField(3, Uint8Array.of(9, 8)),
    Uint8Array.of(0x21, 1, 2, 3, 4, 5, 6, 7, 8),
    protobufField(20, true),
  );
  expect([...readFields(bytes, 9)]).toEqual([
    { number: 1, value: 300n, bytes: null },
    { number: 3, value: 0n, bytes: Uint8Array.of(9, 8) },
    { number: 20, value: 1n, bytes: null },
  ]);
});

test("negative 32-bit numbers come as 64-bit varints", () => {
  const bytes = protobufField(1, (1n << 64n) - 1n);
  expect([...readFields(bytes, 1)].map(({ value }) => int32Of(value))).toEqual([-1]);
});

test("what ends early, is too long or has too many fields is refused by name", () => {
  const bad = [
    [0x08],
    [0x0a, 5, 1],
    [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1],
    [0x08, ...new Array(10).fill(0xff), 1],
    [0x08, ...new Array(9).fill(0xff), 0x02],
    [0x0b],
    [0x15, 1],
    [0x08, 1, 0x08, 1, 0x08, 1],
  ];
  for (const bytes of bad) expect(() => [...readFields(Uint8Array.from(bytes), 2)]).toThrow(ProtobufError);
});
