/** Groth16 verification against proofs of the real circuits under local keys (see test/fixtures/proofs/README.md). */
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { beforeAll, describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import { loadProofs, type Proofs } from "../../../src/core/proofs.ts";
import type { VerifyingKey } from "../../../src/sector/snark/groth16.ts";
import { readVerifyingKey, VerifyingKeyError } from "../../../src/sector/snark/groth16.ts";
import porep from "../../fixtures/proofs/groth16-porep.json" with { type: "json" };
import post from "../../fixtures/proofs/groth16-post.json" with { type: "json" };
import snarkjs from "../../fixtures/proofs/groth16-snarkjs.json" with { type: "json" };

type Case = { name: string; key: string; proof: string; circuitInputs: string[][] };
const cases: Case[] = [...post.cases, ...porep.cases];
const files: Record<string, { hex: string }> = { ...post.verifyingKeys, ...porep.verifyingKeys };
const ORDER = fromHex("01000000fffffffffe5bfeff02a4bd5305d8a10908d83933487d9d2953a7ed73");
const entropy = Uint8Array.from({ length: 32 }, (_, i) => i * 11 + 3);

let module: Proofs;
const keys = new Map<string, VerifyingKey>();
beforeAll(async () => {
  module = await loadProofs();
  for (const [name, file] of Object.entries(files)) keys.set(name, readVerifyingKey(module, fromHex(file.hex)));
});

const keyOf = (one: Case): VerifyingKey => keys.get(one.key)!;
const rowsOf = (one: Case): Uint8Array[][] => one.circuitInputs.map((row) => row.map(fromHex));
const flip = (bytes: Uint8Array, bit: number): Uint8Array => {
  const copy = bytes.slice();
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
};

for (const one of cases) {
  test(`${one.name}: partitions verify singly and as a batch`, () => {
    const proofs = fromHex(one.proof);
    const rows = rowsOf(one);
    rows.forEach((row, i) => {
      expect(keyOf(one).verify(proofs.subarray(192 * i, 192 * (i + 1)), row)).toBe("VALID");
    });
    expect(keyOf(one).verifyBatch(proofs, rows, entropy)).toBe("VALID");
  });

  test(`${one.name}: a changed input is refused`, () => {
    const proof = fromHex(one.proof).subarray(0, 192);
    const row = rowsOf(one)[0]!;
    for (let i = 0; i < row.length; i += Math.ceil(row.length / 6)) {
      const changed = row.map((input, j) => (i === j ? flip(input, (i * 37) % 250) : input));
      expect(keyOf(one).verify(proof, changed)).toBe("INVALID");
    }
  });
}

describe("a proof", () => {
  const one = cases.find((entry) => entry.key === "window")!;
  const proof = fromHex(one.proof).subarray(0, 192);

  test("with any flipped bit is refused: as no point, or by the equation", () => {
    const row = rowsOf(one)[0]!;
    for (let bit = 0; bit < 192 * 8; bit += 31) {
      const verdict = keyOf(one).verify(flip(proof, bit), row);
      expect(["INVALID", "BAD_PROOF_POINT"]).toContain(verdict);
    }
  });

  test("with parts exchanged or neutral is refused", () => {
    const row = rowsOf(one)[0]!;
    const swapped = Uint8Array.of(...proof.subarray(144), ...proof.subarray(48, 144), ...proof.subarray(0, 48));
    expect(keyOf(one).verify(swapped, row)).toBe("INVALID");
    for (const [at, length] of [
      [0, 48],
      [48, 96],
      [144, 48],
    ] as const) {
      const neutral = proof.slice();
      neutral.fill(0, at, at + length);
      neutral[at] = 0xc0;
      expect(keyOf(one).verify(neutral, row)).toBe("BAD_PROOF_POINT");
    }
  });

  test("of a wrong length, or with wrong inputs, has its own verdict", () => {
    const row = rowsOf(one)[0]!;
    const key = keyOf(one);
    expect(key.verify(proof.subarray(1), row)).toBe("BAD_PROOF_LENGTH");
    expect(key.verify(Uint8Array.of(...proof, 0), row)).toBe("BAD_PROOF_LENGTH");
    expect(key.verify(proof, row.slice(1))).toBe("BAD_INPUT_COUNT");
    expect(key.verify(proof, [...row.slice(1), ORDER])).toBe("BAD_INPUT");
    expect(key.verify(proof, [...row.slice(1), new Uint8Array(31)])).toBe("BAD_INPUT");
    expect(key.verifyBatch(new Uint8Array(), [], entropy)).toBe("BAD_PROOF_COUNT");
  });

  test("under another circuit's key is refused", () => {
    expect(keys.get("winning")!.verify(proof, rowsOf(one)[0]!)).toBe("BAD_INPUT_COUNT");
  });
});

describe("a batch", () => {
  test("with one bad partition is refused, whichever it is, and the order of partitions counts", () => {
    const one = cases.find((entry) => entry.circuitInputs.length === 2)!;
    const proofs = fromHex(one.proof);
    const rows = rowsOf(one);
    const key = keyOf(one);
    for (const bad of [0, 1]) {
      const changed = rows.map((row, i) => (i === bad ? [flip(row[0]!, 3), ...row.slice(1)] : row));
      expect(key.verifyBatch(proofs, changed, entropy)).toBe("INVALID");
    }
    const exchanged = Uint8Array.of(...proofs.subarray(192), ...proofs.subarray(0, 192));
    expect(key.verifyBatch(exchanged, rows, entropy)).toBe("INVALID");
    expect(key.verifyBatch(exchanged, [...rows].reverse(), entropy)).toBe("VALID");
    expect(key.verifyBatch(proofs.subarray(0, 192), rows, entropy)).toBe("BAD_PROOF_LENGTH");
  });

  test("of proofs of several statements under one key verifies together", () => {
    const window = cases.filter((entry) => entry.key === "window");
    const proofs = Uint8Array.from(window.flatMap((entry) => [...fromHex(entry.proof)]));
    const rows = window.flatMap(rowsOf);
    expect(keys.get("window")!.verifyBatch(proofs, rows, entropy)).toBe("VALID");
  });
});

test("a batch whose faults cancel under guessed weights is refused, even if the entropy is known", () => {
  // C0 + w1 D and C1 - w0 D leave w0 C0 + w1 C1 as it was. The weights that a prover can foresee are those of the same
  // proofs before the change; were they those of the changed ones, the batch would pass.
  const one = cases.find((entry) => entry.circuitInputs.length === 2)!;
  const proofs = fromHex(one.proof);
  const rows = rowsOf(one);
  const G1 = bls12_381.G1.Point;
  const weigh = (seed: Uint8Array): bigint[] =>
    [0, 1].map((j) => {
      const digest = sha256(Uint8Array.of(...seed, j, 0, 0, 0)).slice(0, 16);
      return BigInt(`0x${toHex(digest.reverse())}`);
    });
  const seeds = [entropy, sha256(Uint8Array.of(...entropy, ...proofs, ...rows.flat().flatMap((row) => [...row])))];
  for (const seed of seeds) {
    const [w0, w1] = weigh(seed) as [bigint, bigint];
    const forged = proofs.slice();
    const points = [0, 1].map((j) => G1.fromBytes(proofs.slice(192 * j + 144, 192 * j + 192)));
    forged.set(points[0]!.add(G1.BASE.multiply(w1)).toBytes(), 144);
    forged.set(points[1]!.subtract(G1.BASE.multiply(w0)).toBytes(), 192 + 144);
    expect(keyOf(one).verifyBatch(forged, rows, entropy)).toBe("INVALID");
  }
});

describe("a verifying key", () => {
  const bytes = fromHex(files["window"]!.hex);
  const refused = (bad: Uint8Array): string => {
    try {
      readVerifyingKey(module, bad).release();
      return "accepted";
    } catch (error) {
      return error instanceof VerifyingKeyError ? error.code : String(error);
    }
  };

  test("with a flipped bit in a point is refused", () => {
    for (const at of [3, 100, 200, 400, 600, 700, 900, bytes.length - 1]) {
      expect(refused(flip(bytes, 8 * at + 2))).toBe("BAD_KEY_POINT");
    }
  });

  test("cannot be used or given back a second time after its release", () => {
    const key = readVerifyingKey(module, bytes);
    const row = Array.from({ length: key.inputCount }, () => new Uint8Array(32));
    key.release();
    const refusal = expect.objectContaining({ code: "KEY_RELEASED" });
    expect(() => key.verify(new Uint8Array(192), row)).toThrowError(refusal);
    expect(() => key.verifyBatch(new Uint8Array(192), [row], entropy)).toThrowError(refusal);
    expect(() => key.release()).toThrowError(refusal);
  });

  test("of another length than its count of points says is refused", () => {
    expect(refused(bytes.subarray(0, bytes.length - 96))).toBe("BAD_KEY_LENGTH");
    expect(refused(Uint8Array.of(...bytes, 0))).toBe("BAD_KEY_LENGTH");
    expect(refused(new Uint8Array())).toBe("BAD_KEY_LENGTH");
  });
});

describe("a proof made by snarkjs", () => {
  const P = 0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaabn;
  const coordinate = (value: string): string => BigInt(value).toString(16).padStart(96, "0");
  const g1 = ([x, y]: string[]): string => coordinate(x!) + coordinate(y!);
  const g2 = ([x, y]: string[][]): string =>
    coordinate(x![1]!) + coordinate(x![0]!) + coordinate(y![1]!) + coordinate(y![0]!);
  const compress = (uncompressed: string, larger: boolean): string => {
    const x = uncompressed.slice(0, uncompressed.length / 2);
    return (Number.parseInt(x.slice(0, 2), 16) | 0x80 | (larger ? 0x20 : 0)).toString(16) + x.slice(2);
  };
  const isLarger = (value: string): boolean => BigInt(value) > (P - 1n) / 2n;
  const { vk_alpha_1, vk_beta_2, vk_gamma_2, vk_delta_2, IC } = snarkjs.verificationKey;
  // beta and delta in G1 are the prover's; any points do.
  const alpha = g1(vk_alpha_1);
  const file = fromHex(
    alpha +
      alpha +
      g2(vk_beta_2) +
      g2(vk_gamma_2) +
      alpha +
      g2(vk_delta_2) +
      IC.length.toString(16).padStart(8, "0") +
      IC.map(g1).join(""),
  );
  const { pi_a, pi_b, pi_c } = snarkjs.proof;
  const proof = fromHex(
    compress(g1(pi_a), isLarger(pi_a[1]!)) +
      compress(g2(pi_b), isLarger(pi_b[1]![1] === "0" ? pi_b[1]![0]! : pi_b[1]![1]!)) +
      compress(g1(pi_c), isLarger(pi_c[1]!)),
  );
  const signals = snarkjs.publicSignals.map((value) => fromHex(BigInt(value).toString(16).padStart(64, "0")).reverse());

  test("is accepted, and refused for other signals", () => {
    const key = readVerifyingKey(module, file);
    expect(key.verify(proof, signals)).toBe("VALID");
    signals.forEach((signal, i) => {
      const changed = signals.map((other, j) => (i === j ? flip(signal, 0) : other));
      expect(key.verify(proof, changed)).toBe("INVALID");
    });
    expect(key.verify(proof, [...signals].reverse())).toBe("INVALID");
    key.release();
  });
});
