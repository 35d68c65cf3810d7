/** Zstandard that anybody may have made: frames put together by hand, and those that would cost too much. */
import { describe, expect, test } from "vitest";
import { concat, utf8 } from "../../../src/base/bytes.ts";
import { isZstd, unpackZstd } from "../../../src/storage/zstd.ts";

const MIB = 1 << 20;
const RAW = 0;
const REPEATED = 1;

/** The head of a block, and what is in it. */
function block(type: number, size: number, bytes: Uint8Array, isLast = false): Uint8Array {
  const head = Number(isLast) | (type << 1) | (size << 3);
  return concat(Uint8Array.of(head & 255, (head >> 8) & 255, head >> 16), bytes);
}

const text = (words: string, isLast = true): Uint8Array => block(RAW, words.length, utf8(words), isLast);

/** A frame whose window has 2^(10 + exponent) bytes and eighths more; exponent and eighths are one byte. */
function frame(window: number, ...blocks: readonly Uint8Array[]): Uint8Array {
  return concat(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, window), ...blocks);
}

const SMALL = 0;
const LARGEST = 17 << 3;
const SKIPPED = Uint8Array.of(0x53, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2);

test("frames one behind another, blocks as they are and repeated bytes, what is passed over", () => {
  const repeated = frame(SMALL, block(REPEATED, 3, utf8("a")), text("bc"));
  const file = concat(frame(LARGEST, text("one ", false), text("two ")), SKIPPED, repeated);
  expect(new TextDecoder().decode(unpackZstd(file, MIB))).toBe("one two aaabc");
  expect([isZstd(file), isZstd(SKIPPED), isZstd(file.subarray(0, 3))]).toEqual([true, false, false]);
});

test("cut anywhere it is an error by name", () => {
  const file = concat(frame(SMALL, text("one ", false), text("two ")), frame(SMALL, text("three")));
  const whole = frame(SMALL, text("one ", false), text("two ")).length;
  for (let end = 4; end < file.length; end++) {
    if (end === whole) continue;
    expect(() => unpackZstd(file.subarray(0, end), MIB), `${end}`).toThrow(/it does not decompress/);
  }
});

describe("refused before anything is made room for", () => {
  test.each<[string, Uint8Array, RegExp]>([
    ["a window of more than 128 MiB", frame(LARGEST + 1, text("a")), /window is of 144 MiB, and at most 128/],
    [
      "the same of a single segment",
      concat(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0xa0), Uint8Array.of(0, 0, 0, 0x10), text("a")),
      /window is of 256 MiB/,
    ],
    [
      "small blocks under a large window",
      frame(LARGEST, ...Array.from({ length: 3000 }, () => block(REPEATED, 1, utf8("a"))), text("b")),
      /very many blocks/,
    ],
    [
      "frames without end, each with a large window",
      concat(...Array.from({ length: 3000 }, () => frame(LARGEST, text("")))),
      /very many blocks/,
    ],
    ["another magic behind the first frame", concat(frame(SMALL, text("a")), utf8("some more")), /no frame begins/],
  ])("%s", (_, file, why) => {
    expect(() => unpackZstd(file, MIB)).toThrow(why);
  });

  test("more than is wanted, while it comes", () => {
    const blocks = Array.from({ length: 20 }, () => block(REPEATED, 100_000, utf8("a")));
    expect(() => unpackZstd(frame(7 << 3, ...blocks, text("b")), MIB)).toThrow(/more than 1 MiB/);
    expect(unpackZstd(frame(7 << 3, ...blocks, text("b")), 2 * MIB)).toHaveLength(2_000_001);
  });
});
