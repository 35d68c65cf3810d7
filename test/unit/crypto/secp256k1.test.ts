import { secp256k1 as noble } from "@noble/curves/secp256k1.js";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { concat, fromHex, toHex, utf8 } from "../../../src/base/bytes.ts";
import { loadCrypto } from "../../../src/core/crypto.ts";
import { CryptoError } from "../../../src/core/hashes.ts";
import type { Secp256k1 } from "../../../src/core/secp256k1.ts";

const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const P = 2n ** 256n - 2n ** 32n - 977n;
const LAMBDA = 0x5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72n;

let secp: Secp256k1;
let sha256: (bytes: Uint8Array) => Uint8Array;
beforeAll(async () => {
  const crypto = await loadCrypto();
  secp = crypto.secp256k1;
  sha256 = crypto.sha256;
});

const mod = (a: bigint, m = N): bigint => ((a % m) + m) % m;
const bytesOf = (value: bigint): Uint8Array => fromHex(value.toString(16).padStart(64, "0"));
const numberOf = (bytes: Uint8Array): bigint => BigInt(`0x${toHex(bytes)}`);
function inverse(a: bigint, m = N): bigint {
  let [r0, r1, t0, t1] = [m, mod(a, m), 0n, 1n];
  while (r1 > 0n) [r0, r1, t0, t1] = [r1, r0 % r1, t1, t0 - (r0 / r1) * t1];
  return mod(t0, m);
}
const keyOf = (secret: bigint): Uint8Array => noble.getPublicKey(bytesOf(secret), false);
/** What @noble/curves signs, in Filecoin's order. */
function nobleSign(digest: Uint8Array, secret: Uint8Array): Uint8Array {
  const recovered = noble.sign(digest, secret, { prehash: false, format: "recovered" });
  return concat(recovered.subarray(1), recovered.subarray(0, 1));
}
function nobleRecover(digest: Uint8Array, signature: Uint8Array): Uint8Array | null {
  try {
    const ordered = concat(signature.subarray(64), signature.subarray(0, 64));
    return noble.Signature.fromBytes(ordered, "recovered").recoverPublicKey(digest).toBytes(false);
  } catch {
    return null;
  }
}

const secrets = fc.bigInt({ min: 1n, max: N - 1n });
const digests = fc.uint8Array({ minLength: 32, maxLength: 32 });
/** Secrets whose points meet the base point's multiples and their images under the endomorphism. */
const CLOSE: readonly bigint[] = [
  1n,
  2n,
  3n,
  5n,
  16n,
  N - 1n,
  N - 2n,
  LAMBDA,
  mod(-LAMBDA),
  mod(LAMBDA * LAMBDA),
  LAMBDA + 1n,
];
const EDGE_DIGESTS: readonly Uint8Array[] = [
  bytesOf(0n),
  bytesOf(1n),
  bytesOf(N - 1n),
  bytesOf(N),
  bytesOf(N + 1n),
  bytesOf(2n ** 256n - 1n),
];

describe("public keys", () => {
  test("of 1 and 2 are the base point and its double", () => {
    expect(toHex(secp.publicKey(bytesOf(1n)))).toBe(
      "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798" +
        "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8",
    );
    expect(toHex(secp.publicKey(bytesOf(2n)))).toBe(
      "04c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5" +
        "1ae168fea63dc339a3c58419466ceaeef7f632653266d0e1236431a950cfe52a",
    );
  });

  test("equal @noble/curves, at the ends of the range and at powers of two", () => {
    const secretsAtEdges = [...CLOSE, ...Array.from({ length: 256 }, (_, i) => mod(1n << BigInt(i)))];
    for (const secret of secretsAtEdges) expect(toHex(secp.publicKey(bytesOf(secret)))).toBe(toHex(keyOf(secret)));
    fc.assert(
      fc.property(secrets, (secret) => {
        expect(toHex(secp.publicKey(bytesOf(secret)))).toBe(toHex(keyOf(secret)));
      }),
    );
  });

  test.each([0n, N, N + 1n, 2n ** 256n - 1n])("a secret of %s is refused", (secret) => {
    expect(() => secp.publicKey(bytesOf(secret))).toThrow(CryptoError);
    expect(() => secp.sign(bytesOf(1n), bytesOf(secret))).toThrow(CryptoError);
  });
});

describe("signing", () => {
  test("key 1 over sha-256 of a name, the known deterministic signature", () => {
    const signature = secp.sign(sha256(utf8("Satoshi Nakamoto")), bytesOf(1n));
    expect(toHex(signature.subarray(0, 64))).toBe(
      "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8" +
        "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5",
    );
  });

  test("equals @noble/curves, recovery id included", () => {
    fc.assert(
      fc.property(secrets, digests, (secret, digest) => {
        expect(toHex(secp.sign(digest, bytesOf(secret)))).toBe(toHex(nobleSign(digest, bytesOf(secret))));
      }),
    );
  });

  test("digests at and above the group's order are reduced first", () => {
    for (const digest of EDGE_DIGESTS) {
      for (const secret of [1n, 7n, N - 1n]) {
        const signature = secp.sign(digest, bytesOf(secret));
        expect(toHex(signature)).toBe(toHex(nobleSign(digest, bytesOf(secret))));
        expect(toHex(secp.recover(digest, signature) as Uint8Array)).toBe(toHex(keyOf(secret)));
      }
    }
  });
});

describe("recovery and verification", () => {
  test("give back the signer, and deny another digest, signature or key", () => {
    fc.assert(
      fc.property(secrets, digests, fc.nat(255), (secret, digest, bit) => {
        const key = keyOf(secret);
        const signature = nobleSign(digest, bytesOf(secret));
        expect(toHex(secp.recover(digest, signature) as Uint8Array)).toBe(toHex(key));
        expect(secp.verify(digest, signature, key)).toBe(true);
        const flip = (bytes: Uint8Array): Uint8Array =>
          bytes.map((b, i) => (i === bit >> 3 ? b ^ (1 << (bit & 7)) : b));
        expect(secp.verify(flip(digest), signature, key)).toBe(false);
        expect(secp.verify(digest, flip(signature), key)).toBe(false);
        expect(secp.verify(digest, signature, concat(key.subarray(0, 33), flip(key.subarray(33))))).toBe(false);
      }),
    );
  });

  test("recovery equals @noble/curves on any 65 bytes with a recovery id", () => {
    fc.assert(
      fc.property(digests, digests, digests, fc.nat(3), (digest, r, s, v) => {
        const signature = concat(r, s, Uint8Array.of(v));
        const ours = secp.recover(digest, signature);
        const theirs = nobleRecover(digest, signature);
        expect(ours === null ? null : toHex(ours)).toBe(theirs === null ? null : toHex(theirs));
      }),
    );
  });

  test("sums that meet equal or opposite points on the way are right", () => {
    // R = k G with small k, and keys near the base point: the multiples of G and of R coincide.
    for (const k of CLOSE) {
      const point = noble.Point.BASE.multiply(k).toAffine();
      const r = mod(point.x);
      for (const secret of CLOSE) {
        for (const z of [0n, 1n, 2n, N - 1n, LAMBDA, mod(-LAMBDA)]) {
          const s = mod(inverse(k) * (z + r * secret));
          if (s === 0n) continue;
          const v = Number(point.y & 1n) | (point.x >= N ? 2 : 0);
          const digest = bytesOf(z);
          const signature = concat(bytesOf(r), bytesOf(s), Uint8Array.of(v));
          expect(toHex(secp.recover(digest, signature) as Uint8Array)).toBe(toHex(keyOf(secret)));
          const low = s > N / 2n ? N - s : s;
          expect(secp.verify(digest, concat(bytesOf(r), bytesOf(low)), keyOf(secret))).toBe(true);
        }
      }
    }
  });

  test("a key at infinity is not recovered", () => {
    for (const k of [...CLOSE, 0x123456789abcdefn]) {
      const point = noble.Point.BASE.multiply(k).toAffine();
      for (const z of [1n, 99n, N - 1n]) {
        const signature = concat(
          bytesOf(mod(point.x)),
          bytesOf(mod(z * inverse(k))),
          Uint8Array.of(Number(point.y & 1n)),
        );
        expect(secp.recover(bytesOf(z), signature)).toBeNull();
      }
    }
  });

  test("a high s is recovered, as a chain may carry it, but does not verify", () => {
    const digest = bytesOf(123n);
    const signature = secp.sign(digest, bytesOf(5n));
    const high = concat(
      signature.subarray(0, 32),
      bytesOf(N - numberOf(signature.subarray(32, 64))),
      Uint8Array.of((signature[64] as number) ^ 1),
    );
    expect(toHex(secp.recover(digest, high) as Uint8Array)).toBe(toHex(keyOf(5n)));
    expect(secp.verify(digest, high, keyOf(5n))).toBe(false);
  });

  test("r or s that is zero or not below the order is refused", () => {
    const digest = bytesOf(123n);
    const good = secp.sign(digest, bytesOf(5n));
    for (const bad of [0n, N, N + 1n, 2n ** 256n - 1n]) {
      for (const at of [0, 32]) {
        const signature = good.slice();
        signature.set(bytesOf(bad), at);
        for (const v of [0, 1, 2, 3]) {
          signature[64] = v;
          expect(secp.recover(digest, signature)).toBeNull();
        }
        expect(secp.verify(digest, signature, keyOf(5n))).toBe(false);
      }
    }
  });

  test("recovery ids above 3 are refused, and 2 or 3 when r + n is not below p", () => {
    const digest = bytesOf(123n);
    const signature = secp.sign(digest, bytesOf(5n));
    for (const v of [2, 3, 4, 5, 27, 28, 31, 255]) {
      signature[64] = v;
      expect(secp.recover(digest, signature), `v = ${v}`).toBeNull();
    }
  });

  test("recovery ids 2 and 3 take the abscissa r + n", () => {
    let found = 0;
    for (let r = 1n; r < 40n; r++) {
      const signature = concat(bytesOf(r), bytesOf(7n), Uint8Array.of(2 + Number(r & 1n)));
      const ours = secp.recover(bytesOf(9n), signature);
      const theirs = nobleRecover(bytesOf(9n), signature);
      expect(ours === null ? null : toHex(ours)).toBe(theirs === null ? null : toHex(theirs));
      if (ours !== null) found++;
    }
    expect(found).toBeGreaterThan(5);
    const limit = P - N;
    for (const r of [limit, limit + 1n])
      for (const v of [2, 3])
        expect(secp.recover(bytesOf(9n), concat(bytesOf(r), bytesOf(7n), Uint8Array.of(v)))).toBeNull();
  });

  test("public keys of another form, off the curve or with coordinates not below p verify nothing", () => {
    const digest = bytesOf(123n);
    const signature = secp.sign(digest, bytesOf(5n));
    const key = keyOf(5n);
    const withBytes = (change: (bytes: Uint8Array) => void): Uint8Array => {
      const bytes = key.slice();
      change(bytes);
      return bytes;
    };
    expect(secp.verify(digest, signature, key)).toBe(true);
    for (const bad of [
      withBytes((b) => b.fill(0)),
      withBytes((b) => b.set([6])),
      withBytes((b) => b.set([2])),
      withBytes((b) => b.set([(b[64] as number) ^ 1], 64)),
      withBytes((b) => b.set(bytesOf(P), 1)),
      withBytes((b) => b.set(bytesOf(P), 33)),
    ])
      expect(secp.verify(digest, signature, bad)).toBe(false);
  });
});

describe("lengths", () => {
  test("other than the documented ones throw", () => {
    const [d, s, k] = [new Uint8Array(32), new Uint8Array(65), new Uint8Array(65)];
    const short = new Uint8Array(31);
    expect(() => secp.publicKey(short)).toThrow(CryptoError);
    expect(() => secp.sign(short, d)).toThrow(CryptoError);
    expect(() => secp.sign(d, short)).toThrow(CryptoError);
    expect(() => secp.recover(short, s)).toThrow(CryptoError);
    expect(() => secp.recover(d, new Uint8Array(64))).toThrow(CryptoError);
    expect(() => secp.verify(short, s, k)).toThrow(CryptoError);
    expect(() => secp.verify(d, short, k)).toThrow(CryptoError);
    expect(() => secp.verify(d, s, new Uint8Array(33))).toThrow(CryptoError);
  });
});
