/** Digests before the core is loaded: compared with another implementation at every length around the edges of blocks. */
import { blake2b as nobleBlake2b } from "@noble/hashes/blake2.js";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import { describe, expect, it } from "vitest";
import { blake2b } from "../../../src/base/blake2b.ts";
import { fromHex, toHex, utf8 } from "../../../src/base/bytes.ts";
import { sha256 } from "../../../src/base/sha256.ts";

/** Bytes without a pattern. */
function noise(length: number): Uint8Array {
  let x = length + 1;
  return Uint8Array.from({ length }, () => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return x >>> 24;
  });
}

describe("digests in plain TypeScript", () => {
  it("are those of RFC 7693, appendix A, and of FIPS 180-4's example", () => {
    expect(toHex(blake2b(utf8("abc"), 64))).toBe(
      "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923",
    );
    expect(sha256(utf8("abc"))).toEqual(fromHex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
  });

  it("are another implementation's at every length up to three blocks, and of far more", () => {
    for (const length of [...Array.from({ length: 400 }, (_, i) => i), 4096, 100_001]) {
      const bytes = noise(length);
      expect(blake2b(bytes, 32)).toEqual(nobleBlake2b(bytes, { dkLen: 32 }));
      expect(sha256(bytes)).toEqual(nobleSha256(bytes));
    }
  });

  it("of BLAKE2b have every length, of bytes that lie anywhere in their memory", () => {
    const memory = noise(300);
    for (let length = 1; length <= 64; length++) {
      const bytes = memory.subarray(length, length + 200);
      expect(blake2b(bytes, length)).toEqual(nobleBlake2b(bytes, { dkLen: length }));
      expect(sha256(bytes)).toEqual(nobleSha256(bytes));
    }
  });

  it("leave what they were given as it was, and give memory of their own", () => {
    const bytes = noise(129);
    const first = blake2b(bytes, 32);
    blake2b(noise(500), 32);
    expect(first).toEqual(nobleBlake2b(noise(129), { dkLen: 32 }));
    expect(bytes).toEqual(noise(129));
  });

  it("refuse what is no bytes, and lengths that there are none of", () => {
    for (const wrong of ["abc", [1, 2], null, new ArrayBuffer(3)]) {
      expect(() => blake2b(wrong as never, 32)).toThrow(TypeError);
      expect(() => sha256(wrong as never)).toThrow(TypeError);
    }
    for (const length of [0, 65, 1.5, Number.NaN]) expect(() => blake2b(noise(1), length)).toThrow(RangeError);
  });
});
