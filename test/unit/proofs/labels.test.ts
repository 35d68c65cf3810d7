/** Labels of either build against their definition, a SHA-256 of the whole message. */
import { sha256 } from "@noble/hashes/sha2.js";
import { describe, expect, test } from "vitest";
import { toHex } from "../../../src/base/bytes.ts";
import { loadProofs } from "../../../src/core/proofs.ts";
import { hasSimd } from "../../../src/core/simd.ts";
import { prng } from "./fixture.ts";

const builds = [{ name: "plain", proofs: await loadProofs({ simd: false }) }];
if (hasSimd()) builds.push({ name: "simd", proofs: await loadProofs({ simd: true }) });

const SLOTS = 64;
const COUNT = 12;

describe.each(builds)("$name build", ({ proofs }) => {
  test.each([
    [1, 0n],
    [1, 1n],
    [2, 0n],
    [2, 77n],
    [11, (1n << 33n) + 5n],
  ])("layer %i from node %i on", (layer, node) => {
    const [id, before] = [prng(layer, 32), prng(100 + layer, 32 * SLOTS)];
    const choices = prng(200 + layer, 14 * COUNT);
    proofs.with(32 + 2 * 32 * SLOTS + 56 * COUNT, (at) => {
      const [current, previous, list] = [at + 32, at + 32 + 32 * SLOTS, at + 32 + 64 * SLOTS];
      const slot = SLOTS - COUNT;
      const parents = Uint32Array.from(choices, (byte, i) => byte % (i % 14 < 6 ? slot + Math.floor(i / 14) : SLOTS));
      proofs.instance.write(at, id);
      proofs.instance.write(current, before);
      proofs.instance.write(previous, prng(300 + layer, 32 * SLOTS));
      proofs.instance.write(list, new Uint8Array(parents.buffer));
      proofs.exports.labelRange(at, layer, current, previous, list, slot, node, COUNT);
      const label = (bank: number, place: number): Uint8Array => proofs.instance.read(bank + 32 * place, 32).slice();
      for (let n = 0; n < COUNT; n++) {
        const number = node + BigInt(n);
        const message = new Uint8Array(number === 0n ? 64 : 64 + 32 * 37);
        const head = new DataView(message.buffer);
        message.set(id);
        head.setUint32(32, layer);
        head.setBigUint64(36, number);
        const width = layer === 1 ? 6 : 14;
        for (let i = 0; i < 37 && number > 0n; i++) {
          const which = i % width;
          message.set(label(which < 6 ? current : previous, parents[14 * n + which]!), 64 + 32 * i);
        }
        const expected = sha256(message);
        expected[31]! &= 0x3f;
        expect(toHex(label(current, slot + n))).toBe(toHex(expected));
      }
    });
  });
});
