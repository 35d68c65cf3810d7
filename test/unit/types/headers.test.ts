/** Block headers in the host: what is read, and field by field what is not. */
import * as dagCbor from "@ipld/dag-cbor";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, fromHex, toHex } from "../../../src/base/bytes.ts";
import { blake2b, blake2b256, sha256, useDigests } from "../../../src/base/digests.ts";
import { FilError } from "../../../src/base/errors.ts";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { Address } from "../../../src/types/address.ts";
import { bigToBytes } from "../../../src/types/amount.ts";
import {
  type BlockHeader,
  decodeHeader,
  decodeHeaderCarefully,
  encodeHeader,
  headerCid,
  headerSigningBytes,
} from "../../../src/types/block-header.ts";
import { cidOfBlock, parseCid } from "../../../src/types/cid.ts";
import { readUsualHeader, readUsualKey } from "../../../src/types/usual-header.ts";

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

  describe("read fast", () => {
    const plain = (header: BlockHeader): string =>
      JSON.stringify(header, (_, value: unknown) => {
        if (typeof value === "bigint") return `${value}n`;
        if (value instanceof Uint8Array) return toHex(value);
        return value instanceof Address ? value.toString() : value;
      });
    const careful = (bytes: Uint8Array): string | null => {
      try {
        return plain(decodeHeaderCarefully(bytes));
      } catch (error) {
        expect(error).toBeInstanceOf(FilError);
        return null;
      }
    };

    test("are what the careful reader reads; usual ones are never left to it", () => {
      for (const change of [{}, { 1: null, 2: null, 3: [], 4: [], 5: [], 11: null, 13: null }, { 5: [root, root] }]) {
        const usual = readUsualHeader(fields(change));
        expect(usual && plain(usual)).toBe(careful(fields(change)));
        expect(usual).not.toBeNull();
      }
    });

    test("links of another kind and wide integers are left to the careful reader, which takes them", () => {
      const other = parseCid("bafyreiaqpwbbyjo4a42saasj36kkrpv4tsherf2e7bvezkert2a7dhonoi");
      for (const change of [{ 5: [other] }, { 12: MAX_U64 }]) {
        expect(readUsualHeader(fields(change))).toBeNull();
        expect(toHex(encodeHeader(decodeHeader(fields(change))))).toBe(toHex(fields(change)));
      }
    });

    test("whatever is changed, nothing is taken that the careful reader refuses, and nothing read otherwise", () => {
      const base = fields();
      let taken = 0;
      const at = fc.nat({ max: base.length - 1 });
      const byte = fc.constantFrom(0, 1, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x58, 0x80, 0x81, 0x90, 0xd8, 0xf6, 0xff);
      fc.assert(
        fc.property(at, fc.oneof(byte, fc.nat({ max: 255 })), fc.constantFrom(0, 1, 2), (where, value, cut) => {
          const bytes = concat(base.subarray(0, where), Uint8Array.of(value), base.subarray(where + cut));
          const usual = readUsualHeader(bytes);
          if (usual === null) return;
          taken++;
          expect(plain(usual)).toBe(careful(bytes));
        }),
        { numRuns: 1500 },
      );
      expect(taken).toBeGreaterThan(100);
    });

    test("keep nothing of the bytes they were read from, and give bytes that are the caller's own", () => {
      const bytes = fields();
      const header = decodeHeader(bytes);
      const before = toHex(bytes);
      bytes.fill(0);
      encodeHeader(header).fill(0);
      expect(toHex(encodeHeader(header))).toBe(before);
      const changed = { ...header, height: header.height + 1 };
      expect(decodeHeader(encodeHeader(changed)).height).toBe(header.height + 1);
      expect(`${headerCid(changed)}`).not.toBe(`${headerCid(header)}`);
    });
  });

  test("keys of tipsets are read in short as with care, and whatever is damaged is left to the careful reader or refused by both", () => {
    const texts = (bytes: Uint8Array): string[] | null => {
      try {
        return dagCbor.decode<unknown[]>(bytes).map(String);
      } catch {
        return null;
      }
    };
    const key = (count: number) => Array.from({ length: count }, (_, i) => cidOfBlock(Uint8Array.of(i)));
    for (const count of [0, 1, 5, 23, 24, 300])
      expect(readUsualKey(dagCbor.encode(key(count)))?.map(String)).toEqual(key(count).map(String));
    const damage = fc.record({ at: fc.nat(42), byte: fc.nat(255), cut: fc.nat(3) });
    fc.assert(
      fc.property(fc.nat(2), damage, (count, { at, byte, cut }) => {
        const bytes = dagCbor.encode(key(count)).slice();
        bytes[at % bytes.length] = byte;
        const given = concat(bytes.subarray(0, bytes.length - cut), new Uint8Array(Math.max(0, cut - 1)));
        const short = readUsualKey(given);
        if (short !== null) expect(short.map(String)).toEqual(texts(given));
      }),
      { numRuns: 2000 },
    );
  });

  test("that were made here are encoded as those that were read, also what their signatures cover", () => {
    for (const change of [
      {},
      { 11: null, 13: null },
      { 14: 23, 15: Uint8Array.of(0, 24) },
      { 14: MAX_U64, 15: new Uint8Array(0) },
    ]) {
      const made = { ...decodeHeader(fields(change)) };
      expect(toHex(headerSigningBytes(made))).toBe(toHex(fields({ ...change, 13: null })));
      encodeHeader(made).fill(0);
      headerSigningBytes(made).fill(0);
      expect(toHex(encodeHeader(made))).toBe(toHex(fields(change)));
      expect(`${headerCid(made)}`).toBe(`${cidOfBlock(fields(change))}`);
    }
  });

  test("have the same CIDs and digests before and after the core computes them", async () => {
    const bytes = fields();
    const all = () => [`${cidOfBlock(bytes)}`, ...[blake2b256, sha256].map((hash) => toHex(hash(bytes)))];
    const lengths = () => [1, 4, 20, 64].map((length) => toHex(blake2b(bytes.subarray(0, length), length)));
    const before = [...all(), ...lengths()];
    let asked = 0;
    const core = await loadCrypto();
    useDigests({
      blake2b: (one, length) => {
        asked++;
        return core.blake2b(one, length);
      },
      sha256: (one) => {
        asked++;
        return core.sha256(one);
      },
    });
    expect([...all(), ...lengths(), asked]).toEqual([...before, 7]);
    useDigests(core);
    for (const hash of [blake2b256, sha256]) expect(() => hash("text" as unknown as Uint8Array)).toThrow(TypeError);
  });
});
