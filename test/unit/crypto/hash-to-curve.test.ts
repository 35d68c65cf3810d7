/** Hashing to G1 and G2 against RFC 9380's vectors and against an independent library. */
import { bls12_381 } from "@noble/curves/bls12-381.js";
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { toHex } from "../../../src/base/bytes.ts";
import { Instance } from "../../../src/core/instance.ts";
import { compileModule } from "../../../src/core/load.ts";
import bls from "../../fixtures/proofs/bls.json" with { type: "json" };

type Kernels = {
  kernelMemory(bytes: number): number;
  hashG1(r: number, message: number, length: number, tag: number, tagLength: number): number;
  hashG2(r: number, message: number, length: number, tag: number, tagLength: number): number;
  g1ToUncompressed(bytes: number, a: number, neutral: number): void;
  g2ToUncompressed(bytes: number, a: number, neutral: number): void;
  expandMessage(out: number, length: number, message: number, m: number, tag: number, t: number): void;
};
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

let core: Instance<Kernels>;
let at: number;
beforeAll(async () => {
  core = await Instance.create<Kernels>(await compileModule("curve-test.wasm"), { name: "curve-test.wasm" });
  at = core.exports.kernelMemory(16384);
});

function hash(group: 1 | 2, message: Uint8Array, tag: Uint8Array): string {
  const [messageAt, tagAt, pointAt, outAt] = [at, at + 8192, at + 9000, at + 10000];
  core.write(messageAt, message);
  core.write(tagAt, tag);
  if (group === 1) {
    core.exports.hashG1(pointAt, messageAt, message.length, tagAt, tag.length);
    core.exports.g1ToUncompressed(outAt, pointAt, 0);
  } else {
    core.exports.hashG2(pointAt, messageAt, message.length, tagAt, tag.length);
    core.exports.g2ToUncompressed(outAt, pointAt, 0);
  }
  return toHex(core.read(outAt, 96 * group));
}

for (const [name, group] of [
  ["BLS12381G1_XMD:SHA-256_SSWU_RO_", 1],
  ["BLS12381G2_XMD:SHA-256_SSWU_RO_", 2],
] as const) {
  const suite = bls.rfc9380.suites.find((one) => one.suite === name)!;
  for (const { msg, uncompressed } of suite.vectors)
    test(`${name}: the RFC's point for a message of ${msg.length} bytes`, () => {
      expect(hash(group, utf8(msg), utf8(suite.dst))).toBe(uncompressed);
    });

  test(`${name}: any message and tag hash as in an independent library`, () => {
    const curve = group === 1 ? bls12_381.G1 : bls12_381.G2;
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.string({ minLength: 1, maxLength: 200, unit: "grapheme-ascii" }),
        (message, tag) => {
          expect(hash(group, message, utf8(tag))).toBe(curve.hashToCurve(message, { DST: tag }).toHex(false));
        },
      ),
      { numRuns: 30 },
    );
  });
}

for (const { dst, cases } of bls.rfc9380.expandMessageXmd)
  test(`expand_message_xmd with a tag of ${dst.length} bytes: the RFC's bytes, up to the 256 that hashing to a curve needs`, () => {
    for (const { msg, lenInBytes, uniformBytes } of cases) {
      // Longer tags are hashed by the RFC; the suites used here have none.
      if (lenInBytes > 256 || dst.length > 255) continue;
      core.write(at, utf8(msg));
      core.write(at + 8192, utf8(dst));
      core.exports.expandMessage(at + 10000, lenInBytes, at, msg.length, at + 8192, dst.length);
      expect(toHex(core.read(at + 10000, lenInBytes))).toBe(uniformBytes);
    }
  });
