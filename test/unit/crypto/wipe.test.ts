/** What a look into the module's memory finds of secrets after they were used: nothing. */
import { extract } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { expect, test } from "vitest";
import { type BlsExports, blsOf } from "../../../src/core/bls.ts";
import { Instance } from "../../../src/core/instance.ts";
import { compileModule } from "../../../src/core/load.ts";
import { type Secp256k1Exports, secp256k1Of } from "../../../src/core/secp256k1.ts";
import { prng } from "../../support/prng.ts";

const ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;

type Exports = BlsExports & Secp256k1Exports;
const BUILDS = ["crypto.wasm", "crypto-simd.wasm"] as const;
const open = async (name: (typeof BUILDS)[number]): Promise<Instance<Exports>> =>
  Instance.create<Exports>(await compileModule(name), { name });

const numberOf = (bytes: Uint8Array): bigint => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
/** A field element as the core's limbs: 29 bits in each u32. */
const limbs = (value: bigint): Uint8Array =>
  new Uint8Array(Uint32Array.from({ length: 9 }, (_, i) => Number((value >> BigInt(29 * i)) & 0x1fffffffn)).buffer);

/** Where the memory holds eight bytes of a secret, if anywhere: half a number is as good as all of it. */
function found(instance: Instance<Exports>, secrets: Record<string, Uint8Array>): string[] {
  const needles = new Map<number, [low: number, name: string]>();
  for (const [name, secret] of Object.entries(secrets))
    for (const bytes of [secret, secret.toReversed()])
      for (let at = 0; at + 8 <= bytes.length; at += 4) {
        const view = new DataView(bytes.buffer, bytes.byteOffset + at, 8);
        needles.set(view.getUint32(0), [view.getUint32(4), `${name} from ${at}`]);
      }
  const memory = instance.read(0, instance.memoryBytes);
  const view = new DataView(memory.buffer);
  const traces: string[] = [];
  for (let at = 0; at + 8 <= memory.length; at++) {
    const needle = needles.get(view.getUint32(at));
    if (needle !== undefined && view.getUint32(at + 4) === needle[0]) traces.push(needle[1]);
  }
  return traces;
}

function formsOf(key: Uint8Array): Record<string, Uint8Array> {
  const number = numberOf(key);
  const montgomery = (number << 261n) % ORDER;
  return {
    key,
    limbs: limbs(number),
    montgomery: limbs(montgomery),
    loose: limbs(montgomery + ORDER),
    looser: limbs(montgomery + 2n * ORDER),
  };
}

test.each(BUILDS)(
  "%s: a key made from a seed leaves neither seed, nor what was derived from it, nor itself",
  async (build) => {
    const instance = await open(build);
    const bls = blsOf(instance);
    const seed = prng(31, 64);
    const key = bls.blsKeyFromSeed(seed);
    const salt = sha256(new TextEncoder().encode("BLS-SIG-KEYGEN-SALT-"));
    const prk = extract(sha256, Uint8Array.of(...seed, 0), salt);
    const okm = hmac(sha256, prk, Uint8Array.of(0, 48, 1));
    const xored = (byte: number): Uint8Array => prk.map((one) => one ^ byte);
    expect(found(instance, { seed, prk, okm, inner: xored(0x36), outer: xored(0x5c), ...formsOf(key) })).toEqual([]);
  },
);

test.each(BUILDS)(
  "%s: signing and public keys leave nothing of the key, nor does a key that is refused",
  async (build) => {
    const instance = await open(build);
    const bls = blsOf(instance);
    const key = prng(32, 32).with(31, 0x21);
    bls.blsPublicKey(key);
    bls.blsShortPublicKey(key);
    bls.blsSign(key, prng(1, 40));
    bls.blsShortSign(key, prng(1, 40));
    expect(found(instance, formsOf(key))).toEqual([]);
    const large = prng(33, 32).with(31, 0xf1);
    expect(() => bls.blsSign(large, prng(1, 40))).toThrow();
    expect(found(instance, { large })).toEqual([]);
  },
);

test.each(BUILDS)("%s: secp256k1 signing leaves nothing of the key", async (build) => {
  const instance = await open(build);
  const secp256k1 = secp256k1Of(instance);
  const key = prng(34, 32).with(0, 0x21);
  secp256k1.publicKey(key);
  secp256k1.sign(prng(2, 32), key);
  expect(found(instance, { key })).toEqual([]);
});

test.each(BUILDS)("%s: the search finds what is there", async (build) => {
  const instance = await open(build);
  const key = prng(35, 32);
  instance.write(instance.memoryBytes - 99, key.toReversed());
  expect(found(instance, { key })).not.toEqual([]);
});
