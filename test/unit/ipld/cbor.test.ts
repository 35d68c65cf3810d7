/** CBOR, CIDs and addresses of the core: strictness, and agreement with independent libraries. */
import { decode, encode as encodeDagCbor } from "@ipld/dag-cbor";
import fc from "fast-check";
import { CID } from "multiformats/cid";
import { create as multihash } from "multiformats/hashes/digest";
import { beforeAll, describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { Address } from "../../../src/types/address.ts";
import { bigBytes, FAULT, KIND, Probe } from "./probe.ts";

/** As plain bytes: in Node the library answers with a `Buffer` when the item is large. */
const encode = (value: unknown): Uint8Array => Uint8Array.from(encodeDagCbor(value));

let probe: Probe;
beforeAll(async () => {
  probe = await Probe.load();
});

const hex = (result: Uint8Array | number): string | number => (typeof result === "number" ? result : toHex(result));
const head = (major: number, info: number, ...rest: number[]): Uint8Array =>
  Uint8Array.of((major << 5) | info, ...rest);

describe("heads", () => {
  const WIDE = [
    { info: 24, values: [0, 23], bytes: 1 },
    { info: 25, values: [0, 255], bytes: 2 },
    { info: 26, values: [0, 65535], bytes: 4 },
    { info: 27, values: [0, 0xffffffff], bytes: 8 },
  ];

  test("longer than needed are refused for every major type", () => {
    for (const { info, values, bytes } of WIDE)
      for (const value of values) {
        const tail = [...fromHex(value.toString(16).padStart(2 * bytes, "0"))];
        for (let major = 0; major < 7; major++)
          expect(probe.read(KIND.raw, head(major, info, ...tail)), `${major} ${info}`).toBe(FAULT.notMinimal);
        expect(probe.read(KIND.u64, head(0, info, ...tail))).toBe(FAULT.notMinimal);
      }
  });

  test("with reserved or indefinite lengths are refused", () => {
    for (let major = 0; major < 8; major++)
      for (const info of [28, 29, 30, 31]) expect(probe.read(KIND.raw, head(major, info, 0xff))).toBe(FAULT.wrongType);
  });

  test("cut off are refused", () => {
    for (const info of [24, 25, 26, 27]) expect(probe.read(KIND.raw, head(0, info))).toBe(FAULT.truncated);
    expect(probe.read(KIND.raw, new Uint8Array(0))).toBe(FAULT.truncated);
  });
});

describe("items", () => {
  test("floats, undefined, simple values and foreign tags are refused", () => {
    for (const bad of ["f97c00", "fa00000000", "fb0000000000000000", "f7", "e0", "f820", "c100", "d81b00", "d9010000"])
      expect(typeof probe.read(KIND.raw, fromHex(bad)), bad).toBe("number");
  });

  test("integers keep their 64 bits", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), (value) => {
        const bytes = encode(value);
        expect(probe.read(KIND.u64, bytes)).toEqual(bytes);
        const signed = probe.read(KIND.i64, bytes);
        expect(signed).toEqual(value < 1n << 63n ? bytes : FAULT.badValue);
      }),
      { seed: 1 },
    );
    for (const value of [-1n, -24n, -25n, -(1n << 63n)]) {
      const bytes = encode(value);
      expect(probe.read(KIND.i64, bytes)).toEqual(bytes);
      expect(probe.read(KIND.u64, bytes)).toBe(FAULT.wrongType);
    }
    expect(probe.read(KIND.i64, fromHex("3b8000000000000000"))).toBe(FAULT.badValue);
  });

  test("a length of 2^63 or 2^64 - 1 is refused without reading", () => {
    for (const length of ["8000000000000000", "ffffffffffffffff", "7fffffffffffffff", "00000000ffffffff"])
      for (let major = 2; major < 7; major++) {
        const bytes = fromHex(
          ((major << 5) | (length.startsWith("00000000") ? 26 : 27)).toString(16) +
            length.slice(length.startsWith("00000000") ? 8 : 0),
        );
        for (const kind of Object.values(KIND)) expect(typeof probe.read(kind, bytes), toHex(bytes)).toBe("number");
      }
  });

  test("nesting a million deep is refused, not followed", () => {
    for (const lead of [0x81, 0xa1]) {
      const deep = new Uint8Array(1_000_001).fill(lead);
      deep[1_000_000] = 0;
      expect(probe.read(KIND.raw, deep)).toBe(FAULT.tooDeep);
    }
    expect(
      probe.read(
        KIND.raw,
        new Uint8Array(100_000).fill(0xd8).map((_, i) => (i % 2 === 0 ? 0xd8 : 42)),
      ),
    ).toBe(FAULT.tooDeep);
  });

  test("lists and maps stop at 8192 elements, texts at 8192 bytes, byte strings at 2 MiB", () => {
    const sized = (major: number, count: number, size = 1): Uint8Array => {
      const bytes = new Uint8Array(5 + count * size);
      bytes.set([(major << 5) | 26, count >> 24, (count >> 16) & 255, (count >> 8) & 255, count & 255]);
      if (count >= 65536) return bytes;
      return Uint8Array.from([(major << 5) | 25, count >> 8, count & 255, ...new Uint8Array(count * size)]);
    };
    expect(hex(probe.read(KIND.array, sized(4, 8192)))).toBe(toHex(sized(4, 8192)));
    expect(probe.read(KIND.array, sized(4, 8193))).toBe(FAULT.tooLong);
    expect(hex(probe.read(KIND.map, sized(5, 8192, 2)))).toBe(toHex(sized(5, 8192, 2)));
    expect(probe.read(KIND.map, sized(5, 8193, 2))).toBe(FAULT.tooLong);
    expect(hex(probe.read(KIND.text, sized(3, 8192)))).toBe(toHex(sized(3, 8192)));
    expect(probe.read(KIND.text, sized(3, 8193))).toBe(FAULT.tooLong);
    expect(typeof probe.read(KIND.bytes, sized(2, 2 << 20))).toBe("object");
    expect(probe.read(KIND.bytes, sized(2, (2 << 20) + 1))).toBe(FAULT.tooLong);
  });

  test("token amounts: empty for zero, sign 0 or 1, at most 128 bytes", () => {
    for (const value of [0n, 1n, -1n, 255n, 256n, 10n ** 18n, -(10n ** 27n), (1n << 1016n) - 1n]) {
      const bytes = encode(value === 0n ? new Uint8Array(0) : bigBytes(value));
      expect(probe.read(KIND.big, bytes), String(value)).toEqual(bytes);
    }
    expect(probe.read(KIND.big, fromHex("420205"))).toBe(FAULT.badValue);
    expect(probe.read(KIND.big, encode(new Uint8Array(129).fill(1)))).toBe(FAULT.tooLong);
  });

  test("whatever an independent library writes is taken over byte for byte", () => {
    const leaf = fc.oneof(
      fc.bigInt({ min: -(1n << 63n), max: (1n << 64n) - 1n }),
      fc.boolean(),
      fc.constant(null),
      fc.uint8Array({ maxLength: 40 }),
      fc.string({ maxLength: 20 }),
      fc.uint8Array({ minLength: 32, maxLength: 32 }).map((digest) => CID.createV1(0x71, multihash(0xb220, digest))),
    );
    const tree = fc.letrec((tie) => ({
      node: fc.oneof(
        { depthSize: "small" },
        leaf,
        fc.array(tie("node"), { maxLength: 5 }),
        fc.dictionary(fc.string({ maxLength: 5 }), tie("node"), { maxKeys: 4 }),
      ),
    })).node;
    fc.assert(
      fc.property(tree, (value) => {
        const bytes = encode(value);
        expect(probe.read(KIND.raw, bytes)).toEqual(bytes);
        expect(probe.read(KIND.raw, Uint8Array.from([...bytes, 0]))).toBe(FAULT.trailing);
      }),
      { seed: 6, numRuns: 600 },
    );
  });

  test("what the core takes as whole items, an independent strict reader takes too", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 24 }), (bytes) => {
        const result = probe.read(KIND.raw, bytes);
        if (typeof result === "number") return;
        expect(result).toEqual(bytes);
        let refusal = "";
        try {
          decode(bytes);
        } catch (error) {
          refusal = String(error);
        }
        // The core checks neither the order and kind of keys, nor UTF-8, nor the CID inside a tag of an unread item.
        expect(refusal).not.toMatch(/float|indefinite|undefined|minimal|not enough|too much/i);
      }),
      { seed: 7, numRuns: 20000 },
    );
  });

  test("random bytes never stop any reader", () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(KIND)), fc.uint8Array({ maxLength: 200 }), (kind, bytes) => {
        const result = probe.read(kind, bytes);
        if (typeof result !== "number") expect(result).toEqual(bytes);
      }),
      { seed: 8, numRuns: 20000 },
    );
  });
});

describe("CIDs", () => {
  test("of blocks are CIDv1, DAG-CBOR, blake2b-256", () => {
    expect(toHex(probe.cidOf(fromHex("80")))).toBe(
      "0171a0e4022045b0cfc220ceec5b7c1c62c4d4193d38e4eba48e8815729ce75f9c0ab0e4c1c0",
    );
  });

  test("parse as an independent library parses them", () => {
    const valid = fc
      .tuple(
        fc.constantFrom(0x55, 0x71, 0xf101, 0xf102),
        fc.constantFrom(0, 0x12, 0xb220, 0x1012, 0xb401),
        fc.uint8Array({ maxLength: 40 }),
      )
      .map(([codec, hash, digest]) => CID.createV1(codec, multihash(hash, digest)).bytes);
    const mutated = fc.tuple(valid, fc.nat(5), fc.nat(255)).map(([bytes, at, value]) => {
      const copy = bytes.slice();
      copy[at % copy.length] = value;
      return copy;
    });
    const v0 = fc
      .uint8Array({ minLength: 32, maxLength: 32 })
      .map((digest) => Uint8Array.from([0x12, 0x20, ...digest]));
    fc.assert(
      fc.property(fc.oneof(valid, mutated, v0, fc.uint8Array({ maxLength: 12 })), (bytes) => {
        let expected: CID | null = null;
        try {
          expected = CID.decode(bytes);
        } catch {
          // Not a CID for the library.
        }
        const parts = probe.parseCid(bytes);
        if (expected !== null && parts !== null) {
          const end = parts.length - expected.multihash.digest.length;
          expect(parts.slice(end)).toEqual(expected.multihash.digest);
        }
        // The library reads padded varints and ignores unknown versions' rules; the core must not take what it refuses.
        if (expected === null) expect(parts).toBeNull();
      }),
      { seed: 9, numRuns: 5000 },
    );
  });

  test("have numbers of at most nine bytes and 63 bits, in their shortest form", () => {
    const codec = (hex: string): Uint8Array => fromHex(`01${hex}0000`);
    expect(probe.parseCid(codec("ffffffffffffffff7f"))).not.toBeNull();
    for (const bad of ["80808080808080808001", "ffffffffffffffffff01", "8000", "80"])
      expect(probe.parseCid(codec(bad)), bad).toBeNull();
  });

  test("inside CBOR need the tag, the zero byte and nothing behind", () => {
    const cid = fromHex("0171a0e4022045b0cfc220ceec5b7c1c62c4d4193d38e4eba48e8815729ce75f9c0ab0e4c1c0");
    const link = (tag: number, ...payload: number[]): Uint8Array =>
      Uint8Array.from([0xd8, tag, 0x58, payload.length, ...payload]);
    expect(hex(probe.read(KIND.cid, link(42, 0, ...cid)))).toBe(toHex(link(42, 0, ...cid)));
    expect(probe.read(KIND.cid, link(43, 0, ...cid))).toBe(FAULT.wrongType);
    expect(probe.read(KIND.cid, link(42, 1, ...cid))).toBe(FAULT.badValue);
    expect(probe.read(KIND.cid, link(42, ...cid))).toBe(FAULT.badValue);
    expect(probe.read(KIND.cid, link(42, 0, ...cid, 0))).toBe(FAULT.badValue);
    expect(probe.read(KIND.cid, link(42, 0, ...cid.slice(0, -1)))).toBe(FAULT.badValue);
    expect(probe.read(KIND.cid, fromHex("d82a40"))).toBe(FAULT.badValue);
  });
});

describe("addresses", () => {
  test("are taken and refused as in the host", () => {
    const shaped = fc
      .tuple(fc.nat(5), fc.uint8Array({ maxLength: 60 }))
      .map(([protocol, payload]) => Uint8Array.from([protocol, ...payload]));
    const exact = fc
      .tuple(fc.constantFrom([1, 20], [2, 20], [3, 48], [4, 25]), fc.infiniteStream(fc.nat(255)))
      .map(([[protocol, size], stream]) =>
        Uint8Array.from([protocol ?? 0, ...Array.from({ length: size ?? 0 }, () => stream.next().value ?? 0)]),
      );
    const ids = fc.bigInt({ min: 0n, max: (1n << 63n) - 1n }).map((id) => Address.id(id).bytes);
    fc.assert(
      fc.property(fc.oneof(shaped, exact, ids), (bytes) => {
        let inHost = true;
        try {
          Address.fromBytes(bytes);
        } catch {
          inHost = false;
        }
        expect(probe.parseAddress(bytes), toHex(bytes)).toBe(inHost);
      }),
      { seed: 10, numRuns: 5000 },
    );
  });

  test("of protocol 4 are no addresses before actors version 10", () => {
    expect(probe.read(KIND.address, encode(Uint8Array.from([4, 10, 1, 2, 3])))).toBe(FAULT.badValue);
  });
});
