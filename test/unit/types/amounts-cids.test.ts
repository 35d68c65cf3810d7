/** Amounts and CIDs in the host, as bytes and as text. */
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { FilError } from "../../../src/base/errors.ts";
import { bigToBytes, bytesToBig, FIL, filText, formatFil, parseFil } from "../../../src/types/amount.ts";
import { cidFromBytes, cidKey, cidOfBlock, cidOfText, parseCid, textOfCid } from "../../../src/types/cid.ts";

describe("amounts", () => {
  test.each([
    [0n, ""],
    [1n, "0001"],
    [-1n, "0101"],
    [255n, "00ff"],
    [256n, "000100"],
    [-256n, "010100"],
    [FIL, "000de0b6b3a7640000"],
    [2_000_000_000n * FIL, "0006765c793fa10079d0000000"],
  ])("%s on the wire is %j", (value, hex) => {
    expect(toHex(bigToBytes(value))).toBe(hex);
    expect(bytesToBig(fromHex(hex))).toBe(value);
  });

  test.each(["00", "01", "02", "0000", "0100", "000001", "0201"])("%s is no amount", (hex) => {
    expect(() => bytesToBig(fromHex(hex))).toThrow(FilError);
  });

  test("the longest has 128 bytes", () => {
    const most = (1n << 1016n) - 1n;
    expect(bytesToBig(bigToBytes(most))).toBe(most);
    expect(() => bytesToBig(bigToBytes(most + 1n))).toThrow(FilError);
  });

  test.each([
    [0n, "0 FIL"],
    ["1500000000000000000", "1.5 FIL"],
    [1_000_000_000n, "0.000000001 FIL"],
    [999_999_999n, "999999999 attoFIL"],
    [-1n, "-1 attoFIL"],
  ])("%s is %s", (atto, text) => {
    expect(filText(atto)).toBe(text);
  });

  test("FIL for people", () => {
    for (const [text, atto] of [
      ["1.5", (3n * FIL) / 2n],
      ["-0.000000000000000001 FIL", -1n],
      ["20 attoFIL", 20n],
      ["0", 0n],
      [".5", FIL / 2n],
      ["5.", 5n * FIL],
      ["1.5 FIL", (3n * FIL) / 2n],
      ["1aFIL", 1n],
      [" 2.5 nFIL ", 2_500_000_000n],
      ["1 microFIL", FIL / 1_000_000n],
      ["+3 fil", 3n * FIL],
      ["1.000000000000000000000", FIL],
    ] as const) {
      expect(parseFil(text)).toBe(atto);
      expect(parseFil(formatFil(atto))).toBe(atto);
      expect(parseFil(filText(atto))).toBe(atto);
    }
    for (const text of [
      "",
      "1,5",
      "1e3",
      "0.0000000000000000001",
      "1.5 attoFIL",
      "FIL",
      ".",
      "1 BTC",
      "0x10",
      "1 2",
      "9".repeat(401),
    ])
      expect(() => parseFil(text)).toThrow(FilError);
  });
});

describe("CIDs", () => {
  test("of blocks have the chain's prefix, and print and parse as themselves", () => {
    const cid = cidOfBlock(fromHex("80"));
    expect(toHex(cid.bytes)).toBe("0171a0e4022045b0cfc220ceec5b7c1c62c4d4193d38e4eba48e8815729ce75f9c0ab0e4c1c0");
    expect(parseCid(cid.toString()).equals(cid)).toBe(true);
    expect(cidFromBytes(cid.bytes).equals(cid)).toBe(true);
  });

  test("version 0 is read and printed as such", () => {
    const text = "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n";
    expect(parseCid(text).version).toBe(0);
    expect(parseCid(text).toString()).toBe(text);
    expect(cidFromBytes(parseCid(text).bytes).toString()).toBe(text);
  });

  test("names of actors' code are inside of their CIDs", () => {
    expect(textOfCid(cidOfText("fil/2/account"))).toBe("fil/2/account");
    expect(textOfCid(cidOfBlock(fromHex("80")))).toBeNull();
  });

  test("what is no CID is refused", () => {
    for (const text of ["", "bafy", "f01001", `b${"a".repeat(600)}`, "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1"])
      expect(() => parseCid(text), text).toThrow(FilError);
    for (const hex of ["", "01", "0171a0e40220", "0271a0e4022000", `${toHex(cidOfBlock(fromHex("80")).bytes)}00`])
      expect(() => cidFromBytes(fromHex(hex)), hex).toThrow(FilError);
  });
});

test("a CID's key is one character a byte, however long it is", () => {
  for (const length of [36, 38, 4096, 4097, 300_000]) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 7) % 256);
    const key = cidKey(bytes);
    expect(key.length).toBe(length);
    expect([0, 37, length - 1].every((at) => at >= length || key.charCodeAt(at) === bytes[at])).toBe(true);
  }
});
