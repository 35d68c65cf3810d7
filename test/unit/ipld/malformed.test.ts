/** Nodes and bitfields that no honest writer makes: refused with a reason, never a crash or an endless walk. */
import { encode as encodeDagCbor } from "@ipld/dag-cbor";
import fc from "fast-check";
import { CID } from "multiformats/cid";
import { create as multihash } from "multiformats/hashes/digest";
import { beforeAll, describe, expect, test } from "vitest";
import { fromHex } from "../../../src/base/bytes.ts";
import { BitfieldError, decodeRuns, encodeRuns } from "../../../src/types/bitfield.ts";
import { Probe } from "./probe.ts";

/** As plain bytes: in Node the library answers with a `Buffer` when the item is large. */
const encode = (value: unknown): Uint8Array => Uint8Array.from(encodeDagCbor(value));

let probe: Probe;
beforeAll(async () => {
  probe = await Probe.load();
});

const LINK = CID.createV1(0x71, multihash(0xb220, new Uint8Array(32)));
const RAW_LINK = CID.createV1(0x55, multihash(0xb220, new Uint8Array(32)));
const entry = (key: number): unknown => [Uint8Array.of(key), 1];

describe("HAMT nodes", () => {
  const early = (bits: number[], ...pointers: unknown[]): Uint8Array => encode([Uint8Array.from(bits), pointers]);

  test.each([
    ["no list", encode(5)],
    ["three fields", encode([Uint8Array.of(1), [{ "1": [entry(1)] }], 0])],
    ["fewer pointers than bits", early([3], { "1": [entry(1)] })],
    ["more pointers than bits", early([1], { "1": [entry(1)] }, { "1": [entry(2)] })],
    ["a bit beyond the width", early([1, 0, 0, 0, 0], { "1": [entry(1)] })],
    ["a bitfield of 257 bytes", early([1, ...new Array<number>(256).fill(0)], { "1": [entry(1)] })],
    ["a pointer with an unknown key", early([1], { "2": [entry(1)] })],
    ["a pointer with two keys", early([1], { "0": LINK, "1": [entry(1)] })],
    ["an empty pointer", early([1], {})],
    ["an empty bucket", early([1], { "1": [] })],
    ["a bucket of four", early([1], { "1": [entry(1), entry(2), entry(3), entry(4)] })],
    ["a key that is no byte string", early([1], { "1": [["k", 1]] })],
    ["a current pointer in an early node", early([1], [entry(1)])],
  ])("with %s are refused by both early rule sets", (_, block) => {
    expect(probe.node("hamt", block, 0, 5)).toMatch(/HAMT/);
    expect(probe.node("hamt", block, 2, 5)).toMatch(/HAMT/);
  });

  test("that are not canonical are refused from rule set 2 on", () => {
    const unsorted = early([1], { "1": [entry(2), entry(1)] });
    const foreign = early([1], { "0": RAW_LINK });
    expect(probe.node("hamt", unsorted, 0, 5)).toBeNull();
    expect(probe.node("hamt", unsorted, 2, 5)).toMatch(/not sorted/);
    expect(probe.node("hamt", foreign, 2, 5)).toMatch(/not DAG-CBOR/);
    expect(probe.node("hamt", encode([Uint8Array.of(1), [[entry(2), entry(1)]]]), 3, 5)).toMatch(/not sorted/);
  });

  test("that contain themselves end the walk at the depth of the digest", () => {
    const circle = early([255, 255, 255, 255], ...new Array<unknown>(32).fill({ "0": LINK }));
    for (const version of [0, 2]) expect(probe.node("hamt", circle, version, 5)).toMatch(/deeper than its digests/);
    const current = encode([new Uint8Array(8).fill(255), new Array<unknown>(64).fill(LINK)]);
    expect(probe.node("hamt", current, 3, 6)).toMatch(/deeper than its digests/);
  });

  test("a random mutation is refused or used, nothing else", () => {
    const bases = [
      early([0x80, 1], { "1": [entry(1), entry(2)] }, { "0": LINK }),
      early([7], { "1": [entry(1)] }, { "1": [entry(2)] }, { "1": [entry(3)] }),
      encode([Uint8Array.of(3), [[entry(1)], LINK]]),
    ];
    const version = fc.constantFrom(0, 2, 3);
    const cuts = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.constantFrom(...bases), cuts, version, fc.constantFrom(5, 6), (base, mutations, rules, width) => {
        const block = base.slice();
        for (const [at, value] of mutations) block[at % block.length] = value;
        probe.node("hamt", block, rules, rules < 3 ? 5 : width);
      }),
      { seed: 1, numRuns: 2000 },
    );
  });
});

describe("AMT roots", () => {
  const root = (height: bigint, count: bigint, node: unknown): Uint8Array => encode([height, count, node]);

  test.each([
    ["a height above 20", root(21n, 1n, [Uint8Array.of(1), [LINK], []])],
    ["a height of 2^63", root(1n << 63n, 1n, [Uint8Array.of(1), [LINK], []])],
    ["an empty map of slots", root(0n, 0n, [new Uint8Array(0), [], []])],
    ["a map of two bytes", root(0n, 0n, [new Uint8Array(2), [], []])],
    ["fewer values than bits", root(0n, 2n, [Uint8Array.of(3), [], [1]])],
    ["more values than bits", root(0n, 1n, [Uint8Array.of(1), [], [1, 2]])],
    ["nine values", root(0n, 9n, [Uint8Array.of(255), [], [1, 2, 3, 4, 5, 6, 7, 8, 9]])],
    ["links missing above the leaves", root(1n, 1n, [Uint8Array.of(1), [], [1]])],
    ["a negative count", root(0n, -1n, [Uint8Array.of(0), [], []])],
  ])("with %s are refused", (_, block) => {
    expect(probe.node("amt", block, 2, 3)).toMatch(/AMT/);
  });

  test("with another width than expected are refused", () => {
    const block = encode([5, 0, 0, [new Uint8Array(4), [], []]]);
    expect(probe.node("amt", block, 3, 5)).toBeNull();
    expect(probe.node("amt", block, 3, 4)).toMatch(/AMT/);
  });

  test("a random mutation is refused or used, nothing else", () => {
    const bases = [
      root(0n, 2n, [Uint8Array.of(5), [], [1, 2]]),
      root(2n, 7n, [Uint8Array.of(3), [LINK, LINK], []]),
      encode([3, 1, 5, [Uint8Array.of(1), [LINK], []]]),
    ];
    const cuts = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.constantFrom(...bases), cuts, fc.constantFrom(2, 3), (base, mutations, version) => {
        const block = base.slice();
        for (const [at, value] of mutations) block[at % block.length] = value;
        probe.node("amt", block, version, 3);
      }),
      { seed: 2, numRuns: 2000 },
    );
  });
});

describe("bitfields", () => {
  test.each([
    ["a foreign version", "01", "refused"],
    ["a zero byte at the end", "0400", "invalid"],
    ["a varint that is not minimal", "00040404", "valid"],
    ["nothing at all", "", "valid"],
  ])("with %s", (_, bytes, expected) => {
    expect(probe.bitField(fromHex(bytes))).toBe(expected);
  });

  test("longer than 32 KiB are refused", () => {
    const bytes = new Uint8Array(32769).fill(0xff);
    bytes[0] = 0xfc;
    expect(probe.bitField(bytes)).toBe("refused");
    expect(probe.bitField(bytes.subarray(0, 32768))).toBe("valid");
  });

  test("random bytes are judged as in the host, and valid ones survive every operation", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.boolean(), (bytes, plain) => {
        if (plain && bytes.length > 0) bytes[0] = (bytes[0] ?? 0) & 0xfc;
        let inHost = true;
        try {
          const runs = decodeRuns(bytes);
          if (runs.length > 0)
            expect(decodeRuns(encodeRuns(runs))).toEqual(runs.length % 2 === 1 ? runs.slice(0, -1) : runs);
        } catch (error) {
          if (!(error instanceof BitfieldError)) throw error;
          inHost = false;
        }
        expect(probe.bitField(bytes) === "valid").toBe(inHost);
      }),
      { seed: 3, numRuns: 10000 },
    );
  });
});
