/** BLS signatures, beacons and point encodings through the host's face, against an independent library. */
import { bls12_381 } from "@noble/curves/bls12-381.js";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../src/base/bytes.ts";
import type { Crypto } from "../../../src/core/crypto.ts";
import { loadCrypto } from "../../../src/core/crypto.ts";

const G1 = bls12_381.G1.Point;
const G2 = bls12_381.G2.Point;
const ORDER = bls12_381.fields.Fr.ORDER;
const P = bls12_381.fields.Fp.ORDER;
const TAG_G2 = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_";
const TAG_G1 = "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";

const le = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
const secret = fc.bigInt({ min: 1n, max: ORDER - 1n });
const message = fc.uint8Array({ maxLength: 200 });
const text = (words: string): Uint8Array => new TextEncoder().encode(words);

let crypto: Crypto;
beforeAll(async () => {
  crypto = await loadCrypto();
});

describe("signing", () => {
  test("keys and signatures equal those of an independent library in both arrangements", () => {
    fc.assert(
      fc.property(fc.oneof(secret, fc.constantFrom(1n, 2n, ORDER - 1n)), message, (sk, m) => {
        expect(toHex(crypto.blsPublicKey(le(sk)))).toBe(G1.BASE.multiply(sk).toHex(true));
        expect(toHex(crypto.blsShortPublicKey(le(sk)))).toBe(G2.BASE.multiply(sk).toHex(true));
        const h2 = bls12_381.G2.hashToCurve(m, { DST: TAG_G2 });
        expect(toHex(crypto.blsSign(le(sk), m))).toBe(h2.multiply(sk).toHex(true));
        const h1 = bls12_381.G1.hashToCurve(m, { DST: TAG_G1 });
        expect(toHex(crypto.blsShortSign(le(sk), m))).toBe(h1.multiply(sk).toHex(true));
      }),
      { numRuns: 15 },
    );
  });

  test("a secret of zero or from the order on is refused", () => {
    for (const bad of [0n, ORDER, ORDER + 1n, (1n << 256n) - 1n])
      expect(() => crypto.blsSign(le(bad), text("m"))).toThrowError(/secret key/);
  });

  test("keys from seeds follow EIP-2333's master key (KeyGen with the hashed salt)", () => {
    const seed = fromHex(
      "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04",
    );
    const key = 6083874454709270928345386274498605044986640685124978867557563392430687146096n;
    expect(toHex(crypto.blsKeyFromSeed(seed))).toBe(toHex(le(key)));
  });
});

describe("a batch", () => {
  const random = (count: number): Uint8Array => Uint8Array.from({ length: 8 * count }, (_, i) => (i * 97 + 11) & 255);
  const signed = (count: number, keys: number) =>
    Array.from({ length: count }, (_, i) => {
      const sk = le(BigInt(1000 + (i % keys)));
      const m = text(`message ${i}`);
      return { publicKey: crypto.blsPublicKey(sk), message: m, signature: crypto.blsSign(sk, m) };
    });

  test("passes if every signature is right, in any order of the keys, however many", () => {
    for (const [count, keys] of [
      [0, 1],
      [1, 1],
      [3, 1],
      [20, 1],
      [40, 40],
      [7, 3],
    ] as const)
      expect(crypto.blsVerifyBatch(signed(count, keys), random(count)), `${count} of ${keys}`).toBe(true);
    expect(crypto.blsVerifyBatch(signed(3, 1), new Uint8Array(24))).toBe(true);
  });

  test("fails if one of them is wrong: message, key, signature, or two that only cancel out", () => {
    const good = signed(5, 2);
    const [first, second] = [good[0], good[2]] as const;
    const swap = (at: number, over: object) => good.map((one, i) => (i === at ? { ...one, ...over } : one));
    const wrongs = [
      swap(4, { message: text("another") }),
      swap(1, { publicKey: good[0]?.publicKey }),
      swap(2, { signature: good[0]?.signature }),
      swap(3, { signature: new Uint8Array(96) }),
      swap(0, { publicKey: new Uint8Array(48) }),
      swap(3, { signature: Uint8Array.from({ length: 96 }, (_, i) => (i === 0 ? 0xc0 : 0)) }),
    ];
    for (const [i, wrong] of wrongs.entries()) expect(crypto.blsVerifyBatch(wrong, random(5)), `${i}`).toBe(false);
    // s1 + d and s2 - d under one key: their sum is that of the right ones, each alone is wrong.
    const point = (bytes: Uint8Array | undefined) => G2.fromHex(toHex(bytes as Uint8Array));
    const d = G2.BASE.multiply(5n);
    const moved = [
      { ...first, signature: point(first?.signature).add(d).toBytes(true) },
      { ...second, signature: point(second?.signature).subtract(d).toBytes(true) },
    ] as typeof good;
    const sum = crypto.blsAggregate(moved.map(({ signature }) => signature));
    expect(crypto.blsVerifyAggregate(moved, sum)).toBe(true);
    expect(crypto.blsVerifyBatch(moved, random(2))).toBe(false);
    // What went before leaves nothing behind.
    expect(crypto.blsVerifyBatch(good, random(5))).toBe(true);
  });

  test("wants random bytes for each signature", () => {
    expect(() => crypto.blsVerifyBatch(signed(2, 1), random(1))).toThrowError(/random bytes/);
  });
});

describe("verifying", () => {
  test("a signature holds for its message and key and no other", () => {
    fc.assert(
      fc.property(secret, secret, message, (sk, other, m) => {
        fc.pre(sk !== other);
        const key = crypto.blsPublicKey(le(sk));
        const signature = crypto.blsSign(le(sk), m);
        expect(crypto.blsVerify(key, m, signature)).toBe(true);
        expect(crypto.blsVerify(crypto.blsPublicKey(le(other)), m, signature)).toBe(false);
        expect(crypto.blsVerify(key, Uint8Array.of(...m, 0), signature)).toBe(false);
        const long = crypto.blsShortPublicKey(le(sk));
        const short = crypto.blsShortSign(le(sk), m);
        expect(crypto.blsShortVerify(long, m, short)).toBe(true);
        expect(crypto.blsShortVerify(long, Uint8Array.of(...m, 0), short)).toBe(false);
      }),
      { numRuns: 8 },
    );
  });

  test("every flipped bit of a signature or key is refused", () => {
    const sk = le(123456789n);
    const m = text("flip");
    const key = crypto.blsPublicKey(sk);
    const signature = crypto.blsSign(sk, m);
    for (let bit = 0; bit < 768; bit += 7) {
      const bad = signature.slice();
      bad[bit >> 3]! ^= 1 << (bit & 7);
      expect(crypto.blsVerify(key, m, bad)).toBe(false);
    }
    for (let bit = 0; bit < 384; bit += 7) {
      const bad = key.slice();
      bad[bit >> 3]! ^= 1 << (bit & 7);
      expect(crypto.blsVerify(bad, m, signature)).toBe(false);
    }
  });

  test("neutral points are no key and no signature", () => {
    const m = text("neutral");
    const key = crypto.blsPublicKey(le(5n));
    const none1 = Uint8Array.of(0xc0, ...new Uint8Array(47));
    const none2 = Uint8Array.of(0xc0, ...new Uint8Array(95));
    expect(crypto.blsVerify(none1, m, none2)).toBe(false);
    expect(crypto.blsVerify(key, m, none2)).toBe(false);
    expect(crypto.blsVerifyAggregate([{ publicKey: none1, message: m }], none2)).toBe(false);
    expect(crypto.blsIsPublicKey(none1)).toBe(false);
  });

  test("points of the curve outside of the group are refused", () => {
    let found = 0;
    for (let x = 1n; found < 5; x++) {
      const bytes = fromHex(((4n << 381n) | x).toString(16).padStart(96, "0"));
      bytes[0]! |= 0x80;
      try {
        G1.fromHex(toHex(bytes)).assertValidity();
      } catch (error) {
        // "bad point: not in prime-order subgroup": on the curve, which is what is wanted here.
        if (!/subgroup/.test(String(error))) continue;
        found++;
        expect(crypto.blsIsPublicKey(bytes)).toBe(false);
      }
    }
  });

  test("encodings that are not canonical are refused", () => {
    const good = crypto.blsPublicKey(le(77n));
    expect(crypto.blsIsPublicKey(good)).toBe(true);
    const change = (at: number, value: number): Uint8Array => {
      const bytes = good.slice();
      bytes[at] = value;
      return bytes;
    };
    expect(crypto.blsIsPublicKey(change(0, good[0]! & 0x7f))).toBe(false);
    expect(crypto.blsIsPublicKey(change(0, good[0]! | 0x40))).toBe(false);
    expect(crypto.blsIsPublicKey(Uint8Array.of(0xe0, ...new Uint8Array(47)))).toBe(false);
    expect(crypto.blsIsPublicKey(Uint8Array.of(0x40, ...new Uint8Array(47)))).toBe(false);
    expect(crypto.blsIsPublicKey(Uint8Array.of(0xc0, ...new Uint8Array(46), 1))).toBe(false);
    expect(crypto.blsIsPublicKey(new Uint8Array(48))).toBe(false);
    // x + p still fits 381 bits for small x only; p itself stands for 0.
    const p = fromHex(P.toString(16).padStart(96, "0"));
    p[0]! |= 0x80;
    expect(crypto.blsIsPublicKey(p)).toBe(false);
    expect(crypto.blsIsPublicKey(good.subarray(0, 47))).toBe(false);
    expect(() => crypto.blsVerify(Uint8Array.of(...good, 0), text("m"), new Uint8Array(96))).toThrowError(/bytes/);
  });
});

describe("aggregates", () => {
  const signers = (count: number) =>
    Array.from({ length: count }, (_, i) => {
      const sk = le(1000003n * BigInt(i + 1));
      const body = text(`message ${i}`);
      return { publicKey: crypto.blsPublicKey(sk), message: body, signature: crypto.blsSign(sk, body) };
    });

  test("a sum of signatures holds for all messages, over group borders, and fails when one is missing or changed", () => {
    for (const count of [1, 2, 31, 32, 33, 65]) {
      const all = signers(count);
      const sum = crypto.blsAggregate(all.map((one) => one.signature));
      expect(crypto.blsVerifyAggregate(all, sum)).toBe(true);
      expect(crypto.blsVerifyAggregate(all.slice(1), sum)).toBe(false);
      const wrong = all.map((one, i) => (i === count - 1 ? { ...one, message: text("other") } : one));
      expect(crypto.blsVerifyAggregate(wrong, sum)).toBe(false);
    }
  });

  test("the sum equals an independent library's", () => {
    const all = signers(5);
    const expected = all.map((one) => G2.fromHex(toHex(one.signature))).reduce((a, b) => a.add(b));
    expect(toHex(crypto.blsAggregate(all.map((one) => one.signature)))).toBe(expected.toHex(true));
  });

  test("the same message may stand twice under its sender's key", () => {
    const one = signers(1)[0]!;
    const sum = crypto.blsAggregate([one.signature, one.signature]);
    expect(crypto.blsVerifyAggregate([one, one], sum)).toBe(true);
    expect(crypto.blsVerifyAggregate([one], sum)).toBe(false);
  });

  test("messages may be made one by one with the same functions", () => {
    const keys = [le(11n), le(12n), le(13n)];
    const long = (i: number): Uint8Array => new Uint8Array(40000).fill(i);
    const sum = crypto.blsAggregate(keys.map((key, i) => crypto.blsSign(key, crypto.sha256(long(i)))));
    function* lazily() {
      for (const [i, key] of keys.entries())
        yield { publicKey: crypto.blsPublicKey(key), message: crypto.sha256(long(i)) };
    }
    expect(crypto.blsVerifyAggregate(lazily(), sum)).toBe(true);
    expect(crypto.blsVerifyAggregate(lazily(), crypto.blsSign(keys[0]!, long(1)))).toBe(false);
  });

  test("an aggregate over nothing is false, and a bad point cannot be summed", () => {
    expect(crypto.blsVerifyAggregate([], crypto.blsAggregate([]))).toBe(false);
    expect(() => crypto.blsAggregate([new Uint8Array(96)])).toThrowError(/group/);
  });
});

describe("drand", () => {
  test("a round of the chained network (drand mainnet, round 72785)", () => {
    const key = fromHex(
      "868f005eb8e6e4ca0a47c8a77ceaa5309a47978a7c71bc5cce96366b5d7a569937c529eeda66c7293784a9402801af31",
    );
    const signature = fromHex(
      "82f5d3d2de4db19d40a6980e8aa37842a0e55d1df06bd68bddc8d60002e8e959eb9cfa368b3c1b77d18f02a54fe047b80f0989315f83b12a74fd8679c4f12aae86eaf6ab5690b34f1fddd50ee3cc6f6cdf59e95526d5a5d82aaa84fa6f181e42",
    );
    const previous = fromHex(
      "a609e19a03c2fcc559e8dae14900aaefe517cb55c840f6e69bc8e4f66c8d18e8a609685d9917efbfb0c37f058c2de88f13d297c7e19e0ab24813079efe57a182554ff054c7638153f9b26a60e7111f71a0ff63d9571704905d3ca6df0b031747",
    );
    expect(crypto.drandVerify(key, 72785n, signature, previous)).toBe(true);
    expect(crypto.drandVerify(key, 72786n, signature, previous)).toBe(false);
    expect(crypto.drandVerify(key, 72785n, signature)).toBe(false);
  });

  test("a round of quicknet (round 1000)", () => {
    const key = fromHex(
      "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a",
    );
    const signature = fromHex(
      "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39",
    );
    expect(crypto.drandVerifyQuicknet(key, 1000n, signature)).toBe(true);
    expect(crypto.drandVerifyQuicknet(key, 1001n, signature)).toBe(false);
    expect(toHex(crypto.sha256(signature))).toBe("fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd");
  });
});

describe("the verifiable random function", () => {
  test("has one proof for a key and an input, which anyone can check", () => {
    const secretKey = le(424242n);
    const key = crypto.blsPublicKey(secretKey);
    const input = text("drawn randomness");
    const proof = crypto.blsSign(secretKey, input);
    expect(crypto.blsSign(secretKey, input)).toEqual(proof);
    expect(crypto.blsVerify(key, input, proof)).toBe(true);
    expect(crypto.blsVerify(key, text("other randomness"), proof)).toBe(false);
    expect(crypto.blsVerify(crypto.blsPublicKey(le(5n)), input, proof)).toBe(false);
    expect(() => crypto.blsVerify(key, input, proof.subarray(1))).toThrow("95 bytes");
    // The opposite point has the same x: it must not count as a second proof.
    const other = proof.slice();
    other[0]! ^= 0x20;
    expect(crypto.blsVerify(key, input, other)).toBe(false);
  });
});

test("keys, signatures and verdicts of the builds with and without SIMD are the same", async () => {
  const [plain, vectors] = await Promise.all([loadCrypto({ simd: false }), loadCrypto({ simd: true })]);
  fc.assert(
    fc.property(fc.oneof(secret, fc.constantFrom(1n, ORDER - 1n)), message, fc.nat(95), (sk, m, at) => {
      const [one, other] = [plain, vectors].map((build) => {
        const made = [build.blsPublicKey(le(sk)), build.blsSign(le(sk), m), build.blsShortPublicKey(le(sk))];
        return [...made, build.blsShortSign(le(sk), m), build.blsKeyFromSeed(Uint8Array.of(...le(sk), ...m))].map(
          toHex,
        );
      });
      expect(other).toEqual(one);
      const [key, signature] = [fromHex(one![0]!), fromHex(one![1]!)];
      const changed = signature.with(at, signature[at]! ^ 1);
      for (const build of [plain, vectors]) {
        expect(build.blsVerify(key, m, signature)).toBe(true);
        expect(build.blsVerify(key, m, changed)).toBe(false);
      }
    }),
    { numRuns: 10 },
  );
});
