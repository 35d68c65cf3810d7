import fc from "fast-check";
import { expect, test } from "vitest";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { Address, AddressError } from "../../../src/types/address.ts";

// Source: Filecoin specification, address, test vectors.
const KNOWN: readonly (readonly [string, string])[] = [
  ["f00", "0000"],
  ["f0150", "009601"],
  ["f01024", "008008"],
  ["f01729", "00c10d"],
  ["f17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy", "01fd1d0f4dfcd7e99afcb99a8326b7dc459d32c628"],
  ["f24vg6ut43yw2h2jqydgbg2xq7x6f4kub3bg6as6i", "02e54dea4f9bc5b47d261819826d5e1fbf8bc5503b"],
  [
    "f3vvmn62lofvhjd2ugzca6sof2j2ubwok6cj4xxbfzz4yuxfkgobpihhd2thlanmsh3w2ptld2gqkn2jvlss4a",
    "03ad58df696e2d4e91ea86c881e938ba4ea81b395e12797b84b9cf314b9546705e839c7a99d606b247ddb4f9ac7a3414dd",
  ],
];

test("address: the specification's vectors in both directions and with both letters", () => {
  for (const [text, hex] of KNOWN) {
    expect(toHex(Address.parse(text).bytes)).toBe(hex);
    expect(Address.fromBytes(fromHex(hex)).toString()).toBe(text);
    expect(Address.parse(`t${text.slice(1)}`).toString("t")).toBe(`t${text.slice(1)}`);
  }
});

test("address: an id of 2^63 or more is refused", () => {
  expect(() => Address.parse("f018446744073709551615")).toThrow(AddressError);
  expect(() => Address.id(1n << 63n)).toThrow(AddressError);
});

test("address: a flipped character, wrong letter, unknown protocol and non-canonical text are refused", () => {
  const good = "f17uoq6tp427uzv7fztkbsnn64iwotfrristwpryy";
  for (let i = 2; i < good.length; i++) {
    const other = good[i] === "a" ? "b" : "a";
    expect(() => Address.parse(good.slice(0, i) + other + good.slice(i + 1))).toThrow(AddressError);
  }
  for (const text of ["", "f", "f0", "x01", "f5abc", "f0-1", "f001", good.toUpperCase(), `${good}a`, "f4abc"])
    expect(() => Address.parse(text)).toThrow(AddressError);
});

test("address: Ethereum forms of delegated and ID addresses come back", () => {
  const eth = fromHex("d388ab098ed3e84c0d808776440b48f685198498");
  const delegated = Address.fromEthereum(eth);
  expect(delegated.toString()).toBe("f410f2oekwcmo2pueydmaq53eic2i62crtbeyuzx2gmy");
  expect(delegated.ethereum).toEqual(eth);
  expect(Address.fromEthereum(Address.id(1024).ethereum as Uint8Array).toString()).toBe("f01024");
});

test("address: text and bytes round-trip, and random bytes never crash the parser", () => {
  const payload = fc.uint8Array({ minLength: 20, maxLength: 20 });
  fc.assert(
    fc.property(payload, fc.constantFrom(1, 2), (bytes, protocol) => {
      const address = Address.fromBytes(Uint8Array.of(protocol, ...bytes));
      expect(Address.parse(address.toString()).bytes).toEqual(address.bytes);
    }),
    { seed: 1, numRuns: 200 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      try {
        expect(Address.parse(Address.fromBytes(bytes).toString()).bytes).toEqual(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(AddressError);
      }
    }),
    { seed: 2, numRuns: 2000 },
  );
});
