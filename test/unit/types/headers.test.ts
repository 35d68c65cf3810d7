/** Block headers in the host: what is read, and field by field what is not. */
import * as dagCbor from "@ipld/dag-cbor";
import { describe, expect, test } from "vitest";
import { concat, fromHex, toHex } from "../../../src/base/bytes.ts";
import { FilError } from "../../../src/base/errors.ts";
import { Address } from "../../../src/types/address.ts";
import { bigToBytes } from "../../../src/types/amount.ts";
import { decodeHeader, encodeHeader, headerCid, headerSigningBytes } from "../../../src/types/block-header.ts";
import { cidOfBlock } from "../../../src/types/cid.ts";

const A = Address.id(1001);
const MAX_U64 = (1n << 64n) - 1n;

describe("block headers", () => {
  const root = cidOfBlock(Uint8Array.of(0x80));
  const fields = (change: Record<number, unknown> = {}): Uint8Array =>
    dagCbor.encode(
      Object.assign(
        // biome-ignore format: one row a group of fields
        [
          A.bytes, [new Uint8Array(96)], [1, new Uint8Array(96)], [[9, new Uint8Array(96)]], [[3, new Uint8Array(192)]],
          [root], bigToBytes(77n), 12, root, root, root,
          concat(Uint8Array.of(2), new Uint8Array(96)), 1_600_000_000, concat(Uint8Array.of(2), new Uint8Array(96)), 0, bigToBytes(100n),
        ],
        change,
      ),
    );

  test("read back, with and without what a genesis lacks", () => {
    for (const change of [
      {},
      { 1: null, 2: null, 3: [], 4: [], 5: [], 11: null, 13: null },
      { 12: MAX_U64, 14: MAX_U64 },
    ]) {
      const header = decodeHeader(fields(change));
      expect(toHex(encodeHeader(header))).toBe(toHex(fields(change)));
      expect(headerCid(header).toString()).toBe(cidOfBlock(fields(change)).toString());
      expect(toHex(headerSigningBytes(header))).toBe(toHex(fields({ ...change, 13: null })));
    }
  });

  test.each<[string, Record<number, unknown>]>([
    ["a miner that is no address", { 0: Uint8Array.of(9, 9) }],
    ["a ticket that is no tuple", { 1: new Uint8Array(96) }],
    ["an election proof of the old form", { 2: [new Uint8Array(96)] }],
    ["a win count of 2^63", { 2: [1n << 63n, new Uint8Array(96)] }],
    ["a beacon entry of a negative round", { 3: [[-1, new Uint8Array(96)]] }],
    ["parents that are no links", { 5: [root.bytes] }],
    ["a weight with a leading zero", { 6: fromHex("000005") }],
    ["a height that is text", { 7: "12" }],
    ["a height beyond every epoch", { 7: 2n ** 53n }],
    ["a state root that is no link", { 8: null }],
    ["an aggregate of type 0", { 11: new Uint8Array(97) }],
    ["a negative timestamp", { 12: -1 }],
    ["an unsigned 64-bit overflow in fork signalling", { 14: -5 }],
    ["a base fee of null", { 15: null }],
  ])("with %s are refused", (_, change) => {
    expect(() => decodeHeader(fields(change))).toThrow(FilError);
  });

  test("of fifteen or seventeen fields, or with a byte behind, are refused", () => {
    const all = dagCbor.decode(fields()) as unknown[];
    for (const bytes of [
      dagCbor.encode(all.slice(0, 15)),
      dagCbor.encode([...all, 0]),
      concat(fields(), Uint8Array.of(0)),
    ])
      expect(() => decodeHeader(bytes)).toThrow(FilError);
  });

  test("a height that is a float is refused, though it is a whole number", () => {
    const bytes = fields({ 7: MAX_U64 });
    const at = toHex(bytes).indexOf("1bffffffffffffffff") / 2;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    view.setUint8(at, 0xfb);
    view.setFloat64(at + 1, 12);
    expect(() => decodeHeader(bytes)).toThrow(/canonical/);
  });
});
