import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  BytesError,
  compare,
  concat,
  equal,
  fromBase64,
  fromBase64Url,
  fromHex,
  fromUtf8,
  toBase64,
  toBase64Url,
  toHex,
  utf8,
} from "../../../src/base/bytes.ts";

const anyBytes = fc.uint8Array({ maxLength: 80 });

describe("text forms", () => {
  test("hex, base64 and base64url read back what they wrote", () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(equal(fromHex(toHex(bytes)), bytes)).toBe(true);
        expect(equal(fromBase64(toBase64(bytes)), bytes)).toBe(true);
        expect(equal(fromBase64Url(toBase64Url(bytes)), bytes)).toBe(true);
      }),
    );
  });

  test("base64 equals the platform's own", () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(toBase64(bytes)).toBe(btoa(String.fromCharCode(...bytes)));
      }),
    );
  });

  test("RFC 4648's examples", () => {
    const pairs: readonly [string, string][] = [
      ["", ""],
      ["f", "Zg=="],
      ["fo", "Zm8="],
      ["foo", "Zm9v"],
      ["foob", "Zm9vYg=="],
      ["foobar", "Zm9vYmFy"],
    ];
    for (const [text, base64] of pairs) {
      expect(toBase64(utf8(text))).toBe(base64);
      expect(fromUtf8(fromBase64(base64))).toBe(text);
    }
    expect(toBase64Url(fromHex("fbff"))).toBe("-_8");
  });

  test("hex is read in either case", () => {
    expect(toHex(fromHex("DeadBEEF"))).toBe("deadbeef");
  });

  test.each(["0", "0g", "0x00", "zz", " 00"])("hex text %j is refused", (text) => {
    expect(() => fromHex(text)).toThrow(BytesError);
  });

  test.each(["Zg", "Zg=", "Zh==", "Z===", "Zm9v=", "Zm-v", "====", "Zm9"])("base64 text %j is refused", (text) => {
    expect(() => fromBase64(text)).toThrow(BytesError);
  });

  test.each(["Zh", "A", "Zm+v", "Zg=="])("base64url text %j is refused", (text) => {
    expect(() => fromBase64Url(text)).toThrow(BytesError);
  });
});

describe("order and joining", () => {
  test("compare is the order of hex texts, and zero exactly for equal bytes", () => {
    fc.assert(
      fc.property(anyBytes, anyBytes, (a, b) => {
        const [x, y] = [toHex(a), toHex(b)];
        expect(Math.sign(compare(a, b))).toBe(x < y ? -1 : x > y ? 1 : 0);
        expect(equal(a, b)).toBe(x === y);
      }),
    );
  });

  test("concat joins in order", () => {
    fc.assert(
      fc.property(fc.array(anyBytes), (parts) => {
        expect(toHex(concat(...parts))).toBe(parts.map(toHex).join(""));
      }),
    );
  });
});
