/** Signatures, encodings, pairings and sums against the network's native libraries (test/fixtures/proofs/README.md). */
import { beforeAll, describe, expect, test } from "vitest";
import { concat, fromHex, toHex } from "../../../src/base/bytes.ts";
import type { Crypto } from "../../../src/core/crypto.ts";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { Instance } from "../../../src/core/instance.ts";
import { compileModule } from "../../../src/core/load.ts";
import bls from "../../fixtures/proofs/bls.json" with { type: "json" };
import { prng, prngFr } from "../../support/prng.ts";

type Kernels = Record<string, (...operands: number[]) => number>;

let crypto: Crypto;
let core: Instance<Kernels>;
let at: number;
beforeAll(async () => {
  crypto = await loadCrypto();
  core = await Instance.create<Kernels>(await compileModule("curve-test.wasm"), { name: "curve-test.wasm" });
  at = core.exports["kernelMemory"]!(65536);
});
const call = (name: string, ...operands: number[]): number => core.exports[name]!(...operands);
const message = (seed: number, length: number): Uint8Array => (length === 0 ? new Uint8Array() : prng(seed, length));

test("there is something of each kind to compare with", () => {
  const lists = { ...bls, "drand.chains": bls.drand.chains } as unknown as Record<string, unknown>;
  const names = [
    "keys",
    "privateKeyEncodings",
    "aggregates",
    "multiples",
    "pairings",
    "msm",
    "hashToCurve",
    "drand.chains",
  ];
  for (const name of names) expect(Object.keys(lists[name] as object).length, name).toBeGreaterThan(1);
  for (const one of bls.keys) expect(one.signatures.length).toBeGreaterThan(0);
  for (const chain of bls.drand.chains) expect(chain.beacons.length).toBeGreaterThan(0);
});

test("keys from seeds, public keys and signatures", () => {
  for (const one of bls.keys) {
    const secret = crypto.blsKeyFromSeed(prng(one.ikmSeed, 32));
    expect(toHex(secret)).toBe(one.privateKey);
    expect(toHex(crypto.blsPublicKey(secret))).toBe(one.publicKey);
    for (const { messageSeed, messageLength, signature } of one.signatures) {
      const body = message(messageSeed, messageLength);
      expect(toHex(crypto.blsSign(secret, body))).toBe(signature);
      expect(crypto.blsVerify(fromHex(one.publicKey), body, fromHex(signature))).toBe(true);
    }
  }
});

test("secret keys: canonical ones are taken, but never zero", () => {
  for (const { bytes, accepted } of bls.privateKeyEncodings) {
    const key = fromHex(bytes);
    const sign = () => crypto.blsPublicKey(key);
    if (accepted && key.some((byte) => byte !== 0)) expect(sign()).toHaveLength(48);
    else expect(sign).toThrowError();
  }
});

test("aggregates of distinct messages", () => {
  for (const one of bls.aggregates) {
    const messages = Array.from({ length: one.count }, (_, i) => ({
      publicKey: crypto.blsPublicKey(crypto.blsKeyFromSeed(prng(one.ikmSeed + i, 32))),
      message: prng(one.messageSeed + i, one.messageLength),
    }));
    if (one.publicKeys !== null) expect(messages.map(({ publicKey }) => toHex(publicKey))).toEqual(one.publicKeys);
    expect(crypto.blsVerifyAggregate(messages, fromHex(one.signature), { distinct: true })).toBe(one.valid);
  }
});

for (const one of bls.verdicts)
  test(`verdict: ${one.name}`, () => {
    if (one.messages.length !== one.publicKeys.length) return expect(one.valid).toBe(false);
    const messages = one.messages.map((body, i) => ({
      publicKey: fromHex(one.publicKeys[i]!),
      message: fromHex(body),
    }));
    const signature = fromHex(one.signature);
    expect(crypto.blsVerifyAggregate(messages, signature, { distinct: true })).toBe(one.valid);
  });

describe("encodings", () => {
  for (const one of bls.encodings)
    test(`${one.group} ${one.form}: ${one.what} (${one.bytes.slice(0, 8)}…) is ${one.accepted ? "taken" : "refused"}`, () => {
      const group = one.group.toLowerCase();
      const form = one.form === "compressed" ? "Decompress" : "FromUncompressed";
      core.write(at, fromHex(one.bytes));
      const state = call(group + form, at + 1024, at);
      const accepted = state === 1 || (state === 0 && call(`${group}IsInGroup`, at + 1024) === 1);
      // blst reads only the leading half then; an uncompressed reader should not.
      const lenient = one.form === "uncompressed" && one.what === "compression flag flipped";
      expect(accepted).toBe(one.accepted && !lenient);
      if (!accepted) return;
      call(`${group}${one.form === "compressed" ? "Compress" : "ToUncompressed"}`, at + 2048, at + 1024, state);
      expect(toHex(core.read(at + 2048, one.bytes.length / 2))).toBe(one.bytes);
    });
});

test("multiples of the generators, in constant time and not", () => {
  for (const one of bls.multiples)
    for (const [group, size, expected, encoded] of [
      ["g1", 96, one.g1Uncompressed, bls.encodings[10]!.bytes],
      ["g2", 192, one.g2Uncompressed, bls.encodings.find((e) => e.group === "G2" && e.form === "uncompressed")!.bytes],
    ] as const)
      for (const kernel of group === "g1" ? ["Mul", "MulSecret"] : ["Mul", "MulSecret", "MulSplit"]) {
        core.write(at, fromHex(encoded));
        core.write(at + 512, prngFr(one.scalarSeed).reverse());
        call(`${group}FromUncompressed`, at + 1024, at);
        call(`${group}FromAffine`, at + 2048, at + 1024);
        call(group + kernel, at + 3072, at + 2048, at + 512);
        call(`${group}ToAffine`, at + 1024, at + 3072);
        call(`${group}ToUncompressed`, at + 4096, at + 1024, 0);
        expect(toHex(core.read(at + 4096, size))).toBe(expected);
      }
});

test("multiples in G2 by four digits of the scalar equal the plain ones, at the edges of digits too", () => {
  const order = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;
  const parameter = 0xd201000000010000n;
  const edges = [0n, 1n, 2n, order - 1n, order - 2n];
  for (let power = parameter; power < order; power *= parameter)
    edges.push(power - 1n, power, power + 1n, (power * (parameter - 1n)) % order, order - power);
  const scalars = [...edges, ...Array.from({ length: 40 }, (_, i) => BigInt(`0x${toHex(prngFr(9000 + i).reverse())}`))];
  core.write(at, fromHex(bls.encodings.find((e) => e.group === "G2" && e.form === "uncompressed")!.bytes));
  call("g2FromUncompressed", at + 1024, at);
  call("g2FromAffine", at + 2048, at + 1024);
  /** Compressed, or null for the neutral point: coordinates have more than one form. */
  const bytesOf = (point: number): string | null => {
    if (call("g2ToAffine", at + 5120, point) === 0) return null;
    call("g2Compress", at + 6144, at + 5120, 0);
    return toHex(core.read(at + 6144, 96));
  };
  for (const scalar of scalars) {
    core.write(at + 512, fromHex(scalar.toString(16).padStart(64, "0")));
    call("g2Mul", at + 3072, at + 2048, at + 512);
    call("g2MulSplit", at + 4096, at + 2048, at + 512);
    expect(bytesOf(at + 4096), `${scalar}`).toBe(bytesOf(at + 3072));
    expect(bytesOf(at + 4096) === null).toBe(scalar === 0n);
    // In place, and of a point that is not affine.
    call("g2MulSplit", at + 4096, at + 4096, at + 512);
    call("g2Mul", at + 3072, at + 3072, at + 512);
    expect(bytesOf(at + 4096), `${scalar} twice`).toBe(bytesOf(at + 3072));
  }
});

test("pairings, with blst's final exponent", () => {
  for (const one of bls.pairings) {
    const scalar = (value: unknown, seed: unknown): Uint8Array =>
      typeof value === "number"
        ? Uint8Array.from({ length: 32 }, (_, i) => (i === 31 ? value : 0))
        : prngFr(Number(seed)).reverse();
    const entry = one as Record<string, unknown>;
    const generators = [
      bls.encodings[10]!.bytes,
      bls.encodings.find((e) => e.group === "G2" && e.form === "uncompressed")!.bytes,
    ];
    const scalars = [scalar(entry["a"], entry["aSeed"]), scalar(entry["b"], entry["bSeed"])];
    for (const [i, group, to] of [
      [0, "g1", at + 8192],
      [1, "g2", at + 8192 + 112],
    ] as const) {
      core.write(at, fromHex(generators[i]!));
      core.write(at + 512, scalars[i]!);
      call(`${group}FromUncompressed`, at + 1024, at);
      call(`${group}FromAffine`, at + 2048, at + 1024);
      call(`${group}Mul`, at + 3072, at + 2048, at + 512);
      call(`${group}ToAffine`, to, at + 3072);
    }
    call("pairing", at + 16384, at + 8192);
    // blst's order: v^i, and in it w^j; each as real part, imaginary part, big-endian.
    const parts: Uint8Array[] = [];
    for (let i = 0; i < 3; i++)
      for (let j = 0; j < 2; j++) {
        call("fp2ToBytes", at, at + 16384 + 336 * j + 112 * i);
        const bytes = core.read(at, 96);
        parts.push(bytes.slice(48), bytes.slice(0, 48));
      }
    expect(toHex(concat(...parts))).toBe(one.gt);
  }
});

test("the final power of 1 is 1, though 1 has no compressed form", () => {
  const one = at + 16384;
  core.write(one, new Uint8Array(672));
  core.write(at, fromHex("01".padStart(96, "0")));
  call("fpFromBytesBE", one, at);
  call("finalExponentiation", at + 8192, one);
  expect(call("fp12Equal", at + 8192, one)).toBe(1);
});

test("sums of multiples", () => {
  for (const one of bls.msm)
    for (const [group, size, encoded, expected] of [
      ["g1", 112, bls.encodings[10]!.bytes, one.g1],
      ["g2", 224, bls.encodings.find((e) => e.group === "G2" && e.form === "uncompressed")!.bytes, one.g2],
    ] as const) {
      const { count } = one;
      const points = call("kernelMemory", count * (size + 32) + call(`${group}MsmScratch`, count) + 16);
      const scalars = points + count * size;
      core.write(at, fromHex(encoded));
      call(`${group}FromUncompressed`, at + 1024, at);
      call(`${group}FromAffine`, at + 2048, at + 1024);
      for (let i = 0; i < count; i++) {
        core.write(at + 512, prngFr(one.pointSeed + i).reverse());
        call(`${group}Mul`, at + 3072, at + 2048, at + 512);
        call(`${group}ToAffine`, points + i * size, at + 3072);
        core.write(scalars + 32 * i, prngFr(one.scalarSeed + i));
      }
      call(`${group}Msm`, at + 4096, points, scalars, count, scalars + count * 32);
      call(`${group}ToAffine`, at + 1024, at + 4096);
      call(`${group}Compress`, at, at + 1024, 0);
      expect(toHex(core.read(at, expected.length / 2))).toBe(expected);
    }
});

test("hashes to both groups under the network's tags", () => {
  for (const one of bls.hashToCurve) {
    const body = message(one.messageSeed, one.messageLength);
    for (const [group, tag, expected] of [
      ["1", bls.dstG1, one.g1],
      ["2", bls.dstG2, one.g2],
    ] as const) {
      core.write(at + 8192, body);
      core.write(at, new TextEncoder().encode(tag));
      call(`hashG${group}`, at + 1024, at + 8192, body.length, at, tag.length);
      call(`g${group}Compress`, at + 2048, at + 1024, 0);
      expect(toHex(core.read(at + 2048, expected.length / 2))).toBe(expected);
    }
  }
});

test("real rounds of drand networks", () => {
  for (const chain of bls.drand.chains)
    for (const beacon of chain.beacons) {
      const round = BigInt(beacon.round);
      const key = fromHex(chain.publicKey);
      const signature = fromHex(beacon.signature);
      const chained = "previousSignature" in beacon;
      const verify = (number: bigint): boolean =>
        chained
          ? crypto.drandVerify(key, number, signature, fromHex(beacon.previousSignature as string))
          : crypto.drandVerifyQuicknet(key, number, signature);
      expect(verify(round)).toBe(true);
      expect(verify(round + 1n)).toBe(false);
      if ("randomness" in beacon) expect(toHex(crypto.sha256(signature))).toBe(beacon.randomness);
    }
});
