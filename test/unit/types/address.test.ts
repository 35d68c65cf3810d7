import fc from "fast-check";
import { expect, test } from "vitest";
import { fromHex } from "../../../src/base/bytes.ts";
import { Address, AddressError } from "../../../src/types/address.ts";

test("address: a flipped character, wrong prefix, unknown protocol and non-canonical text are refused", () => {
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
  // What stands for an id of 2^63, or for all bits, stands for no actor; 19 and 21 bytes are no address.
  for (const id of ["8000000000000000", "ffffffffffffffff"])
    expect(() => Address.fromEthereum(fromHex(`ff${"00".repeat(11)}${id}`))).toThrow(AddressError);
  for (const size of [19, 21]) expect(() => Address.fromEthereum(new Uint8Array(size))).toThrow(AddressError);
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
