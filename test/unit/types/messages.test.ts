/** Messages and signatures in the host: what is read, and field by field what is not. */
import * as dagCbor from "@ipld/dag-cbor";
import { describe, expect, test } from "vitest";
import { concat, fromHex, toHex } from "../../../src/base/bytes.ts";
import { FilError } from "../../../src/base/errors.ts";
import { Address } from "../../../src/types/address.ts";
import { bigToBytes, FIL } from "../../../src/types/amount.ts";
import { cidOfBlock } from "../../../src/types/cid.ts";
import {
  chainLength,
  decodeMessage,
  decodeSignature,
  decodeSignedMessage,
  encodeMessage,
  encodeSignature,
  encodeSignedMessage,
  messageCid,
  messageFromJson,
  messageLength,
  messageToJson,
  signedLength,
  signedMessageCid,
} from "../../../src/types/message.ts";

const A = Address.id(1001);
const B = Address.delegated(10, new Uint8Array(20).fill(7));
const MAX_U64 = (1n << 64n) - 1n;

/** Fields of a good message, in their places. */
const message = (change: Record<number, unknown> = {}): Uint8Array =>
  dagCbor.encode(
    Object.assign(
      [0, A.bytes, B.bytes, 5, bigToBytes(FIL), 1000, bigToBytes(3n), bigToBytes(2n), 7, Uint8Array.of(1)],
      change,
    ),
  );

const float = (at: number, value: number): Uint8Array => {
  // A place holder of nine bytes, so that a double has room.
  const bytes = message({ [at]: MAX_U64 });
  const marker = toHex(bytes).indexOf("1bffffffffffffffff") / 2;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setUint8(marker, 0xfb);
  view.setFloat64(marker + 1, value);
  return bytes;
};

describe("messages", () => {
  test("read back, at the ends of every range", () => {
    for (const change of [
      {},
      { 3: MAX_U64, 8: MAX_U64 },
      { 5: (1n << 63n) - 1n },
      { 5: -(1n << 63n) },
      { 4: bigToBytes(-1n), 6: new Uint8Array(0), 7: bigToBytes((1n << 1016n) - 1n), 9: new Uint8Array(0) },
    ])
      expect(toHex(encodeMessage(decodeMessage(message(change))))).toBe(toHex(message(change)));
  });

  test.each<[string, Uint8Array]>([
    ["version 1", message({ 0: 1 })],
    ["an empty receiver", message({ 1: new Uint8Array(0) })],
    ["a sender that is text", message({ 2: "f01001" })],
    ["a negative nonce", message({ 3: -1 })],
    ["a value with a leading zero", message({ 4: fromHex("000005") })],
    ["a value of negative zero", message({ 4: fromHex("01") })],
    ["a value with another sign byte", message({ 4: fromHex("0205") })],
    ["a value of 129 bytes", message({ 4: new Uint8Array(129).fill(1, 1) })],
    ["a value that is a number", message({ 4: 5 })],
    ["a gas limit of 2^63", message({ 5: 1n << 63n })],
    ["a negative method", message({ 8: -1 })],
    ["a nonce that is a float", float(3, 5)],
    ["a method that is a float", float(8, 2)],
    ["parameters that are null", message({ 9: null })],
    ["an eleventh field", dagCbor.encode([...(dagCbor.decode(message()) as unknown[]), 0])],
    ["nine fields", dagCbor.encode((dagCbor.decode(message()) as unknown[]).slice(0, 9))],
    ["a byte behind it", concat(message(), Uint8Array.of(0))],
    ["its end cut off", message().subarray(0, -1)],
    ["a map instead of a list", dagCbor.encode({ version: 0 })],
    ["a length with more bytes than needed", concat(fromHex("980a"), message().subarray(1))],
  ])("with %s are refused", (_, bytes) => {
    expect(() => decodeMessage(bytes)).toThrow(FilError);
  });

  test("signed: the CID is that of the signed form, of the bare one for BLS", () => {
    const bare = decodeMessage(message());
    for (const type of [1, 2, 3]) {
      const signed = { message: bare, signature: { type, data: new Uint8Array(65) } };
      const back = decodeSignedMessage(encodeSignedMessage(signed));
      expect(back).toEqual(signed);
      const whole = type === 2 ? encodeMessage(bare) : encodeSignedMessage(signed);
      expect(signedMessageCid(back).toString()).toBe(cidOfBlock(whole).toString());
    }
    expect(signedMessageCid({ message: bare, signature: { type: 2, data: new Uint8Array(96) } })).toEqual(
      messageCid(bare),
    );
    expect(() => decodeSignedMessage(message())).toThrow(FilError);
  });

  test("their lengths are those of their encodings", () => {
    for (const [type, length] of [
      [1, 65],
      [2, 96],
      [2, 22],
      [2, 23],
      [3, 65],
    ] as const) {
      const bare = decodeMessage(message());
      const signed = { message: bare, signature: { type, data: new Uint8Array(length) } };
      expect(signedLength(signed)).toBe(encodeSignedMessage(signed).length);
      expect(messageLength(bare)).toBe(encodeMessage(bare).length);
      expect(chainLength(signed)).toBe((type === 2 ? encodeMessage(bare) : encodeSignedMessage(signed)).length);
    }
  });

  test("JSON with a field of another kind is refused by the field's name", () => {
    const good = { To: "f01001", From: "f01002", Value: "1", GasLimit: 5, Nonce: 1, Method: 0 };
    expect(messageFromJson(good).value).toBe(1n);
    for (const [field, value] of Object.entries({
      Version: 1,
      Nonce: -1,
      Value: "1.5",
      GasLimit: "5x",
      Method: 0.5,
      Params: 3,
    }))
      expect(() => messageFromJson({ ...good, [field]: value })).toThrow(field);
    expect(() => messageFromJson({ ...good, To: undefined })).toThrow("To");
  });
});

test("JSON keeps every digit of a nonce and a method", () => {
  for (const value of [0n, 2n ** 53n - 1n, 2n ** 53n, MAX_U64]) {
    const big = decodeMessage(message({ 3: value, 8: value }));
    const json = JSON.parse(JSON.stringify(messageToJson(big, "f")));
    expect(typeof json.Nonce).toBe(value < 2n ** 53n ? "number" : "string");
    expect(messageFromJson(json)).toEqual(big);
  }
});

describe("signatures", () => {
  test("types 1 to 3 are read, whatever the length of their data up to 199 bytes", () => {
    for (const type of [1, 2, 3])
      for (const length of [0, 65, 96, 199]) {
        const signature = { type, data: new Uint8Array(length).fill(type) };
        expect(decodeSignature(encodeSignature(signature))).toEqual(signature);
      }
  });

  test.each([
    ["nothing", ""],
    ["type 0, which was secp256k1 in 2019", `00${"11".repeat(65)}`],
    ["type 4", `04${"11".repeat(65)}`],
    ["201 bytes", "01".repeat(201)],
  ])("%s is refused", (_, hex) => {
    expect(() => decodeSignature(fromHex(hex))).toThrow(FilError);
  });
});
